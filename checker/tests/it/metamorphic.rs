//! Changes that only ever explain more, or change nothing but names: none of them may turn a history that passes into one that does not.

use checker::history::{
    Ending, History, Key, Op, Operation, Phase, ProcessId, RegionId, Value, one_line,
};
use checker::verdict::Outcome;

use crate::fuzz::scaled;
use crate::simulated::{Mix, history};

const MIX: Mix = Mix {
    operation_count: 10,
    region_count: 2,
    deletes_percent: 12,
    conditions_percent: 20,
    changed_percent: 20,
    final_percent: 40,
};

fn is_invalid(history: &History) -> bool {
    let names = checker::expected_checks(&["mrec", "mrsc"]).expect("named sets");
    let verdict = checker::check(history, &names);
    let invalid = verdict
        .checks
        .iter()
        .filter(|c| c.outcome == Outcome::Invalid);
    invalid.count() > 0
}

/// Which check calls a history invalid.
fn flags(history: &History) -> Vec<String> {
    let names = checker::expected_checks(&["mrec", "mrsc"]).expect("named sets");
    let verdict = checker::check(history, &names);
    let invalid = verdict.checks.into_iter().filter(|c| c.violation_count > 0);
    invalid.map(|c| c.check).collect()
}

/// A write of unknown outcome whose value nobody saw.
fn pending_write(history: &History) -> History {
    let mut changed = history.clone();
    let middle = changed.operations.len() / 2;
    let call_ns = changed.operations[middle].call_ns;
    let write = Operation {
        line_invoke: 1_000,
        line_complete: None,
        process: ProcessId(1_000),
        region: RegionId(0),
        phase: Phase::Main,
        op: Op::Write {
            key: Key(0),
            value: Value::Int(1_000),
        },
        call_ns,
        return_ns: None,
        ending: Ending::Unknown { error: None },
    };
    changed.operations.insert(middle, write);
    changed
}

/// One operation takes longer.
fn widened(history: &History, index: usize) -> History {
    let mut changed = history.clone();
    let operation = &mut changed.operations[index];
    operation.return_ns = operation.return_ns.map(|ns| ns + 7_000_000);
    changed
}

/// One read is left out.
fn without_read(history: &History, index: usize) -> Option<History> {
    let is_read = matches!(history.operations[index].op, Op::Read { .. });
    is_read.then(|| {
        let mut changed = history.clone();
        changed.operations.remove(index);
        changed
    })
}

/// Other keys, processes and times: nothing that means anything.
fn renamed(history: &History) -> History {
    let mut changed = history.clone();
    for operation in &mut changed.operations {
        operation.process = ProcessId(500 - operation.process.0);
        operation.call_ns += 1_000_000_000;
        operation.return_ns = operation.return_ns.map(|ns| ns + 1_000_000_000);
        match &mut operation.op {
            Op::Read { key, .. }
            | Op::Write { key, .. }
            | Op::Cas { key, .. }
            | Op::Delete { key }
            | Op::AddToSet { key, .. }
            | Op::Increment { key, .. }
            | Op::Append { key, .. } => *key = Key(key.0 + 77),
            Op::Transact { .. } | Op::Scan | Op::Stream => {}
        }
    }
    changed
}

#[test]
fn what_explains_more_never_makes_a_history_invalid() {
    let mut passed_count = 0;
    for seed in (1 << 36)..(1 << 36) + scaled(3_000) {
        let text = history(seed, &MIX);
        let original = one_line(&text).expect("generated histories are well formed");
        let invalid = is_invalid(&original);
        assert_eq!(
            invalid,
            is_invalid(&renamed(&original)),
            "seed {seed}: {text}"
        );
        if invalid {
            continue;
        }
        passed_count += 1;
        let mut changes = vec![("a pending write", pending_write(&original))];
        for index in 0..original.operations.len() {
            changes.push(("widened", widened(&original, index)));
            changes.extend(without_read(&original, index).map(|h| ("without a read", h)));
        }
        for (what, changed) in changes {
            assert!(
                !is_invalid(&changed),
                "seed {seed}, {what}, {:?}: {text}\n{changed:?}",
                flags(&changed)
            );
        }
    }
    assert!(passed_count > scaled(300), "{passed_count} passed");
}
