//! Order and durability: numbers the commits, remembers the newest versions until they are durable, holds answers back until what they stand on is.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::{ApiError, CallToken, Effect, Effects, RequestId, Response};
use crate::store::{Batch, Space, Write};

/// How long the defect `ack-before-write` keeps a commit back.
const HELD_NS: u64 = 500_000_000;

/// An answer that waits for a commit.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a client's answer is the commonest; a box would cost an allocation per request"
)]
pub(super) enum Answer {
    /// To a client.
    Client(RequestId, Result<Response, ApiError>),
    /// To a peer.
    Peer(CallToken, Vec<u8>),
}

impl Answer {
    fn effect(self) -> Effect {
        match self {
            Self::Client(to, result) => Effect::Reply { to, result },
            Self::Peer(to, body) => Effect::Answer { to, body },
        }
    }
}

/// The newest version of a row that may not be durable yet.
#[derive(Debug)]
pub(super) struct Newest {
    /// The commit that holds it.
    pub(super) commit: u64,
    /// The writes of that commit, and which of them it is.
    writes: Arc<Vec<Write>>,
    index: usize,
}

impl Newest {
    /// What the row holds; `None` when the commit removes it.
    pub(super) fn value(&self) -> Option<&[u8]> {
        self.writes[self.index].value.as_deref()
    }
}

/// What one commit leaves to be forgotten once it is durable.
#[derive(Debug)]
struct Undurable {
    commit: u64,
    writes: Arc<Vec<Write>>,
}

/// Commits on their way, and who waits for them.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) last: u64,
    pub(super) durable: u64,
    newest: BTreeMap<Vec<u8>, Newest>,
    undurable: VecDeque<Undurable>,
    waiting: BTreeMap<u64, Vec<Answer>>,
    waiting_count: usize,
    held: VecDeque<(u64, Batch)>,
}

impl Ledger {
    /// A ledger that goes on after this commit.
    pub(super) fn after(commit: u64) -> Self {
        Self {
            last: commit,
            durable: commit,
            ..Self::default()
        }
    }

    /// The newest version of an item's row, if it may not be durable yet.
    pub(super) fn newest(&self, key: &[u8]) -> Option<&Newest> {
        self.newest.get(key)
    }

    /// The newest rows between two keys that may not be durable yet, with their keys.
    pub(super) fn newest_rows(
        &self,
        start: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = (&[u8], &[u8])> {
        let bounds = (Bound::Included(start), Bound::Excluded(end));
        self.newest
            .range::<[u8], _>(bounds)
            .filter_map(|(key, newest)| Some((key.as_slice(), newest.value()?)))
    }

    /// Asks for a commit of these writes; gives its number.
    pub(super) fn commit(
        &mut self,
        writes: Vec<Write>,
        drops: Vec<Space>,
        effects: &mut Effects,
    ) -> u64 {
        let batch = self.number(writes, drops);
        let commit = batch.commit;
        if self.held.is_empty() {
            effects.push(Effect::Commit(batch));
        } else {
            self.held.push_back((0, batch));
        }
        commit
    }

    /// The defect `ack-before-write`: numbers and remembers, but keeps the commit back.
    pub(super) fn hold(&mut self, monotonic_ns: u64, writes: Vec<Write>) -> u64 {
        let batch = self.number(writes, Vec::new());
        let commit = batch.commit;
        self.held
            .push_back((monotonic_ns.saturating_add(HELD_NS), batch));
        commit
    }

    /// Lets go of what was held back long enough, in order; says when to look again.
    pub(super) fn release(&mut self, monotonic_ns: u64, effects: &mut Effects) -> Option<u64> {
        while let Some((release_ns, _)) = self.held.front() {
            if *release_ns > monotonic_ns {
                return Some(*release_ns);
            }
            if let Some((_, batch)) = self.held.pop_front() {
                effects.push(Effect::Commit(batch));
            }
        }
        None
    }

    fn number(&mut self, writes: Vec<Write>, drops: Vec<Space>) -> Batch {
        self.last += 1;
        let writes = Arc::new(writes);
        for (index, write) in writes.iter().enumerate() {
            if write.space == Space::Items {
                let newest = Newest {
                    commit: self.last,
                    writes: Arc::clone(&writes),
                    index,
                };
                self.newest.insert(write.key.clone(), newest);
            }
        }
        self.undurable.push_back(Undurable {
            commit: self.last,
            writes: Arc::clone(&writes),
        });
        Batch {
            commit: self.last,
            writes,
            drops,
        }
    }

    /// Answers as soon as this commit is durable.
    pub(super) fn answer(&mut self, commit: u64, answer: Answer, effects: &mut Effects) {
        assert!(
            commit <= self.last,
            "an answer can only stand on a commit that was asked for"
        );
        if commit <= self.durable {
            effects.push(answer.effect());
        } else {
            self.waiting.entry(commit).or_default().push(answer);
            self.waiting_count += 1;
        }
    }

    /// Every commit up to this one is durable and readable.
    pub(super) fn durable(&mut self, through: u64, effects: &mut Effects) {
        assert!(
            through <= self.last,
            "the shell reported a commit nobody asked for"
        );
        self.durable = self.durable.max(through);
        while self
            .undurable
            .front()
            .is_some_and(|first| first.commit <= through)
        {
            let Some(first) = self.undurable.pop_front() else {
                break;
            };
            let items = first.writes.iter();
            for write in items.filter(|write| write.space == Space::Items) {
                if self
                    .newest
                    .get(&write.key)
                    .is_some_and(|newest| newest.commit <= through)
                {
                    self.newest.remove(&write.key);
                }
            }
        }
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() > through {
                break;
            }
            let answers = entry.remove();
            self.waiting_count -= answers.len();
            effects.extend(answers.into_iter().map(Answer::effect));
        }
    }

    /// Batches on their way to the disk.
    pub(super) fn undurable_count(&self) -> usize {
        self.undurable.len()
    }

    /// Answers that wait.
    pub(super) fn waiting_count(&self) -> usize {
        self.waiting_count
    }

    /// What must always hold here.
    pub(super) fn check_invariants(&self) {
        assert!(self.durable <= self.last, "durable commits were asked for");
        assert_eq!(
            self.undurable.len() as u64,
            self.last - self.durable,
            "every commit on its way is remembered"
        );
        assert!(
            self.newest
                .values()
                .all(|newest| newest.commit > self.durable),
            "durable versions are forgotten"
        );
        assert!(
            self.waiting
                .keys()
                .all(|commit| (self.durable + 1..=self.last).contains(commit)),
            "answers wait only for commits on their way"
        );
        let waiting: usize = self.waiting.values().map(Vec::len).sum();
        assert_eq!(waiting, self.waiting_count, "waiting answers are counted");
    }
}
