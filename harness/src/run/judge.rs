//! Judging a recorded history: what `dateline test` does at the end of a run, and `dateline check` at any time.

use std::{num::NonZeroUsize, path::Path};

use checker::{
    Gathering, JudgeError, Resources,
    history::Delivery,
    verdict::{CheckResult, Outcome, Verdict, Violation},
};

use super::settle::Settled;

/// The name of the check that the harness itself makes: it needs a clock, so no history can be judged for it.
const SETTLING: &str = "settling";

/// Judges a history file: by these checks, or by all that can say something about it.
pub(crate) fn judge(path: &Path, checks: Option<&[&'static str]>) -> Result<Verdict, JudgeError> {
    judge_within(path, checks, None)
}

/// As [`judge`]; writes must arrive within this, if it is given.
pub(super) fn judge_within(
    path: &Path,
    checks: Option<&[&'static str]>,
    delivery: Option<Delivery>,
) -> Result<Verdict, JudgeError> {
    let mut gathering = checker::gather_file(path, all_processors())?;
    let mut checks = asked(&gathering, checks);
    if let Some(delivery) = delivery {
        gathering.must_deliver(delivery);
        if !checks.contains(&"delivery") {
            checks.push("delivery");
        }
    }
    gathering.check(&checks)
}

/// The checks that are asked for, or all that can say something about a history.
pub(super) fn asked(gathering: &Gathering, checks: Option<&[&'static str]>) -> Vec<&'static str> {
    if let Some(checks) = checks {
        return checks.to_vec();
    }
    let mut checks = gathering.applicable_checks();
    // It places what a condition required by its stamp: without stamps it can never tell.
    let stamps_visible = gathering.header().stamps_visible;
    checks.retain(|check| stamps_visible || *check != "conditional-writes");
    checks
}

/// A thread for each processor, and as much memory as it takes.
pub(crate) fn all_processors() -> Resources {
    Resources {
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        memory: None,
    }
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
            visible_ns: 0,
            summary: summary.clone(),
            operations: Vec::new(),
        }],
        (Outcome::Valid | Outcome::Unknown | Outcome::Invalid, _) => Vec::new(),
    };
    verdict.checks.push(CheckResult {
        check: SETTLING.to_owned(),
        outcome,
        reason: reason.filter(|_| outcome == Outcome::Unknown),
        reason_key: None,
        nothing_to_judge: None,
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
