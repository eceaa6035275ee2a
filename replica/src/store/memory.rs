//! Rows in memory, for tests and the simulation: the twin of [`DiskStore`](super::DiskStore), held to the same conformance test.
//!
//! A commit is "durable" as soon as it returns. What a crash can take away is decided by whoever drives the store: batches that were never
//! committed are gone by themselves, and [`MemoryStore::lose_after`] undoes committed ones, as an engine does that lost its tail.
//!
//! Absent: any file. Two stores never share rows, clones of one store always do.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Batch, Direction, Read, Row, Space, Store, StoreError, Write};

/// How many commits can be undone: more than any test or simulated crash takes back, and a bound on the memory that undoing costs.
const UNDOABLE_COMMITS: usize = 4096;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// A store in memory. Clones are handles to the same rows, so that a restarted core finds them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: Arc<RwLock<State>>,
}

#[derive(Debug, Default)]
struct State {
    spaces: MemorySnapshot,
    last_commit: u64,
    undo: VecDeque<(u64, Vec<Undo>)>,
}

/// What brings back the state before one change.
#[derive(Debug)]
enum Undo {
    Row(Write),
    Space(Space, Arc<Rows>),
}

/// The rows as they were when it was taken. Taking one costs a reference per space; the first commit after it copies the spaces it changes.
#[derive(Clone, Debug, Default)]
pub struct MemorySnapshot(BTreeMap<Space, Arc<Rows>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Undoes every commit after this one, as a crash of an engine that lost the tail of its log does.
    ///
    /// # Panics
    /// When it lies further back than the store can undo (4096 commits).
    pub fn lose_after(&self, commit: u64) {
        let mut state = self.write();
        while state.last_commit > commit {
            let (undone, changes) = state
                .undo
                .pop_back()
                .expect("a crash takes back at most 4096 commits");
            assert_eq!(
                undone, state.last_commit,
                "the undo log follows the commits"
            );
            for change in changes.into_iter().rev() {
                match change {
                    Undo::Row(write) => {
                        state.spaces.apply(write);
                    }
                    Undo::Space(space, rows) => {
                        state.spaces.0.insert(space, rows);
                    }
                }
            }
            state.last_commit = undone - 1;
        }
    }

    /// How many rows there are in all spaces.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.read().spaces.0.values().map(|rows| rows.len()).sum()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state
            .read()
            .expect("no step of a commit panics halfway")
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state
            .write()
            .expect("no step of a commit panics halfway")
    }
}

impl MemorySnapshot {
    /// Applies one change and returns the one that undoes it.
    fn apply(&mut self, write: Write) -> Write {
        let rows = Arc::make_mut(self.0.entry(write.space).or_default());
        let before = match write.value {
            Some(value) => rows.insert(write.key.clone(), value),
            None => rows.remove(&write.key),
        };
        Write {
            space: write.space,
            key: write.key,
            value: before,
        }
    }
}

impl Read for MemorySnapshot {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(&space).and_then(|rows| rows.get(key)).cloned())
    }

    fn range(
        &self,
        space: Space,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(rows) = self.0.get(&space) else {
            return Ok(Vec::new());
        };
        if super::is_empty(bounds) {
            return Ok(Vec::new());
        }
        let walk = rows.range::<[u8], _>(bounds);
        let own = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        Ok(match direction {
            Direction::Forward => walk.take(limit).map(own).collect(),
            Direction::Backward => walk.rev().take(limit).map(own).collect(),
        })
    }
}

impl Read for MemoryStore {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read().spaces.get(space, key)
    }

    fn range(
        &self,
        space: Space,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.read().spaces.range(space, bounds, direction, limit)
    }
}

impl Store for MemoryStore {
    type Snapshot = MemorySnapshot;

    fn commit(&self, batches: &[Batch]) -> Result<(), StoreError> {
        let mut state = self.write();
        super::check_numbers(state.last_commit, batches);
        for batch in batches {
            let mut undo = Vec::with_capacity(batch.writes.len());
            for write in batch.writes.iter() {
                undo.push(Undo::Row(state.spaces.apply(write.clone())));
            }
            for space in &batch.drops {
                if let Some(rows) = state.spaces.0.remove(space) {
                    undo.push(Undo::Space(*space, rows));
                }
            }
            state.undo.push_back((batch.commit, undo));
            if state.undo.len() > UNDOABLE_COMMITS {
                state.undo.pop_front();
            }
            state.last_commit = batch.commit;
        }
        Ok(())
    }

    fn snapshot(&self) -> MemorySnapshot {
        self.read().spaces.clone()
    }

    fn last_commit(&self) -> Result<u64, StoreError> {
        Ok(self.read().last_commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[test]
    fn conforms() {
        conformance::check(&MemoryStore::new());
    }

    #[test]
    fn a_crash_takes_back_rows_removals_and_drops() {
        let store = MemoryStore::new();
        let feed = Space::Feed(3);
        store
            .commit(&[
                conformance::batch(
                    1,
                    &[(Space::Items, b"a", Some(b"1")), (feed, b"f", Some(b"1"))],
                ),
                conformance::batch(
                    2,
                    &[(Space::Items, b"a", Some(b"2")), (feed, b"g", Some(b"2"))],
                ),
            ])
            .expect("memory never fails");
        let mut dropping = conformance::batch(3, &[(Space::Items, b"a", None)]);
        dropping.drops.push(feed);
        store.commit(&[dropping]).expect("memory never fails");
        assert_eq!(store.get(feed, b"f").expect("memory never fails"), None);

        store.lose_after(1);

        assert_eq!(store.last_commit().expect("memory never fails"), 1);
        let get = |space, key: &[u8]| store.get(space, key).expect("memory never fails");
        assert_eq!(get(Space::Items, b"a"), Some(b"1".to_vec()));
        assert_eq!(get(feed, b"f"), Some(b"1".to_vec()));
        assert_eq!(get(feed, b"g"), None);
        store
            .commit(&[conformance::batch(2, &[(Space::Items, b"a", Some(b"3"))])])
            .expect("numbering goes on where the crash left it");
    }
}
