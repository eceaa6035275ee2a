//! The verdict of one part of a history's keys (`dateline check --share I/N --json`), and the parts joined.
//!
//! A violation outweighs every unknown, an unknown every valid, as everywhere. Evidence of all parts is put in order and cut as one process would. Measurements
//! that are counts are added; others are of the keys of one part, cannot be added, and are left out.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use checker::{
    Judgement,
    history::Header,
    verdict::{CheckResult, Outcome, Verdict, keep_earliest, put_in_order},
};
use serde::{Deserialize, Serialize};

use crate::load_summary::Share;

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
    /// Checks for which this part has nothing; their results count if another part has something.
    pub left_out: BTreeSet<String>,
    /// Whether nothing but reads was asked in it.
    pub is_read_only: bool,
    /// What was found in this part.
    pub verdict: Verdict,
}

impl VerdictShare {
    /// The schema that this version writes.
    pub const SCHEMA: &str = "dateline/verdict-share/1";

    /// What was found in one part of the history with this header.
    #[must_use]
    pub fn new(share: Share, header: &Header, judgement: Judgement) -> Self {
        let left_out = judgement.left_out.iter();
        Self {
            schema: Self::SCHEMA.to_owned(),
            share,
            regions: header.regions.clone(),
            seed: header.seed,
            left_out: left_out.map(|one| one.check.to_owned()).collect(),
            is_read_only: judgement.is_read_only,
            verdict: judgement.verdict,
        }
    }
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
    let is_told = |part: &&VerdictShare| !part.verdict.operations.is_empty();
    for part in parts.iter().filter(is_told) {
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
    // What kinds of items there are is told by the parts that wrote, if any did.
    let is_read_only = parts.iter().filter(is_told).all(|part| part.is_read_only);
    let tells = |part: &&VerdictShare| is_told(part) && part.is_read_only == is_read_only;
    let has_any = |id: &String| {
        let mut parts = parts.iter().filter(tells);
        parts.any(|part| !part.left_out.contains(id))
    };
    checks.retain(|check| has_any(&check.check));
    for check in &mut checks {
        keep_earliest(&mut check.violations);
        put_in_order(&mut check.violations);
    }
    Ok(Verdict::new(checks, measurements, operations))
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

/// Joins what one check found in two parts. Nothing to judge in one of them says nothing about the other.
fn add(sum: &mut CheckResult, part: &CheckResult) {
    if weight(part) > weight(sum) {
        sum.outcome = part.outcome;
        sum.reason.clone_from(&part.reason);
        sum.reason_key = part.reason_key;
        sum.nothing_to_judge = part.nothing_to_judge;
    }
    sum.violation_count += part.violation_count;
    sum.violations.extend(part.violations.iter().cloned());
}

/// How much the outcome in a part says; of equals, that of the first item.
fn weight(check: &CheckResult) -> impl Ord {
    let kind = match (check.outcome, check.nothing_to_judge) {
        (Outcome::Unknown, Some(_)) => 0,
        (Outcome::Valid, _) => 1,
        (Outcome::Unknown, None) => 2,
        (Outcome::Invalid, _) => 3,
    };
    (kind, check.nothing_to_judge, check.reason_key.map(Reverse))
}

#[cfg(test)]
mod tests {
    use checker::history::RegionId;
    use checker::verdict::{EvidenceOperation, Violation};

    use super::*;

    fn part(index: u32, outcome: Outcome, lines: &[u64]) -> VerdictShare {
        let violations = lines.iter().map(|line| Violation {
            key: None,
            visible_ns: *line,
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
            reason_key: None,
            nothing_to_judge: None,
            property: String::new(),
            violation_count: lines.len() as u64,
            violations: violations.collect(),
        };
        VerdictShare {
            schema: VerdictShare::SCHEMA.into(),
            share: Share { index, of: 2 },
            regions: vec!["us".into()],
            seed: Some(7),
            left_out: BTreeSet::new(),
            is_read_only: false,
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
