//! A history rearranged for judging: one [`Item`] per key, with what was written and what was seen of it.
//!
//! The value of a write names the version it made; stamps attach to versions when a sighting shows them. A stamp counts only if it names
//! the region in which the value was written: version 2017.11.29 tables add the stamp after the write, so a fresh local read can show the
//! new value with its predecessor's stamp (Amazon DynamoDB Developer Guide, "Global tables: how it works", version 2017.11.29).

mod build;
mod by_key;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU8, NonZeroU32};

use super::frontier::Frontiers;
use crate::history::{History, Key, Phase, ProcessId, RegionId, Value};
use crate::table::Table;

pub(crate) use build::Builder;
pub(crate) use by_key::{ByKey, Touch, touch_by_last};

/// A history, by key.
pub(crate) struct Case<'h> {
    pub(crate) history: &'h History,
    pub(crate) items: Vec<Item<'h>>,
    pub(crate) wanted: Wanted,
}

/// What is asked of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Whether there are violations, and the evidence of each.
    #[default]
    Evidence,
    /// Only whether there are any.
    Outcome,
}

/// Everything that was asked about one key.
pub(crate) struct Item<'h> {
    pub(crate) key: Key,
    pub(crate) writes: Vec<Write>,
    pub(crate) sightings: Vec<Sighting<'h>>,
    /// What was added to it, in the order of the operations.
    pub(crate) additions: Vec<Addition>,
    /// Its records in the streams of all regions, in the order of the fetches.
    pub(crate) records: Vec<Record<'h>>,
    /// Regions that are no replicas of its table in the end.
    pub(crate) away: BTreeSet<RegionId>,
    /// How far the stream of each region was read; empty when no stream was.
    pub(crate) consumed: Vec<Consumed>,
    /// Versions by the value that names them: all that anybody asked for to be written, saw or required.
    pub(crate) versions: Table<Version>,
    /// Versions of known stamp, ascending: each as an index into the versions, and the value that names it.
    pub(crate) ranking: Vec<(usize, i64)>,
    /// Whether only registers' operations were used: one value, replaced as a whole.
    pub(crate) is_register: bool,
    /// Whether any delete may have happened.
    pub(crate) has_deletes: bool,
    /// The first sighting of the final phase (index): there is none before it.
    finals_from: usize,
    /// What each region is known to have shown before each moment; made when first asked for.
    frontiers: OnceCell<Frontiers>,
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
    /// The version that it names, as an index into the versions.
    pub(crate) version: Option<u32>,
    /// Its place in the order of versions, if known.
    pub(crate) order: Option<Order>,
    /// Whether it was asked for on a condition.
    pub(crate) is_conditional: bool,
    /// Where the sightings of its operation begin, if it has any.
    sightings_from: usize,
}

/// A request to add to the item: an element to its set or list, a number to its count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addition {
    /// Index of its operation in the history.
    pub(crate) operation: usize,
    pub(crate) region: RegionId,
    pub(crate) call_ns: u64,
    pub(crate) return_ns: Option<u64>,
    pub(crate) fate: Fate,
    pub(crate) to: Whole,
    /// The element, or how much.
    pub(crate) number: i64,
}

/// One record of a stream: the item changed from its old image to its new one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'h> {
    /// Index of the fetch in the history.
    pub(crate) operation: usize,
    pub(crate) process: ProcessId,
    pub(crate) region: RegionId,
    pub(crate) return_ns: u64,
    pub(crate) new: &'h Value,
    pub(crate) old: &'h Value,
}

/// How far the stream of a region was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consumed {
    /// When it was first asked for records: all changes that were asked for later must be in it.
    pub(crate) since_ns: Option<u64>,
    /// Index of the last fetch of the final phase: by then everything was in it.
    pub(crate) finally: Option<usize>,
    /// Each fetch that found another stream in the place of the one before.
    pub(crate) anew: Vec<Anew>,
}

/// A fetch that found another stream, and read it from its beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anew {
    /// Index of the fetch in the history.
    pub(crate) operation: usize,
    /// What was asked for later is in that stream.
    pub(crate) return_ns: u64,
}

/// What an addition adds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    Set,
    Count,
    List,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Acknowledged,
    Failed,
    Unknown,
}

/// One look at the item, at some instant within an operation.
///
/// Every check goes through all of them, so their fields are packed into 64 bytes, a line of a processor's cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting<'h> {
    pub(crate) operation: usize,
    pub(crate) region: RegionId,
    pub(crate) call_ns: u64,
    pub(crate) return_ns: u64,
    pub(crate) phase: Phase,
    pub(crate) value: &'h Value,
    /// The number it shows; 0 if it shows none.
    number: i64,
    has_number: bool,
    /// The version that this number names: its place among the versions, from 1 on.
    version: Option<NonZeroU32>,
    /// The stamp that came with it: its time, and the rank of its region, from 1 on.
    stamp_us: i64,
    stamp_rank: Option<NonZeroU8>,
    /// The place of what it shows in the order of versions, if known.
    pub(crate) order: Option<Order>,
    /// Where what it shows was written, if exactly one write can have made it.
    pub(crate) origin: Option<RegionId>,
    pub(crate) how: How,
}

const _: () = assert!(size_of::<Sighting<'_>>() <= 64);

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

/// A stamp that can be compared: time, then the rank of the region's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) time_us: i64,
    pub(crate) rank: u8,
}

/// A place in the total order of an item's versions of known stamp. Dense: what is known of each version can lie in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order(NonZeroU32);

impl Order {
    /// Below every version.
    pub(crate) const LEAST: Self = Self(NonZeroU32::MIN);

    /// That of a version at this place of the ranking.
    fn at(place: usize) -> Self {
        let number = u32::try_from(place + 2).ok().and_then(NonZeroU32::new);
        Self(number.expect("fewer than 2^32 versions"))
    }

    /// How many versions lie below it: 0 for the least, from 1 on for versions.
    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// One version of an item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Version {
    /// All that wrote this value. More than one that did not fail: the value names no version.
    pub(crate) writers: Writers,
    /// The only write (index) that can have made it, if there is exactly one.
    only: Option<u32>,
    /// Its stamp, and the sighting (index) that shows it.
    stamp: Option<(Moment, u32)>,
    /// Its place in the order, if its stamp is known.
    order: Option<Order>,
    /// When the sighting of it, anywhere and of any kind, that returned first did so, and that sighting (index).
    first_seen: Option<(u64, u32)>,
    /// Whether anything in the main phase saw it.
    pub(crate) is_seen_early: bool,
}

/// The writes of one value, as indices into the item's writes. Nearly always there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writers {
    first: Option<u32>,
    more: Vec<u32>,
}

impl Writers {
    fn push(&mut self, write: u32) {
        match self.first {
            None => self.first = Some(write),
            Some(_) => self.more.push(write),
        }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        let all = self.first.iter().chain(&self.more);
        all.map(|write| *write as usize)
    }

    /// The only one that did not fail, if there is exactly one.
    fn only(&self, writes: &[Write]) -> Option<u32> {
        let all = self.first.iter().chain(&self.more).copied();
        let mut live = all.filter(|w| writes[*w as usize].fate != Fate::Failed);
        let first = live.next()?;
        live.next().is_none().then_some(first)
    }
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
        self.has_number.then_some(self.number)
    }

    /// The version that this number names, as an index into the versions.
    pub(crate) fn version(&self) -> Option<u32> {
        Some(self.version?.get() - 1)
    }

    /// The stamp that came with it.
    pub(crate) fn stamp(&self) -> Option<Moment> {
        Some(Moment {
            time_us: self.stamp_us,
            rank: self.stamp_rank?.get() - 1,
        })
    }

    /// Whether it shows that there is no item; of a register, which holds a number or nothing.
    pub(crate) fn is_absent(&self) -> bool {
        !self.has_number
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
        self.versions.get(value)?.order
    }

    /// The only write that can have made this version, if there is exactly one.
    pub(crate) fn writer(&self, value: i64) -> Option<&Write> {
        let only = self.versions.get(value)?.only?;
        Some(&self.writes[only as usize])
    }

    /// Whether what a write wrote can have come from others too.
    pub(crate) fn is_repeated(&self, write: &Write) -> bool {
        let version = write
            .version
            .map(|version| self.versions.at(version as usize));
        version.is_some_and(|version| version.only.is_none())
    }

    /// The place among the versions of a value that somebody named.
    pub(crate) fn place(&self, value: i64) -> u32 {
        let place = self.versions.find(value);
        let place = place.and_then(|place| u32::try_from(place).ok());
        place.expect("whatever is named has a version")
    }

    /// The version that a sighting shows.
    pub(crate) fn version(&self, sighting: &Sighting<'_>) -> Option<&Version> {
        Some(self.versions.at(sighting.version()? as usize))
    }

    /// The sighting of a value that returned first: its write had happened by then.
    pub(crate) fn first_seen(&self, value: i64) -> Option<&Sighting<'_>> {
        let (_, index) = self.versions.get(value)?.first_seen?;
        Some(&self.sightings[index as usize])
    }

    /// The only write that can have made what a sighting shows, if there is exactly one.
    pub(crate) fn maker(&self, sighting: &Sighting<'_>) -> Option<&Write> {
        let only = self.version(sighting)?.only?;
        Some(&self.writes[only as usize])
    }

    /// The sightings that the operation of a write brought: what it replaced, or what refused it.
    pub(crate) fn own_sightings(&self, write: &Write) -> impl Iterator<Item = &Sighting<'_>> {
        let operation = write.operation;
        let own = self.sightings[write.sightings_from..].iter();
        own.take_while(move |s| s.operation == operation)
    }

    /// The stamp of what a write wrote, if known.
    pub(crate) fn stamp(&self, write: &Write) -> Option<Moment> {
        let (stamp, _) = self.versions.at(write.version? as usize).stamp?;
        Some(stamp)
    }

    /// When the version of a write was first seen at the latest, if no other can have made it.
    pub(crate) fn seen_by(&self, write: &Write) -> Option<u64> {
        let version = self.versions.at(write.version? as usize);
        version.only?;
        Some(version.first_seen?.0)
    }

    /// The sighting that shows the stamp of a value.
    pub(crate) fn shown(&self, value: i64) -> Option<(Moment, &Sighting<'_>)> {
        let (stamp, index) = self.versions.get(value)?.stamp?;
        Some((stamp, &self.sightings[index as usize]))
    }

    /// What each region is known to have shown or acknowledged before each moment.
    pub(crate) fn frontiers(&self, region_count: usize) -> &Frontiers {
        self.frontiers
            .get_or_init(|| Frontiers::new(self, region_count))
    }

    /// Whether all that was ever asked of it, besides reads, are additions of this kind.
    pub(crate) fn is_all(&self, whole: Whole) -> bool {
        let mut additions = self.additions.iter();
        self.writes.is_empty() && !self.additions.is_empty() && additions.all(|a| a.to == whole)
    }

    /// The only region in which anything was added, if there is exactly one.
    pub(crate) fn only_region(&self) -> Option<RegionId> {
        let mut live = self.additions.iter().filter(|a| a.fate != Fate::Failed);
        let first = live.next()?.region;
        live.all(|a| a.region == first).then_some(first)
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
        for sighting in &self.sightings[self.finals_from..] {
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
    pub(crate) fn new(history: &'h History, wanted: Wanted) -> Self {
        let builder = Builder::new(history);
        let by_key = ByKey::new(history);
        let items = by_key.iter();
        Self {
            history,
            items: items
                .map(|(key, touches)| builder.item(key, touches))
                .collect(),
            wanted,
        }
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
