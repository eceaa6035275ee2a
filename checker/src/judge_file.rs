//! Judges a history file that need not fit into memory.
//!
//! Events are paired, and finished operations put aside by key ([`crate::piles`]); when the file ends, all threads take piles, unpack the
//! operations of one item at a time, and judge them. Nothing is judged before the whole file has been understood. Two threads read: of the
//! compact form one reads and pairs and the other puts aside, which takes about as long; lines are understood by both.
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
use crate::history::ndjson::{self, Understood};
use crate::history::{Format, Header, binary, open, open_and_detect, read_format};
use crate::judge::{Judgement, Options, judge_on};
use crate::paired::Pairer;
use crate::parallel;

/// How many batches may wait.
const BATCHES_WAITING: usize = 2;

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
    let (header, lines, mut chunks) = ndjson::Reader::new(input)?.into_chunks();
    let is_alone = resources.threads.get() == 1;
    let mut gathering = Gathering::new(header, resources);
    let understand = |chunk| lines.understand(chunk);
    let mut take = |(events, error): Understood| {
        gathering.push_all(events)?;
        error.map_or(Ok(()), |error| Err(JudgeError::from(error)))
    };
    if is_alone {
        chunks.try_for_each(|chunk| take(understand(chunk)))?;
    } else {
        parallel::in_order(chunks, understand, take)?;
    }
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
    let mut batches = std::iter::from_fn(|| reader.pair(&mut pairer));
    if is_alone {
        batches.try_for_each(|paired| gathering.put_aside(&paired?))?;
    } else {
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(BATCHES_WAITING);
            scope.spawn(move || {
                // Whatever goes wrong at the other end drops the receiver, and then the reader stops.
                let _ = batches.try_for_each(|paired| sender.send(paired));
            });
            let mut all = receiver.into_iter();
            all.try_for_each(|paired| gathering.put_aside(&paired?))
        })?;
    }
    gathering.go_on(pairer);
    Ok(gathering)
}
