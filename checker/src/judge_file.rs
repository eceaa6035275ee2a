//! Judges a history file that need not fit into memory.
//!
//! One thread reads events, another pairs them and puts finished operations aside by key ([`crate::piles`]); when the file ends, all threads
//! take piles, unpack the operations of one item at a time, and judge them. Nothing is judged before the whole file has been understood.
//! The verdict is the one of [`crate::judge()`], to the byte.
//!
//! Forms of other tools are read as a whole and judged in memory, whatever the limit: `dateline convert` makes one of ours of them.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::check::{Builder, Counts, Panel, Subjects, Touch, touches};
use crate::expectation::UnknownExpectation;
use crate::history::binary::row::{self, Place};
use crate::history::ndjson::{self, ReadError};
use crate::history::{
    Event, Format, Header, History, InFlight, binary, open_and_detect, read_format,
};
use crate::judge::{Judgement, Options, judge_on};
use crate::parallel;
use crate::piles::{Finished, Piles};

/// How many events go from the reader to the pairing at a time.
const BATCH_EVENTS: usize = 512;
/// How many such batches may wait.
const BATCHES_WAITING: usize = 8;
/// What an operation of an item that is being judged takes, all that the checks make of it included.
const UNPACKED_BYTES: u64 = 800;

/// What a judgement may use.
#[derive(Debug)]
pub struct Resources {
    /// How many threads.
    pub threads: NonZeroUsize,
    /// How much memory; `None`: as much as it takes.
    pub memory: Option<Memory>,
}

/// A limit on memory.
#[derive(Debug)]
pub struct Memory {
    /// About how much may be used.
    pub limit_bytes: u64,
    /// An empty file, for what does not fit; open for reading and writing.
    pub spill: File,
}

/// Why a file could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// It is not a history, or cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What did not fit into memory could not be put on disk or got back.
    #[error(
        "what does not fit into memory could not be spilled to disk: {0}. Make room there, name another place, or allow more memory"
    )]
    Spill(#[from] io::Error),
    /// An expectation is neither a set nor a check.
    #[error(transparent)]
    Expectation(#[from] UnknownExpectation),
}

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
    match format.unwrap_or(detected) {
        Format::Dateline => {
            let reader = ndjson::Reader::new(input)?;
            let header = reader.header().clone();
            gather(header, reader, resources)?.judge(options)
        }
        Format::Compact => {
            let reader = binary::Reader::new(input)?;
            let header = reader.header().clone();
            gather(header, reader, resources)?.judge(options)
        }
        other @ (Format::Operations | Format::JepsenEdn | Format::JepsenLog) => {
            let history = read_format(input, other)?;
            let judgement = judge_on(&history, options, resources.threads)?;
            Ok((history.header, judgement))
        }
    }
}

/// A history that has been read as a whole and lies on piles.
struct Gathered {
    header: Header,
    piles: Finished,
    subjects: Subjects,
    counts: Counts,
    threads: NonZeroUsize,
    /// How much memory may be used while judging.
    limit_bytes: u64,
}

/// Reads everything that a reader yields.
fn gather(
    header: Header,
    events: impl Iterator<Item = Result<(u64, Event), ReadError>> + Send,
    resources: Resources,
) -> Result<Gathered, JudgeError> {
    let threads = resources.threads;
    let (piles, limit_bytes) = match resources.memory {
        None => (Piles::in_memory(), u64::MAX),
        Some(Memory { limit_bytes, spill }) => {
            // One half for what waits, the other for what is being judged.
            let half = limit_bytes / 2;
            (Piles::on_disk(spill, half), half)
        }
    };
    let mut gathering = Gathering {
        piles,
        subjects: Subjects::default(),
        counts: Counts::default(),
        in_flight: InFlight::default(),
    };
    if threads.get() == 1 {
        for next in events {
            let (line, event) = next?;
            gathering.push(line, event)?;
        }
    } else {
        thread::scope(|scope| -> Result<(), JudgeError> {
            let (sender, receiver) = sync_channel(BATCHES_WAITING);
            scope.spawn(|| send(events, sender));
            // Whatever goes wrong here drops the receiver, and then the reader stops.
            gathering.take(receiver)
        })?;
    }
    let Gathering {
        mut piles,
        mut subjects,
        mut counts,
        in_flight,
    } = gathering;
    for operation in in_flight.finish() {
        subjects.add(&operation.op);
        counts.add(&operation);
        piles.push(&operation)?;
    }
    Ok(Gathered {
        header,
        piles: piles.finish(),
        subjects,
        counts,
        threads,
        limit_bytes,
    })
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

/// A history that is being read.
struct Gathering {
    piles: Piles,
    subjects: Subjects,
    counts: Counts,
    in_flight: InFlight,
}

impl Gathering {
    fn take(&mut self, batches: Receiver<Batch>) -> Result<(), JudgeError> {
        for batch in batches {
            for (line, event) in batch? {
                self.push(line, event)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, line: u64, event: Event) -> Result<(), JudgeError> {
        let ended = self.in_flight.push(line, event);
        if let Some(operation) = ended.map_err(ReadError::from)? {
            self.subjects.add(&operation.op);
            self.counts.add(&operation);
            self.piles.push(&operation)?;
        }
        Ok(())
    }
}

impl Gathered {
    fn judge(self, options: &Options<'_>) -> Result<(Header, Judgement), JudgeError> {
        let asked = options.asked(&self.header, &self.subjects.finish())?;
        let session = Session {
            header: &self.header,
            piles: &self.piles,
            limit_bytes: self.limit_bytes,
            error: Mutex::new(None),
        };
        // Big piles first, so that no thread is left with one at the end; and those of which only one fits, one by one.
        let mut sizes: Vec<(u64, usize)> = (0..self.piles.count())
            .map(|pile| (session.cost_bytes(pile), pile))
            .collect();
        sizes.sort_unstable_by_key(|(bytes, pile)| (std::cmp::Reverse(*bytes), *pile));
        let share_bytes = self.limit_bytes / self.threads.get() as u64;
        let alone = sizes.partition_point(|(bytes, _)| *bytes > share_bytes);
        let begin = || Worker::new(&asked.checks, &self.header);
        let mut workers = Vec::new();
        for (sizes, threads) in [
            (&sizes[..alone], NonZeroUsize::MIN),
            (&sizes[alone..], self.threads),
        ] {
            let work = |worker: &mut Worker<'_>, turn: usize| session.judge(worker, sizes[turn].1);
            workers.extend(parallel::share(threads, sizes.len(), begin, work));
        }
        let error = session.error.into_inner();
        if let Some(error) = error.unwrap_or_else(PoisonError::into_inner) {
            return Err(error.into());
        }
        let panels = workers.into_iter().map(|w| w.panel).collect();
        let verdict = Panel::together(&asked.checks, panels).finish(&self.header, self.counts);
        let judgement = Judgement {
            verdict,
            left_out: asked.left_out,
        };
        Ok((self.header, judgement))
    }
}

/// What all threads see while piles are judged.
struct Session<'g> {
    header: &'g Header,
    piles: &'g Finished,
    limit_bytes: u64,
    /// The first trouble with the disk.
    error: Mutex<Option<io::Error>>,
}

/// What one thread has.
struct Worker<'c> {
    panel: Panel<'c>,
    pile: Vec<u8>,
    places: Vec<Place>,
    history: History,
    touches: Vec<Touch>,
}

impl<'c> Worker<'c> {
    fn new(checks: &'c [&'c str], header: &Header) -> Self {
        Self {
            panel: Panel::new(checks),
            pile: Vec::new(),
            places: Vec::new(),
            history: History {
                header: header.clone(),
                operations: Vec::new(),
            },
            touches: Vec::new(),
        }
    }
}

impl Session<'_> {
    /// What judging a pile takes if all its rows are of one key.
    fn cost_bytes(&self, pile: usize) -> u64 {
        let (row_count, bytes) = self.piles.size(pile);
        let place_bytes = size_of::<Place>() as u64;
        bytes as u64 + row_count as u64 * (place_bytes + UNPACKED_BYTES)
    }

    fn judge(&self, worker: &mut Worker<'_>, pile: usize) {
        if let Err(error) = self.judge_pile(worker, pile) {
            let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(error);
        }
    }

    fn judge_pile(&self, worker: &mut Worker<'_>, pile: usize) -> io::Result<()> {
        self.piles.take(pile, &mut worker.pile)?;
        row::places(&worker.pile, &mut worker.places)?;
        worker.places.sort_unstable();
        let places = std::mem::take(&mut worker.places);
        for own in places.chunk_by(|one, other| one.key == other.key) {
            self.judge_key(worker, own)?;
        }
        worker.places = places;
        Ok(())
    }

    fn judge_key(&self, worker: &mut Worker<'_>, places: &[Place]) -> io::Result<()> {
        let key = places[0].key;
        let needed_bytes = places.len() as u64 * UNPACKED_BYTES;
        if needed_bytes > self.limit_bytes {
            let reason = format!(
                "key {} has {} operations, which do not fit into the memory allowed; --memory {}MB would decide it",
                key.0,
                places.len(),
                (needed_bytes * 2).div_ceil(1_000_000) + 1,
            );
            worker.panel.cannot_tell(key, &reason);
            return Ok(());
        }
        let region_count = self.header.regions.len();
        let operations = &mut worker.history.operations;
        operations.clear();
        let mut fetches = self.piles.fetches.iter().peekable();
        for place in places {
            while let Some(fetch) = fetches.next_if(|f| f.line_invoke < place.line) {
                operations.push(fetch.clone());
            }
            // It is there with the records of this key.
            fetches.next_if(|f| f.line_invoke == place.line);
            operations.push(row::read(&worker.pile, place, region_count)?);
        }
        operations.extend(fetches.cloned());
        touches(&worker.history, key, &mut worker.touches);
        let builder = Builder::new(&worker.history);
        worker
            .panel
            .judge(&worker.history, &builder, key, &worker.touches);
        Ok(())
    }
}
