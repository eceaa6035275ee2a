//! What happened in one region to the keys of its transactions: who saw and who wrote which version.

use std::num::NonZeroU32;

use super::happened::{Happened, lists};
use super::lines::{Lines, small};
use crate::check::case::{Fate, Item, Sighting, Whole, Write};
use crate::check::common_order::required;
use crate::history::{History, RegionId};
use crate::table::Table;

/// Something that happened at one instant in the region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Index of its operation in the history.
    pub(super) operation: usize,
    pub(super) call_ns: u64,
    /// When it had happened at the latest; the greatest number for what arrives from other regions.
    pub(super) return_ns: u64,
}

/// One version of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    /// The node that wrote it, or brought it from elsewhere.
    pub(super) writer: u32,
    /// The sighting (as an operation) that shows its stamp.
    pub(super) shown: Option<u32>,
}

/// One key.
#[derive(Debug)]
pub(super) struct Versions {
    pub(super) versions: Vec<Version>,
    /// For each version the nodes that saw it, the writer of the next one perhaps among them.
    pub(super) readers: Lines,
    /// Nodes that saw the item before any version.
    pub(super) first_readers: Vec<u32>,
    /// Versions whose order is known, ascending: by their stamps, or as elements of a list.
    pub(super) known: Vec<u32>,
    /// Versions that come after all of `known`: appended, and in no list that was seen.
    pub(super) last: Vec<u32>,
    /// The sighting (as an operation) that shows the order of a list.
    pub(super) shown: Option<usize>,
    /// A delete, if there is one: then absence says nothing.
    pub(super) delete: Option<usize>,
}

/// All that happened.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub(super) all: Vec<Node>,
    pub(super) keys: Vec<Versions>,
}

/// Gathers what happened in one region, item by item.
pub(super) struct Gathering<'h> {
    history: &'h History,
    happened: &'h Happened<'h>,
    region: RegionId,
    nodes: Nodes,
    /// The node of each operation, if it is of this region and has one.
    by_operation: Vec<Option<NonZeroU32>>,
}

/// What makes a version: a write or an append.
#[derive(Clone, Copy)]
struct Maker {
    operation: usize,
    region: RegionId,
    call_ns: u64,
    /// When it was acknowledged; the greatest number if nobody knows.
    return_ns: u64,
}

/// One key, while it is made.
#[derive(Default)]
struct Making {
    versions: Vec<Version>,
    /// Versions, and nodes that saw them.
    readers: Vec<(u32, u32)>,
    first_readers: Vec<u32>,
    known: Vec<u32>,
    last: Vec<u32>,
    shown: Option<usize>,
    delete: Option<usize>,
}

impl Making {
    /// A node saw a version; that its writer does says nothing.
    fn see(&mut self, place: u32, reader: u32) {
        if self.versions[place as usize].writer != reader {
            self.readers.push((place, reader));
        }
    }

    fn finish(self) -> Versions {
        Versions {
            readers: Lines::new(self.versions.len(), &self.readers),
            versions: self.versions,
            first_readers: self.first_readers,
            known: self.known,
            last: self.last,
            shown: self.shown,
            delete: self.delete,
        }
    }
}

impl<'h> Gathering<'h> {
    pub(super) fn new(history: &'h History, happened: &'h Happened<'h>, region: RegionId) -> Self {
        Self {
            history,
            happened,
            region,
            nodes: Nodes::default(),
            by_operation: vec![None; history.operations.len()],
        }
    }

    /// Takes what happened to the next item.
    pub(super) fn add(&mut self, item: &Item<'_>) {
        let versions = if item.is_register {
            self.register(item)
        } else if item.is_all(Whole::List) && item.only_region().is_some() {
            self.list(item)
        } else {
            return;
        };
        self.nodes.keys.push(versions);
    }

    pub(super) fn finish(self) -> Nodes {
        self.nodes
    }

    fn push(&mut self, operation: usize, call_ns: u64, return_ns: u64) -> u32 {
        self.nodes.all.push(Node {
            operation,
            call_ns,
            return_ns,
        });
        small(self.nodes.all.len() - 1)
    }

    /// The node of an operation, if it has one.
    fn known(&self, operation: usize) -> Option<u32> {
        Some(self.by_operation[operation]?.get() - 1)
    }

    /// The node of an operation of this region; of several claims about its end the earliest holds.
    fn local(&mut self, operation: usize, call_ns: u64, return_ns: u64) -> u32 {
        if let Some(node) = self.known(operation) {
            let known = &mut self.nodes.all[node as usize].return_ns;
            *known = (*known).min(return_ns);
            return node;
        }
        let node = self.push(operation, call_ns, return_ns);
        self.by_operation[operation] = NonZeroU32::new(node + 1);
        node
    }

    /// The node of a version: of its write, or of its arrival from elsewhere. What nobody saw has not arrived.
    fn version(&mut self, maker: Maker, is_seen_here: bool) -> Option<Version> {
        let writer = if maker.region == self.region {
            let seen_ns = self.happened.seen_ns(maker.operation);
            let happened_ns = seen_ns.map_or(u64::MAX, |ns| ns.max(maker.call_ns));
            let return_ns = maker.return_ns.min(happened_ns);
            if return_ns == u64::MAX {
                return None;
            }
            self.local(maker.operation, maker.call_ns, return_ns)
        } else if is_seen_here {
            self.push(maker.operation, maker.call_ns, u64::MAX)
        } else {
            return None;
        };
        Some(Version {
            writer,
            shown: None,
        })
    }

    /// The node of a strong sighting.
    fn reader(&mut self, seen: &Sighting<'_>) -> u32 {
        self.local(seen.operation, seen.call_ns, seen.return_ns)
    }

    fn register(&mut self, item: &Item<'_>) -> Versions {
        let mut key = Making::default();
        let here = |s: &&Sighting<'_>| s.region == self.region && s.is_current();
        let seen: Vec<&Sighting<'_>> = item.sightings.iter().filter(here).collect();
        let mut seen_here: Table<()> = Table::default();
        for sighting in &seen {
            sighting.number().map(|v| seen_here.insert(v, ()));
        }
        let mut places: Table<u32> = Table::default();
        for write in item.writes.iter().filter(|w| w.fate != Fate::Failed) {
            let unique = write.value.filter(|v| item.writer(*v).is_some());
            if write.value.is_some() && unique.is_none() {
                continue;
            }
            let is_seen_here = unique.is_some_and(|v| seen_here.contains(v));
            let Some(mut version) = self.version(maker(write), is_seen_here) else {
                continue;
            };
            if let Some(value) = unique {
                version.shown = item.shown(value).map(|(_, s)| small(s.operation));
                places.insert(value, small(key.versions.len()));
            }
            key.versions.push(version);
        }
        for sighting in seen {
            match sighting.number() {
                Some(value) => {
                    if let Some(place) = places.get(value).copied() {
                        let reader = self.reader(sighting);
                        key.see(place, reader);
                    }
                }
                // A condition on absence says as much as a look at it.
                None if sighting.is_absent() && !item.has_deletes => {
                    let reader = self.reader(sighting);
                    key.first_readers.push(reader);
                }
                None => {}
            }
        }
        // What conditional writes of unknown outcome required, if they happened. Those that were acknowledged are among the sightings.
        for write in item.writes.iter().filter(|w| w.fate == Fate::Unknown) {
            let node = self.known(write.operation);
            match (node, required(self.history, write.operation)) {
                (Some(node), Some(Some(value))) => {
                    if let Some(place) = places.get(value).copied() {
                        key.readers.push((place, node));
                    }
                }
                (Some(node), Some(None)) if !item.has_deletes => key.first_readers.push(node),
                (Some(_) | None, _) => {}
            }
        }
        key.delete = item.deletes().next().map(|d| d.operation);
        let known = item.ranking.iter();
        key.known = known
            .filter_map(|(_, value)| places.get(*value).copied())
            .collect();
        key.finish()
    }

    /// A list to which one region appends: each element is a version, which follows that of the element before it.
    fn list(&mut self, item: &Item<'_>) -> Versions {
        let mut key = Making::default();
        let lists = lists(item);
        let longest = lists.iter().max_by_key(|(_, elements)| elements.len());
        let order = longest.map_or(&[][..], |(_, elements)| elements);
        key.shown = longest.map(|(s, _)| s.operation);
        let is_local = item.only_region() == Some(self.region);
        let region = self.region;
        let here = |s: &Sighting<'_>| s.region == region && s.is_current();
        let mut seen: Table<()> = Table::default();
        let mut last_seen_here: Table<()> = Table::default();
        for (sighting, list) in &lists {
            for element in *list {
                seen.insert(*element, ());
            }
            let last = list.last().filter(|_| here(sighting));
            last.map(|e| last_seen_here.insert(*e, ()));
        }
        let mut places: Table<u32> = Table::default();
        for addition in item.additions.iter().filter(|a| a.fate != Fate::Failed) {
            let element = addition.number;
            if places.contains(element) {
                continue;
            }
            let maker = Maker {
                operation: addition.operation,
                region: addition.region,
                call_ns: addition.call_ns,
                return_ns: addition.return_ns.unwrap_or(u64::MAX),
            };
            if let Some(version) = self.version(maker, last_seen_here.contains(element)) {
                let place = small(key.versions.len());
                places.insert(element, place);
                if !seen.contains(element) {
                    key.last.push(place);
                }
                key.versions.push(version);
            }
        }
        key.known = order
            .iter()
            .filter_map(|e| places.get(*e).copied())
            .collect();
        if is_local {
            // An append replaces the list as it is.
            for pair in 1..key.known.len() {
                let writer = key.versions[key.known[pair] as usize].writer;
                key.see(key.known[pair - 1], writer);
            }
            if let Some(first) = key.known.first() {
                let writer = key.versions[*first as usize].writer;
                key.first_readers.push(writer);
            }
        }
        for (sighting, list) in lists
            .iter()
            .filter(|(s, list)| here(s) && order.starts_with(list))
        {
            let place = list.last().map(|e| places.get(*e).copied());
            let reader = self.reader(sighting);
            match place {
                None => key.first_readers.push(reader),
                Some(Some(place)) => key.see(place, reader),
                Some(None) => {}
            }
        }
        key.finish()
    }
}

fn maker(write: &Write) -> Maker {
    Maker {
        operation: write.operation,
        region: write.region,
        call_ns: write.call_ns,
        return_ns: match write.fate {
            Fate::Acknowledged => write.return_ns.unwrap_or(u64::MAX),
            Fate::Failed | Fate::Unknown => u64::MAX,
        },
    }
}
