//! The versions of an item, and what bounds each of them in each region.

use crate::check::case::{Case, Fate, How, Item};
use crate::check::frontier::at;
use crate::history::{Condition, History, Op, Phase, Value};

/// A moment, and the operation that it belongs to. Moments count from 1; 0 is before the history.
pub(super) type Moment = (u64, usize);

/// Never.
pub(super) const NEVER: u64 = u64::MAX;

/// What bounds a version in one region: it was there by `first`, and still current at `last`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) first: Moment,
    pub(super) last: Moment,
}

impl Bounds {
    fn see(&mut self, first: Moment, last: Moment) {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }
}

/// One version. The first of all is that there is no item.
#[derive(Clone, Debug)]
pub(super) struct Version {
    /// Where it was written; none for that there is no item.
    pub(super) origin: Option<usize>,
    /// Its request and its acknowledgement.
    pub(super) written: (Moment, Moment),
    /// The first sighting of it anywhere: it had been written by then.
    pub(super) happened: Moment,
    /// The version that it replaced directly, where that is known.
    pub(super) replaces: Option<usize>,
    /// Its place among the stamps that were seen.
    pub(super) stamp: Option<u64>,
    /// A final read of it.
    pub(super) last_read: Option<usize>,
}

/// All versions of an item that are known to exist.
pub(super) struct Versions {
    pub(super) all: Vec<Version>,
    pub(super) region_count: usize,
    /// The strong sightings of each version in each region, those of one version side by side.
    seen: Vec<Option<Bounds>>,
}

/// Why there are none to be ordered.
pub(super) enum Wrong {
    /// A value names several versions.
    Repeated,
    /// Two operations of one region replaced the same version.
    TwoSuccessors(usize, usize),
}

impl Versions {
    pub(super) fn new(case: &Case<'_>, item: &Item<'_>) -> Result<Self, Wrong> {
        let regions = case.region_count();
        let mut versions = Self {
            all: vec![version(None, ((0, 0), (0, 0)))],
            region_count: regions,
            seen: Vec::new(),
        };
        let (included, mut places) = (included(case, item)?, vec![None; item.versions.len()]);
        for index in &included {
            let write = &item.writes[*index];
            let moment = |ns: u64| (ns.saturating_add(1), write.operation);
            let end = write.return_ns.filter(|_| write.fate == Fate::Acknowledged);
            let written = (
                moment(write.call_ns),
                end.map_or((NEVER, write.operation), moment),
            );
            let mut version = version(Some(at(write.region)), written);
            if let Some(named) = write.version {
                version.stamp = write.order.map(|order| order.index() as u64);
                places[named as usize] = Some(versions.all.len());
            }
            versions.all.push(version);
        }
        versions.seen = vec![None; versions.all.len() * regions];
        versions.see(item, &places);
        versions.replaced(case, item, &included, &places)?;
        Ok(versions)
    }

    /// The strong sightings of a version in a region, if there were any.
    pub(super) fn seen(&self, place: usize, region: usize) -> Option<Bounds> {
        self.seen[place * self.region_count + region]
    }

    /// What bounds a version in a region, if it was there.
    pub(super) fn bounds(&self, place: usize, region: usize) -> Option<Bounds> {
        let (version, seen) = (&self.all[place], self.seen(place, region));
        if version.origin.is_some_and(|o| o != region) {
            return seen;
        }
        let (call, end) = version.written;
        let mut bounds = Bounds {
            first: end.min(version.happened),
            last: call,
        };
        if let Some(seen) = seen {
            bounds.see(seen.first, seen.last);
        }
        Some(bounds)
    }

    fn see(&mut self, item: &Item<'_>, places: &[Option<usize>]) {
        for sighting in &item.sightings {
            let place = match sighting.version() {
                Some(version) => places[version as usize],
                None => (sighting.is_absent() && !item.has_deletes).then_some(0),
            };
            let Some(place) = place else {
                continue;
            };
            let version = &mut self.all[place];
            let (first, last) = (
                (sighting.return_ns.saturating_add(1), sighting.operation),
                (sighting.call_ns.saturating_add(1), sighting.operation),
            );
            version.happened = version.happened.min(first);
            if !sighting.is_current() {
                continue;
            }
            if sighting.phase == Phase::Final && sighting.how == How::StrongRead {
                version.last_read = Some(sighting.operation);
            }
            let own = &mut self.seen[place * self.region_count + at(sighting.region)];
            own.get_or_insert(Bounds { first, last }).see(first, last);
        }
    }

    /// Learns which version each write replaced.
    fn replaced(
        &mut self,
        case: &Case<'_>,
        item: &Item<'_>,
        included: &[usize],
        places: &[Option<usize>],
    ) -> Result<(), Wrong> {
        let mut successors: Vec<Option<usize>> = vec![None; self.seen.len()];
        for (place, write) in (1..).zip(included.iter().map(|index| &item.writes[*index])) {
            let (call, operation) = self.all[place].written.0;
            let own = item.own_sightings(write);
            let said = own.filter(|s| matches!(s.how, How::Replaced | How::Condition));
            let old = match said.last() {
                Some(said) => Some(said.version()),
                None => {
                    required(case.history, operation).map(|old| old.map(|value| item.place(value)))
                }
            };
            let before = match old {
                Some(Some(version)) => places[version as usize],
                Some(None) if !item.has_deletes => Some(0),
                Some(None) | None => None,
            };
            let (Some(before), Some(origin)) = (before, self.all[place].origin) else {
                continue;
            };
            // A write of unknown outcome saw what it replaced after it was asked for.
            let (first, last) = ((NEVER, operation), (call, operation));
            let name = before * self.region_count + origin;
            let own = &mut self.seen[name];
            own.get_or_insert(Bounds { first, last }).see(first, last);
            self.all[place].replaces = Some(before);
            if let Some(other) = successors[name].replace(operation) {
                return Err(Wrong::TwoSuccessors(other, operation));
            }
        }
        Ok(())
    }

    /// The operations that bound these versions.
    pub(super) fn operations(&self, places: &[usize]) -> Vec<usize> {
        let mut operations = Vec::new();
        for place in places.iter().copied() {
            let version = &self.all[place];
            let mut add = |moment: Moment| {
                if moment.0 != 0 {
                    operations.push(moment.1);
                }
            };
            add(version.written.0);
            for bounds in (0..self.region_count).filter_map(|r| self.bounds(place, r)) {
                add(bounds.first);
                add(bounds.last);
            }
            operations.extend(version.last_read);
        }
        operations
    }
}

fn version(origin: Option<usize>, written: (Moment, Moment)) -> Version {
    Version {
        origin,
        written,
        happened: (NEVER, written.0.1),
        replaces: None,
        stamp: None,
        last_read: None,
    }
}

/// The writes that happened for certain: acknowledged, seen, or required by one that happened.
fn included(case: &Case<'_>, item: &Item<'_>) -> Result<Vec<usize>, Wrong> {
    let mut is_included = vec![false; item.writes.len()];
    let mut waiting = Vec::new();
    for (index, write) in item.writes.iter().enumerate() {
        if write.fate == Fate::Failed {
            continue;
        }
        if item.is_repeated(write) {
            return Err(Wrong::Repeated);
        }
        let is_seen = item.seen_by(write).is_some();
        if write.fate == Fate::Acknowledged || is_seen {
            waiting.push(index);
        }
    }
    while let Some(index) = waiting.pop() {
        if std::mem::replace(&mut is_included[index], true) {
            continue;
        }
        let before = required(case.history, item.writes[index].operation).flatten();
        let writers = before.and_then(|value| item.versions.get(value));
        let writers = writers.map(|v| v.writers.iter()).into_iter().flatten();
        waiting.extend(writers.filter(|w| item.writes[*w].fate != Fate::Failed));
    }
    let is_included = |index: &usize| is_included[*index];
    Ok((0..item.writes.len()).filter(is_included).collect())
}

/// What a conditional write requires, if that is one version: a value, or that there is no item.
pub(in crate::check) fn required(history: &History, operation: usize) -> Option<Option<i64>> {
    match &history.operations[operation].op {
        Op::Cas {
            condition: Condition::Equals(Value::Int(value)),
            ..
        } => Some(Some(*value)),
        Op::Cas {
            condition: Condition::Equals(Value::Absent),
            ..
        } => Some(None),
        Op::Cas { .. } | Op::Read { .. } | Op::Write { .. } | Op::Delete { .. } => None,
        Op::AddToSet { .. } | Op::Increment { .. } | Op::Append { .. } => None,
        Op::Transact { .. } | Op::Scan | Op::Stream => None,
    }
}
