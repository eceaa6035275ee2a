//! **Property.** Every region shows the versions of an item in the order of their stamps, at instants that fit all calls and returns.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "Global tables: how it works": last writer wins, so a region's item only ever moves up in
//! the one order of stamps, and a version exists nowhere before its write happened. Invariants I3, I4, I5 and I7 together.
//!
//! **Example that breaks it.** `us:w1[0-20] us:w2[0-20] ap:w3[0-20] us:r1@5us[12-14] ap:r2@6us[0-20] eu:r3@7ap[4-6]`: us still held 1 at 12, so
//! 2 is not older than that, nor is 3, which came after 2 in ap; yet eu showed 3 by 6. No region contradicts itself.
//!
//! The other checks compare two operations; this one fits all of them into one run, across regions. It is exact for items without
//! deletes whose versions all show their stamps or were never seen by anybody, and necessary for the rest: what it flags is wrong.

mod sweep;
mod versions;

use std::collections::BTreeSet;

use super::case::{Case, Item, Wanted};
use super::evidence::{Evidence, Findings, key_words, region_name};
use crate::history::{Condition, Ending, History, MicroOp, Op, Reply, Value};
use crate::shrink;
use crate::verdict::Violation;
use sweep::{Contradiction, sweep};
use versions::Versions;

/// How many operations of an item are searched for the evidence when the reasons alone do not show it.
const SEARCHED_COUNT: usize = 400;

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    let mut judged_count: u64 = 0;
    for item in case.registers() {
        let versions = Versions::new(case, item);
        judged_count += u64::from(!versions.ordered.is_empty());
        if let Err(contradiction) = sweep(&versions) {
            findings.add(|| violation(case, item, &versions, contradiction));
        }
    }
    findings.is_judged = judged_count > 0;
    findings.nothing(
        0,
        "no version shows its stamp (aws:rep:updatetime, aws:rep:updateregion), so versions cannot be ordered",
    );
    findings
}

/// Whether a history of one key is contradictory.
fn is_broken(history: &History) -> bool {
    let case = Case::new(history, Wanted::Outcome);
    let broken = |item| sweep(&Versions::new(&case, item)).is_err();
    case.registers().any(broken)
}

fn violation(
    case: &Case<'_>,
    item: &Item<'_>,
    versions: &Versions,
    contradiction: Contradiction,
) -> Violation {
    let mut operations = contradiction.operations;
    operations.extend(stamps(case, item, &operations));
    let context = writers(case, item, &operations);
    let least = shrink::core(case.history, &operations, &context, is_broken).or_else(|| {
        let all = item.writes.iter().map(|w| w.operation);
        let all: BTreeSet<usize> = all
            .chain(item.sightings.iter().map(|s| s.operation))
            .collect();
        let all: Vec<usize> = all.into_iter().collect();
        (all.len() <= SEARCHED_COUNT).then(|| shrink::core(case.history, &all, &[], is_broken))?
    });
    let mut evidence = Evidence::new(case.history, item.key);
    for operation in least.unwrap_or(operations) {
        evidence = evidence.with(operation, "it happened at some instant in between");
    }
    let region = region_name(&case.history.header, contradiction.region);
    let key = key_words(case.history, item.key);
    let what = match contradiction.version {
        Some(place) => format!("the version {}", versions.ordered[place].value),
        None => "a write that nobody saw".to_owned(),
    };
    evidence.because(format!(
        "{key}: there is no instant at which {what} can have become visible in {region}, if every region moved up in the order of stamps and every operation lies between its call and its return"
    ))
}

/// The values that an operation names, as far as they can be versions of registers.
fn values(case: &Case<'_>, operation: usize) -> Vec<i64> {
    let operation = &case.history.operations[operation];
    let mut values = Vec::new();
    match &operation.op {
        Op::Write { value, .. } => values.push(value),
        Op::Cas {
            condition, value, ..
        } => {
            values.push(value);
            if let Condition::Equals(required) = condition {
                values.push(required);
            }
        }
        Op::Transact { ops } => values.extend(ops.iter().filter_map(|op| match op {
            MicroOp::Write(_, value) => Some(value),
            MicroOp::Read(_) | MicroOp::Append(..) => None,
        })),
        Op::Read { .. } | Op::Delete { .. } | Op::Scan | Op::Stream => {}
        Op::AddToSet { .. } | Op::Increment { .. } | Op::Append { .. } => {}
    }
    match &operation.ending {
        Ending::Ok(Reply::Read(seen) | Reply::Done { old: Some(seen) })
        | Ending::Failed {
            seen: Some(seen), ..
        } => values.push(&seen.value),
        Ending::Ok(_) | Ending::Failed { .. } | Ending::Unknown { .. } => {}
    }
    let numbers = values.into_iter().filter_map(|value| match value {
        Value::Int(number) => Some(*number),
        Value::Absent | Value::List(_) => None,
    });
    numbers.collect()
}

/// The operations that show the stamps of what these operations name.
fn stamps(case: &Case<'_>, item: &Item<'_>, operations: &[usize]) -> Vec<usize> {
    let values = operations.iter().flat_map(|o| values(case, *o));
    let shown = values.filter_map(|v| item.shown(v));
    shown.map(|(_, s)| s.operation).collect()
}

/// The operations that wrote what these operations name, and a delete if there is one: then absence says nothing.
fn writers(case: &Case<'_>, item: &Item<'_>, operations: &[usize]) -> Vec<usize> {
    let values = operations.iter().flat_map(|o| values(case, *o));
    let versions = values.filter_map(|v| item.versions.get(v));
    let writes = versions.flat_map(|v| v.writers.iter());
    let writes = writes.map(|w| item.writes[w].operation);
    let delete = item.deletes().next().map(|d| d.operation);
    writes.chain(delete).collect()
}
