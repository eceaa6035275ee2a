//! Judging a recorded history: what `dateline test` does at the end of a run, and `dateline check` at any time.

use std::path::Path;

use checker::{
    history::{Ending, History, Operation, ndjson::ReadError, read_history},
    verdict::{CheckResult, EvidenceOperation, Outcome, Verdict, Violation},
};

use super::settle::Settled;
use crate::client::errors;

/// The name of the check that the harness itself makes: it needs a clock, so no history can be judged for it.
const SETTLING: &str = "settling";

/// The name of the check of what clients said about padding, which histories do not hold.
const WHOLE_ITEMS: &str = "whole-items";

/// How many torn items are shown; all are counted.
const TORN_ITEMS_SHOWN: usize = 10;

/// Judges a history file: by these checks, or by all that can say something about it.
pub(crate) fn judge(path: &Path, checks: Option<&[&str]>) -> Result<(History, Verdict), ReadError> {
    let history = read_history(path)?;
    let mut verdict = match checks {
        Some(checks) => checker::check(&history, checks),
        None => checker::check(&history, &checker::applicable_checks(&history)),
    };
    add_whole_items(&mut verdict, &history);
    Ok((history, verdict))
}

/// Adds the items whose parts did not belong together, if clients met any. A history without them says nothing about it: not every workload
/// pads its items.
fn add_whole_items(verdict: &mut Verdict, history: &History) {
    let is_torn = |operation: &&Operation| match &operation.ending {
        Ending::Unknown { error: Some(error) } | Ending::Failed { error, .. } => {
            error == errors::TORN_ITEM
        }
        Ending::Unknown { error: None } | Ending::Ok(_) => false,
    };
    let torn: Vec<&Operation> = history.operations.iter().filter(is_torn).collect();
    if torn.is_empty() {
        return;
    }
    let violation = |operation: &&Operation| {
        Violation {
        key: None,
        summary: "An item was answered whose padding is not that of its key and its write id: it was torn, or put together from two"
            .to_owned(),
        operations: vec![EvidenceOperation {
            line_invoke: operation.line_invoke,
            line_complete: operation.line_complete,
            process: operation.process.0,
            region: operation.region,
            call_ns: operation.call_ns,
            return_ns: operation.return_ns,
            text: format!("{:?}", operation.op),
            role: "the operation that got it".to_owned(),
        }],
    }
    };
    verdict.checks.push(CheckResult {
        check: WHOLE_ITEMS.to_owned(),
        outcome: Outcome::Invalid,
        reason: None,
        property: "Every item that is answered has the padding that was written with it".to_owned(),
        violation_count: torn.len() as u64,
        violations: torn.iter().take(TORN_ITEMS_SHOWN).map(violation).collect(),
    });
    verdict.outcome = Outcome::Invalid;
}

/// Adds whether the regions came to rest to what the history shows.
pub(super) fn add_settling(verdict: &mut Verdict, settled: Option<&Settled>) {
    let (outcome, reason) = match settled {
        // Nothing was seen, so nothing is claimed: the check is not there.
        Some(Settled::Unseen(_)) => return,
        Some(Settled::AtRest(_)) => (Outcome::Valid, None),
        Some(Settled::StillMoving { limit, what }) => (
            Outcome::Invalid,
            Some(format!(
                "{} s after everything was healed, {what}",
                limit.as_secs()
            )),
        ),
        Some(Settled::Interrupted) => (
            Outcome::Unknown,
            Some("the run was stopped before the regions had settled".into()),
        ),
        None => (
            Outcome::Unknown,
            Some("the run did not get as far as settling".into()),
        ),
    };
    let violations = match (&outcome, &reason) {
        (Outcome::Invalid, Some(summary)) => vec![Violation {
            key: None,
            summary: summary.clone(),
            operations: Vec::new(),
        }],
        (Outcome::Valid | Outcome::Unknown | Outcome::Invalid, _) => Vec::new(),
    };
    verdict.checks.push(CheckResult {
        check: SETTLING.to_owned(),
        outcome,
        reason: reason.filter(|_| outcome == Outcome::Unknown),
        property:
            "After everything is healed, all regions answer and nothing is pending between them"
                .to_owned(),
        violation_count: violations.len() as u64,
        violations,
    });
    verdict.outcome = verdict.outcome.max(outcome);
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::*;

    fn verdict(outcome: Outcome) -> Verdict {
        Verdict {
            outcome,
            reason: None,
            checks: Vec::new(),
            measurements: BTreeMap::new(),
            operations: BTreeMap::new(),
        }
    }

    #[test]
    fn a_torn_item_is_a_violation_wherever_it_was_met() {
        let history = |ending| History {
            header: checker::history::Header::default(),
            operations: vec![Operation {
                line_invoke: 2,
                line_complete: Some(3),
                process: checker::history::ProcessId(0),
                region: checker::history::RegionId(0),
                phase: checker::history::Phase::Main,
                op: checker::history::Op::Scan,
                call_ns: 1,
                return_ns: None,
                ending,
            }],
        };
        let unknown = |error: &str| Ending::Unknown {
            error: Some(error.to_owned()),
        };
        for (ending, outcome, checks) in [
            (unknown(errors::TORN_ITEM), Outcome::Invalid, 1),
            (unknown(errors::TIMEOUT), Outcome::Valid, 0),
            (Ending::Unknown { error: None }, Outcome::Valid, 0),
        ] {
            let mut verdict = verdict(Outcome::Valid);
            add_whole_items(&mut verdict, &history(ending));
            assert_eq!((verdict.outcome, verdict.checks.len()), (outcome, checks));
        }
    }

    #[test]
    fn what_cannot_be_looked_into_is_not_judged_for_settling() {
        let mut verdict = verdict(Outcome::Valid);
        add_settling(&mut verdict, Some(&Settled::Unseen(Duration::ZERO)));
        assert_eq!((verdict.outcome, verdict.checks.len()), (Outcome::Valid, 0));
    }

    #[test]
    fn a_store_that_does_not_settle_is_invalid_and_nothing_weakens_a_violation() {
        let moving = Settled::StillMoving {
            limit: Duration::from_secs(20),
            what: "a had 3 pending".into(),
        };
        let rest = Settled::AtRest(Duration::from_secs(1));
        for (before, settled, after) in [
            (Outcome::Valid, Some(&rest), Outcome::Valid),
            (Outcome::Valid, Some(&moving), Outcome::Invalid),
            (Outcome::Unknown, Some(&moving), Outcome::Invalid),
            (Outcome::Valid, None, Outcome::Unknown),
            (
                Outcome::Invalid,
                Some(&Settled::Interrupted),
                Outcome::Invalid,
            ),
        ] {
            let mut verdict = verdict(before);
            add_settling(&mut verdict, settled);
            assert_eq!(verdict.outcome, after);
            assert_eq!(verdict.checks.len(), 1);
        }
    }
}
