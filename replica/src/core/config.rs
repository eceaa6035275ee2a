//! What a region is told at start, and the bounds of everything that could grow.

use std::collections::BTreeSet;

use super::Region;
use crate::defects::Defect;

/// What a region is told at start.
#[derive(Clone, Debug)]
pub struct Config {
    /// This region.
    pub region: Region,
    /// The regions it has links to.
    pub peers: Vec<Region>,
    /// The account that ARNs carry.
    pub account: String,
    /// The number of the store's newest durable batch (`Store::last_commit`): the core goes on counting from there.
    pub last_commit: u64,
    /// A peer's version that is stamped further ahead of this region's clock is refused; no bound without.
    pub max_clock_skew_ms: Option<u64>,
    /// Which global tables can be made.
    pub global_tables: GlobalTables,
    /// Planted faults; ignored without the feature `defects`.
    pub defects: BTreeSet<Defect>,
    /// Bounds and intervals.
    pub limits: Limits,
}

impl Config {
    /// A region with these peers, an empty store and everything else by default.
    #[must_use]
    pub fn new(region: Region, peers: Vec<Region>) -> Self {
        Self {
            region,
            peers,
            account: "000000000000".to_owned(),
            last_commit: 0,
            max_clock_skew_ms: None,
            global_tables: GlobalTables::Both,
            defects: BTreeSet::new(),
            limits: Limits::default(),
        }
    }
}

/// Which global tables can be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum GlobalTables {
    /// Those of both versions.
    #[default]
    Both,
    /// As at AWS today: `CreateGlobalTable` is refused, in AWS's words; version 2019.11.21 alone is left.
    AwsToday,
}

/// Bounds and intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most answers that may wait for a commit; beyond it requests are throttled.
    pub waiting_answers: usize,
    /// Most batches that may be on their way to the disk; beyond it requests are throttled.
    pub undurable_batches: usize,
    /// Most item versions in one feed batch.
    pub feed_rows: usize,
    /// Most item bytes in one feed batch (a single larger item still travels).
    pub feed_bytes: usize,
    /// Most feed batches under way to one peer.
    pub feed_calls: usize,
    /// Feed positions per epoch.
    pub epoch_rows: u64,
    /// A link that carried nothing for this long carries an empty batch, so that vectors move.
    pub heartbeat_ms: u64,
    /// How long a call to a peer may take.
    pub call_deadline_ms: u64,
    /// First wait after a failed call; doubles up to `backoff_max_ms`.
    pub backoff_min_ms: u64,
    /// Longest wait after a failed call.
    pub backoff_max_ms: u64,
    /// Time between two rounds of upkeep: tombstones, epochs, re-feeding, leftovers of deleted tables.
    pub upkeep_ms: u64,
    /// Most rows that one round of upkeep touches per task.
    pub upkeep_rows: usize,
    /// Most `CreateGlobalTable` and `UpdateGlobalTable` calls under way.
    pub coordinations: usize,
    /// Time between two stretches of the walk that deletes expired items; each looks at `upkeep_rows` of them.
    pub expiry_ms: u64,
    /// Time between two pulls of a table from the same peer, once a member has left.
    pub exchange_ms: u64,
    /// Stream records per shard,
    pub stream_epoch_rows: u64,
    /// and how long one stays open.
    pub stream_epoch_ms: i64,
    /// How long stream records are kept,
    pub stream_retention_ms: i64,
    /// and most shards that are: what is older is trimmed before its time, so that a day of heavy writing does not fill the disk.
    pub stream_epochs: usize,
    /// How long collecting of tombstones rests after a region asked about joining.
    pub join_hold_ms: u64,
}

impl Limits {
    /// Keeps stream records for so many seconds. Shards stay open for a sixth of that, as they do by default.
    pub fn keep_stream_records(&mut self, seconds: u32) {
        self.stream_retention_ms = i64::from(seconds) * 1_000;
        self.stream_epoch_ms = self.stream_retention_ms / 6;
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            waiting_answers: 50_000,
            undurable_batches: 50_000,
            feed_rows: 1_000,
            feed_bytes: 1_000_000,
            feed_calls: 2,
            epoch_rows: 50_000,
            heartbeat_ms: 500,
            call_deadline_ms: 5_000,
            backoff_min_ms: 50,
            backoff_max_ms: 2_000,
            upkeep_ms: 200,
            upkeep_rows: 1_000,
            coordinations: 64,
            expiry_ms: 1_000,
            exchange_ms: 30_000,
            stream_epoch_rows: 100_000,
            stream_epoch_ms: 4 * 3_600_000,
            stream_retention_ms: 24 * 3_600_000,
            stream_epochs: 40,
            join_hold_ms: 15_000,
        }
    }
}
