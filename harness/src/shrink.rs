//! The smallest part of a plan that still fails. Pure: whoever calls it runs the candidates.
//!
//! Delta debugging (A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002): occurrences of faults are
//! left out in ever smaller groups, for as long as what remains still fails. Runs are not deterministic, so "does not fail" may be bad luck; the result
//! is always one that did fail.

use std::collections::BTreeSet;

use crate::nemesis::Plan;

/// The plan with these occurrences alone.
pub(crate) fn only(plan: &Plan, ids: &[u64]) -> Plan {
    let mut plan = plan.clone();
    plan.actions.retain(|action| ids.contains(&action.id));
    plan
}

/// The occurrences of a plan, in the order of their beginnings.
pub(crate) fn occurrences(plan: &Plan) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    let ids = plan.actions.iter().map(|action| action.id);
    ids.filter(|id| seen.insert(*id)).collect()
}

/// The fewest occurrences found that still fail. `fails` runs a candidate and returns `None` when no more may be run.
pub(crate) fn smallest(ids: Vec<u64>, mut fails: impl FnMut(&[u64]) -> Option<bool>) -> Vec<u64> {
    match fails(&[]) {
        Some(true) => return Vec::new(),
        Some(false) => {}
        None => return ids,
    }
    let mut kept = ids;
    let mut groups = 2;
    while kept.len() > 1 {
        let size = kept.len().div_ceil(groups);
        let mut smaller = None;
        for group in kept.chunks(size) {
            let rest: Vec<u64> = kept
                .iter()
                .filter(|id| !group.contains(id))
                .copied()
                .collect();
            match fails(&rest) {
                Some(true) => {
                    smaller = Some(rest);
                    break;
                }
                Some(false) => {}
                None => return kept,
            }
        }
        match smaller {
            Some(rest) => {
                kept = rest;
                groups = groups.saturating_sub(1).max(2);
            }
            None if size == 1 => break,
            None => groups = (groups * 2).min(kept.len()),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrunk(needed: &[u64], count: u64, limit: usize) -> (Vec<u64>, usize) {
        let mut runs = 0;
        let kept = smallest((1..=count).collect(), |candidate| {
            runs += 1;
            (runs <= limit).then(|| needed.iter().all(|id| candidate.contains(id)))
        });
        (kept, runs)
    }

    #[test]
    fn what_is_not_needed_is_left_out() {
        assert_eq!(shrunk(&[], 9, 100).0, [0_u64; 0]);
        assert_eq!(shrunk(&[4], 9, 100).0, [4]);
        assert_eq!(shrunk(&[2, 9], 9, 100).0, [2, 9]);
        assert_eq!(shrunk(&[1, 2, 3], 3, 100).0, [1, 2, 3]);
    }

    #[test]
    fn it_stops_when_no_more_may_be_run_with_something_that_fails() {
        let (kept, runs) = shrunk(&[2, 9], 16, 5);
        assert!(
            kept.contains(&2) && kept.contains(&9) && kept.len() < 16,
            "{kept:?}"
        );
        assert_eq!(runs, 6);
    }
}
