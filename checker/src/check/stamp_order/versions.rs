//! What the sweep needs to know of one item: its versions in the order of their stamps, where and when each was seen, and what each replaced.
//!
//! Whatever cannot be placed is left out, which can only explain more.

use crate::check::{Case, Fate, How, Item, Order, Write, at};
use crate::few::Few;
use crate::history::{Condition, Op, Value};

/// One item, ready to be swept.
pub(super) struct Versions {
    /// Versions of known stamp, ascending.
    pub(super) ordered: Vec<Version>,
    /// Acknowledged writes that nobody ever saw, by region: their stamps may be anything that fits. By return.
    pub(super) unseen: Vec<Vec<Unseen>>,
    /// What replaced what at one instant, by region; see [`Versions::successors`].
    successors: Vec<Successors>,
    /// The last call, and its operation, of a sighting of no item before any write, by region.
    pub(super) absent: Vec<Option<(u64, usize)>>,
    /// What the last final read of each region saw.
    pub(super) finals: Vec<Final>,
}

/// A version of known stamp.
pub(super) struct Version {
    pub(super) value: i64,
    /// Index of the operation that wrote it.
    pub(super) write: usize,
    pub(super) origin: usize,
    pub(super) call_ns: u64,
    /// `u64::MAX` when nobody knows.
    pub(super) return_ns: u64,
    /// Where it was current, one entry a region.
    pub(super) seen: Few<Seen, 3>,
    /// The first return of an eventually consistent sighting.
    pub(super) eventual: Option<(u64, usize)>,
    pub(super) replaces: Replaces,
}

/// The sightings of one version in one region, with the operations that bound them.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) region: usize,
    pub(super) first_return: (u64, usize),
    pub(super) last_call: (u64, usize),
}

/// A final read: nothing that was acknowledged before it is greater than what it saw.
#[derive(Clone, Copy)]
pub(super) struct Final {
    /// The version, by its place in the order; `None` for no item before any write.
    pub(super) place: Option<usize>,
    pub(super) call_ns: u64,
    pub(super) read: usize,
}

/// What must have been current at the instant of a write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaces {
    Anything,
    /// No item, before any write.
    Nothing,
    /// The version of this place in the order.
    Version(usize),
}

/// An acknowledged write that nobody saw.
#[derive(Clone, Copy)]
pub(super) struct Unseen {
    pub(super) operation: usize,
    pub(super) call_ns: u64,
    pub(super) return_ns: u64,
}

/// What came directly after a version in its region.
#[derive(Clone, Copy)]
pub(super) enum Successor {
    Version(usize),
    Unseen(Unseen),
}

/// What came directly after each version in one region. Nearly always it is one.
struct Successors {
    /// For each version, by its [`number`], the first and the last in the list.
    ends: Vec<(u32, u32)>,
    /// All of them, each with the next of the same version.
    list: Vec<(Successor, u32)>,
}

/// What there is no place in a list for.
const NONE: u32 = u32::MAX;

impl Successors {
    fn new(version_count: usize, region_count: usize) -> Self {
        Self {
            ends: vec![(NONE, NONE); version_count + 1],
            list: Vec::with_capacity(version_count / region_count.max(1) + 8),
        }
    }

    fn push(&mut self, number: usize, successor: Successor) {
        let own = u32::try_from(self.list.len()).expect("fewer than 2^32 writes");
        let (first, last) = &mut self.ends[number];
        match *last {
            NONE => *first = own,
            before => self.list[before as usize].1 = own,
        }
        *last = own;
        self.list.push((successor, NONE));
    }

    fn of(&self, number: usize) -> impl Iterator<Item = &Successor> {
        let mut next = self.ends[number].0;
        std::iter::from_fn(move || {
            let (successor, after) = self.list.get(next as usize)?;
            next = *after;
            Some(successor)
        })
    }
}

impl Version {
    pub(super) fn seen_in(&self, region: usize) -> Option<&Seen> {
        self.seen.as_slice().iter().find(|s| s.region == region)
    }

    fn see(&mut self, region: usize, operation: usize, call_ns: u64, return_ns: u64) {
        let (first, last) = ((return_ns, operation), (call_ns, operation));
        let mut seen = self.seen.as_mut_slice().iter_mut();
        match seen.find(|s| s.region == region) {
            Some(seen) => {
                seen.first_return = seen.first_return.min(first);
                seen.last_call = seen.last_call.max(last);
            }
            None => self.seen.push(Seen {
                region,
                first_return: first,
                last_call: last,
            }),
        }
    }
}

impl Versions {
    pub(super) fn new(case: &Case<'_>, item: &Item<'_>) -> Self {
        let ordered = ordered(item);
        let region_count = case.region_count();
        let successors = || Successors::new(ordered.len(), region_count);
        let mut versions = Self {
            unseen: vec![Vec::new(); region_count],
            successors: (0..region_count).map(|_| successors()).collect(),
            ordered,
            absent: vec![None; region_count],
            finals: finals(item),
        };
        let has_deletes = item.has_deletes;
        // Values that were seen, but whose place is unknown.
        let mut observed = vec![false; item.versions.len()];
        for sighting in &item.sightings {
            let (region, operation) = (at(sighting.region), sighting.operation);
            let Some(version) = sighting.version() else {
                if sighting.is_current() && !has_deletes {
                    let call = Some((sighting.call_ns, operation));
                    versions.absent[region] = versions.absent[region].max(call);
                }
                continue;
            };
            let Some(place) = place(sighting.order) else {
                observed[version as usize] = true;
                continue;
            };
            let version = &mut versions.ordered[place];
            if !sighting.is_current() {
                let seen = (sighting.return_ns, operation);
                version.eventual = Some(version.eventual.map_or(seen, |e| e.min(seen)));
                continue;
            }
            version.see(region, operation, sighting.call_ns, sighting.return_ns);
        }
        for write in item.writes.iter() {
            versions.write(case, item, &observed, write);
        }
        for unseen in &mut versions.unseen {
            unseen.sort_by_key(|w| w.return_ns);
        }
        versions
    }

    /// The last call of a final read that saw such a version.
    pub(super) fn last_seen(&self, is_such: impl Fn(Option<usize>) -> bool) -> Option<u64> {
        let such = self.finals.iter().filter(|last| is_such(last.place));
        such.map(|last| last.call_ns).max()
    }

    fn write(&mut self, case: &Case<'_>, item: &Item<'_>, observed: &[bool], write: &Write) {
        let Some(version) = write.version.filter(|_| write.fate != Fate::Failed) else {
            return;
        };
        let region = at(write.region);
        let replaces = self.replaces(case, item, write);
        let previous = match replaces {
            Replaces::Anything => None,
            Replaces::Nothing => Some(None),
            Replaces::Version(place) => Some(Some(place)),
        };
        let successor = match (place(write.order), write.return_ns) {
            (Some(place), _) => {
                self.ordered[place].replaces = replaces;
                if let (None, Replaces::Version(before)) = (write.return_ns, replaces) {
                    let seen = &mut self.ordered[before];
                    seen.see(region, write.operation, write.call_ns, u64::MAX);
                }
                Successor::Version(place)
            }
            (None, Some(return_ns)) if !observed[version as usize] => {
                let unseen = Unseen {
                    operation: write.operation,
                    call_ns: write.call_ns,
                    return_ns,
                };
                if previous.is_none() {
                    self.unseen[region].push(unseen);
                }
                Successor::Unseen(unseen)
            }
            (None, _) => return,
        };
        if let Some(previous) = previous {
            self.successors[region].push(number(previous), successor);
        }
    }

    /// What replaced a version (`None`: the item before any write) in a region, at one instant.
    pub(super) fn successors(
        &self,
        region: usize,
        place: Option<usize>,
    ) -> impl Iterator<Item = &Successor> {
        self.successors[region].of(number(place))
    }

    /// What a write says was there before it.
    fn replaces(&mut self, case: &Case<'_>, item: &Item<'_>, write: &Write) -> Replaces {
        let mut own = item.own_sightings(write);
        let own = own.find(|s| matches!(s.how, How::Replaced | How::Condition));
        let value = match own {
            Some(said) => said.value,
            None if !write.is_conditional => return Replaces::Anything,
            None => match &case.history.operations[write.operation].op {
                Op::Cas {
                    condition: Condition::Equals(value),
                    ..
                } => value,
                Op::Cas { .. } | Op::Read { .. } | Op::Write { .. } | Op::Delete { .. } => {
                    return Replaces::Anything;
                }
                Op::AddToSet { .. } | Op::Increment { .. } | Op::Append { .. } => {
                    return Replaces::Anything;
                }
                Op::Transact { .. } | Op::Scan | Op::Stream => return Replaces::Anything,
            },
        };
        let order = match own {
            Some(said) => said.order,
            None => value_order(item, value),
        };
        let place = match value {
            Value::Absent if !item.has_deletes => return Replaces::Nothing,
            Value::Int(_) => place(order),
            Value::Absent | Value::List(_) => None,
        };
        place.map_or(Replaces::Anything, Replaces::Version)
    }
}

/// A place as the number that names it: from 1, and 0 for no version.
fn number(place: Option<usize>) -> usize {
    place.map_or(0, |place| place + 1)
}

/// The place in the order of versions of what a value names.
fn value_order(item: &Item<'_>, value: &Value) -> Option<Order> {
    match value {
        Value::Int(number) => item.order(*number),
        Value::Absent | Value::List(_) => None,
    }
}

/// The place of a version of known stamp among these.
fn place(order: Option<Order>) -> Option<usize> {
    order?.index().checked_sub(1)
}

/// What the last final read of each region saw, where its place is known.
fn finals(item: &Item<'_>) -> Vec<Final> {
    let reads = item.final_reads();
    let seen = reads.values().filter_map(|read| {
        let place = match place(read.order) {
            None if read.is_absent() && !item.has_deletes => None,
            known => Some(known?),
        };
        Some(Final {
            place,
            call_ns: read.call_ns,
            read: read.operation,
        })
    });
    seen.collect()
}

/// The versions of known stamp, ascending. Each has one writer: where there are several, its stamp belongs to none.
fn ordered(item: &Item<'_>) -> Vec<Version> {
    let version = |(_, value): &(usize, i64)| {
        let write = item.writer(*value).expect("known stamps have one writer");
        Version {
            value: *value,
            write: write.operation,
            origin: at(write.region),
            call_ns: write.call_ns,
            return_ns: write.return_ns.unwrap_or(u64::MAX),
            seen: Few::default(),
            eventual: None,
            replaces: Replaces::Anything,
        }
    };
    item.ranking.iter().map(version).collect()
}
