//! A history that is judged from piles of rows ([`crate::piles`]): at its end, or while it grows.
//!
//! Events are paired as they come, and finished operations put aside by key. To judge, threads take piles, unpack the operations of one
//! item at a time, and hand them to the checks. What is in flight counts as of unknown outcome.
//!
//! What a beginning of a history forbids, the whole does too, so while it grows only the items of piles that have grown need be judged again.

mod part;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use crate::check::{Builder, Panel, Subject, Touch, applicable, touch_by_last};
use crate::expectation::UnknownExpectation;
use crate::history::binary::row::{self, Place};
use crate::history::ndjson::ReadError;
use crate::history::{Delivery, Event, Header, History, Operation};
use crate::judge::{Judgement, Options};
use crate::paired::{Paired, Pairer};
use crate::parallel;
use crate::piles::Piles;
use crate::verdict::Verdict;
use part::place_of;

/// What an operation of an item that is being judged takes, all that the checks make of it included.
const UNPACKED_BYTES: u64 = 800;

/// Why items of transactions are not judged together while a history grows.
const GROWING: &str = "it needs the history as a whole, which is judged when it ends";

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
    /// It is in a form of another tool, which is only read as a whole, and memory is limited.
    #[error(
        "this form of history is always read as a whole, so --memory cannot be kept; make one of ours of it with `dateline convert` and judge that, or leave --memory away"
    )]
    Foreign,
    /// An expectation is neither a set nor a check.
    #[error(transparent)]
    Expectation(#[from] UnknownExpectation),
}

/// A history so far.
pub struct Gathering {
    header: Header,
    threads: NonZeroUsize,
    /// How much memory judging may take.
    limit_bytes: u64,
    piles: Piles,
    pairer: Pairer,
    /// What has just been paired; here only so that its room is used again.
    paired: Paired,
}

impl Gathering {
    /// Nothing so far.
    #[must_use]
    pub fn new(header: Header, resources: Resources) -> Self {
        let (piles, limit_bytes) = match resources.memory {
            None => (Piles::in_memory(), u64::MAX),
            Some(Memory { limit_bytes, spill }) => {
                // One half for what waits, the other for what is being judged.
                let half = limit_bytes / 2;
                (Piles::on_disk(spill, half), half)
            }
        };
        Self {
            header,
            threads: resources.threads,
            limit_bytes,
            piles,
            pairer: Pairer::default(),
            paired: Paired::default(),
        }
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// When it cannot follow what came before, or does not fit anywhere.
    pub fn push(&mut self, line: u64, event: Event) -> Result<(), JudgeError> {
        self.push_all([(line, event)])
    }

    /// As [`Gathering::push`], of several.
    pub(crate) fn push_all(
        &mut self,
        events: impl IntoIterator<Item = (u64, Event)>,
    ) -> Result<(), JudgeError> {
        self.paired.clear();
        for (line, event) in events {
            let paired = self.pairer.push(line, event, &mut self.paired);
            paired.map_err(ReadError::from)?;
        }
        Ok(self.piles.push(&self.paired)?)
    }

    /// Takes operations that were paired elsewhere.
    pub(crate) fn put_aside(&mut self, paired: &Paired) -> Result<(), JudgeError> {
        Ok(self.piles.push(paired)?)
    }

    /// Takes what paired them, which knows what is in flight.
    pub(crate) fn go_on(&mut self, pairer: Pairer) {
        self.pairer = pairer;
    }

    /// Judges everything so far.
    ///
    /// # Errors
    /// When an expectation does not exist, or the disk for what does not fit into memory fails.
    pub fn judge(&self, options: &Options<'_>) -> Result<Judgement, JudgeError> {
        let asked = options.asked(&self.header, self.pairer.subjects.clone())?;
        let verdict = self.check(&asked.checks)?;
        Ok(asked.answered(verdict))
    }

    /// As [`Gathering::judge`], but only the items that may have changed since this was last asked: a violation that was there before is
    /// not found again.
    ///
    /// # Errors
    /// As [`Gathering::judge`].
    pub fn judge_grown(&mut self, options: &Options<'_>) -> Result<Judgement, JudgeError> {
        let asked = options.asked(&self.header, self.pairer.subjects.clone())?;
        let verdict = self.check_grown(&asked.checks)?;
        Ok(asked.answered(verdict))
    }

    /// Judges everything so far by the checks of these names, as [`crate::check()`] does.
    ///
    /// # Errors
    /// When the disk for what does not fit into memory fails.
    pub fn check(&self, checks: &[&str]) -> Result<Verdict, JudgeError> {
        let all: Vec<usize> = (0..self.piles.count()).collect();
        let has_transactions = self.has_transactions();
        let why_not = has_transactions.then(|| self.why_not_together()).flatten();
        let is_together = has_transactions && why_not.is_none();
        let mut panel = self.panel(checks, &all, is_together)?;
        if let Some(reason) = why_not {
            panel.is_not_together(&reason);
        }
        for suspicion in panel.judge_together(&self.header, self.threads) {
            let history = self.part(&panel.keys(&suspicion))?;
            panel.add_violation(&history, &suspicion, |line| place_of(&history, line));
        }
        Ok(panel.finish(&self.header, self.pairer.all_counts()))
    }

    /// As [`Gathering::check`], but only the items that may have changed since this was last asked, and each by itself.
    ///
    /// # Errors
    /// As [`Gathering::check`].
    pub fn check_grown(&mut self, checks: &[&str]) -> Result<Verdict, JudgeError> {
        let grown = self.piles.grown();
        let mut panel = self.panel(checks, &grown, false)?;
        if self.has_transactions() {
            panel.is_not_together(GROWING);
        }
        Ok(panel.finish(&self.header, self.pairer.all_counts()))
    }

    /// The checks of last-writer-wins tables that can say something, as [`crate::applicable_checks`].
    #[must_use]
    pub fn applicable_checks(&self) -> Vec<&'static str> {
        applicable(&self.header, &self.pairer.subjects.clone().finish())
    }

    /// Whether there are transactions, whose items must be judged together.
    fn has_transactions(&self) -> bool {
        self.pairer
            .subjects
            .clone()
            .finish()
            .contains(&Subject::Transactions)
    }

    /// States within which time writes must arrive, if the header does not say so or says something else.
    pub fn must_deliver(&mut self, delivery: Delivery) {
        self.header.delivery = Some(delivery);
    }

    /// What is known about the history as a whole.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the checks find in the items of these piles, each by itself; and what is to be judged of several items together, if that is.
    fn panel<'c>(
        &self,
        checks: &'c [&'c str],
        piles: &[usize],
        is_together: bool,
    ) -> io::Result<Panel<'c>> {
        let session = Session {
            header: &self.header,
            piles: &self.piles,
            besides: self.piles.besides(&self.pairer.open()),
            fetches: self.piles.fetches(),
            limit_bytes: self.limit_bytes,
            error: Mutex::new(None),
        };
        // Big piles first, so that no thread is left with one at the end; and those of which only one fits, one by one.
        let sized = piles.iter().map(|pile| (session.cost_bytes(*pile), *pile));
        let mut sized: Vec<(u64, usize)> = sized.collect();
        sized.sort_unstable_by_key(|(bytes, pile)| (std::cmp::Reverse(*bytes), *pile));
        let share_bytes = self.limit_bytes / self.threads.get() as u64;
        let (alone, together) =
            sized.split_at(sized.partition_point(|(bytes, _)| *bytes > share_bytes));
        let panel = match is_together {
            true => Panel::new,
            false => Panel::of_items_alone,
        };
        let begin = || Worker::new(panel(checks), &self.header);
        let mut workers = Vec::new();
        for (sized, threads) in [(alone, NonZeroUsize::MIN), (together, self.threads)] {
            let work = |worker: &mut Worker<'_>, turn: usize| session.judge(worker, sized[turn].1);
            workers.extend(parallel::share(threads, sized.len(), begin, work));
        }
        let error = session.error.into_inner();
        if let Some(error) = error.unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let panels = workers.into_iter().map(|w| w.panel).collect();
        Ok(Panel::all(checks, panels))
    }
}

/// What all threads see while piles are judged.
struct Session<'g> {
    header: &'g Header,
    piles: &'g Piles,
    /// Rows of what is in flight, by pile.
    besides: BTreeMap<usize, Vec<u8>>,
    fetches: Vec<Operation>,
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
    fn new(panel: Panel<'c>, header: &Header) -> Self {
        Self {
            panel,
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
        self.piles.rows(pile, &mut worker.pile)?;
        if let Some(besides) = self.besides.get(&pile) {
            worker.pile.extend_from_slice(besides);
        }
        row::places(&worker.pile, &mut worker.places)?;
        row::sort(&mut worker.places);
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
        worker.touches.clear();
        let mut fetches = self.fetches.iter().peekable();
        for place in places {
            while let Some(fetch) = fetches.next_if(|f| f.line_invoke < place.line) {
                operations.push(fetch.clone());
            }
            // It is there with the records of this key.
            fetches.next_if(|f| f.line_invoke == place.line);
            row::read(&worker.pile, place, region_count, operations)?;
            touch_by_last(operations, key, &mut worker.touches);
        }
        operations.extend(fetches.cloned());
        let builder = if self.fetches.is_empty() {
            Builder::without_streams(&worker.history)
        } else {
            Builder::new(&worker.history)
        };
        worker
            .panel
            .judge_alone(&worker.history, &builder, key, &worker.touches);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::{Gathering, Memory, Options, Resources};
    use crate::history::{Key, one_line_events};
    use crate::verdict::{Outcome, Verdict};

    /// The verdict on an item of a thousand operations and a small one, with so much memory.
    fn judged(megabytes: u64) -> Verdict {
        let writes = (1..1_000).map(|n| format!("3/us:w{n}[{n}-{}] ", n + 1));
        let text: String = writes.collect();
        let text = format!("{text} 3/us:r999[2000-2001] 5/us:w1[0-1] 5/us:r1[2-3]");
        let (header, events) = one_line_events(&text).expect("well formed");
        let spill = tempfile::tempfile().expect("a temporary file");
        let limit_bytes = megabytes * 1_000_000;
        let resources = Resources {
            threads: NonZeroUsize::MIN,
            memory: Some(Memory { limit_bytes, spill }),
        };
        let mut gathering = Gathering::new(header, resources);
        for (line, event) in (2..).zip(events) {
            gathering.push(line, event).expect("well formed");
        }
        let judgement = gathering.judge(&Options::default());
        judgement.expect("there is a disk").verdict
    }

    #[test]
    fn without_transactions_nothing_is_said_of_them() {
        let (header, events) = one_line_events("us:w1[0-1] us:r1[2-3]").expect("well formed");
        let resources = Resources {
            threads: NonZeroUsize::MIN,
            memory: None,
        };
        let mut gathering = Gathering::new(header, resources);
        for (line, event) in (2..).zip(events) {
            gathering.push(line, event).expect("well formed");
        }
        for verdict in [
            gathering.check_grown(&["transactions"]),
            gathering.check(&["transactions"]),
        ] {
            let check = verdict.expect("no disk").checks.remove(0);
            assert_eq!(check.outcome, Outcome::Unknown);
            assert_eq!(check.reason.as_deref(), Some("no transaction succeeded"));
        }
    }

    #[test]
    fn an_item_that_does_not_fit_into_the_memory_cannot_be_told_and_what_would_do_is_said() {
        let verdict = judged(1);
        assert_eq!(verdict.outcome, Outcome::Unknown);
        for check in &verdict.checks {
            let reason = check.reason.as_deref().unwrap_or_default();
            assert_eq!(check.reason_key, Some(Key(3)), "{}", check.check);
            assert!(reason.contains("--memory 3MB would decide it"), "{reason}");
        }
        let phantom = |verdict: &Verdict| {
            let mut checks = verdict.checks.iter();
            checks.find(|c| c.check == "phantom").map(|c| c.outcome)
        };
        assert_eq!(phantom(&verdict), Some(Outcome::Unknown));
        assert_eq!(phantom(&judged(3)), Some(Outcome::Valid));
    }
}
