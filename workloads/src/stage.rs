//! For tests: a last-writer-wins store of one copy per region, in virtual time. It answers every operation after a millisecond and replicates
//! after fifty, without faults; so what it plays must be judged valid - unless it is told to lose writes.

use std::collections::BTreeMap;

use checker::history::{
    Condition, Event, EventKind, Header, History, Key, Observed, Op, Pairing, Phase, ProcessId,
    RegionId, Reply, Stamp, Value,
};

use crate::{
    chore::Done,
    options::Options,
    workload::{Slot, Step, Workload},
};

const ANSWER_NS: u64 = 1_000_000;
const REPLICATION_NS: u64 = 50_000_000;

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
        self.step.op.key().expect("an operation on one item")
    }
}

/// An item, or what is left of one.
#[derive(Clone, Debug)]
struct Version {
    stamp: Stamp,
    value: Value,
}

/// The store.
pub(crate) struct Stage {
    copies: Vec<BTreeMap<Key, Version>>,
    /// By region, what changed since its stream was read: key, new image, old image.
    streams: Vec<Vec<(Key, Observed, Observed)>>,
    /// What is on its way, by the time and a serial number: to whom, and what.
    travelling: BTreeMap<(u64, u64), (RegionId, Key, Version)>,
    sent: u64,
    /// Every so many acknowledged changes, one is not made.
    loses_one_in: Option<u64>,
    changes: u64,
}

impl Stage {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            copies: vec![BTreeMap::new(); usize::from(options.regions)],
            streams: vec![Vec::new(); usize::from(options.regions)],
            travelling: BTreeMap::new(),
            sent: 0,
            loses_one_in: None,
            changes: 0,
        }
    }

    /// The same, losing one acknowledged change in so many.
    pub(crate) fn losing_one_in(self, changes: u64) -> Self {
        Self {
            loses_one_in: Some(changes),
            ..self
        }
    }

    /// Everything that happens in so many seconds, in the order in which it begins.
    pub(crate) fn play(mut self, mut workload: Box<dyn Workload>, seconds: u64) -> Vec<Act> {
        self.act(workload.as_mut(), seconds)
    }

    /// The history of so many seconds, with final reads.
    pub(crate) fn history(mut self, mut workload: Box<dyn Workload>, seconds: u64) -> History {
        let acts = self.act(workload.as_mut(), seconds);
        let slots = workload.slots().to_vec();
        let mut events = Vec::new();
        for act in acts {
            let process = ProcessId(u32::try_from(act.slot).expect("slots are few"));
            record(
                &mut events,
                process,
                act.region,
                Phase::Main,
                act.step,
                act.outcome,
            );
        }
        let mut at_ns = (seconds + 10) * 1_000_000_000;
        self.deliver(at_ns);
        for (region, copy) in (0..).map(RegionId).zip(self.copies.clone()) {
            let slot = slots.iter().position(|slot| slot.region == region);
            let slot = slot.expect("a slot in every region");
            let process = ProcessId(u32::try_from(slot).expect("slots are few"));
            for key in workload.final_reads() {
                let op = crate::client::Client::read(key);
                let outcome = EventKind::Ok(Reply::Read(seen(copy.get(&key))));
                record(
                    &mut events,
                    process,
                    region,
                    Phase::Final,
                    Step { at_ns, op },
                    outcome,
                );
                at_ns += 2 * ANSWER_NS;
            }
        }
        for (slot, Slot { region, .. }) in slots.iter().enumerate() {
            if let Some(op) = workload.last(slot) {
                let process = ProcessId(u32::try_from(slot).expect("slots are few"));
                let outcome = self.answer(*region, &op, at_ns);
                let step = Step { at_ns, op };
                record(&mut events, process, *region, Phase::Final, step, outcome);
                at_ns += 2 * ANSWER_NS;
            }
        }
        // A completion comes before an invocation of the same moment.
        events.sort_by_key(|event| (event.time_ns, matches!(event.kind, EventKind::Invoke(_))));
        let mut pairing = Pairing::default();
        for (line, event) in (1..).zip(events) {
            pairing
                .push(line, event)
                .expect("every process does one thing at a time");
        }
        pairing.finish(Header {
            regions: (0..self.copies.len())
                .map(|region| format!("r{region}"))
                .collect(),
            stamps_visible: true,
            ..Header::default()
        })
    }

    fn act(&mut self, workload: &mut dyn Workload, seconds: u64) -> Vec<Act> {
        let slots = workload.slots().to_vec();
        let mut next: Vec<Step> = (0..slots.len())
            .map(|slot| workload.next(slot, 0).expect("it never ends"))
            .collect();
        let mut acts = Vec::new();
        loop {
            let first = (0..slots.len()).min_by_key(|&slot| (next[slot].at_ns, slot));
            let slot = first.expect("slots");
            let at_ns = next[slot].at_ns;
            if at_ns > seconds * 1_000_000_000 {
                return acts;
            }
            self.deliver(at_ns);
            if let Some(chore) = workload.chore(at_ns) {
                // Its tables are numbers of items, which are there at once.
                workload.done(chore, Done::Yes, at_ns);
            }
            let region = slots[slot].region;
            let outcome = self.answer(region, &next[slot].op, at_ns);
            workload.observe(slot, &next[slot].op, &outcome);
            let after = workload
                .next(slot, at_ns + ANSWER_NS)
                .expect("it never ends");
            acts.push(Act {
                slot,
                role: slots[slot].role,
                region,
                step: std::mem::replace(&mut next[slot], after),
                outcome,
            });
        }
    }

    /// Everything that has arrived by now replaces what is older.
    fn deliver(&mut self, now_ns: u64) {
        while let Some(first) = self.travelling.first_entry()
            && first.key().0 <= now_ns
        {
            let (region, key, version) = first.remove();
            let held = self.copies[usize::from(region.0)].get(&key);
            if held.is_none_or(|held| held.stamp < version.stamp) {
                self.install(region, key, version);
            }
        }
    }

    /// Makes a version what a region holds.
    fn install(&mut self, region: RegionId, key: Key, version: Version) {
        let new = seen(Some(&version));
        let old = self.copies[usize::from(region.0)].insert(key, version);
        let record = (key, new, seen(old.as_ref()));
        self.streams[usize::from(region.0)].push(record);
    }

    fn answer(&mut self, region: RegionId, op: &Op, now_ns: u64) -> EventKind {
        if *op == Op::Stream {
            let records = std::mem::take(&mut self.streams[usize::from(region.0)]);
            return EventKind::Ok(Reply::Stream(records));
        }
        let copy = &self.copies[usize::from(region.0)];
        let Some(key) = op.key() else {
            let items = copy
                .iter()
                .map(|(key, version)| (*key, seen(Some(version))));
            let items = items.filter(|(_, seen)| seen.value != Value::Absent);
            return EventKind::Ok(Reply::Scan(items.collect()));
        };
        let before = copy.get(&key).cloned();
        let held = before
            .as_ref()
            .map_or(Value::Absent, |version| version.value.clone());
        let value = match op {
            Op::Read { .. } => return EventKind::Ok(Reply::Read(seen(before.as_ref()))),
            Op::Cas {
                condition: Condition::Equals(expected),
                ..
            } if *expected != held => {
                return EventKind::Fail {
                    error: "ConditionalCheckFailedException".into(),
                    seen: Some(seen(before.as_ref())),
                };
            }
            Op::Write { value, .. } | Op::Cas { value, .. } => value.clone(),
            Op::Delete { .. } => Value::Absent,
            Op::AddToSet { element, .. } | Op::Append { element, .. } => match held {
                Value::List(mut list) => {
                    list.push(*element);
                    Value::List(list)
                }
                Value::Absent | Value::Int(_) => Value::List(vec![*element]),
            },
            Op::Increment { delta, .. } => match held {
                Value::Int(number) => Value::Int(number + delta),
                Value::Absent | Value::List(_) => Value::Int(*delta),
            },
            Op::Transact { .. } | Op::Scan | Op::Stream => panic!("they have no single key"),
        };
        self.change(region, key, value, now_ns);
        EventKind::Ok(Reply::Done {
            old: Some(seen(before.as_ref())),
        })
    }

    fn change(&mut self, region: RegionId, key: Key, value: Value, now_ns: u64) {
        self.changes += 1;
        if self
            .loses_one_in
            .is_some_and(|many| self.changes.is_multiple_of(many))
        {
            return;
        }
        let copy = &self.copies[usize::from(region.0)];
        let wall_us = i64::try_from(now_ns / 1000).expect("a short play");
        let above = copy.get(&key).map_or(0, |held| held.stamp.time_us + 1);
        let stamp = Stamp {
            time_us: wall_us.max(above),
            region,
        };
        let version = Version { stamp, value };
        self.install(region, key, version.clone());
        for to in (0..).map(RegionId).take(self.copies.len()) {
            if to != region {
                self.sent += 1;
                let when = (now_ns + REPLICATION_NS, self.sent);
                self.travelling.insert(when, (to, key, version.clone()));
            }
        }
    }
}

fn record(
    events: &mut Vec<Event>,
    process: ProcessId,
    region: RegionId,
    phase: Phase,
    step: Step,
    outcome: EventKind,
) {
    let moments = [
        (step.at_ns, EventKind::Invoke(step.op)),
        (step.at_ns + ANSWER_NS, outcome),
    ];
    events.extend(moments.map(|(time_ns, kind)| Event {
        time_ns,
        process,
        region,
        phase,
        kind,
    }));
}

fn seen(version: Option<&Version>) -> Observed {
    let value = version.map_or(Value::Absent, |version| version.value.clone());
    Observed {
        stamp: version
            .filter(|_| value != Value::Absent)
            .map(|version| version.stamp),
        value,
        previous: None,
    }
}
