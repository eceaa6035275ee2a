//! Judges a history file that need not fit into memory.
//!
//! One thread reads events (of the compact form it pairs them, too), another pairs them and puts finished operations aside by key
//! ([`crate::piles`]); when the file ends, all threads take piles, unpack the operations of one item at a time, and judge them. Nothing is
//! judged before the whole file has been understood.
//! The verdict is that of [`crate::judge()`], to the byte.
//!
//! Transactions are judged across items: for them the history is put together again once its items have been judged, and if it does not
//! fit into the memory allowed, that check is unknown and says how much would do. Forms of other tools are read as a whole, and refused
//! when there is a limit; `dateline convert` makes one of our forms of them.

use std::io::BufRead;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::gathering::{Gathering, JudgeError, Resources};
use crate::history::ndjson::{self, ReadError};
use crate::history::{Event, Format, Header, binary, open, open_and_detect, read_format};
use crate::judge::{Judgement, Options, judge_on};
use crate::paired::Pairer;

/// How many lines go from the reader to the pairing at a time.
const BATCH_EVENTS: usize = 512;
/// How many batches may wait.
const BATCHES_WAITING: usize = 8;

/// Judges a history file; its form is detected unless it is named. Returns its header with the verdict.
///
/// # Errors
/// When the file is not a well-formed history (nothing is half-judged then), or when the disk for what does not fit into memory fails.
pub fn judge_file(
    path: &Path,
    format: Option<Format>,
    options: &Options<'_>,
    resources: Resources,
) -> Result<(Header, Judgement), JudgeError> {
    let (input, detected) = open_and_detect(path)?;
    let gathering = match format.unwrap_or(detected) {
        Format::Dateline => gather_lines(input, resources)?,
        Format::Compact => gather_compact(input, resources)?,
        Format::Operations | Format::JepsenEdn | Format::JepsenLog
            if resources.memory.is_some() =>
        {
            return Err(JudgeError::Foreign);
        }
        other @ (Format::Operations | Format::JepsenEdn | Format::JepsenLog) => {
            let history = read_format(input, other)?;
            let judgement = judge_on(&history, options, resources.threads)?;
            return Ok((history.header, judgement));
        }
    };
    let judgement = gathering.judge(options)?;
    Ok((gathering.header().clone(), judgement))
}

/// Reads a history file in our own line form, to be judged.
///
/// # Errors
/// As [`judge_file`].
pub fn gather_file(path: &Path, resources: Resources) -> Result<Gathering, JudgeError> {
    gather_lines(open(path)?, resources)
}

fn gather_lines(
    input: Box<dyn BufRead + Send>,
    resources: Resources,
) -> Result<Gathering, JudgeError> {
    let reader = ndjson::Reader::new(input)?;
    let header = reader.header().clone();
    let batches = Batches {
        events: reader,
        error: None,
    };
    let is_alone = resources.threads.get() == 1;
    let mut gathering = Gathering::new(header, resources);
    in_two_parts(is_alone, batches, |batch| gathering.push_all(batch))?;
    Ok(gathering)
}

fn gather_compact(
    input: Box<dyn BufRead + Send>,
    resources: Resources,
) -> Result<Gathering, JudgeError> {
    let mut reader = binary::Reader::new(input)?;
    let mut pairer = Pairer::default();
    let is_alone = resources.threads.get() == 1;
    let mut gathering = Gathering::new(reader.header().clone(), resources);
    let batches = std::iter::from_fn(|| reader.pair(&mut pairer));
    in_two_parts(is_alone, batches, |paired| gathering.put_aside(&paired))?;
    gathering.go_on(pairer);
    Ok(gathering)
}

/// Makes batches on one thread, if there are several, and takes them on another.
fn in_two_parts<B: Send>(
    is_alone: bool,
    mut batches: impl Iterator<Item = Result<B, ReadError>> + Send,
    mut take: impl FnMut(B) -> Result<(), JudgeError>,
) -> Result<(), JudgeError> {
    if is_alone {
        return batches.try_for_each(|batch| take(batch?));
    }
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(BATCHES_WAITING);
        scope.spawn(move || {
            // Whatever goes wrong at the other end drops the receiver, and then the maker stops.
            let _ = batches.try_for_each(|batch| sender.send(batch));
        });
        receiver.into_iter().try_for_each(|batch| take(batch?))
    })
}

/// Events by the batch.
struct Batches<E> {
    events: E,
    /// What was found wrong, but not said yet: what came before may be wrong too, and then that counts.
    error: Option<ReadError>,
}

impl<E: Iterator<Item = Result<(u64, Event), ReadError>>> Iterator for Batches<E> {
    type Item = Result<Vec<(u64, Event)>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        let mut batch = Vec::with_capacity(BATCH_EVENTS);
        while batch.len() < BATCH_EVENTS {
            match self.events.next() {
                Some(Ok(event)) => batch.push(event),
                Some(Err(error)) if batch.is_empty() => return Some(Err(error)),
                Some(Err(error)) => {
                    self.error = Some(error);
                    break;
                }
                None => break,
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    }
}
