//! Pass, fail or cannot tell: two builds measured in turns on one machine.
//!
//! Runs come in rounds of four, base-candidate-candidate-base and the reverse in turn, so that a machine that warms up or slows down does the same to both
//! (a straight drift cancels exactly). One round gives each metric one log-ratio, and the two runs of the base give the control: base
//! against itself. When the control differs from itself the machine is unfit and nothing is decided. While the intervals reach over the tolerated change
//! more rounds are asked for, within a budget; then the answer is *cannot tell*.
//!
//! [`Session`] decides what to run next and what it all means; starting processes and reading clocks is the caller's.
//! Deliberately absent: wall-clock rates as a primary metric. Instructions and CPU time per operation repeat far better than operations per second.

pub mod measured;

mod session;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use session::Session;

use crate::{
    results::Ending,
    run_folder::{FolderError, read_json},
    stats::decision::Worse,
};

/// Which build a run is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Build {
    /// What was accepted last.
    Base,
    /// What asks to be accepted.
    Candidate,
}

/// One thing that is measured in every run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, unit last: `server_cpu_us_per_operation`.
    pub name: String,
    /// Which way it gets worse.
    pub worse: Worse,
}

/// What a gate tolerates and what it may spend.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The relative change that is tolerated: 0.03 is 3 %.
    pub tolerated: f64,
    /// The chance of a wrong answer that is accepted, over all metrics together.
    pub level: f64,
    /// Rounds before the first answer.
    pub rounds_min: usize,
    /// Rounds after which it gives up.
    pub rounds_max: usize,
    /// Decides the bootstrap's draws.
    pub seed: u64,
}

impl Default for Terms {
    /// Ten to twenty rounds (20 to 40 pairs), 3 %, one wrong answer in a hundred.
    fn default() -> Self {
        Self {
            tolerated: 0.03,
            level: 0.01,
            rounds_min: 10,
            rounds_max: 20,
            seed: 0,
        }
    }
}

/// What a gate says at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// No metric is worse by more than is tolerated.
    Pass,
    /// At least one metric is.
    Fail,
    /// The noise is too large for the budget, a metric is missing, or the machine is unfit.
    CannotTell,
}

impl Judgement {
    /// In capitals.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::CannotTell => "CANNOT TELL",
        }
    }

    /// How a process that says this ends: 0 pass, 1 fail, 2 cannot tell.
    #[must_use]
    pub fn ending(self) -> Ending {
        match self {
            Self::Pass => Ending::Valid,
            Self::Fail => Ending::Invalid,
            Self::CannotTell => Ending::Unknown,
        }
    }
}

/// The answer, with everything that it stands on. Serialised as `gate.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// [`Answer::SCHEMA`].
    pub schema: String,
    /// Pass, fail or cannot tell.
    pub judgement: Judgement,
    /// In one sentence, for a person.
    pub sentence: String,
    /// Rounds of four runs that were made.
    pub rounds: usize,
    /// Each metric.
    pub metrics: Vec<MetricAnswer>,
    /// What to know about it: what could not be measured, why it ended early.
    pub notes: Vec<String>,
}

impl Answer {
    /// The schema that this version writes.
    pub const SCHEMA: &str = "dateline/gate/1";

    /// Reads `gate.json`.
    ///
    /// # Errors
    /// It is missing, unreadable, malformed or of another version.
    pub fn read(path: &Path) -> Result<Self, FolderError> {
        read_json(path, Self::SCHEMA)
    }
}

/// One metric's part of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricAnswer {
    /// Its name.
    pub name: String,
    /// Pass, fail or cannot tell, for this metric alone.
    pub judgement: Judgement,
    /// By how much the candidate is worse, as a share (0.05 is 5 % worse, negative is better), with its interval; `None` with too few rounds.
    pub worse_by: Option<Span>,
    /// The same for the base against itself.
    pub control: Option<Span>,
    /// Whether the control allows a judgement.
    pub machine_is_fit: bool,
    /// Median of the base's runs, and of the candidate's.
    pub medians: Option<(f64, f64)>,
}

/// A relative change with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The estimate.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}
