//! One fault in a big history: it is found, and shown with few operations.

use checker::history::{History, Pairing};
use checker::verdict::Outcome;

use crate::big::{FAULTLESS, FAULTS, Fault, header, simulate};
use crate::evidence::assert_minimal;

/// How many operations.
const COUNT: usize = 100_000;
const KEYS: usize = 200;

fn history(count: usize, fault: Fault) -> History {
    let mut pairing = Pairing::default();
    for (line, event) in (2..).zip(simulate(count, KEYS, fault)) {
        pairing.push(line, event).expect("a well-formed history");
    }
    pairing.finish(header())
}

#[test]
fn a_correct_store_passes() {
    for fault in FAULTLESS {
        let history = history(COUNT, fault);
        let verdict = checker::check(&history, &checker::applicable_checks(&history));
        let flagged = verdict.checks.iter().find(|c| c.violation_count > 0);
        assert_eq!(flagged, None);
        let undecided = verdict.checks.iter().map(|c| (c.check.as_str(), c.outcome));
        let undecided: Vec<_> = undecided.filter(|(_, o)| *o == Outcome::Unknown).collect();
        println!("{fault:?}: {undecided:?}");
    }
}

#[test]
fn every_planted_fault_is_found_with_at_most_six_operations_of_evidence() {
    for fault in FAULTS {
        let history = history(COUNT, fault);
        let verdict = checker::check(&history, &checker::applicable_checks(&history));
        assert_eq!(verdict.outcome, Outcome::Invalid, "{fault:?}");
        for check in &verdict.checks {
            for violation in &check.violations {
                let count = violation.operations.len();
                assert!(count <= 6, "{fault:?}, {}: {violation:?}", check.check);
            }
            // Without the write that explains it, what nobody may see is still that.
            let first = check
                .violations
                .first()
                .filter(|_| check.check != "phantom");
            if let Some(violation) = first {
                assert_minimal(&history, &check.check, violation);
            }
        }
        let names = verdict.checks.iter().filter(|c| c.violation_count > 0);
        let names: Vec<_> = names
            .map(|c| (c.check.as_str(), c.violation_count))
            .collect();
        println!("{fault:?}: {names:?}");
    }
}

#[test]
fn a_planted_fault_is_found_wherever_it_happens() {
    for count in (10_000..60_000).step_by(10_000) {
        for fault in FAULTS {
            let history = history(count, fault);
            let verdict = checker::check(&history, &checker::applicable_checks(&history));
            let outcome = verdict.outcome;
            assert_eq!(outcome, Outcome::Invalid, "{fault:?} of {count}");
        }
    }
}
