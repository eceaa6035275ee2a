//! For tests: a store of one copy per region, which answers every operation after a millisecond. Enough to drive a workload for a while.

use std::collections::BTreeMap;

use checker::history::{Condition, EventKind, Key, Observed, Op, RegionId, Reply, Value};

use crate::{
    options::Options,
    outcome::key_of,
    workload::{Step, Workload},
};

/// One operation and how it ended.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) slot: usize,
    pub(crate) role: &'static str,
    pub(crate) region: RegionId,
    pub(crate) step: Step,
    pub(crate) outcome: EventKind,
}

impl Act {
    pub(crate) fn is_ok(&self) -> bool {
        matches!(self.outcome, EventKind::Ok(_))
    }

    pub(crate) fn key(&self) -> Key {
        key_of(&self.step.op).expect("an operation on one item")
    }
}

/// The store.
pub(crate) struct Stage {
    copies: Vec<BTreeMap<Key, Value>>,
}

impl Stage {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            copies: vec![BTreeMap::new(); usize::from(options.regions)],
        }
    }

    /// Everything that happens in so many seconds.
    pub(crate) fn play(mut self, mut workload: Box<dyn Workload>, seconds: u64) -> Vec<Act> {
        let slots = workload.slots().to_vec();
        let mut free_at: Vec<u64> = vec![0; slots.len()];
        let mut acts = Vec::new();
        loop {
            let slot = (0..slots.len())
                .min_by_key(|&slot| (free_at[slot], slot))
                .expect("slots");
            if free_at[slot] > seconds * 1_000_000_000 {
                return acts;
            }
            let step = workload.next(slot, free_at[slot]).expect("it never ends");
            let region = slots[slot].region;
            let outcome = self.answer(region, &step.op);
            workload.observe(slot, &step.op, &outcome);
            free_at[slot] = step.at_ns + 1_000_000;
            acts.push(Act {
                slot,
                role: slots[slot].role,
                region,
                step,
                outcome,
            });
        }
    }

    fn answer(&mut self, region: RegionId, op: &Op) -> EventKind {
        let copy = &mut self.copies[usize::from(region.0)];
        let Some(key) = key_of(op) else {
            let items = copy.iter().map(|(key, value)| (*key, seen(value)));
            return EventKind::Ok(Reply::Scan(items.collect()));
        };
        let item = copy.entry(key).or_insert(Value::Absent);
        match op {
            Op::Read { .. } => return EventKind::Ok(Reply::Read(seen(item))),
            Op::Cas {
                condition: Condition::Equals(expected),
                ..
            } if expected != item => {
                return EventKind::Fail {
                    error: "ConditionalCheckFailedException".into(),
                    seen: Some(seen(item)),
                };
            }
            Op::Write { value, .. } | Op::Cas { value, .. } => *item = value.clone(),
            Op::Delete { .. } => *item = Value::Absent,
            Op::AddToSet { element, .. } | Op::Append { element, .. } => match item {
                Value::List(list) => list.push(*element),
                Value::Absent | Value::Int(_) => *item = Value::List(vec![*element]),
            },
            Op::Increment { delta, .. } => match item {
                Value::Int(number) => *number += delta,
                Value::Absent | Value::List(_) => *item = Value::Int(*delta),
            },
            Op::Transact { .. } | Op::Scan | Op::Stream => panic!("they have no single key"),
        }
        EventKind::Ok(Reply::Done { old: None })
    }
}

fn seen(value: &Value) -> Observed {
    Observed {
        value: value.clone(),
        stamp: None,
        previous: None,
    }
}
