//! A nightly suite: a matrix of runs, what came of each, and the worst of it all.
//!
//! [`SuiteResult`] is the one model, written again after every cell, so that a suite that was killed is resumed from it ([`resume`]).
//! [`markdown`], [`junit`] and [`crate::html::suite`] show one suite, [`flakes`] looks at many for cells that end now so and now so.
//! A violation is worse than anything else that can happen, a harness failure among it. Deliberately absent: running anything.

pub mod flakes;
pub mod junit;
pub mod markdown;
pub mod resume;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    gate::Judgement,
    results::Ending,
    run_folder::{FolderError, read_json},
    words,
};

/// `suite.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteResult {
    /// [`SuiteResult::SCHEMA`].
    pub schema: String,
    /// The suite's name.
    pub name: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// The version of Dateline that ran it.
    pub version: String,
    /// One line that runs it again.
    pub reproduce: String,
    /// Every cell of the matrix, those that did not run among them.
    pub cells: Vec<Cell>,
}

impl SuiteResult {
    /// The schema that this version writes.
    pub const SCHEMA: &str = "dateline/suite/1";

    /// Reads the file.
    ///
    /// # Errors
    /// It is missing, unreadable, malformed or of another version.
    pub fn read(path: &Path) -> Result<Self, FolderError> {
        read_json(path, Self::SCHEMA)
    }

    /// The worst that happened. A suite without a cell has shown nothing: it cannot tell.
    #[must_use]
    pub fn worst(&self) -> CellOutcome {
        let outcomes = self.cells.iter().map(|cell| cell.outcome);
        outcomes.max().unwrap_or(CellOutcome::NotRun)
    }

    /// The line that runs it again, or what of it was not run.
    #[must_use]
    pub fn again(&self) -> String {
        let is_unfinished = |cell: &Cell| cell.outcome == CellOutcome::NotRun;
        let rest = if self.cells.iter().any(is_unfinished) {
            " --resume"
        } else {
            ""
        };
        format!("{}{rest}", self.reproduce)
    }

    /// What the process returns: 0 all is well, 1 a violation, a slowdown or a missed goal, 2 cannot tell, 3 harness failure.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.worst().exit_code()
    }

    /// The verdict in capitals.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.worst() {
            CellOutcome::Valid | CellOutcome::GatePassed => "PASSED",
            CellOutcome::Unknown | CellOutcome::GateCannotTell => "UNKNOWN",
            CellOutcome::NotRun => "UNFINISHED",
            CellOutcome::HarnessFailure => "HARNESS FAILURE",
            CellOutcome::GoalMissed => "GOAL MISSED",
            CellOutcome::GateFailed => "SLOWER",
            CellOutcome::Invalid => "INVALID",
        }
    }

    /// How many cells ended how, worst first, in words: `1 invalid, 1 slower, 30 valid`.
    #[must_use]
    pub fn tally(&self) -> String {
        let told = CellOutcome::ALL.iter().rev().filter_map(|outcome| {
            let count = self
                .cells
                .iter()
                .filter(|cell| cell.outcome == *outcome)
                .count() as u64;
            (count > 0).then(|| format!("{} {}", words::count(count), outcome.word()))
        });
        let told = told.collect::<Vec<_>>().join(", ");
        if told.is_empty() {
            "no cell".to_owned()
        } else {
            told
        }
    }

    /// The cells that somebody has to look at, worst first.
    #[must_use]
    pub fn troubles(&self) -> Vec<&Cell> {
        let mut cells: Vec<&Cell> = self
            .cells
            .iter()
            .filter(|cell| !cell.outcome.is_good())
            .collect();
        cells.sort_by_key(|cell| std::cmp::Reverse(cell.outcome));
        cells
    }

    /// How long its cells took together, milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        self.cells.iter().map(|cell| cell.duration_ms).sum()
    }
}

/// One cell of the matrix and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Which one.
    #[serde(flatten)]
    pub id: CellId,
    /// What came of it.
    pub outcome: CellOutcome,
    /// In one sentence: the first violation, why nobody can tell, by how much it is slower, which goals were missed. Empty when all is well.
    pub told: String,
    /// Its run folder, relative to the suite's; `None` when there is none.
    pub folder: Option<String>,
    /// One line that runs this cell alone again.
    pub reproduce: String,
    /// How long it took.
    pub duration_ms: u64,
}

/// What tells a cell from all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CellId {
    /// The workload, or the scenario of a load or a gate.
    pub workload: String,
    /// The fault packages.
    pub faults: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// The target: `local`, `sim`, …
    pub target: String,
    /// The version of what is tested: a commit, an image, a path.
    pub version: String,
}

impl CellId {
    /// In one line: `register, partition+kill, seed 7, local, 1aa67e0`.
    #[must_use]
    pub fn told(&self) -> String {
        format!(
            "{}, {}, seed {}, {}, {}",
            self.workload,
            self.faults_told(),
            self.seed,
            self.target,
            self.version
        )
    }

    /// The faults, or `no faults`.
    #[must_use]
    pub fn faults_told(&self) -> String {
        if self.faults.is_empty() {
            "no faults".to_owned()
        } else {
            self.faults.join("+")
        }
    }
}

/// What came of a cell, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellOutcome {
    /// A run: nothing forbidden was seen, and a load kept its goals.
    Valid,
    /// A gate: no metric is worse by more than is tolerated.
    GatePassed,
    /// A gate that could not tell.
    GateCannotTell,
    /// A run that could not be judged.
    Unknown,
    /// The suite ended before it: no time was left, or it was killed.
    NotRun,
    /// The harness could not do its job.
    HarnessFailure,
    /// A load: a goal was missed.
    GoalMissed,
    /// A gate: the candidate is worse by more than is tolerated.
    GateFailed,
    /// A run: something forbidden happened, or a load read what nobody wrote. Dominates everything.
    Invalid,
}

impl From<Ending> for CellOutcome {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Valid => Self::Valid,
            Ending::Unknown => Self::Unknown,
            Ending::HarnessFailure => Self::HarnessFailure,
            Ending::Invalid => Self::Invalid,
        }
    }
}

impl From<Judgement> for CellOutcome {
    fn from(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Pass => Self::GatePassed,
            Judgement::CannotTell => Self::GateCannotTell,
            Judgement::Fail => Self::GateFailed,
        }
    }
}

impl CellOutcome {
    /// All, from best to worst.
    pub const ALL: [Self; 9] = [
        Self::Valid,
        Self::GatePassed,
        Self::GateCannotTell,
        Self::Unknown,
        Self::NotRun,
        Self::HarnessFailure,
        Self::GoalMissed,
        Self::GateFailed,
        Self::Invalid,
    ];

    /// As people read it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::GatePassed => "not slower",
            Self::GateCannotTell => "cannot tell",
            Self::Unknown => "unknown",
            Self::NotRun => "not run",
            Self::HarnessFailure => "harness failure",
            Self::GoalMissed => "goal missed",
            Self::GateFailed => "slower",
            Self::Invalid => "invalid",
        }
    }

    /// Whether nobody has to look.
    #[must_use]
    pub fn is_good(self) -> bool {
        self.exit_code() == 0
    }

    /// How a process ends whose worst this is.
    #[must_use]
    pub fn ending(self) -> Ending {
        match self {
            Self::Valid | Self::GatePassed => Ending::Valid,
            Self::GateCannotTell | Self::Unknown | Self::NotRun => Ending::Unknown,
            Self::HarnessFailure => Ending::HarnessFailure,
            Self::Invalid | Self::GateFailed | Self::GoalMissed => Ending::Invalid,
        }
    }

    /// What that process returns.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        self.ending().exit_code()
    }
}

#[cfg(test)]
pub(crate) mod tests;
