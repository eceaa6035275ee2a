//! The smallest part of a history that is still invalid for the same reason.
//!
//! Leaving out a read drops it. Leaving out a write makes its outcome unknown: its value was still written by somebody, at any time or
//! never. So a part that is invalid proves that the whole is. The search removes ever smaller runs of operations until none can go
//! (Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input").

use std::collections::BTreeSet;

use crate::check::check;
use crate::history::{Ending, History, Key, MicroOp, Op, Operation};
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
    let mut least = part(history, &kept, &concerned);
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
    if !is_invalid(&part(history, &kept, &everything)) {
        return None;
    }
    let mut length = kept.len().div_ceil(2);
    while length > 0 {
        let before = kept.len();
        let mut start = 0;
        while start < kept.len() {
            let mut attempt = kept.clone();
            attempt.drain(start..(start + length).min(kept.len()));
            if is_invalid(&part(history, &attempt, &everything)) {
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

/// The history of `kept` as they are and of the rest of `everything` left out.
fn part(history: &History, kept: &[usize], everything: &[usize]) -> History {
    let kept: BTreeSet<usize> = kept.iter().copied().collect();
    let everything: BTreeSet<usize> = everything.iter().copied().chain(kept.clone()).collect();
    let operation = |index: usize| {
        let operation = &history.operations[index];
        if kept.contains(&index) {
            return Some(operation.clone());
        }
        let is_write = !matches!(operation.op, Op::Read { .. } | Op::Scan | Op::Stream);
        let may_have_happened = !matches!(operation.ending, Ending::Failed { .. });
        (is_write && may_have_happened).then(|| Operation {
            return_ns: None,
            ending: Ending::Unknown { error: None },
            ..operation.clone()
        })
    };
    History {
        header: history.header.clone(),
        operations: everything.into_iter().filter_map(operation).collect(),
    }
}

/// Whether an operation concerns a key.
fn touches(op: &Op, key: Key) -> bool {
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
