//! What a judgement looks like: three outcomes, with evidence and reasons.

mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::history::{Key, RegionId};

pub use text::text;

/// The three outcomes, in the order in which they dominate: one violation outweighs every `unknown`, one `unknown` every `valid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing forbidden happened, as far as this check can see.
    Valid,
    /// It cannot be told, and the reason says what would decide it.
    Unknown,
    /// Something forbidden happened, and the evidence shows it.
    Invalid,
}

/// The judgement of one history by a set of checks. Serialised as the `verdict` of `results.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst outcome of all checks; `unknown` when there were none or the history was empty.
    pub outcome: Outcome,
    /// Why the history as a whole could not be judged, if it could not.
    pub reason: Option<String>,
    /// One entry per check, in the order in which they were asked for.
    pub checks: Vec<CheckResult>,
    /// What the contract allows, counted and never flagged: name of the measurement → value, unit last in the name.
    pub measurements: BTreeMap<String, f64>,
    /// How many operations were judged, by outcome: `ok`, `fail`, `info`.
    pub operations: BTreeMap<String, u64>,
}

impl Verdict {
    /// The verdict that follows from what the checks found in so many operations, by outcome. Nothing asked, and nothing succeeded, is never a pass.
    #[must_use]
    pub fn new(
        checks: Vec<CheckResult>,
        measurements: BTreeMap<String, f64>,
        operations: BTreeMap<String, u64>,
    ) -> Self {
        let outcomes = checks.iter().map(|check| check.outcome);
        let mut outcome = outcomes.max().unwrap_or(Outcome::Unknown);
        let mut reason = checks
            .is_empty()
            .then(|| "no check was asked for".to_owned());
        if !operations.contains_key("ok") {
            outcome = outcome.max(Outcome::Unknown);
            reason = Some(match operations.values().sum() {
                0_u64 => {
                    "the history is empty: nothing was asked, so nothing can be judged".to_owned()
                }
                count => {
                    format!("none of the {count} operations succeeded, so nothing can be judged")
                }
            });
        }
        Self {
            outcome,
            reason,
            checks,
            measurements,
            operations,
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check's id, as in `dateline list checks` (`read-your-writes`).
    pub check: String,
    /// What it found.
    pub outcome: Outcome,
    /// Why it cannot tell, and what would decide it. Present iff `outcome` is unknown.
    pub reason: Option<String>,
    /// The first item of which it cannot tell; none when it cannot of any, or the history is not of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_key: Option<Key>,
    /// Present iff there was nothing to judge: how much `reason` says, compared with the reasons of other parts of the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nothing_to_judge: Option<u8>,
    /// The property in one sentence.
    pub property: String,
    /// How many pieces of evidence there are; `violations` may show fewer.
    pub violation_count: u64,
    /// The first pieces of evidence, in time order.
    pub violations: Vec<Violation>,
}

/// One piece of evidence: the fewest operations that show it, and the sentence that says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// The item concerned.
    pub key: Option<Key>,
    /// When it became visible, nanoseconds since the run began: the call of the last operation that was found to have a part in it, whether or
    /// not it is among those shown. Zero when it is about no operation.
    #[serde(default)]
    pub visible_ns: u64,
    /// One or two sentences for a person: what was promised, what was seen.
    pub summary: String,
    /// The operations that show it, in time order; leaving any of them out leaves nothing to show.
    pub operations: Vec<EvidenceOperation>,
}

/// So many violations of a check are shown.
const SHOWN_COUNT: usize = 20;

/// Keeps the violations that became visible first, as many as are shown. Which ones stay depends neither on the order in which they were found nor
/// on how the items were parted among threads and machines; those of one item must be in the order in which its check found them.
pub fn keep_earliest(violations: &mut Vec<Violation>) {
    violations.sort_by_key(|violation| (violation.visible_ns, violation.key));
    violations.truncate(SHOWN_COUNT);
}

/// Puts the violations that are shown in the order of the last operations that they show.
pub fn put_in_order(violations: &mut [Violation]) {
    violations.sort_by_key(|violation| {
        let last = violation.operations.last();
        last.map(|operation| (operation.call_ns, operation.line_invoke, violation.key))
    });
}

/// An operation as evidence: enough to draw it and to find it in the history file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceOperation {
    /// Line of the invocation in the history file (the header is line 1).
    pub line_invoke: u64,
    /// Line of its completion, if it completed.
    pub line_complete: Option<u64>,
    /// Who asked.
    pub process: u32,
    /// The region asked, as an index into the header's regions.
    pub region: RegionId,
    /// When it was asked, nanoseconds since the run began.
    pub call_ns: u64,
    /// When it completed; `None` for operations whose outcome nobody knows.
    pub return_ns: Option<u64>,
    /// In words: `wrote 30001`, `read 17 (stamp 1519085870.846001 us-east-1)`.
    pub text: String,
    /// What part it plays: `the acknowledged write`, `the read that missed it`.
    pub role: String,
}
