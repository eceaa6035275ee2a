//! Keys, regions, processes, values and stamps as small numbers; names live in the [`Header`](super::Header).

use serde::{Deserialize, Serialize};

/// A key. Histories of other tools may name keys by strings: the importer numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub u64);

impl Key {
    /// Keys from here on are heartbeats: one writer region each, values ascending. They measure replication lag.
    pub const FIRST_HEARTBEAT: Self = Self(1 << 40);

    /// Whether this key is a heartbeat key.
    #[must_use]
    pub fn is_heartbeat(self) -> bool {
        self >= Self::FIRST_HEARTBEAT
    }
}

/// A region, as an index into [`Header::regions`](super::Header::regions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegionId(pub u8);

/// A logical client with one operation in flight. After an `info` outcome its successor has a new id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcessId(pub u32);

/// The version of an item as the store shows it: `aws:rep:updatetime` in microseconds and `aws:rep:updateregion`.
///
/// Versions are compared in this order: time first, then the region's *name* (so compare through the header when times tie).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Microseconds since the epoch, by the clock of the region that wrote.
    pub time_us: i64,
    /// The region that wrote.
    pub region: RegionId,
}

/// What an item holds, as far as a check cares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// No item.
    Absent,
    /// A register's write id, or a counter's number.
    Int(i64),
    /// A set (ascending) or a list (in order).
    List(Vec<i64>),
}

/// One sighting of an item: what it held, and the version if the store shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What the item held.
    pub value: Value,
    /// Its version, when visible. Absent items have none.
    pub stamp: Option<Stamp>,
    /// The write id this version replaced, when the workload stores it in the item (`prev`).
    pub previous: Option<Value>,
}
