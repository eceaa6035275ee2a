//! Runs side by side: what was asked differently first, then each figure with its ratio and a sentence.
//!
//! Two single runs are never said to differ *significantly*: two runs of one binary differ by placement and neighbours, and a test that sees only the
//! noise within each run would call that a regression ([`crate::stats`] says more). What is shown is the ratio and, where a figure is a mean over
//! seconds, the interval that the noise *within* both runs explains; [`crate::gate`] is what decides. Percentiles have no such interval, because
//! they are not means of the seconds' percentiles.
//! Runs with another rate, warm-up, in-flight limit, workload or faults are refused: their latencies answer different questions.

mod conditions;
mod figures;
mod subject;

pub mod markdown;

use serde::{Deserialize, Serialize};

pub(crate) use figures::{noise, ratio, shown};
pub use subject::{Measured, Subject};

/// The differences and figures of two or more runs. Serialised as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// [`Comparison::SCHEMA`].
    pub schema: String,
    /// The runs, in the order of all the lists below. The first one is what the others are compared with.
    pub runs: Vec<ComparedRun>,
    /// What was asked differently, that which forbids a comparison first.
    pub differences: Vec<Difference>,
    /// What to be careful about.
    pub notes: Vec<String>,
    /// Each figure that at least one run has.
    pub figures: Vec<ComparedFigure>,
}

impl Comparison {
    /// The schema that this version writes.
    pub const SCHEMA: &str = "dateline/compare/1";
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedRun {
    /// What it is called here: its folder.
    pub label: String,
    /// Its workload.
    pub workload: String,
    /// When it began.
    pub started: String,
    /// One line that repeats it.
    pub reproduce: String,
}

/// Something that was asked differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What: `version`, `option keys`, `link a → b`, …
    pub what: String,
    /// What each run says, as text; `–` where it does not say.
    pub values: Vec<String>,
    /// Whether it forbids a comparison.
    pub weight: Weight,
}

/// What a difference in configuration means for the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Latencies of such runs answer different questions.
    Forbids,
    /// It may explain a difference.
    MayExplain,
}

/// One figure of all runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedFigure {
    /// What: `us-east-1 read p99`.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// What each run measured; `None` where it did not.
    pub values: Vec<Option<f64>>,
    /// The second over the first, for two runs that both have it above zero.
    pub ratio: Option<f64>,
    /// The ratios that noise within the two runs explains, at 95 %; never a statement about other runs.
    pub within_run_noise: Option<Noise>,
    /// The same in words.
    pub sentence: String,
}

/// An interval of ratios.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Nanoseconds; less is better.
    Ns,
    /// Operations per second; more is better.
    PerS,
    /// A share; less is better.
    Ratio,
    /// A number of things; less is better.
    Count,
    /// Microseconds of CPU time; less is better.
    CpuUs,
    /// Mebibytes; less is better.
    Mib,
}

/// What to do with runs that do not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incomparable {
    /// Refuse.
    Refuse,
    /// Show them all the same, loudly.
    Show,
}

/// Why runs were not compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// One run or none.
    #[error("{count} to compare; name two run folders or more")]
    TooFew {
        /// How many there were, in words.
        count: String,
    },
    /// They answer different questions.
    #[error(
        "the figures of these runs do not compare: {differences}; run them with the same options, or ask for it all the same with --force"
    )]
    Incomparable {
        /// Which options differ, and how.
        differences: String,
    },
}

/// Puts runs side by side.
///
/// # Errors
/// There are fewer than two, or their rate, warm-up, in-flight limit, workload or faults differ and that is to be refused.
pub fn compare(
    subjects: &[Subject],
    incomparable: Incomparable,
) -> Result<Comparison, CompareError> {
    if subjects.len() < 2 {
        return Err(CompareError::TooFew {
            count: crate::words::counted(subjects.len() as u64, "run"),
        });
    }
    let differences = conditions::differences(subjects);
    let forbids: Vec<String> = differences
        .iter()
        .filter(|difference| difference.weight == Weight::Forbids)
        .map(|difference| format!("{} is {}", difference.what, difference.values.join(" and ")))
        .collect();
    let mut notes = Vec::new();
    if !forbids.is_empty() {
        let differences = forbids.join("; ");
        match incomparable {
            Incomparable::Refuse => return Err(CompareError::Incomparable { differences }),
            Incomparable::Show => notes.push(format!(
                "THESE RUNS DO NOT COMPARE: {differences}. What follows are figures of different questions, side by side"
            )),
        }
    }
    notes.push(if subjects.len() == 2 {
        "Two single runs: two runs of one build differ as well, by placement and neighbours, and nothing here can tell that from a change. `dateline gate` can. Noise given is that within the runs only".to_owned()
    } else {
        "Single runs: two runs of one build differ as well, by placement and neighbours; `dateline gate` can tell that from a change".to_owned()
    });
    let runs = subjects.iter().map(|subject| ComparedRun {
        label: subject.label.clone(),
        workload: subject.run.workload.clone(),
        started: subject.run.started.clone(),
        reproduce: subject.run.reproduce.clone(),
    });
    Ok(Comparison {
        schema: Comparison::SCHEMA.to_owned(),
        runs: runs.collect(),
        differences,
        notes,
        figures: figures::figures(subjects),
    })
}

#[cfg(test)]
pub(crate) mod tests;
