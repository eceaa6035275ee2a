//! The verdict of one part of a history's keys (`dateline check --share I/N --json`), and the parts joined.
//!
//! A violation outweighs every unknown, an unknown every valid, as everywhere. Evidence of all parts is put in order and cut as one process would. Measurements
//! that are counts are added; others are of the keys of one part, cannot be added, and are left out.

use std::collections::{BTreeMap, BTreeSet};

use checker::verdict::{CheckResult, Outcome, Verdict};
use serde::{Deserialize, Serialize};

use crate::load_summary::Share;

/// So many violations of a check are shown, as by one process.
const SHOWN_COUNT: usize = 20;

/// One part's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictShare {
    /// [`VerdictShare::SCHEMA`].
    pub schema: String,
    /// Which part.
    pub share: Share,
    /// The history's regions, for whoever draws the evidence.
    pub regions: Vec<String>,
    /// The seed of the run, if known.
    pub seed: Option<u64>,
    /// What was found in this part.
    pub verdict: Verdict,
}

impl VerdictShare {
    /// The schema that this version writes.
    pub const SCHEMA: &str = "dateline/verdict-share/1";
}

/// Why parts could not be joined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerdictShareError {
    /// There is nothing.
    #[error("nothing to merge; name the verdicts of all parts")]
    Nothing,
    /// Some are not there.
    #[error(
        "the verdict of part {missing} of {of} is missing: its keys would be left out; judge it with --share {missing}/{of}"
    )]
    Missing {
        /// The first that is missing.
        missing: u32,
        /// Of how many.
        of: u32,
    },
    /// One is there twice or does not exist.
    #[error("part {index}/{of} is there more than once, or does not exist; name each verdict once")]
    Doubled {
        /// Which.
        index: u32,
        /// Of how many.
        of: u32,
    },
    /// They are not of one history.
    #[error(
        "part {index}: `{field}` differs from the first one's; only parts of one history can be merged"
    )]
    Differs {
        /// The part that differs.
        index: u32,
        /// In what.
        field: &'static str,
    },
}

/// The verdict of all keys.
///
/// # Errors
/// A part is missing, there twice, or of another history.
pub fn join(parts: &[VerdictShare]) -> Result<Verdict, VerdictShareError> {
    complete(parts)?;
    let mut checks: Vec<CheckResult> = Vec::new();
    let mut operations: BTreeMap<String, u64> = BTreeMap::new();
    let mut measurements: BTreeMap<String, f64> = BTreeMap::new();
    // A part may be empty: few keys, many parts. That says nothing about the whole.
    let is_empty = |part: &&VerdictShare| part.verdict.operations.values().all(|count| *count == 0);
    let told: Vec<&VerdictShare> = parts.iter().filter(|part| !is_empty(part)).collect();
    for part in &told {
        for (name, count) in &part.verdict.operations {
            *operations.entry(name.clone()).or_default() += count;
        }
        let counts = part.verdict.measurements.iter();
        for (name, value) in counts.filter(|(name, _)| name.ends_with("_count")) {
            *measurements.entry(name.clone()).or_default() += value;
        }
        for check in &part.verdict.checks {
            match checks.iter_mut().find(|sum| sum.check == check.check) {
                Some(sum) => add(sum, check),
                None => checks.push(check.clone()),
            }
        }
    }
    checks.iter_mut().for_each(put_in_order);
    let outcomes = checks.iter().map(|check| check.outcome);
    let outcome = outcomes
        .chain(told.iter().map(|part| part.verdict.outcome))
        .max();
    let reason = told.iter().find_map(|part| part.verdict.reason.clone());
    Ok(Verdict {
        outcome: outcome.unwrap_or(Outcome::Unknown),
        reason: match told.len() {
            0 => {
                Some("every part is empty: nothing was asked, so nothing can be judged".to_owned())
            }
            _some => reason,
        },
        checks,
        measurements,
        operations,
    })
}

fn complete(parts: &[VerdictShare]) -> Result<(), VerdictShareError> {
    let first = parts.first().ok_or(VerdictShareError::Nothing)?;
    let of = first.share.of;
    let mut seen = BTreeSet::new();
    for part in parts {
        let index = part.share.index;
        let differs = |field| Err(VerdictShareError::Differs { index, field });
        if part.share.of != of {
            return differs("share");
        }
        if part.regions != first.regions {
            return differs("regions");
        }
        if part.seed != first.seed {
            return differs("seed");
        }
        if !(1..=of).contains(&index) || !seen.insert(index) {
            return Err(VerdictShareError::Doubled { index, of });
        }
    }
    match (1..=of).find(|index| !seen.contains(index)) {
        Some(missing) => Err(VerdictShareError::Missing { missing, of }),
        None => Ok(()),
    }
}

fn add(sum: &mut CheckResult, part: &CheckResult) {
    if part.outcome > sum.outcome {
        sum.outcome = part.outcome;
        sum.reason.clone_from(&part.reason);
    }
    sum.violation_count += part.violation_count;
    sum.violations.extend(part.violations.iter().cloned());
}

/// The first ones, by the time at which they became visible.
fn put_in_order(check: &mut CheckResult) {
    check.violations.sort_by_key(|violation| {
        let last = violation.operations.last();
        last.map(|operation| (operation.call_ns, operation.line_invoke))
    });
    check.violations.truncate(SHOWN_COUNT);
}

#[cfg(test)]
mod tests {
    use checker::history::RegionId;
    use checker::verdict::{EvidenceOperation, Violation};

    use super::*;

    fn part(index: u32, outcome: Outcome, lines: &[u64]) -> VerdictShare {
        let violations = lines.iter().map(|line| Violation {
            key: None,
            summary: String::new(),
            operations: vec![EvidenceOperation {
                line_invoke: *line,
                line_complete: None,
                process: 1,
                region: RegionId(0),
                call_ns: *line,
                return_ns: None,
                text: String::new(),
                role: String::new(),
            }],
        });
        let check = CheckResult {
            check: "phantom".into(),
            outcome,
            reason: (outcome == Outcome::Unknown).then(|| "why".to_owned()),
            property: String::new(),
            violation_count: lines.len() as u64,
            violations: violations.collect(),
        };
        VerdictShare {
            schema: VerdictShare::SCHEMA.into(),
            share: Share { index, of: 2 },
            regions: vec!["us".into()],
            seed: Some(7),
            verdict: Verdict {
                outcome,
                reason: None,
                checks: vec![check],
                measurements: [
                    ("lost_count".to_owned(), 2.0),
                    ("age_p50_ms".to_owned(), 3.0),
                ]
                .into(),
                operations: [("ok".to_owned(), 10)].into(),
            },
        }
    }

    #[test]
    fn a_violation_outweighs_and_evidence_is_in_order() {
        let parts = [
            part(2, Outcome::Invalid, &[9, 4]),
            part(1, Outcome::Unknown, &[]),
        ];
        let whole = join(&parts).expect("complete");
        assert_eq!(whole.outcome, Outcome::Invalid);
        let check = &whole.checks[0];
        assert_eq!((check.violation_count, &check.reason), (2, &None));
        let lines: Vec<u64> = check
            .violations
            .iter()
            .map(|one| one.operations[0].line_invoke)
            .collect();
        assert_eq!(lines, [4, 9]);
        assert_eq!(
            (whole.operations["ok"], whole.measurements["lost_count"]),
            (20, 4.0)
        );
        assert!(!whole.measurements.contains_key("age_p50_ms"));
        let unknown = join(&[part(1, Outcome::Valid, &[]), part(2, Outcome::Unknown, &[])]);
        let unknown = unknown.expect("complete");
        assert_eq!(
            (unknown.outcome, unknown.checks[0].reason.as_deref()),
            (Outcome::Unknown, Some("why"))
        );
    }

    #[test]
    fn an_empty_part_says_nothing_but_must_be_there() {
        let mut empty = part(2, Outcome::Unknown, &[]);
        empty.verdict.operations.clear();
        let whole = join(&[part(1, Outcome::Valid, &[]), empty.clone()]).expect("complete");
        assert_eq!(whole.outcome, Outcome::Valid);
        let one = part(1, Outcome::Valid, &[]);
        let missing = VerdictShareError::Missing { missing: 2, of: 2 };
        assert_eq!(join(std::slice::from_ref(&one)), Err(missing));
        assert_eq!(
            join(&[one.clone(), one.clone()]),
            Err(VerdictShareError::Doubled { index: 1, of: 2 })
        );
        let other = VerdictShare {
            seed: Some(8),
            ..empty.clone()
        };
        assert_eq!(
            join(&[one, other]),
            Err(VerdictShareError::Differs {
                index: 2,
                field: "seed"
            })
        );
        let mut nothing = empty.clone();
        nothing.share.index = 1;
        assert_eq!(
            join(&[nothing, empty]).map(|whole| whole.outcome),
            Ok(Outcome::Unknown)
        );
    }
}
