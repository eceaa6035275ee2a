//! The numbers of a run, computed in one pass over its history and its timeline.
//!
//! [`Figures`] is what `results.json` keeps and what every face of the report shows. Memory is bounded by the number of regions,
//! operation kinds and intervals, never by the number of operations. Percentiles are taken from histograms, in [`percentiles`] and
//! nowhere else, and are never averaged. Judging is absent here: that is the checker's.

mod kind;
mod lag;
mod percentiles;
mod sample;
mod series;
mod spans;
mod survey;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use sample::{RegionSample, Sample, SampledOperation};
pub use series::Ending;
pub use survey::Survey;

use crate::run_folder::FaultResult;

/// Everything counted and measured in one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// From the beginning of the run to its last event or moment, nanoseconds.
    pub duration_ns: u64,
    /// Latencies count operations asked from here on: the end of the warm-up, or 0 if there was none.
    pub measured_from_ns: u64,
    /// What the run was doing when, in time order, without gaps.
    pub phases: Vec<PhaseSpan>,
    /// The faults, in the order in which they began.
    pub faults: Vec<FaultSpan>,
    /// One row per region and kind of operation that occurred, in that order.
    pub operations: Vec<OperationFigures>,
    /// Length of an interval of the series below, nanoseconds: a second, more in long runs.
    pub interval_ns: u64,
    /// Throughput and latency over time, by region in the order of the run's regions.
    pub series: Vec<RegionSeries>,
    /// Replication lag, one entry per ordered pair of regions that was measured.
    pub lag: Vec<LagFigures>,
}

/// One phase of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseSpan {
    /// `set-up`, `warm-up`, `safety`, `heal`, `settle`, `final-reads`, `judge`.
    pub name: String,
    /// When it began, nanoseconds since the run began.
    pub begin_ns: u64,
    /// When the next one began, or the run ended.
    pub end_ns: u64,
}

/// One fault, from its start to its stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSpan {
    /// Its number in the plan.
    pub id: u64,
    /// The package: `partition`, `kill`, `pause`, `clock`, …
    pub fault: String,
    /// In words: `isolate us-east-1`.
    pub what: String,
    /// The regions concerned.
    pub regions: Vec<String>,
    /// When its start was begun, nanoseconds since the run began.
    pub begin_ns: u64,
    /// When its stop had taken hold; `None` if it was never healed as far as the timeline tells.
    pub end_ns: Option<u64>,
    /// Whether it took hold.
    pub result: FaultResult,
    /// Why it was skipped, or what is not known.
    pub why: Option<String>,
}

/// Counts, errors and latency of one kind of operation in one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationFigures {
    /// The region asked.
    pub region: String,
    /// The [`Kind`]'s name.
    pub kind: Kind,
    /// How many succeeded.
    pub ok: u64,
    /// How many definitely did not happen.
    pub fail: u64,
    /// How many nobody knows about: `info` events, and operations still open when the history ends.
    pub info: u64,
    /// Those of `info` that have no completion in the history at all.
    pub open: u64,
    /// How often each error code came back, for `fail` and `info` together.
    pub errors: BTreeMap<String, u64>,
    /// How long those that succeeded took, warm-up left out. Timed from the request to the whole answer (service time).
    pub latency: Percentiles,
}

/// A kind of operation, as a row of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A strongly consistent read.
    Read,
    /// An eventually consistent read.
    ReadEventual,
    /// An unconditional write.
    Write,
    /// A conditional write or delete.
    Cas,
    /// An unconditional delete.
    Delete,
    /// An addition to a set.
    AddToSet,
    /// An addition to a counter.
    Increment,
    /// An append to a list.
    Append,
    /// A transaction.
    Transact,
    /// A copy of the whole table.
    Scan,
    /// A fetch from a stream.
    Stream,
    /// A write of a heartbeat key, to measure replication lag.
    HeartbeatWrite,
    /// A read of a heartbeat key, to measure replication lag.
    HeartbeatRead,
    /// Any operation of the final, quiescent phase.
    Final,
}

/// The percentiles of one distribution, nanoseconds, within 0.1 %. All 0 when `count` is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many values.
    pub count: u64,
    /// Half were at most this.
    pub p50_ns: u64,
    /// Nine in ten were at most this.
    pub p90_ns: u64,
    /// 99 in 100 were at most this.
    pub p99_ns: u64,
    /// 999 in 1000 were at most this.
    pub p999_ns: u64,
    /// None was more than this.
    pub max_ns: u64,
}

/// Throughput and latency of one region over time. Heartbeats and final reads are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionSeries {
    /// The region asked.
    pub region: String,
    /// One point per interval in which something completed, in time order. An interval without a point had no completion.
    pub points: Vec<SeriesPoint>,
}

/// What completed in one region during one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesPoint {
    /// When the interval began, nanoseconds since the run began.
    pub begin_ns: u64,
    /// How many succeeded.
    pub ok: u64,
    /// How many definitely did not happen.
    pub fail: u64,
    /// How many nobody knows about.
    pub info: u64,
    /// Median latency of those that succeeded, nanoseconds.
    pub p50_ns: u64,
    /// 99th percentile of the same.
    pub p99_ns: u64,
    /// Longest of the same.
    pub max_ns: u64,
}

/// How long writes of one region took to be readable in another one.
///
/// Each heartbeat gives two bounds that need no second clock: the *lower* bound runs from the acknowledgement of the write to the
/// start of the last read that missed it, the *upper* bound from the start of the write to the end of the first read that saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagFigures {
    /// The region written.
    pub from: String,
    /// The region read.
    pub to: String,
    /// Acknowledged heartbeats of `from` that no read of `to` has seen by the end.
    pub unseen: u64,
    /// The lag was at least this.
    pub lower: Percentiles,
    /// The lag was at most this.
    pub upper: Percentiles,
    /// The same over time, by when the heartbeat was written.
    pub points: Vec<LagPoint>,
}

/// The lag of the heartbeats written during one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagPoint {
    /// When the interval began, nanoseconds since the run began.
    pub begin_ns: u64,
    /// How many heartbeats.
    pub count: u64,
    /// The greatest lower bound among them, nanoseconds.
    pub lower_max_ns: u64,
    /// The greatest upper bound among them, nanoseconds.
    pub upper_max_ns: u64,
}
