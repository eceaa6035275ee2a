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

#[cfg(test)]
mod tests {
    use super::{core, shrink};
    use crate::history::{History, one_line};

    /// The lines of what is left of a history.
    fn lines(text: &str, check: &str) -> Vec<u64> {
        let history = one_line(text).expect("well formed");
        let least = shrink(&history, check).expect("it is invalid");
        let again = crate::check::check(&least, &[check]);
        assert!(again.checks[0].violation_count > 0, "{check}: {text}");
        least.operations.iter().map(|o| o.line_invoke).collect()
    }

    #[test]
    fn a_write_stays_where_something_refers_to_it() {
        // Without the writes nobody knows what the stamps belong to; what nobody saw goes.
        let text = "us:w1[0-1] us:w2[2-3] us:w3[4-5] us:r2@9us[6-7] us:r1@5us[8-9]";
        assert_eq!(lines(text, "monotonic-reads"), [2, 4, 8, 10]);
    }

    #[test]
    fn what_is_left_is_of_the_item_of_the_first_violation() {
        // That 5 must be in the sum is not in the evidence, which shows the last increment; the other counter is broken too, and later.
        let text = "us:i5[0-1] us:i7[2-3] us:r7[4-5] 1/us:i1[6-7] 1/us:r9[8-9]";
        assert_eq!(lines(text, "counter"), [2, 6]);
    }

    #[test]
    fn a_transaction_concerns_the_items_of_its_steps() {
        let text = "us:t(1p1)[0-1] us:t(2p7;1p2)[2-3] 1/us:r{2,1}[4-5]";
        assert_eq!(lines(text, "list-append"), [2, 4, 6]);
    }

    #[test]
    fn none_of_what_is_left_can_go_even_when_it_could_not_before() {
        let history = one_line("us:r0[0-1] us:r1[2-3] us:r2[4-5] us:r3[6-7]");
        let history = history.expect("well formed");
        // The first can go only when the third has gone.
        let is_invalid = |part: &History| {
            let left = part.operations.iter().map(|o| o.line_invoke);
            let left: Vec<u64> = left.collect();
            [&[2, 4, 6, 8][..], &[2, 4, 8], &[4, 8]].contains(&&*left)
        };
        let kept = core(&history, &[0, 1, 2, 3], &[], is_invalid);
        assert_eq!(kept, Some(vec![1, 3]));
    }
}
