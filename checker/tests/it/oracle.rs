//! Brute force: is there any run of a correct store that gives this history of one key?
//!
//! Tries every order of stamps that agrees with those that were seen, and for each every interleaving of the operations with
//! spontaneous replication. Exponential, obviously right, and written without a look at the checks that it judges.

use std::collections::{BTreeMap, BTreeSet};

use checker::history::{
    Condition, Ending, History, Observed, Op, Operation, Phase, Reply, Strength, Value,
};

/// Whether a correct store can produce this history.
pub(crate) fn is_explainable(history: &History) -> bool {
    let operations = &history.operations;
    let writes: Vec<usize> = (0..operations.len())
        .filter(|i| written(&operations[*i]).is_some())
        .collect();
    let known = stamps(history);
    let mut ranks = vec![usize::MAX; operations.len()];
    orders(operations, &writes, &known, &mut ranks, 0)
}

/// What an operation leaves behind if it happens.
fn written(operation: &Operation) -> Option<&Value> {
    if matches!(operation.ending, Ending::Failed { .. }) {
        return None;
    }
    match &operation.op {
        Op::Write { value, .. } | Op::Cas { value, .. } => Some(value),
        Op::Delete { .. } => Some(&Value::Absent),
        _ => None,
    }
}

/// Stamps that were seen, by value.
fn stamps(history: &History) -> BTreeMap<i64, (i64, String)> {
    let mut stamps = BTreeMap::new();
    for operation in &history.operations {
        if let Some(Observed {
            value: Value::Int(value),
            stamp: Some(stamp),
            ..
        }) = seen(operation)
        {
            let region = history.header.regions[usize::from(stamp.region.0)].clone();
            stamps.insert(*value, (stamp.time_us, region));
        }
    }
    stamps
}

fn seen(operation: &Operation) -> Option<&Observed> {
    match &operation.ending {
        Ending::Ok(Reply::Read(seen) | Reply::Done { old: Some(seen) })
        | Ending::Failed {
            seen: Some(seen), ..
        } => Some(seen),
        _ => None,
    }
}

/// Tries every way to give the remaining ranks to the remaining writes.
fn orders(
    operations: &[Operation],
    writes: &[usize],
    known: &BTreeMap<i64, (i64, String)>,
    ranks: &mut Vec<usize>,
    next: usize,
) -> bool {
    if next == writes.len() {
        let search = Search {
            operations,
            ranks: ranks.clone(),
        };
        let region_count = operations
            .iter()
            .map(|o| usize::from(o.region.0) + 1)
            .max()
            .unwrap_or(0);
        let start = State {
            done: 0,
            current: vec![None; region_count],
        };
        return search.can_finish(start, &mut BTreeSet::new());
    }
    let stamp = |write: usize| match written(&operations[write]) {
        Some(Value::Int(value)) => known.get(value),
        _ => None,
    };
    for write in writes {
        if ranks[*write] != usize::MAX {
            continue;
        }
        // A known stamp may take this rank only if no smaller known stamp is still without one.
        let is_too_early = stamp(*write).is_some_and(|own| {
            writes
                .iter()
                .any(|other| ranks[*other] == usize::MAX && stamp(*other).is_some_and(|s| s < own))
        });
        if is_too_early {
            continue;
        }
        ranks[*write] = next;
        let found = orders(operations, writes, known, ranks, next + 1);
        ranks[*write] = usize::MAX;
        if found {
            return true;
        }
    }
    false
}

struct Search<'h> {
    operations: &'h [Operation],
    ranks: Vec<usize>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    done: u32,
    /// The write that each region shows.
    current: Vec<Option<usize>>,
}

impl Search<'_> {
    fn can_finish(&self, state: State, tried: &mut BTreeSet<State>) -> bool {
        let is_done = |i: usize| state.done & (1 << i) != 0;
        let missing = |i: &usize| !is_done(*i) && self.operations[*i].return_ns.is_some();
        let missing: Vec<usize> = (0..self.operations.len()).filter(missing).collect();
        if missing.is_empty() {
            return true;
        }
        if !tried.insert(state.clone()) {
            return false;
        }
        let deadline = missing
            .iter()
            .filter_map(|i| self.operations[*i].return_ns)
            .min();
        let deadline = deadline.expect("some completed operation is missing");
        for (index, operation) in self.operations.iter().enumerate() {
            if !is_done(index)
                && operation.call_ns <= deadline
                && let Some(next) = self.perform(&state, index)
                && self.can_finish(next, tried)
            {
                return true;
            }
        }
        for region in 0..state.current.len() {
            for version in 0..self.operations.len() {
                if !is_done(version) || written(&self.operations[version]).is_none() {
                    continue;
                }
                if self.rank(Some(version)) > self.rank(state.current[region]) {
                    let mut next = state.clone();
                    next.current[region] = Some(version);
                    if self.can_finish(next, tried) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Whether some write of this value has happened.
    fn exists(&self, state: &State, value: &Value) -> bool {
        let done = (0..self.operations.len()).filter(|i| state.done & (1 << i) != 0);
        let mut written = done.filter_map(|i| written(&self.operations[i]));
        *value == Value::Absent || written.any(|w| w == value)
    }

    /// One above the rank of a version; nothing at all ranks lowest.
    fn rank(&self, version: Option<usize>) -> usize {
        version.map_or(0, |v| self.ranks[v] + 1)
    }

    /// The state after an operation at this instant, if it can happen now.
    fn perform(&self, state: &State, index: usize) -> Option<State> {
        let operation = &self.operations[index];
        let region = usize::from(operation.region.0);
        let current = state.current[region];
        let value = current
            .and_then(|w| written(&self.operations[w]))
            .unwrap_or(&Value::Absent);
        let mut next = state.clone();
        next.done |= 1 << index;
        let is_current_only = !matches!(
            operation.op,
            Op::Read {
                strength: Strength::Eventual,
                ..
            }
        );
        if is_current_only && seen(operation).is_some_and(|seen| seen.value != *value) {
            return None;
        }
        if !is_current_only && seen(operation).is_some_and(|seen| !self.exists(state, &seen.value))
        {
            return None;
        }
        let condition = match &operation.op {
            Op::Cas {
                condition: Condition::Equals(required),
                ..
            } => required == value,
            Op::Cas {
                condition: Condition::Exists,
                ..
            } => *value != Value::Absent,
            _ => true,
        };
        match (&operation.op, &operation.ending) {
            (Op::Read { .. }, Ending::Ok(_)) if operation.phase == Phase::Final => {
                let done = (0..self.operations.len()).filter(|i| state.done & (1 << i) != 0);
                let writes = done.filter(|i| written(&self.operations[*i]).is_some());
                let greatest = writes.map(|w| self.rank(Some(w))).max().unwrap_or(0);
                (self.rank(current) == greatest).then_some(next)
            }
            (Op::Read { .. }, _) => Some(next),
            (Op::Cas { .. }, Ending::Failed { .. }) => (!condition).then_some(next),
            (_, Ending::Failed { .. }) => Some(next),
            (_, Ending::Ok(_) | Ending::Unknown { .. }) => {
                if !condition || self.rank(Some(index)) <= self.rank(current) {
                    return None;
                }
                next.current[region] = Some(index);
                Some(next)
            }
        }
    }
}

#[test]
fn the_oracle_accepts_what_a_correct_store_does_and_nothing_else() {
    let judge = |text| is_explainable(&checker::history::one_line(text).expect("well formed"));
    assert!(judge("us:w1[0-1] us:r1@5us[2-3] eu:r-[2-3] eu:r1@5us[4-5]"));
    assert!(judge(
        "us:w1[0-1] eu:w2[0-1] us:r2@9eu[90-91]F eu:r2@9eu[90-91]F"
    ));
    assert!(!judge("us:w1[0-1] us:r-[2-3]"));
    assert!(!judge(
        "us:w1[0-1] eu:w2[0-1] us:r1@5us[90-91]F eu:r2@9eu[90-91]F"
    ));
    assert!(!judge(
        "us:w1[0-1] us:w2[2-3] us:r2@5us[4-5] us:r1@9us[0-3]"
    ));
    assert!(!judge("us:c->1[0-1] us:c->2[2-3]"));
}
