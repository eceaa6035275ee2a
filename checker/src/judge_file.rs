//! Judges a history file that need not fit into memory.
//!
//! One thread reads events, another pairs them and puts finished operations aside by key ([`crate::piles`]); when the file ends, all threads
//! take piles, unpack the operations of one item at a time, and judge them. Nothing is judged before the whole file has been understood.
//! The verdict is that of [`crate::judge()`], to the byte.
//!
//! Transactions are judged across items: for them the history is put together again once its items have been judged, and if it does not
//! fit into the memory allowed, that check is unknown and says how much would do. Forms of other tools are read as a whole, and refused
//! when there is a limit; `dateline convert` makes one of our forms of them.

use std::io::BufRead;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::gathering::{Gathering, JudgeError, Resources};
use crate::history::ndjson::{self, ReadError};
use crate::history::{Event, Format, Header, binary, open, open_and_detect, read_format};
use crate::judge::{Judgement, Options, judge_on};

/// How many events go from the reader to the pairing at a time.
const BATCH_EVENTS: usize = 512;
/// How many such batches may wait.
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
        Format::Compact => {
            let reader = binary::Reader::new(input)?;
            gather(reader.header().clone(), reader, resources)?
        }
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
    gather(reader.header().clone(), reader, resources)
}

/// Takes everything that a reader yields.
fn gather(
    header: Header,
    events: impl Iterator<Item = Result<(u64, Event), ReadError>> + Send,
    resources: Resources,
) -> Result<Gathering, JudgeError> {
    let is_alone = resources.threads.get() == 1;
    let mut gathering = Gathering::new(header, resources);
    if is_alone {
        for next in events {
            let (line, event) = next?;
            gathering.push(line, event)?;
        }
        return Ok(gathering);
    }
    thread::scope(|scope| -> Result<(), JudgeError> {
        let (sender, receiver) = sync_channel(BATCHES_WAITING);
        scope.spawn(|| send(events, sender));
        // Whatever goes wrong here drops the receiver, and then the reader stops.
        take(&mut gathering, receiver)
    })?;
    Ok(gathering)
}

fn take(gathering: &mut Gathering, batches: Receiver<Batch>) -> Result<(), JudgeError> {
    for batch in batches {
        for (line, event) in batch? {
            gathering.push(line, event)?;
        }
    }
    Ok(())
}

/// Events in their order, or what stopped them.
type Batch = Result<Vec<(u64, Event)>, ReadError>;

/// Hands events on in batches, until they end or nobody wants them.
fn send(events: impl Iterator<Item = Result<(u64, Event), ReadError>>, to: SyncSender<Batch>) {
    let mut batch = Vec::with_capacity(BATCH_EVENTS);
    for next in events {
        match next {
            Ok(event) => batch.push(event),
            Err(error) => {
                // What came before may be wrong too, and then that counts.
                let _ = to.send(Ok(batch));
                let _ = to.send(Err(error));
                return;
            }
        }
        if batch.len() == BATCH_EVENTS {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_EVENTS));
            if to.send(Ok(full)).is_err() {
                return;
            }
        }
    }
    let _ = to.send(Ok(batch));
}
