//! `timeline.jsonl`: phases and faults, one line each, on the clock of the history.

use serde::{Deserialize, Serialize};

/// One line of `timeline.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Moment {
    /// A phase of the run began: `set-up`, `warm-up`, `safety`, `heal`, `settle`, `final-reads`, `judge`, `end`.
    Phase {
        /// Nanoseconds since the run began.
        t: u64,
        /// Its name.
        name: String,
    },
    /// The nemesis acted.
    Fault {
        /// When the action had taken hold (or was given up), nanoseconds since the run began.
        t: u64,
        /// When it was begun.
        begun: u64,
        /// Number of the fault in the plan: its start and its stop share it.
        id: u64,
        /// The package: `partition`, `kill`, `pause`, `clock`, …
        fault: String,
        /// Start or stop.
        action: FaultAction,
        /// In words: `isolate us-east-1`, `one-way ap-southeast-1 -> eu-west-1`, `step +1800 ms`.
        what: String,
        /// The regions concerned, for shading their lanes.
        regions: Vec<String>,
        /// Whether it took hold.
        result: FaultResult,
        /// Why it was skipped, or what is not known.
        why: Option<String>,
    },
}

impl Moment {
    /// When it was, nanoseconds since the run began.
    #[must_use]
    pub fn t(&self) -> u64 {
        match self {
            Self::Phase { t, .. } | Self::Fault { t, .. } => *t,
        }
    }
}

/// Whether a fault begins or ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultAction {
    /// It begins.
    Start,
    /// It is healed.
    Stop,
}

/// Whether an action took hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultResult {
    /// It did, and that was verified.
    Installed,
    /// It was not tried, or could not apply.
    Skipped,
    /// Nobody knows.
    Indeterminate,
}

impl FaultResult {
    /// Its name, as in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Skipped => "skipped",
            Self::Indeterminate => "indeterminate",
        }
    }
}
