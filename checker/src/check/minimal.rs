//! Evidence with nothing in it that can be left out: the check itself is asked whether fewer operations are enough.
//!
//! Leaving out a read drops it; leaving out a write makes its outcome unknown ([`crate::shrink`]). Evidence of one or two operations stays as
//! its check gave it: there the second often says why the first is wrong (a failed write, one that was asked for only later).

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Wanted};
use super::{CheckInfo, Run, registry, transactions};
use crate::history::{Condition, Ending, History, Key, MicroOp, Op, Operation, Reply, Value};
use crate::shrink::{self, touches};
use crate::verdict::{CheckResult, EvidenceOperation, Violation, put_in_order};

/// How many operations always stay.
const KEPT_COUNT: usize = 2;

/// How many writes are taken along at most, so that what was seen was written by somebody.
const CONTEXT_COUNT: usize = 1_000;

/// Takes out of all evidence what can be left out.
pub(super) fn minimise(history: &History, results: &mut [CheckResult]) {
    let violations = results.iter_mut().flat_map(|r| {
        let info = registry().iter().find(|info| info.id == r.check);
        r.violations.iter_mut().map(move |v| (info, v))
    });
    least(history, violations);
    for result in results {
        put_in_order(&mut result.violations);
    }
}

/// Takes out of this evidence what can be left out.
pub(super) fn least<'v>(
    history: &History,
    violations: impl Iterator<Item = (Option<&'static CheckInfo>, &'v mut Violation)>,
) {
    let mut long: Vec<_> = violations
        .filter(|(_, v)| v.operations.len() > KEPT_COUNT)
        .collect();
    if long.is_empty() {
        return;
    }
    let shown: Vec<Vec<usize>> = long
        .iter()
        .map(|(_, v)| {
            v.operations
                .iter()
                .filter_map(|o| find(history, o))
                .collect()
        })
        .collect();
    let keys = long.iter().zip(&shown).flat_map(|((_, violation), shown)| {
        let seen = shown.iter().flat_map(|o| seen(&history.operations[*o]));
        seen.map(|(key, _)| key).chain(violation.key)
    });
    let writers = writers(history, &keys.collect());
    for ((info, violation), shown) in long.iter_mut().zip(shown) {
        let Some(info) = *info else { continue };
        let Some(context) = context(history, &writers, &shown) else {
            continue;
        };
        let least = shrink::core(history, &shown, &context, |part| is_invalid(info, part));
        let Some(least) = least else { continue };
        let lines: BTreeSet<u64> = least
            .iter()
            .map(|o| history.operations[*o].line_invoke)
            .collect();
        violation
            .operations
            .retain(|o| lines.contains(&o.line_invoke));
    }
}

/// The writes without which these operations would mean something else: those of what they saw, of what those replaced, and so on; all deletes,
/// since any of them can make the item absent; and all others if something shows only what the item was not. None when those are too many.
fn context(history: &History, writers: &Writers, shown: &[usize]) -> Option<Vec<usize>> {
    let mut context: BTreeSet<usize> = BTreeSet::new();
    if shown.iter().any(|o| is_silent(&history.operations[*o])) {
        context.extend(writers.values().flatten());
    }
    let mut waiting: Vec<usize> = shown.to_vec();
    while let Some(operation) = waiting.pop() {
        let operation = &history.operations[operation];
        let keys = writers
            .range(..)
            .filter(|((key, _), _)| touches(&operation.op, *key));
        let deletes = keys.filter(|((_, value), _)| value.is_none());
        context.extend(deletes.flat_map(|(_, operations)| operations));
        for (key, value) in seen(operation) {
            for writer in writers.get(&(key, Some(value))).into_iter().flatten() {
                if context.len() <= CONTEXT_COUNT && context.insert(*writer) {
                    waiting.push(*writer);
                }
            }
        }
    }
    (context.len() <= CONTEXT_COUNT).then(|| context.into_iter().collect())
}

/// Whether an operation shows only what the item was not.
fn is_silent(operation: &Operation) -> bool {
    match (&operation.op, &operation.ending) {
        (Op::Cas { .. }, Ending::Failed { seen: None, .. }) => true,
        (Op::Cas { condition, .. }, _) => *condition == Condition::Exists,
        (_, _) => false,
    }
}

/// Whether a check finds a part of a history invalid.
fn is_invalid(info: &CheckInfo, part: &History) -> bool {
    match info.run {
        Run::EachKey(run) => run(&Case::new(part, Wanted::Outcome)).violation_count > 0,
        Run::Together => transactions::is_broken(part),
    }
}

/// The operation that evidence shows, by its call and line.
fn find(history: &History, shown: &EvidenceOperation) -> Option<usize> {
    let operations = &history.operations;
    let first = operations.partition_point(|o| o.call_ns < shown.call_ns);
    let mut same =
        (first..operations.len()).take_while(|i| operations[*i].call_ns == shown.call_ns);
    same.find(|i| operations[*i].line_invoke == shown.line_invoke)
}

/// What an operation says it saw, by key.
fn seen(operation: &Operation) -> Vec<(Key, i64)> {
    let mut seen: Vec<(Key, &Value)> = Vec::new();
    match (&operation.op, &operation.ending) {
        (Op::Read { key, .. }, Ending::Ok(Reply::Read(item)))
        | (
            Op::Write { key, .. } | Op::Delete { key } | Op::Cas { key, .. },
            Ending::Ok(Reply::Done { old: Some(item) })
            | Ending::Failed {
                seen: Some(item), ..
            },
        ) => seen.push((*key, &item.value)),
        (_, Ending::Ok(Reply::Scan(items))) => {
            seen.extend(items.iter().map(|(key, item)| (*key, &item.value)));
        }
        (_, Ending::Ok(Reply::Stream(records) | Reply::StreamAnew(records))) => {
            for (key, new, old) in records {
                seen.extend([(*key, &new.value), (*key, &old.value)]);
            }
        }
        (_, Ending::Ok(_) | Ending::Failed { .. } | Ending::Unknown { .. }) => {}
    }
    if let Op::Cas {
        key,
        condition: Condition::Equals(required),
        ..
    } = &operation.op
    {
        seen.push((*key, required));
    }
    let numbers = |(key, value): (Key, &Value)| match value {
        Value::Absent => Vec::new(),
        Value::Int(number) => vec![(key, *number)],
        Value::List(elements) => elements.iter().map(|e| (key, *e)).collect(),
    };
    seen.into_iter().flat_map(numbers).collect()
}

/// The operations that wrote each value of a key, or deleted it.
type Writers = BTreeMap<(Key, Option<i64>), Vec<usize>>;

/// The operations that wrote to these keys.
fn writers(history: &History, keys: &BTreeSet<Key>) -> Writers {
    let mut writers = Writers::new();
    let mut learn = |index: usize, key: Key, value: Option<i64>| {
        if keys.contains(&key) {
            writers.entry((key, value)).or_default().push(index);
        }
    };
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number),
        Value::Absent | Value::List(_) => None,
    };
    for (index, operation) in history.operations.iter().enumerate() {
        match &operation.op {
            Op::Write { key, value } | Op::Cas { key, value, .. } => {
                learn(index, *key, number(value));
            }
            Op::Delete { key } => learn(index, *key, None),
            Op::AddToSet { key, element } | Op::Append { key, element } => {
                learn(index, *key, Some(*element));
            }
            Op::Transact { ops } => {
                for op in ops {
                    match op {
                        MicroOp::Read(_) => {}
                        MicroOp::Write(key, value) => learn(index, *key, number(value)),
                        MicroOp::Append(key, element) => learn(index, *key, Some(*element)),
                    }
                }
            }
            Op::Read { .. } | Op::Increment { .. } | Op::Scan | Op::Stream => {}
        }
    }
    writers
}
