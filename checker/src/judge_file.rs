//! Judges a history file that need not fit into memory.
//!
//! One thread reads events, another pairs them and puts finished operations aside by key ([`crate::piles`]); when the file ends, all threads
//! take piles, unpack the operations of one item at a time, and judge them. Nothing is judged before the whole file has been understood.
//! The verdict is that of [`crate::judge()`], to the byte.
//!
//! Histories with transactions, which are judged across items, and forms of other tools are read as a whole and judged in memory, whatever
//! the limit; `dateline convert` makes one of our forms of the latter.

use std::io::BufRead;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::gathering::{Gathering, JudgeError, Resources};
use crate::history::ndjson::{self, ReadError};
use crate::history::{
    Event, Format, Header, binary, open, open_and_detect, read_format, read_history_as,
};
use crate::judge::{Judgement, Options, judge_on};

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
    let threads = resources.threads;
    let (input, detected) = open_and_detect(path)?;
    let gathering = match format.unwrap_or(detected) {
        Format::Dateline => gather_lines(input, resources)?,
        Format::Compact => {
            let mut reader = binary::Reader::new(input)?;
            let header = reader.header().clone();
            let batches = std::iter::from_fn(move || reader.batch());
            gather(header, batches, Gathering::push_batch, resources)?
        }
        other @ (Format::Operations | Format::JepsenEdn | Format::JepsenLog) => {
            let history = read_format(input, other)?;
            let judgement = judge_on(&history, options, resources.threads)?;
            return Ok((history.header, judgement));
        }
    };
    if gathering.has_transactions() {
        let history = read_history_as(path, format.unwrap_or(detected))?;
        let judgement = judge_on(&history, options, threads)?;
        return Ok((history.header, judgement));
    }
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
    let take = |gathering: &mut Gathering, batch: Vec<(u64, Event)>| {
        let mut events = batch.into_iter();
        events.try_for_each(|(line, event)| gathering.push(line, event))
    };
    gather(header, batches, take, resources)
}

/// Takes everything that a reader yields, in batches.
fn gather<B: Send>(
    header: Header,
    mut batches: impl Iterator<Item = Result<B, ReadError>> + Send,
    take: impl Fn(&mut Gathering, B) -> Result<(), JudgeError>,
    resources: Resources,
) -> Result<Gathering, JudgeError> {
    let is_alone = resources.threads.get() == 1;
    let mut gathering = Gathering::new(header, resources);
    if is_alone {
        for batch in batches {
            take(&mut gathering, batch?)?;
        }
        return Ok(gathering);
    }
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(BATCHES_WAITING);
        scope.spawn(move || {
            // Whatever goes wrong at the other end drops the receiver, and then the reader stops.
            let _ = batches.try_for_each(|batch| sender.send(batch));
        });
        for batch in receiver {
            take(&mut gathering, batch?)?;
        }
        Ok(gathering)
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
