//! From what each run found to the matrix defect × check, and to how the selftest ends. Pure.

use std::collections::BTreeMap;

use checker::verdict::Outcome;
use replica::defects::Description;
use reports::results::{Ending, Results};
use serde::{Deserialize, Serialize};

use super::{Trial, occasion::Occasion};

/// What a run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub(crate) enum Found {
    /// It was judged.
    Judged {
        /// The verdict as a whole.
        outcome: Outcome,
        /// Check → when its first evidence was complete, milliseconds since the run began; `None` for evidence without operations.
        violations: BTreeMap<String, Option<u64>>,
    },
    /// It could not be made.
    Failed {
        /// Why.
        why: String,
    },
}

impl Found {
    /// What `results.json` says.
    pub(crate) fn of(results: &Results) -> Self {
        match results.ending() {
            Ending::HarnessFailure => Self::Failed {
                why: results.harness_failure.clone().unwrap_or_default(),
            },
            Ending::Valid | Ending::Unknown | Ending::Invalid => Self::Judged {
                outcome: results.verdict.outcome,
                violations: violations(results),
            },
        }
    }
}

fn violations(results: &Results) -> BTreeMap<String, Option<u64>> {
    let invalid = results
        .verdict
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Invalid);
    let complete_ns = |violation: &checker::verdict::Violation| {
        let moments = violation.operations.iter();
        moments.map(|op| op.return_ns.unwrap_or(op.call_ns)).max()
    };
    invalid
        .map(|check| {
            let first_ns = check.violations.iter().filter_map(complete_ns).min();
            (check.check.clone(), first_ns.map(|ns| ns / 1_000_000))
        })
        .collect()
}

/// A run and what it found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The run.
    pub(crate) trial: Trial,
    /// Its folder, below the selftest's.
    pub(crate) folder: String,
    /// One line that repeats it.
    pub(crate) reproduce: String,
    /// What it found.
    pub(crate) found: Found,
}

/// What the runs of one defect come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DefectLine {
    /// Its name.
    pub(crate) defect: String,
    /// The checks meant to catch it.
    pub(crate) meant: Vec<String>,
    /// Runs that were judged.
    pub(crate) runs: usize,
    /// Runs in which a check meant to catch it did.
    pub(crate) caught: usize,
    /// Runs in which any check did.
    pub(crate) noticed: usize,
    /// Runs that could not be made.
    pub(crate) failed: usize,
    /// Every check that found something: how often, and how early.
    pub(crate) checks: BTreeMap<String, Cell>,
}

/// One field of the matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// In how many runs.
    pub(crate) runs: usize,
    /// The earliest evidence in any of them, milliseconds since the run began.
    pub(crate) first_ms: Option<u64>,
}

impl DefectLine {
    /// Whether the judge is good enough at it: a check that is meant to catch it did so in every run.
    pub(crate) fn is_caught(&self) -> bool {
        self.runs > 0 && self.caught == self.runs
    }

    /// The earliest evidence of a check that is meant to catch it.
    pub(crate) fn first_ms(&self) -> Option<u64> {
        let cells = self.meant.iter().filter_map(|check| self.checks.get(check));
        cells.filter_map(|cell| cell.first_ms).min()
    }
}

/// `selftest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Matrix {
    /// [`Matrix::SCHEMA`].
    pub(crate) schema: String,
    /// The version of Dateline.
    pub(crate) version: String,
    /// How it ended: the exit code.
    pub(crate) exit_code: u8,
    /// One line for each defect.
    pub(crate) defects: Vec<DefectLine>,
    /// Clean runs that were judged.
    pub(crate) clean_runs: usize,
    /// Runs of defects that no meant check found anything in.
    pub(crate) missed: Vec<Row>,
    /// Clean runs that are not valid.
    pub(crate) false_alarms: Vec<Row>,
    /// Runs that could not be made.
    pub(crate) failed: Vec<Row>,
    /// All runs.
    pub(crate) runs: Vec<Row>,
}

impl Matrix {
    /// The schema that this version writes.
    pub(crate) const SCHEMA: &str = "dateline/selftest/2";

    /// Judges the judge.
    pub(crate) fn of(rows: Vec<Row>, defects: &[&Description]) -> Self {
        let lines: Vec<DefectLine> = defects.iter().map(|row| line(row, &rows)).collect();
        let rows_that = |is_so: &dyn Fn(&Row) -> bool| -> Vec<Row> {
            rows.iter().filter(|row| is_so(row)).cloned().collect()
        };
        let is_judged = |row: &Row| matches!(row.found, Found::Judged { .. });
        let missed = rows_that(&|row| {
            is_judged(row)
                && defects
                    .iter()
                    .any(|defect| is_of(row, defect) && !is_caught(row, defect.name))
        });
        let false_alarms = rows_that(&|row| row.trial.defect.is_none() && is_false_alarm(row));
        let failed = rows_that(&|row| !is_judged(row));
        let clean_runs = rows
            .iter()
            .filter(|row| row.trial.defect.is_none() && is_judged(row))
            .count();
        let any_missed = lines.iter().any(|line| line.runs > 0 && !line.is_caught());
        let ending = if any_missed || !false_alarms.is_empty() {
            Ending::Invalid
        } else if !failed.is_empty() || rows.is_empty() {
            Ending::HarnessFailure
        } else {
            Ending::Valid
        };
        Self {
            schema: Self::SCHEMA.to_owned(),
            version: crate::VERSION.to_owned(),
            exit_code: ending.exit_code(),
            defects: lines,
            clean_runs,
            missed,
            false_alarms,
            failed,
            runs: rows,
        }
    }

    /// How the selftest ended: invalid when the judge erred, a harness failure when that cannot be told.
    pub(crate) fn ending(&self) -> Ending {
        let all = [Ending::Valid, Ending::Invalid, Ending::HarnessFailure];
        all.into_iter()
            .find(|ending| ending.exit_code() == self.exit_code)
            .expect("the code was taken from one of these")
    }
}

fn is_of(row: &Row, defect: &Description) -> bool {
    row.trial.defect.as_deref() == Some(defect.name)
}

/// Whether a check that is meant to catch this defect found something.
fn is_caught(row: &Row, defect: &str) -> bool {
    let mut meant = Occasion::of(defect).meant.iter();
    match &row.found {
        Found::Judged { violations, .. } => meant.any(|check| violations.contains_key(*check)),
        Found::Failed { .. } => false,
    }
}

fn is_false_alarm(row: &Row) -> bool {
    match &row.found {
        Found::Judged { outcome, .. } => *outcome != Outcome::Valid,
        Found::Failed { .. } => false,
    }
}

fn line(defect: &Description, rows: &[Row]) -> DefectLine {
    let mut line = DefectLine {
        defect: defect.name.to_owned(),
        meant: Occasion::of(defect.name)
            .meant
            .iter()
            .map(ToString::to_string)
            .collect(),
        runs: 0,
        caught: 0,
        noticed: 0,
        failed: 0,
        checks: BTreeMap::new(),
    };
    for row in rows.iter().filter(|row| is_of(row, defect)) {
        match &row.found {
            Found::Failed { .. } => line.failed += 1,
            Found::Judged { violations, .. } => {
                line.runs += 1;
                line.caught += usize::from(is_caught(row, defect.name));
                line.noticed += usize::from(!violations.is_empty());
                for (check, first_ms) in violations {
                    let cell = line.checks.entry(check.clone()).or_default();
                    cell.runs += 1;
                    cell.first_ms = match (cell.first_ms, *first_ms) {
                        (Some(old), Some(new)) => Some(old.min(new)),
                        (old, new) => old.or(new),
                    };
                }
            }
        }
    }
    assert!(
        line.caught <= line.runs,
        "each run is counted once at the most"
    );
    line
}

#[cfg(test)]
mod tests;
