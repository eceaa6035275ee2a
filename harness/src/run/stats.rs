//! Whether a run tried anything in earnest: a store that refuses every write breaks no promise, and yet nothing was tested.
//!
//! **Source.** Jepsen's checker `stats`: a kind of operation of which none succeeded makes the verdict unknown.
//!
//! A conditional write whose condition did not hold was answered, so it counts as one that the store could do. Kinds that were tried a few times only may
//! all have met a fault; they are left out, unless nothing at all succeeded.

use std::collections::BTreeMap;

use checker::verdict::{CheckResult, Outcome, Verdict};
use reports::figures::{Kind, OperationFigures};

use crate::client::errors::CONDITION_FAILED;

/// The name of this check, which takes what the harness counted.
const STATS: &str = "stats";
/// Kinds of which fewer were tried may be out of luck.
const TRIED_AT_LEAST: u64 = 10;

/// What became of the operations of one kind, in all regions.
#[derive(Clone, Debug, Default)]
struct Tally {
    tried: u64,
    /// Those that succeeded, and those whose condition did not hold.
    answered: u64,
    errors: BTreeMap<String, u64>,
}

/// Adds whether operations of every kind succeeded to what the history shows.
pub(super) fn add_stats(verdict: &mut Verdict, operations: &[OperationFigures]) {
    let reason = untested(operations);
    let outcome = match reason {
        Some(_) => Outcome::Unknown,
        None => Outcome::Valid,
    };
    verdict.checks.push(CheckResult {
        check: STATS.to_owned(),
        outcome,
        reason,
        reason_key: None,
        nothing_to_judge: None,
        property: "Of every kind of operation that was tried, some succeeded".to_owned(),
        violation_count: 0,
        violations: Vec::new(),
    });
    verdict.outcome = verdict.outcome.max(outcome);
}

/// What was not tested, if anything was not.
fn untested(operations: &[OperationFigures]) -> Option<String> {
    let tallies = tallies(operations);
    let in_vain = tallies.iter().filter(|(_, tally)| tally.answered == 0);
    let nothing_at_all = tallies.values().all(|tally| tally.answered == 0);
    let told: Vec<String> = in_vain
        .filter(|(_, tally)| nothing_at_all || tally.tried >= TRIED_AT_LEAST)
        .map(|(kind, tally)| tally.told(*kind))
        .collect();
    match (told.is_empty(), nothing_at_all) {
        (false, _) => Some(format!(
            "{}; how the store does that was not tested",
            told.join(", ")
        )),
        (true, true) => Some("no operation was tried".to_owned()),
        (true, false) => None,
    }
}

impl Tally {
    /// That none succeeded, and the error that came most often.
    fn told(&self, kind: Kind) -> String {
        let most = self.errors.iter().max_by_key(|(_, count)| **count);
        let most = most.map_or(String::new(), |(code, count)| {
            format!(" ({count} times {code})")
        });
        format!("{}: none of {} succeeded{most}", kind.name(), self.tried)
    }
}

fn tallies(operations: &[OperationFigures]) -> BTreeMap<Kind, Tally> {
    let mut tallies: BTreeMap<Kind, Tally> = BTreeMap::new();
    for row in operations.iter().filter(|row| row.kind.is_workload()) {
        let tally = tallies.entry(row.kind).or_default();
        let unmet = row.errors.get(CONDITION_FAILED).copied();
        tally.tried += row.ok + row.fail + row.info;
        tally.answered += row.ok + unmet.unwrap_or(0);
        for (code, count) in &row.errors {
            *tally.errors.entry(code.clone()).or_default() += count;
        }
    }
    tallies
}

#[cfg(test)]
mod tests {
    use reports::figures::Percentiles;

    use super::*;

    fn row(kind: Kind, ok: u64, errors: &[(&str, u64)]) -> OperationFigures {
        OperationFigures {
            region: "us-east-1".into(),
            kind,
            ok,
            fail: errors.iter().map(|(_, count)| count).sum(),
            info: 0,
            open: 0,
            errors: errors.iter().map(|(c, n)| ((*c).to_owned(), *n)).collect(),
            latency: Percentiles::default(),
        }
    }

    fn judged(before: Outcome, operations: &[OperationFigures]) -> (Outcome, Option<String>) {
        let mut verdict = Verdict {
            outcome: before,
            reason: None,
            checks: Vec::new(),
            measurements: BTreeMap::new(),
            operations: BTreeMap::new(),
        };
        add_stats(&mut verdict, operations);
        let [check] = &verdict.checks[..] else {
            panic!("one check was added")
        };
        (verdict.outcome, check.reason.clone())
    }

    #[test]
    fn a_store_that_refuses_every_write_was_not_tested() {
        let refused = [("read-only", 20)];
        let rows = [
            row(Kind::Read, 50, &[]),
            row(Kind::Write, 0, &refused),
            row(Kind::Write, 0, &refused),
        ];
        let (outcome, reason) = judged(Outcome::Valid, &rows);
        assert_eq!(outcome, Outcome::Unknown);
        assert_eq!(
            reason.as_deref(),
            Some(
                "write: none of 40 succeeded (40 times read-only); how the store does that was not tested"
            )
        );
        let (outcome, _) = judged(Outcome::Invalid, &rows);
        assert_eq!(outcome, Outcome::Invalid, "nothing weakens a violation");
    }

    #[test]
    fn one_success_anywhere_a_condition_that_did_not_hold_and_bad_luck_are_enough() {
        let rows = [
            row(Kind::Write, 0, &[("timeout", 500)]),
            row(Kind::Write, 1, &[]),
            row(Kind::Cas, 0, &[(CONDITION_FAILED, 30)]),
            row(Kind::Delete, 0, &[("timeout", TRIED_AT_LEAST - 1)]),
            row(Kind::HeartbeatWrite, 0, &[("timeout", 100)]),
            row(Kind::Final, 0, &[("timeout", 100)]),
        ];
        assert_eq!(judged(Outcome::Valid, &rows), (Outcome::Valid, None));
        let unlucky = [
            row(Kind::Write, 1, &[]),
            row(Kind::Delete, 0, &[("timeout", TRIED_AT_LEAST)]),
        ];
        assert_eq!(judged(Outcome::Valid, &unlucky).0, Outcome::Unknown);
    }

    #[test]
    fn a_run_in_which_nothing_succeeded_says_so_however_short_it_was() {
        let rows = [
            row(Kind::Read, 0, &[("connect-failed", 3)]),
            row(Kind::Final, 9, &[]),
        ];
        let (outcome, reason) = judged(Outcome::Valid, &rows);
        assert_eq!(outcome, Outcome::Unknown);
        assert!(
            reason
                .expect("a reason")
                .contains("read: none of 3 succeeded")
        );
        let (outcome, reason) = judged(Outcome::Valid, &[]);
        assert_eq!(outcome, Outcome::Unknown);
        assert_eq!(reason.as_deref(), Some("no operation was tried"));
    }
}
