//! The durable feed of a region's own writes, in epochs that are dropped whole.
//!
//! An entry names an item and the update time it was given, not its attributes: only the newest version of an item travels, so the sender reads it
//! when it sends. Positions count from 1 and never go back, whatever was lost with a crash: a peer ignores positions it has consumed.

use std::collections::VecDeque;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::rows;
use crate::store::{Direction, Read, Space, StoreError, Write};

/// A position that rises with commits, and how much of it is durable.
#[derive(Debug, Default)]
pub(super) struct Watermark {
    pub(super) decided: u64,
    pub(super) durable: u64,
    marks: VecDeque<(u64, u64)>,
}

impl Watermark {
    /// Everything up to here is durable.
    pub(super) fn at(position: u64) -> Self {
        Self {
            decided: position,
            durable: position,
            marks: VecDeque::new(),
        }
    }

    /// The decided position is durable when this commit is.
    pub(super) fn mark(&mut self, commit: u64) {
        let marked = self
            .marks
            .back()
            .map_or(self.durable, |(_, position)| *position);
        if self.decided > marked {
            self.marks.push_back((commit, self.decided));
        }
    }

    /// Every commit up to this one is durable.
    pub(super) fn settle(&mut self, through: u64) {
        while let Some((commit, position)) = self.marks.front().copied() {
            if commit > through {
                break;
            }
            self.durable = position;
            self.marks.pop_front();
        }
    }

    /// The commit that makes the decided position durable; 0 when it is.
    pub(super) fn commit(&self) -> u64 {
        self.marks.back().map_or(0, |(commit, _)| *commit)
    }
}

/// Which epochs there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Epochs {
    pub(super) first: u64,
    pub(super) last: u64,
}

/// One write of this region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) table: u32,
    pub(super) key: Vec<u8>,
    pub(super) time_us: i64,
}

/// The feed.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) head: Watermark,
    pub(super) epochs: Epochs,
    epoch_rows: u64,
}

impl Feed {
    /// The feed as the store holds it.
    pub(super) fn open(
        epochs: Epochs,
        epoch_rows: u64,
        read: &dyn Read,
    ) -> Result<Self, StoreError> {
        assert!(epoch_rows > 0, "an epoch holds entries");
        let space = Space::Feed(epochs.last);
        let bounds = (Bound::Unbounded, Bound::Unbounded);
        let last = read.range(space, bounds, Direction::Backward, 1)?;
        let head = match last.first() {
            Some((key, _)) => position_of(key)?,
            None => (epochs.last * epoch_rows).saturating_sub(1),
        };
        Ok(Self {
            head: Watermark::at(head),
            epochs,
            epoch_rows,
        })
    }

    /// Adds an entry to the writes of a commit; gives its position.
    pub(super) fn append(&mut self, entry: &Entry, writes: &mut Vec<Write>) -> u64 {
        self.head.decided += 1;
        let position = self.head.decided;
        let epoch = position / self.epoch_rows;
        if epoch > self.epochs.last {
            self.epochs.last = epoch;
            writes.push(rows::put(rows::FEED.to_vec(), &self.epochs));
        }
        writes.push(Write {
            space: Space::Feed(epoch),
            key: position.to_be_bytes().to_vec(),
            value: Some(postcard::to_stdvec(entry).expect("a vector takes every entry")),
        });
        position
    }

    /// At most `limit` durable entries after a position, with their positions.
    pub(super) fn after(
        &self,
        position: u64,
        limit: usize,
        read: &dyn Read,
    ) -> Result<Vec<(u64, Entry)>, StoreError> {
        let end = self.head.durable.to_be_bytes();
        let mut entries = Vec::new();
        let mut position = position;
        while position < self.head.durable && entries.len() < limit {
            let epoch = ((position + 1) / self.epoch_rows).max(self.epochs.first);
            let start = position.to_be_bytes();
            let bounds = (
                Bound::Excluded(start.as_slice()),
                Bound::Included(end.as_slice()),
            );
            let room = limit - entries.len();
            for (key, value) in read.range(Space::Feed(epoch), bounds, Direction::Forward, room)? {
                let entry = postcard::from_bytes(&value)
                    .map_err(|error| StoreError(format!("a feed entry is unreadable: {error}")))?;
                entries.push((position_of(&key)?, entry));
            }
            position = match entries.last() {
                Some((last, _)) if entries.len() >= limit => *last,
                Some(_) | None => (epoch + 1) * self.epoch_rows - 1,
            };
        }
        Ok(entries)
    }

    /// Drops the epochs that lie wholly at or before a position.
    pub(super) fn drop_through(&mut self, position: u64, writes: &mut Vec<Write>) -> Vec<Space> {
        let mut drops = Vec::new();
        while self.epochs.first < self.epochs.last
            && (self.epochs.first + 1) * self.epoch_rows - 1 <= position
        {
            drops.push(Space::Feed(self.epochs.first));
            self.epochs.first += 1;
        }
        if !drops.is_empty() {
            writes.push(rows::put(rows::FEED.to_vec(), &self.epochs));
        }
        drops
    }

    /// The store lost entries that a peer has already consumed: never give their positions again.
    pub(super) fn skip_to(&mut self, position: u64, writes: &mut Vec<Write>) {
        assert!(position > self.head.decided, "positions never go back");
        // The next entry begins a new epoch, so that the head is found again after a restart.
        self.epochs.last = position / self.epoch_rows + 1;
        self.head.decided = self.epochs.last * self.epoch_rows - 1;
        writes.push(rows::put(rows::FEED.to_vec(), &self.epochs));
    }

    /// Whether an entry is there for this position (of this item), durable or not: used by the invariants.
    pub(super) fn holds(&self, position: u64, read: &dyn Read) -> Result<bool, StoreError> {
        let epoch = position / self.epoch_rows;
        Ok(position > self.head.durable
            || read
                .get(Space::Feed(epoch), &position.to_be_bytes())?
                .is_some())
    }
}

fn position_of(key: &[u8]) -> Result<u64, StoreError> {
    let bytes = key
        .try_into()
        .map_err(|_| StoreError(format!("a feed row's key has {} bytes, not 8", key.len())))?;
    Ok(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_follows_the_commits() {
        let mut mark = Watermark::at(4);
        mark.decided = 6;
        mark.mark(10);
        mark.mark(11);
        mark.decided = 9;
        mark.mark(12);
        mark.settle(11);
        assert_eq!((mark.durable, mark.commit()), (6, 12));
        mark.settle(12);
        assert_eq!((mark.durable, mark.commit()), (9, 0));
    }

    #[test]
    fn whole_epochs_are_dropped_and_only_those() {
        let mut feed = Feed {
            head: Watermark::at(0),
            epochs: Epochs { first: 0, last: 0 },
            epoch_rows: 10,
        };
        let entry = Entry {
            table: 1,
            key: vec![1],
            time_us: 1,
        };
        let mut writes = Vec::new();
        for _ in 0..25 {
            feed.append(&entry, &mut writes);
        }
        assert_eq!(feed.epochs.last, 2);
        assert_eq!(feed.drop_through(18, &mut writes), [Space::Feed(0)]);
        assert_eq!(feed.drop_through(25, &mut writes), [Space::Feed(1)]);
        assert_eq!(feed.drop_through(25, &mut writes), []);
    }
}
