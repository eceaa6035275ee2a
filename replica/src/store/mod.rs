//! Where a region keeps its rows: a small trait and its two homes, memory and disk.

#[cfg(test)]
mod conformance;
mod data_dir;
mod disk;
mod filter;
mod journals;
mod keyspaces;
mod memory;

use std::ops::Bound;
use std::sync::Arc;

pub(crate) use data_dir::write_atomically;
pub use data_dir::{DataDir, DataDirError};
pub use disk::{DiskSnapshot, DiskStore};
pub use memory::{MemorySnapshot, MemoryStore};

/// A named, ordered space of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// Tables, global tables, cursors, floors, the commit number.
    Meta,
    /// Items and tombstones, by table and key.
    Items,
    /// The tombstones among them, so that collecting need not walk the items.
    Tombstones,
    /// One epoch of this region's feed of its own writes, by position. Epochs are dropped whole.
    Feed(u64),
    /// One epoch of stream records. Epochs are dropped whole.
    Stream(u64),
}

/// One change to one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub space: Space,
    /// Which row.
    pub key: Vec<u8>,
    /// What it holds from now on; `None` removes it.
    pub value: Option<Vec<u8>>,
}

/// Changes that become durable and visible together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Its number: one more than the batch before it. Stored with it, so that a store which lost its tail is caught at start.
    pub commit: u64,
    /// In order. Shared, since the core reads them, too, until they are durable.
    pub writes: Arc<Vec<Write>>,
    /// Epochs to drop once the writes are durable. A dropped epoch is never written again.
    pub drops: Vec<Space>,
}

/// Which way to walk a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// A row.
pub type Row = (Vec<u8>, Vec<u8>);

/// Why the store could not do it. The replica is poisoned by a failed commit and answers 500 from then on.
#[derive(Debug, thiserror::Error)]
#[error("storage: {0}")]
pub struct StoreError(pub String);

/// Reading the newest durable rows, or those of one snapshot.
pub trait Read {
    /// One row.
    ///
    /// # Errors
    /// When the disk or its checksums fail.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` rows between two bounds, in the given direction.
    ///
    /// # Errors
    /// When the disk or its checksums fail.
    fn range(
        &self,
        space: Space,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;
}

/// A home for rows.
pub trait Store: Read {
    /// A consistent view that later commits do not change.
    type Snapshot: Read;

    /// Makes all batches durable with one fsync, in order, then readable. After an error nothing may be acknowledged any more.
    ///
    /// # Errors
    /// When writing or fsync failed; the store is then poisoned.
    fn commit(&self, batches: &[Batch]) -> Result<(), StoreError>;

    /// A snapshot of the newest durable rows.
    fn snapshot(&self) -> Self::Snapshot;

    /// The number of the newest durable batch; 0 when new.
    ///
    /// # Errors
    /// When the disk or its checksums fail.
    fn last_commit(&self) -> Result<u64, StoreError>;
}

/// Refuses batches that do not continue the numbering: only a bug of ours can skip or repeat a commit.
fn check_numbers(last_commit: u64, batches: &[Batch]) {
    for (number, batch) in (last_commit + 1..).zip(batches) {
        assert_eq!(batch.commit, number, "commits are numbered without gaps");
    }
}

/// Whether no key lies between these bounds; the engines' range calls take that for a bug and panic.
fn is_empty((start, end): (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match (start, end) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Excluded(start), Bound::Excluded(end))
        | (Bound::Excluded(start), Bound::Included(end))
        | (Bound::Included(start), Bound::Excluded(end)) => start >= end,
    }
}
