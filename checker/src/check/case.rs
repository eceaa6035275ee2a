//! A history rearranged for judging: one [`Item`] per key, with what was written and what was seen of it.
//!
//! The value of a write names the version it made; stamps attach to versions when a sighting shows them. A stamp counts only if it names
//! the region in which the value was written: version 2017.11.29 tables add the stamp after the write, so a fresh local read can show the
//! new value with its predecessor's stamp (Amazon DynamoDB Developer Guide, "Global tables: how it works", version 2017.11.29).

use std::collections::BTreeMap;

use crate::history::{
    Condition, Ending, History, Key, MicroOp, MicroReply, Observed, Op, Operation, Phase, RegionId,
    Reply, Stamp, Strength, Value,
};

/// A history, by key.
pub(crate) struct Case<'h> {
    pub(crate) history: &'h History,
    pub(crate) items: Vec<Item<'h>>,
}

/// Everything that was asked about one key.
pub(crate) struct Item<'h> {
    pub(crate) key: Key,
    pub(crate) writes: Vec<Write>,
    pub(crate) sightings: Vec<Sighting<'h>>,
    /// Versions by the value that names them.
    pub(crate) versions: BTreeMap<i64, Version>,
    /// Whether only registers' operations were used: one value, replaced as a whole.
    pub(crate) is_register: bool,
}

/// A request to replace or delete the item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    /// Index of its operation in the history.
    pub(crate) operation: usize,
    pub(crate) region: RegionId,
    pub(crate) call_ns: u64,
    pub(crate) return_ns: Option<u64>,
    pub(crate) fate: Fate,
    /// The value written; `None` for a delete.
    pub(crate) value: Option<i64>,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Acknowledged,
    Failed,
    Unknown,
}

/// One look at the item, at some instant within an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting<'h> {
    pub(crate) operation: usize,
    pub(crate) region: RegionId,
    pub(crate) call_ns: u64,
    pub(crate) return_ns: u64,
    pub(crate) phase: Phase,
    pub(crate) value: &'h Value,
    pub(crate) stamp: Option<Order>,
    pub(crate) how: How,
}

/// How the item came to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By a strongly consistent read.
    StrongRead,
    /// By an eventually consistent read or a scan: may be old.
    EventualRead,
    /// As the old item that a write returned.
    Replaced,
    /// As the item that made a condition fail.
    Refused,
    /// By a condition that held: the item was what it requires.
    Condition,
}

/// A place in the total order of versions: time, then the rank of the region's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order {
    pub(crate) time_us: i64,
    pub(crate) rank: u8,
}

impl Order {
    /// Below every stamp.
    pub(crate) const LEAST: Self = Self {
        time_us: i64::MIN,
        rank: 0,
    };
}

/// One version of an item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Version {
    /// Indices into the item's writes: all that wrote this value. More than one that did not fail: the value names no version.
    pub(crate) writes: Vec<usize>,
    /// Its place in the order, and the sighting (index) that shows it.
    pub(crate) stamp: Option<(Order, usize)>,
    /// Whether anything in the main phase saw it.
    pub(crate) is_seen_early: bool,
}

impl Sighting<'_> {
    /// Whether it shows what was current at that instant.
    pub(crate) fn is_current(&self) -> bool {
        match self.how {
            How::StrongRead | How::Replaced | How::Refused | How::Condition => true,
            How::EventualRead => false,
        }
    }

    /// The number it shows, if it shows one.
    pub(crate) fn number(&self) -> Option<i64> {
        as_number(self.value)
    }

    pub(crate) fn is_absent(&self) -> bool {
        *self.value == Value::Absent
    }
}

fn as_number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Absent | Value::List(_) => None,
    }
}

impl Item<'_> {
    /// The place of a value in the order of versions.
    pub(crate) fn order(&self, value: i64) -> Option<Order> {
        self.versions.get(&value)?.stamp.map(|(order, _)| order)
    }

    /// The place of what a sighting shows.
    pub(crate) fn order_seen(&self, sighting: &Sighting<'_>) -> Option<Order> {
        self.order(sighting.number()?)
    }

    /// The only write that can have made this version, if there is exactly one.
    pub(crate) fn writer(&self, value: i64) -> Option<&Write> {
        let version = self.versions.get(&value)?;
        let mut live = version.writes.iter().map(|w| &self.writes[*w]);
        let mut live = live.by_ref().filter(|w| w.fate != Fate::Failed);
        let first = live.next()?;
        live.next().is_none().then_some(first)
    }

    /// Deletes that may have happened.
    pub(crate) fn deletes(&self) -> impl Iterator<Item = &Write> {
        self.writes
            .iter()
            .filter(|w| w.value.is_none() && w.fate != Fate::Failed)
    }

    /// The last final read of each region.
    pub(crate) fn final_reads(&self) -> BTreeMap<RegionId, &Sighting<'_>> {
        let mut last: BTreeMap<RegionId, &Sighting<'_>> = BTreeMap::new();
        for sighting in &self.sightings {
            if sighting.phase != Phase::Final || sighting.how != How::StrongRead {
                continue;
            }
            let entry = last.entry(sighting.region).or_insert(sighting);
            if entry.call_ns <= sighting.call_ns {
                *entry = sighting;
            }
        }
        last
    }
}

impl<'h> Case<'h> {
    /// Rearranges a history.
    pub(crate) fn new(history: &'h History) -> Self {
        let mut builder = Builder {
            ranks: ranks(&history.header.regions),
            items: BTreeMap::new(),
        };
        for (index, operation) in history.operations.iter().enumerate() {
            builder.add(index, operation);
        }
        let mut items: Vec<_> = builder.items.into_values().collect();
        for item in &mut items {
            learn_stamps(item, &builder.ranks);
        }
        Self { history, items }
    }

    /// How many regions the history knows.
    pub(crate) fn region_count(&self) -> usize {
        self.history.header.regions.len()
    }

    /// Keys whose operations are those of registers.
    pub(crate) fn registers(&self) -> impl Iterator<Item = &Item<'h>> {
        self.items.iter().filter(|i| i.is_register)
    }
}

/// The rank of each region's name among all names: what a tie of times is decided by.
fn ranks(regions: &[String]) -> Vec<u8> {
    let rank = |name: &String| regions.iter().filter(|other| *other < name).count();
    let rank = |name| u8::try_from(rank(name)).expect("a header lists at most 255 regions");
    regions.iter().map(rank).collect()
}

struct Builder<'h> {
    ranks: Vec<u8>,
    items: BTreeMap<Key, Item<'h>>,
}

impl<'h> Builder<'h> {
    fn item(&mut self, key: Key) -> &mut Item<'h> {
        self.items.entry(key).or_insert_with(|| Item {
            key,
            writes: Vec::new(),
            sightings: Vec::new(),
            versions: BTreeMap::new(),
            is_register: true,
        })
    }

    fn add(&mut self, index: usize, operation: &'h Operation) {
        match &operation.op {
            Op::Read { key, strength } => {
                let how = match strength {
                    Strength::Strong => How::StrongRead,
                    Strength::Eventual => How::EventualRead,
                };
                self.item(*key);
                if let Ending::Ok(Reply::Read(seen)) = &operation.ending {
                    self.see(index, operation, *key, seen, how);
                }
            }
            Op::Write { key, value } => self.write(index, operation, *key, value),
            Op::Delete { key } => self.write(index, operation, *key, &Value::Absent),
            Op::Cas {
                key,
                condition,
                value,
            } => {
                self.write(index, operation, *key, value);
                if let (Ending::Ok(_), Condition::Equals(required)) = (&operation.ending, condition)
                {
                    self.look(index, operation, *key, required, None, How::Condition);
                }
            }
            Op::AddToSet { key, .. } | Op::Increment { key, .. } | Op::Append { key, .. } => {
                self.item(*key).is_register = false;
            }
            Op::Transact { ops } => self.transaction(index, operation, ops),
            Op::Scan => {
                if let Ending::Ok(Reply::Scan(items)) = &operation.ending {
                    for (key, seen) in items {
                        self.see(index, operation, *key, seen, How::EventualRead);
                    }
                }
            }
            Op::Stream => {}
        }
    }

    fn transaction(&mut self, index: usize, operation: &'h Operation, ops: &'h [MicroOp]) {
        let results: &[MicroReply] = match &operation.ending {
            Ending::Ok(Reply::Transact(results)) => results,
            Ending::Ok(_) | Ending::Failed { .. } | Ending::Unknown { .. } => &[],
        };
        for (position, op) in ops.iter().enumerate() {
            match op {
                MicroOp::Read(key) => {
                    self.item(*key);
                    if let Some(MicroReply::Read(seen)) = results.get(position) {
                        self.see(index, operation, *key, seen, How::StrongRead);
                    }
                }
                MicroOp::Write(key, value) => self.write(index, operation, *key, value),
                MicroOp::Append(key, _) => self.item(*key).is_register = false,
            }
        }
    }

    /// Notes a write of a register, and the old or refusing item that came back with it.
    fn write(&mut self, index: usize, operation: &'h Operation, key: Key, value: &'h Value) {
        let fate = match &operation.ending {
            Ending::Ok(Reply::Done { old }) => {
                if let Some(old) = old {
                    self.see(index, operation, key, old, How::Replaced);
                }
                Fate::Acknowledged
            }
            Ending::Ok(_) => Fate::Acknowledged,
            Ending::Failed { error: _, seen } => {
                if let Some(seen) = seen {
                    self.see(index, operation, key, seen, How::Refused);
                }
                Fate::Failed
            }
            Ending::Unknown { .. } => Fate::Unknown,
        };
        let item = self.item(key);
        if let Value::List(_) = value {
            item.is_register = false;
            return;
        }
        let value = as_number(value);
        if let Some(value) = value {
            item.versions
                .entry(value)
                .or_default()
                .writes
                .push(item.writes.len());
        }
        item.writes.push(Write {
            operation: index,
            region: operation.region,
            call_ns: operation.call_ns,
            return_ns: operation.return_ns,
            fate,
            value,
        });
    }

    fn see(
        &mut self,
        index: usize,
        operation: &'h Operation,
        key: Key,
        seen: &'h Observed,
        how: How,
    ) {
        self.look(index, operation, key, &seen.value, seen.stamp, how);
    }

    fn look(
        &mut self,
        index: usize,
        operation: &'h Operation,
        key: Key,
        value: &'h Value,
        stamp: Option<Stamp>,
        how: How,
    ) {
        let Some(return_ns) = operation.return_ns else {
            return;
        };
        let stamp = stamp.map(|s| Order {
            time_us: s.time_us,
            rank: self.ranks[usize::from(s.region.0)],
        });
        let item = self.item(key);
        if let Value::List(_) = value {
            item.is_register = false;
        }
        item.sightings.push(Sighting {
            operation: index,
            region: operation.region,
            call_ns: operation.call_ns,
            return_ns,
            phase: operation.phase,
            value,
            stamp,
            how,
        });
    }
}

/// Attaches to each version the greatest stamp that was seen with it and that its writer's region gave.
///
/// A stamp that two versions claim belongs to neither: which of them it belongs to cannot be told.
fn learn_stamps(item: &mut Item<'_>, ranks: &[u8]) {
    let mut best: BTreeMap<i64, (Order, usize)> = BTreeMap::new();
    let mut early = Vec::new();
    for (index, sighting) in item.sightings.iter().enumerate() {
        let Some(value) = sighting.number() else {
            continue;
        };
        if sighting.phase == Phase::Main {
            early.push(value);
        }
        let (Some(order), Some(writer)) = (sighting.stamp, item.writer(value)) else {
            continue;
        };
        if order.rank != ranks[usize::from(writer.region.0)] {
            continue;
        }
        let entry = best.entry(value).or_insert((order, index));
        if entry.0 < order {
            *entry = (order, index);
        }
    }
    for value in early {
        if let Some(version) = item.versions.get_mut(&value) {
            version.is_seen_early = true;
        }
    }
    let mut claims: BTreeMap<Order, u32> = BTreeMap::new();
    for (order, _) in best.values() {
        *claims.entry(*order).or_default() += 1;
    }
    for (value, (order, sighting)) in best {
        if claims[&order] == 1
            && let Some(version) = item.versions.get_mut(&value)
        {
            version.stamp = Some((order, sighting));
        }
    }
}
