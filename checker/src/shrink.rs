//! The smallest part of a history that is still invalid for the same reason.
//!
//! Leaving out a read drops it. Leaving out a write makes its outcome unknown: its value was still written by somebody, at any time or
//! never; each step of a transaction by itself. So a part that is invalid proves that the whole is. The search removes ever smaller runs of operations until none can go
//! (Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input").

use std::collections::BTreeSet;

use crate::check::check;
use crate::history::{Ending, History, Key, MicroOp, Op, Operation, ProcessId, Value};
use crate::verdict::Outcome;

/// The smallest part of `history` that the check of this name still finds invalid; `None` when it does not find it invalid at all.
///
/// Operations keep their lines, so what remains can be found in the file that the history came from.
#[must_use]
pub fn shrink(history: &History, check_name: &str) -> Option<History> {
    let is_invalid = |part: &History| {
        let verdict = check(part, &[check_name]);
        let result = verdict.checks.first();
        result.is_some_and(|r| r.outcome == Outcome::Invalid)
    };
    let verdict = check(history, &[check_name]);
    let violation = verdict.checks.first()?.violations.first()?;
    let lines: BTreeSet<u64> = violation.operations.iter().map(|o| o.line_invoke).collect();
    let all = 0..history.operations.len();
    let concerns = |i: &usize| {
        let operation = &history.operations[*i];
        violation.key.is_none_or(|key| touches(&operation.op, key))
    };
    let concerned: Vec<usize> = all.filter(concerns).collect();
    let is_shown = |i: &usize| lines.contains(&history.operations[*i].line_invoke);
    let shown: Vec<usize> = concerned.iter().copied().filter(is_shown).collect();
    let kept = core(history, &shown, &concerned, is_invalid)
        .or_else(|| core(history, &concerned, &[], is_invalid))?;
    let mut least = part(history, &kept, &concerned, &[]);
    // Writes that are left out stay only where something refers to them.
    for index in (0..least.operations.len()).rev() {
        let mut without = least.clone();
        without.operations.remove(index);
        if least.operations[index].return_ns.is_none() && is_invalid(&without) {
            least = without;
        }
    }
    Some(least)
}

/// The operations among `candidates` that cannot be left out; `None` when they are not invalid to begin with. `context` are operations
/// that are left out from the beginning.
pub(crate) fn core(
    history: &History,
    candidates: &[usize],
    context: &[usize],
    is_invalid: impl Fn(&History) -> bool,
) -> Option<Vec<usize>> {
    let everything: Vec<usize> = candidates.iter().chain(context).copied().collect();
    let mut kept = candidates.to_vec();
    kept.sort_unstable();
    kept.dedup();
    if !is_invalid(&part(history, &kept, &everything, candidates)) {
        return None;
    }
    let mut length = kept.len().div_ceil(2);
    while length > 0 {
        let before = kept.len();
        let mut start = 0;
        while start < kept.len() {
            let mut attempt = kept.clone();
            attempt.drain(start..(start + length).min(kept.len()));
            if is_invalid(&part(history, &attempt, &everything, candidates)) {
                kept = attempt;
            } else {
                start += length;
            }
        }
        // A last round that removed something may have made room for more.
        if length > 1 || kept.len() == before {
            length /= 2;
        }
    }
    Some(kept)
}

/// The history of `kept` as they are and of the rest of `everything` left out. Of those among `forgotten` not even the request is known: they
/// may have been asked for at any time.
fn part(history: &History, kept: &[usize], everything: &[usize], forgotten: &[usize]) -> History {
    let kept: BTreeSet<usize> = kept.iter().copied().collect();
    let everything: BTreeSet<usize> = everything.iter().copied().chain(kept.clone()).collect();
    let processes = history.operations.iter().map(|o| o.process.0);
    let mut next_process = processes.max().unwrap_or(0).saturating_add(1);
    let mut operations = Vec::new();
    for index in everything {
        let operation = &history.operations[index];
        if kept.contains(&index) {
            operations.push(operation.clone());
            continue;
        }
        if matches!(operation.ending, Ending::Failed { .. }) {
            continue;
        }
        for op in writes(&operation.op) {
            let mut left_out = Operation {
                op,
                call_ns: if forgotten.contains(&index) {
                    0
                } else {
                    operation.call_ns
                },
                return_ns: None,
                line_complete: None,
                ending: Ending::Unknown { error: None },
                ..operation.clone()
            };
            if let Op::Transact { .. } = operation.op {
                left_out.process = ProcessId(next_process);
                next_process = next_process.saturating_add(1);
            }
            operations.push(left_out);
        }
    }
    // What may have been asked for at any time comes first.
    operations.sort_by_key(|operation| operation.call_ns);
    History {
        header: history.header.clone(),
        operations,
    }
}

/// What an operation writes, each by itself.
fn writes(op: &Op) -> Vec<Op> {
    let step = |op: &MicroOp| match op {
        MicroOp::Read(_) => None,
        MicroOp::Write(key, Value::Absent) => Some(Op::Delete { key: *key }),
        MicroOp::Write(key, value) => Some(Op::Write {
            key: *key,
            value: value.clone(),
        }),
        MicroOp::Append(key, element) => Some(Op::Append {
            key: *key,
            element: *element,
        }),
    };
    match op {
        Op::Read { .. } | Op::Scan | Op::Stream => Vec::new(),
        Op::Transact { ops } => ops.iter().filter_map(step).collect(),
        Op::Write { .. } | Op::Cas { .. } | Op::Delete { .. } => vec![op.clone()],
        Op::AddToSet { .. } | Op::Increment { .. } | Op::Append { .. } => vec![op.clone()],
    }
}

/// Whether an operation concerns a key.
pub(crate) fn touches(op: &Op, key: Key) -> bool {
    match op {
        Op::Read { key: own, .. }
        | Op::Write { key: own, .. }
        | Op::Cas { key: own, .. }
        | Op::Delete { key: own }
        | Op::AddToSet { key: own, .. }
        | Op::Increment { key: own, .. }
        | Op::Append { key: own, .. } => *own == key,
        Op::Transact { ops } => ops.iter().any(|op| match op {
            MicroOp::Read(own) | MicroOp::Write(own, _) | MicroOp::Append(own, _) => *own == key,
        }),
        Op::Scan | Op::Stream => true,
    }
}
