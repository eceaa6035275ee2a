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

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check's id, as in `dateline list checks` (`read-your-writes`).
    pub check: String,
    /// What it found.
    pub outcome: Outcome,
    /// Why it cannot tell, and what would decide it. Present iff `outcome` is unknown.
    pub reason: Option<String>,
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
    /// One or two sentences for a person: what was promised, what was seen.
    pub summary: String,
    /// The operations that show it, in time order; leaving any of them out leaves nothing to show.
    pub operations: Vec<EvidenceOperation>,
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
