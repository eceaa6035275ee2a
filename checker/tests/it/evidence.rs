//! Evidence is minimal: leaving out any operation leaves nothing to show.

use checker::history::{Ending, History, Key, MicroOp, Op, Operation};
use checker::verdict::{Outcome, Violation};

/// The most operations that a person is asked to look at.
const SHOWN_COUNT_MAX: usize = 6;

/// Checks whose evidence is a contradiction whatever else happened. Others also rest on all that did not: that no other write can have won in
/// the end, or added to a sum.
const ENOUGH: [&str; 6] = [
    "region-linearizable",
    "linearizable",
    "stamp-order",
    "common-order",
    "transactions",
    "set",
];

/// Asserts that a violation shows few operations, that they are enough, and that none of them can be left out.
///
/// A read is left out by dropping it, a write by forgetting when it happened and with what: its value was still written by somebody.
pub(crate) fn assert_minimal(history: &History, check: &str, violation: &Violation) {
    let about = || {
        let few = history.operations.iter().take(20);
        let few: Vec<String> = few.map(|o| format!("{o:?}")).collect();
        format!("{check}: {violation:#?}\n{}", few.join("\n"))
    };
    assert!(violation.operations.len() <= SHOWN_COUNT_MAX, "{}", about());
    // A part all of whose versions show their stamps is left to stamp-order.
    let is_left = check == "common-order" && history.header.stamps_visible;
    if ENOUGH.contains(&check) && !is_left {
        let only = part(history, violation, None);
        let again = checker::check(&only, &[check]);
        assert_eq!(again.outcome, Outcome::Invalid, "not enough: {}", about());
    }
    for line in violation.operations.iter().map(|o| o.line_invoke) {
        let rest = part(history, violation, Some(line));
        let again = checker::check(&rest, &[check]);
        let is_needed = again.outcome != Outcome::Invalid;
        assert!(is_needed, "line {line} is not needed: {}", about());
    }
}

/// The evidence but for one line, and all other writes of its item as of unknown outcome.
fn part(history: &History, violation: &Violation, left_out: Option<u64>) -> History {
    let mut operations = Vec::new();
    for operation in &history.operations {
        let line = operation.line_invoke;
        let is_shown = violation.operations.iter().any(|o| o.line_invoke == line);
        if is_shown && left_out != Some(line) {
            operations.push(operation.clone());
            continue;
        }
        if matches!(operation.ending, Ending::Failed { .. }) {
            continue;
        }
        for op in writes(&operation.op, violation.key) {
            operations.push(Operation {
                op,
                call_ns: if is_shown { 0 } else { operation.call_ns },
                return_ns: None,
                ending: Ending::Unknown { error: None },
                ..operation.clone()
            });
        }
    }
    operations.sort_by_key(|operation| operation.call_ns);
    History {
        header: history.header.clone(),
        operations,
    }
}

/// What an operation writes to a key, each step of a transaction by itself.
fn writes(op: &Op, key: Option<Key>) -> Vec<Op> {
    let is_ours = |own: &Key| key.is_none_or(|key| key == *own);
    let all = match op {
        Op::Read { .. } | Op::Scan | Op::Stream => Vec::new(),
        Op::Transact { ops } => {
            let single = ops.iter().filter_map(|op| match op {
                MicroOp::Read(_) => None,
                MicroOp::Write(key, value) => Some(Op::Write {
                    key: *key,
                    value: value.clone(),
                }),
                MicroOp::Append(key, element) => Some(Op::Append {
                    key: *key,
                    element: *element,
                }),
            });
            single.collect()
        }
        Op::Write { .. } | Op::Cas { .. } | Op::Delete { .. } => vec![op.clone()],
        Op::AddToSet { .. } | Op::Increment { .. } | Op::Append { .. } => vec![op.clone()],
    };
    let ours = all.into_iter().filter(|op| match op {
        Op::Write { key, .. }
        | Op::Cas { key, .. }
        | Op::Delete { key }
        | Op::AddToSet { key, .. }
        | Op::Increment { key, .. }
        | Op::Append { key, .. } => is_ours(key),
        Op::Read { .. } | Op::Transact { .. } | Op::Scan | Op::Stream => false,
    });
    ours.collect()
}
