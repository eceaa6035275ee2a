//! Small histories that a checker with one slip in it judges otherwise: found by comparing the checks with what is left of them when one
//! operator, guard or function is changed (`docs/mutants.md`), and made as small as they get.
//!
//! `slips.txt` says of each what one check finds: the outcome, and of each violation the lines of the operations that are shown. Brute
//! force has the last word where it can say something.

use checker::history::{History, Op, one_line};
use checker::verdict::{CheckResult, Outcome};

use crate::oracle::is_explainable;

const SLIPS: &str = include_str!("slips.txt");

/// The most operations for which every order is tried.
const TRIED_COUNT: usize = 6;

fn slips() -> impl Iterator<Item = [&'static str; 3]> {
    let parts = |line: &'static str| {
        let mut parts = line.split(" | ");
        [(); 3].map(|()| parts.next().expect("check | result | history"))
    };
    SLIPS.lines().map(parts)
}

/// The outcome, and the lines of each violation.
pub(crate) fn words(result: &CheckResult) -> String {
    let lines = |violation: &checker::verdict::Violation| {
        let lines = violation.operations.iter().map(|o| o.line_invoke);
        lines.map(|l| l.to_string()).collect::<Vec<_>>().join(" ")
    };
    let shown: Vec<String> = result.violations.iter().map(lines).collect();
    let outcome = format!("{:?}", result.outcome).to_lowercase();
    match shown.is_empty() {
        true => outcome,
        false => format!("{outcome}: {}", shown.join(", ")),
    }
}

#[test]
fn each_is_judged_as_it_says() {
    let mut wrong = Vec::new();
    for [check, expected, text] in slips() {
        let history = one_line(text).expect("well formed");
        let found = words(&checker::check(&history, &[check]).checks[0]);
        if found != expected {
            wrong.push(format!("{check} | {found} | {text} instead of {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whether it is of one register and small enough for all orders to be tried.
fn is_tried(history: &History) -> bool {
    let is_register = |op: &Op| {
        matches!(
            op,
            Op::Read { .. } | Op::Write { .. } | Op::Cas { .. } | Op::Delete { .. }
        )
    };
    let mut ops = history.operations.iter().map(|o| &o.op);
    history.operations.len() <= TRIED_COUNT
        && history.header.delivery.is_none()
        && ops.all(|op| is_register(op) && op.key() == history.operations[0].op.key())
}

#[test]
fn brute_force_explains_none_that_is_broken() {
    let mut tried_count = 0;
    for [check, expected, text] in slips() {
        let history = one_line(text).expect("well formed");
        let is_usual = checker::applicable_checks(&history).contains(&check);
        if !is_usual || !is_tried(&history) {
            continue;
        }
        tried_count += 1;
        let outcome = checker::check(&history, &[check]).outcome;
        let is_wrong = outcome == Outcome::Invalid && is_explainable(&history);
        assert!(!is_wrong, "{check} | {expected} | {text}");
    }
    assert!(tried_count > 30, "{tried_count} were tried");
}
