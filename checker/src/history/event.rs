//! Events, and what is known about the history as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Observed, Op, ProcessId, RegionId, Reply};

/// What is known about the whole history before its first event. First line of a history file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Region names; a [`RegionId`] is an index into this list.
    pub regions: Vec<String>,
    /// Names of keys that were not numbers in an imported history.
    pub key_names: BTreeMap<u64, String>,
    /// The workload that made this history, if known.
    pub workload: Option<String>,
    /// The seed of the run, if known.
    pub seed: Option<u64>,
    /// Whether the store shows the version of an item (`aws:rep:*`).
    pub stamps_visible: bool,
    /// Within which time every write is expected to arrive everywhere, if anybody states that.
    pub delivery: Option<Delivery>,
}

/// A bound on the time that a write takes to arrive everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// How long it may take while all links are healthy, from the acknowledgement.
    pub bound_ns: u64,
    /// When links were not healthy: begin and end, nanoseconds since the run began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults_ns: Vec<(u64, u64)>,
}

/// How a final read failed whose region is no replica of the item's table any more: it was not asked, and nothing is promised of it.
pub const NO_REPLICA: &str = "no-replica";

/// The part of a run in which an operation was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The workload proper, faults included.
    Main,
    /// Quiescent strong reads after healing and settling: no write is in flight anywhere.
    Final,
}

/// One moment of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since the run began, on the harness's monotonic clock. Invokes are taken before the request is sent, completions
    /// after the whole answer was received.
    pub time_ns: u64,
    /// Who asked.
    pub process: ProcessId,
    /// Whom: the region whose endpoint was used.
    pub region: RegionId,
    /// In which part of the run.
    pub phase: Phase,
    /// What happened.
    pub kind: EventKind,
}

/// What happened at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The request is about to be sent.
    Invoke(Op),
    /// It succeeded.
    Ok(Reply),
    /// It definitely did not happen. `seen` is the item that made a condition fail, when the store returned it.
    Fail {
        /// The error code, as registered in the harness's error table (`ConditionalCheckFailedException`, `connection-refused`, …).
        error: String,
        /// The item that made a condition fail.
        seen: Option<Observed>,
    },
    /// Nobody knows whether it happened or will happen.
    Info {
        /// The error code (`timeout`, `connection-reset`, `InternalServerError`, …).
        error: String,
    },
}
