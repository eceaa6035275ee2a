//! Makes an [`Item`] of the operations that touch its key, and learns which stamp belongs to which version.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::num::{NonZeroU8, NonZeroU32};

use super::by_key::Touch;
use super::{
    Addition, Anew, Consumed, Fate, How, Item, Moment, Order, Record, Sighting, Version, Whole,
    Write, as_number,
};
use crate::check::frontier::at;
use crate::history::{
    Condition, Ending, History, Key, MicroOp, MicroReply, NO_REPLICA, Observed, Op, Operation,
    Phase, Reply, Stamp, Strength, Value,
};
use crate::nearly_sorted::sort_nearly_sorted;
use crate::small::small;
use crate::table::Table;

/// Makes the items of one history.
pub(crate) struct Builder<'h> {
    history: &'h History,
    /// The rank of each region's name among all names: what a tie of times is decided by.
    ranks: Vec<u8>,
    consumed: Vec<Consumed>,
}

impl<'h> Builder<'h> {
    pub(crate) fn new(history: &'h History) -> Self {
        Self {
            consumed: consumed(history),
            ..Self::without_streams(history)
        }
    }

    /// As [`Builder::new`], where it is known that no stream was read.
    pub(crate) fn without_streams(history: &'h History) -> Self {
        let regions = &history.header.regions;
        let rank = |name: &String| regions.iter().filter(|other| *other < name).count();
        let rank = |name| u8::try_from(rank(name)).expect("a header lists at most 255 regions");
        Self {
            history,
            ranks: regions.iter().map(rank).collect(),
            consumed: Vec::new(),
        }
    }

    pub(crate) fn item(&self, key: Key, touches: &[Touch]) -> Item<'h> {
        let item = Item {
            key,
            writes: Vec::with_capacity(touches.len() * 5 / 8),
            // A conditional write that returns the old item brings two.
            sightings: Vec::with_capacity(touches.len() * 3 / 2),
            additions: Vec::new(),
            records: Vec::new(),
            away: BTreeSet::new(),
            consumed: self.consumed.clone(),
            versions: Table::with_capacity(touches.len() / 2),
            ranking: Vec::new(),
            is_register: true,
            has_deletes: false,
            finals_from: usize::MAX,
            frontiers: OnceCell::new(),
        };
        let mut making = Making {
            item,
            ranks: &self.ranks,
            sightings_from: (usize::MAX, 0),
        };
        for touch in touches {
            let operation = &self.history.operations[touch.operation()];
            making.add(touch.operation(), operation, touch.position());
        }
        let mut item = making.item;
        let has_deletes = item.deletes().next().is_some();
        item.has_deletes = has_deletes;
        item.finals_from = item.finals_from.min(item.sightings.len());
        learn_stamps(&mut item, &self.ranks);
        item
    }
}

/// How far the stream of each region was read; empty when none was.
fn consumed(history: &History) -> Vec<Consumed> {
    let mut consumed = Vec::new();
    let operations = history.operations.iter().enumerate();
    for (index, operation) in operations.filter(|(_, o)| o.op == Op::Stream) {
        if !matches!(operation.ending, Ending::Ok(_)) {
            continue;
        }
        consumed.resize(history.header.regions.len(), Consumed::default());
        let own = &mut consumed[at(operation.region)];
        own.since_ns.get_or_insert(operation.call_ns);
        if let (Ending::Ok(Reply::StreamAnew(_)), Some(return_ns)) =
            (&operation.ending, operation.return_ns)
        {
            own.anew.push(Anew {
                operation: index,
                return_ns,
            });
        }
        if operation.phase == Phase::Final {
            own.finally = Some(index);
        }
    }
    consumed
}

struct Making<'h, 'b> {
    item: Item<'h>,
    ranks: &'b [u8],
    /// The operation that is being added, and where its sightings begin.
    sightings_from: (usize, usize),
}

impl<'h> Making<'h, '_> {
    fn add(&mut self, index: usize, operation: &'h Operation, position: usize) {
        if self.sightings_from.0 != index {
            self.sightings_from = (index, self.item.sightings.len());
        }
        match &operation.op {
            Op::Read { key: _, strength } => {
                let how = match strength {
                    Strength::Strong => How::StrongRead,
                    Strength::Eventual => How::EventualRead,
                };
                match &operation.ending {
                    Ending::Ok(Reply::Read(seen)) => self.see(index, operation, seen, how),
                    Ending::Failed { error, .. }
                        if operation.phase == Phase::Final && error == NO_REPLICA =>
                    {
                        self.item.away.insert(operation.region);
                    }
                    Ending::Ok(_) | Ending::Failed { .. } | Ending::Unknown { .. } => {}
                }
            }
            Op::Write { key: _, value } => self.write(index, operation, value),
            Op::Delete { key: _ } => self.write(index, operation, &Value::Absent),
            Op::Cas {
                key: _,
                condition,
                value,
            } => {
                self.write(index, operation, value);
                if let Condition::Equals(Value::Int(required)) = condition {
                    self.item.versions.place(*required, Version::default);
                }
                if let (Ending::Ok(_), Condition::Equals(required)) = (&operation.ending, condition)
                {
                    self.look(index, operation, required, None, How::Condition);
                }
            }
            Op::AddToSet { key: _, element } => {
                self.addition(index, operation, Whole::Set, *element);
            }
            Op::Increment { key: _, delta } => {
                self.addition(index, operation, Whole::Count, *delta);
            }
            Op::Append { key: _, element } => {
                self.addition(index, operation, Whole::List, *element);
            }
            Op::Transact { ops } => self.transaction(index, operation, &ops[position], position),
            Op::Scan => {
                if let Ending::Ok(Reply::Scan(items)) = &operation.ending {
                    self.see(index, operation, &items[position].1, How::EventualRead);
                }
            }
            Op::Stream => {
                if let (
                    Ending::Ok(Reply::Stream(records) | Reply::StreamAnew(records)),
                    Some(return_ns),
                ) = (&operation.ending, operation.return_ns)
                {
                    let (_, new, old) = &records[position];
                    self.item.records.push(Record {
                        operation: index,
                        process: operation.process,
                        region: operation.region,
                        return_ns,
                        new: &new.value,
                        old: &old.value,
                    });
                }
            }
        }
    }

    fn transaction(
        &mut self,
        index: usize,
        operation: &'h Operation,
        op: &'h MicroOp,
        position: usize,
    ) {
        match op {
            MicroOp::Read(_) => {
                if let Ending::Ok(Reply::Transact(results)) = &operation.ending
                    && let Some(MicroReply::Read(seen)) = results.get(position)
                {
                    self.see(index, operation, seen, How::StrongRead);
                }
            }
            MicroOp::Write(_, value) => self.write(index, operation, value),
            MicroOp::Append(_, element) => {
                self.addition(index, operation, Whole::List, *element);
            }
        }
    }

    /// Notes something added, and the old item that came back with it.
    fn addition(&mut self, index: usize, operation: &'h Operation, to: Whole, number: i64) {
        let fate = self.fate(index, operation);
        let item = &mut self.item;
        item.is_register = false;
        item.additions.push(Addition {
            operation: index,
            region: operation.region,
            call_ns: operation.call_ns,
            return_ns: operation.return_ns,
            fate,
            to,
            number,
        });
    }

    /// What became of a write; notes the old or refusing item that came back with it.
    fn fate(&mut self, index: usize, operation: &'h Operation) -> Fate {
        match &operation.ending {
            Ending::Ok(Reply::Done { old }) => {
                if let Some(old) = old {
                    self.see(index, operation, old, How::Replaced);
                }
                Fate::Acknowledged
            }
            Ending::Ok(_) => Fate::Acknowledged,
            Ending::Failed { error: _, seen } => {
                if let Some(seen) = seen {
                    self.see(index, operation, seen, How::Refused);
                }
                Fate::Failed
            }
            Ending::Unknown { .. } => Fate::Unknown,
        }
    }

    /// Notes a write of a register.
    fn write(&mut self, index: usize, operation: &'h Operation, value: &'h Value) {
        let fate = self.fate(index, operation);
        let item = &mut self.item;
        if let Value::List(_) = value {
            item.is_register = false;
            return;
        }
        let value = as_number(value);
        let version = value.map(|value| item.versions.place(value, Version::default));
        if let Some(version) = version {
            let own = small(item.writes.len());
            item.versions.at_mut(version).writers.push(own);
        }
        item.writes.push(Write {
            operation: index,
            region: operation.region,
            call_ns: operation.call_ns,
            return_ns: operation.return_ns,
            fate,
            value,
            version: version.map(small),
            order: None,
            is_conditional: matches!(operation.op, Op::Cas { .. }),
            sightings_from: self.sightings_from.1,
        });
    }

    fn see(&mut self, index: usize, operation: &'h Operation, seen: &'h Observed, how: How) {
        self.look(index, operation, &seen.value, seen.stamp, how);
    }

    fn look(
        &mut self,
        index: usize,
        operation: &'h Operation,
        value: &'h Value,
        stamp: Option<Stamp>,
        how: How,
    ) {
        let Some(return_ns) = operation.return_ns else {
            return;
        };
        let rank = stamp.map(|s| self.ranks[usize::from(s.region.0)] + 1);
        let number = as_number(value);
        if let Value::List(_) = value {
            self.item.is_register = false;
        }
        if operation.phase == Phase::Final {
            self.item.finals_from = self.item.finals_from.min(self.item.sightings.len());
        }
        self.item.sightings.push(Sighting {
            operation: index,
            region: operation.region,
            call_ns: operation.call_ns,
            return_ns,
            phase: operation.phase,
            value,
            number: number.unwrap_or(0),
            has_number: number.is_some(),
            version: None,
            stamp_us: stamp.map_or(0, |s| s.time_us),
            stamp_rank: rank.and_then(NonZeroU8::new),
            order: None,
            origin: None,
            how,
        });
    }
}

/// Attaches to each version the greatest stamp that was seen with it and that its writer's region gave.
///
/// A stamp that two versions claim belongs to neither: which of them it belongs to cannot be told.
fn learn_stamps(item: &mut Item<'_>, ranks: &[u8]) {
    let (versions, writes) = (&mut item.versions, &item.writes);
    versions
        .values_mut()
        .for_each(|version| version.only = version.writers.only(writes));
    for (index, sighting) in (0..).zip(&mut item.sightings) {
        let Some(value) = sighting.number() else {
            continue;
        };
        let place = versions.place(value, Version::default);
        sighting.version = NonZeroU32::new(small(place) + 1);
        let version = versions.at_mut(place);
        let first = version.first_seen;
        if first.is_none_or(|(first_ns, _)| sighting.return_ns < first_ns) {
            version.first_seen = Some((sighting.return_ns, index));
        }
        version.is_seen_early |= sighting.phase == Phase::Main;
        let Some(writer) = version.only.map(|only| &writes[only as usize]) else {
            continue;
        };
        sighting.origin = Some(writer.region);
        let own = ranks[usize::from(writer.region.0)];
        let stamp = sighting.stamp().filter(|stamp| stamp.rank == own);
        if let Some(stamp) = stamp
            && version.stamp.is_none_or(|(best, _)| best < stamp)
        {
            version.stamp = Some((stamp, index));
        }
    }
    rank(item);
    let versions = &item.versions;
    let order = |version: Option<u32>| versions.at(version? as usize).order;
    for sighting in &mut item.sightings {
        sighting.order = order(sighting.version());
    }
    for write in &mut item.writes {
        write.order = order(write.version);
    }
}

/// Puts the versions into the order of their stamps.
fn rank(item: &mut Item<'_>) {
    let versions = item.versions.iter().enumerate();
    let stamped = versions.filter_map(|(place, (_, version))| Some((version.stamp?.0, place)));
    let mut stamped: Vec<(Moment, usize)> = stamped.collect();
    // Versions come in the order of their writes, so nearly in this one.
    sort_nearly_sorted(&mut stamped, |(stamp, _)| *stamp);
    item.ranking = Vec::with_capacity(stamped.len());
    for claims in stamped.chunk_by(|one, other| one.0 == other.0) {
        if let [(_, place)] = claims {
            let order = Order::at(item.ranking.len());
            item.versions.at_mut(*place).order = Some(order);
            item.ranking.push((*place, item.versions.key(*place)));
            continue;
        }
        for (_, place) in claims {
            item.versions.at_mut(*place).stamp = None;
        }
    }
}
