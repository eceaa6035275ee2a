//! `results.json`: the one model that every face of the report shows.
//!
//! Text, Markdown, JUnit and HTML are written from a [`Results`] (HTML also draws a [`Sample`](crate::figures::Sample) of the history);
//! none of them computes anything that the JSON does not hold.

use std::collections::BTreeMap;

use checker::verdict::{Outcome, Verdict};
use serde::{Deserialize, Serialize};

use crate::{
    figures::Figures,
    run_folder::{Examination, Run},
};

/// `results.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// [`Results::SCHEMA`].
    pub schema: String,
    /// What was run: `run.json` again, so that this file can be read alone.
    pub run: Run,
    /// The judgement.
    pub verdict: Verdict,
    /// Why the harness could not do its job, if it could not. A violation found all the same still counts.
    pub harness_failure: Option<String>,
    /// The numbers.
    pub figures: Figures,
    /// What measuring and judging cost.
    pub overhead: Overhead,
    /// What to be careful about when reading the numbers: what was seen, what it may mean, what to try.
    pub warnings: Vec<String>,
    /// Where it ran: `os`, `kernel`, `cpus`, `cpu_model`, `memory_mib`, … No host names.
    pub environment: BTreeMap<String, String>,
}

/// What measuring and judging cost. `None`: not measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overhead {
    /// CPU time of the harness per operation, microseconds.
    pub harness_cpu_us_per_operation: Option<f64>,
    /// What its proxies took of that; they carry clients' requests and replication.
    #[serde(default)]
    pub proxies_cpu_us_per_operation: Option<f64>,
    /// CPU time of all local regions together per operation, microseconds.
    pub regions_cpu_us_per_operation: Option<f64>,
    /// Greatest resident memory of the harness, MiB.
    pub harness_memory_mib_max: Option<f64>,
    /// How long judging took, milliseconds.
    pub check_ms: Option<f64>,
}

/// How a run ended, in the order in which they dominate. [`Ending::exit_code`] is what the process returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Nothing forbidden was seen.
    Valid,
    /// It cannot be told.
    Unknown,
    /// The harness could not do its job.
    HarnessFailure,
    /// Something forbidden happened: dominates everything.
    Invalid,
}

impl Ending {
    /// 0 valid, 1 invalid, 2 unknown, 3 harness failure.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Unknown => 2,
            Self::HarnessFailure => 3,
        }
    }
}

impl Results {
    /// The schema that this version writes.
    pub const SCHEMA: &str = "dateline/results/1";

    /// The results of a run that was examined and judged. What only the harness knows (its failure, cost, warnings, environment) is left
    /// empty for it to fill in.
    #[must_use]
    pub fn of(examination: &Examination, verdict: Verdict) -> Self {
        Self {
            schema: Self::SCHEMA.to_owned(),
            run: examination.run.clone(),
            verdict,
            harness_failure: None,
            figures: examination.figures.clone(),
            overhead: Overhead::default(),
            warnings: Vec::new(),
            environment: BTreeMap::new(),
        }
    }

    /// What can be shown of a run that ended before it was judged: unknown, with what is missing as warnings.
    #[must_use]
    pub fn unfinished(examination: &Examination) -> Self {
        let verdict = Verdict {
            outcome: Outcome::Unknown,
            reason: Some(
                "the run ended before it was judged; `dateline check` judges its history"
                    .to_owned(),
            ),
            checks: Vec::new(),
            measurements: BTreeMap::new(),
            operations: BTreeMap::new(),
        };
        // A page that says that it is missing would be a riddle.
        let other = examination
            .missing
            .iter()
            .filter(|told| !told.starts_with("report.html"));
        let warnings = other.cloned().collect();
        Self {
            warnings,
            ..Self::of(examination, verdict)
        }
    }

    /// How the run ended.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match (self.verdict.outcome, &self.harness_failure) {
            (Outcome::Invalid, _) => Ending::Invalid,
            (Outcome::Valid | Outcome::Unknown, Some(_)) => Ending::HarnessFailure,
            (Outcome::Unknown, None) => Ending::Unknown,
            (Outcome::Valid, None) => Ending::Valid,
        }
    }
}
