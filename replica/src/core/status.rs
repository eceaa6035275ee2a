//! What `/health` and the metrics show of a region.

use std::collections::BTreeMap;

use serde::Serialize;

/// A region seen from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its name.
    pub region: String,
    /// The number its data directory was born with.
    pub incarnation: u64,
    /// Its tables, by name.
    pub tables: BTreeMap<String, TableStatusLine>,
    /// Position of the newest durable entry of its feed.
    pub feed_head: u64,
    /// Its peers, by region.
    pub peers: BTreeMap<String, PeerStatus>,
    /// Tombstones not yet collected (an estimate while the first count after a start is under way).
    pub tombstones: u64,
    /// Batches on their way to the disk.
    pub undurable_batches: u64,
    /// Answers that wait for a commit.
    pub waiting_answers: u64,
    /// What has happened since the process began.
    pub counters: Counters,
}

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableStatusLine {
    /// The regions of its global table; empty when it is in none.
    pub replicas: Vec<String>,
    /// Live items (an estimate after a crash).
    pub items: u64,
    /// New items get stamps above this.
    pub floor_us: i64,
}

/// One peer, over the link from here to there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    /// Position of this region's feed up to which the peer has made everything durable.
    pub acknowledged: u64,
    /// Feed entries it has not acknowledged (entries that a newer write made needless are counted).
    pub pending: u64,
    /// Whether the last call succeeded.
    pub connected: bool,
    /// Milliseconds since the last sign of life in either direction; `None` before the first.
    pub last_contact_ms: Option<u64>,
    /// Position of the peer's feed up to which this region has consumed.
    pub consumed: u64,
}

/// What has happened since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each name says what it counts")]
pub struct Counters {
    pub requests: u64,
    pub writes: u64,
    pub reads: u64,
    pub conditions_failed: u64,
    pub throttled: u64,
    pub feed_batches_sent: u64,
    pub versions_sent: u64,
    pub versions_coalesced: u64,
    pub feed_batches_received: u64,
    pub versions_applied: u64,
    pub versions_lost: u64,
    pub versions_refused: u64,
    pub calls_failed: u64,
    pub tombstones_collected: u64,
    pub store_errors: u64,
}
