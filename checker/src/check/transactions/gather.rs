//! What happened in one region to the keys of its transactions: who saw and who wrote which version.

use crate::check::case::{Case, Fate, Item, Sighting, Whole, Write};
use crate::check::common_order::required;
use crate::history::{RegionId, Value};
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
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) writer: usize,
    /// Nodes that saw it, the writer of the next version perhaps among them.
    pub(super) readers: Vec<usize>,
    /// The sighting (as an operation) that shows its stamp.
    pub(super) shown: Option<usize>,
}

/// One key.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    pub(super) versions: Vec<Version>,
    /// Nodes that saw the item before any version.
    pub(super) first_readers: Vec<usize>,
    /// Versions whose order is known, ascending: by their stamps, or as elements of a list.
    pub(super) known: Vec<usize>,
    /// Versions that come after all of `known`: appended, and in no list that was seen.
    pub(super) last: Vec<usize>,
    /// The sighting (as an operation) that shows the order of a list.
    pub(super) shown: Option<usize>,
    /// A delete, if there is one: then absence says nothing.
    pub(super) delete: Option<usize>,
}

/// All that happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    pub(super) all: Vec<Node>,
    pub(super) keys: Vec<Versions>,
}

/// Gathers what happened in a region to these items.
pub(super) fn gather(case: &Case<'_>, region: RegionId) -> Nodes {
    let mut gathering = Gathering {
        region,
        nodes: Nodes::default(),
        by_operation: Table::default(),
        happened_ns: Table::default(),
    };
    for item in &case.items {
        gathering.see(item);
        gathering.require(case, item);
    }
    for item in &case.items {
        let versions = if item.is_register {
            gathering.register(case, item)
        } else if item.is_all(Whole::List) && item.only_region().is_some() {
            gathering.list(item)
        } else {
            continue;
        };
        gathering.nodes.keys.push(versions);
    }
    gathering.nodes
}

struct Gathering {
    region: RegionId,
    nodes: Nodes,
    /// The nodes of operations of this region.
    by_operation: Table<usize>,
    /// When anything that an operation wrote was first seen anywhere: a transaction happens with all that it writes.
    happened_ns: Table<u64>,
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

impl Gathering {
    fn push(&mut self, operation: usize, call_ns: u64, return_ns: u64) -> usize {
        self.nodes.all.push(Node {
            operation,
            call_ns,
            return_ns,
        });
        self.nodes.all.len() - 1
    }

    /// Notes that an operation had happened by then; of several such moments the earliest holds.
    fn learn(&mut self, operation: usize, seen_ns: u64) {
        let known = self
            .happened_ns
            .or_insert_with(number(operation), || seen_ns);
        *known = (*known).min(seen_ns);
    }

    /// Notes when what was written to an item was first seen.
    fn see(&mut self, item: &Item<'_>) {
        for write in item.writes.iter().filter(|w| w.fate != Fate::Failed) {
            let value = write.value.filter(|v| item.writer(*v).is_some());
            if let Some(seen) = value.and_then(|v| item.first_seen(v)) {
                self.learn(write.operation, seen.return_ns);
            }
        }
        let appends: Table<usize> = appends(item);
        for (sighting, list) in lists(item) {
            for operation in list.iter().filter_map(|e| appends.get(*e)) {
                self.learn(*operation, sighting.return_ns);
            }
        }
    }

    /// Notes that what a conditional write of unknown outcome required had been written, if what it wrote itself was seen.
    fn require(&mut self, case: &Case<'_>, item: &Item<'_>) {
        let is_unknown = |w: &&Write| w.is_conditional && w.fate == Fate::Unknown;
        let mut waiting: Vec<&Write> = item.writes.iter().rev().filter(is_unknown).collect();
        let mut has_grown = true;
        while has_grown {
            has_grown = false;
            waiting.retain(|write| {
                let seen_ns = self.happened_ns.get(number(write.operation)).copied();
                let required = required(case, write.operation).flatten();
                let maker = required.and_then(|value| item.writer(value));
                if let (Some(seen_ns), Some(maker)) = (seen_ns, maker) {
                    self.learn(maker.operation, seen_ns);
                    has_grown = true;
                }
                seen_ns.is_none()
            });
        }
    }

    /// The node of an operation of this region; of several claims about its end the earliest holds.
    fn local(&mut self, operation: usize, call_ns: u64, return_ns: u64) -> usize {
        if let Some(node) = self.by_operation.get(number(operation)).copied() {
            let known = &mut self.nodes.all[node].return_ns;
            *known = (*known).min(return_ns);
            return node;
        }
        let node = self.push(operation, call_ns, return_ns);
        self.by_operation.insert(number(operation), node);
        node
    }

    /// The node of a version: of its write, or of its arrival from elsewhere. What nobody saw has not arrived.
    fn version(&mut self, maker: Maker, is_seen_here: bool) -> Option<Version> {
        let writer = if maker.region == self.region {
            let seen_ns = self.happened_ns.get(number(maker.operation)).copied();
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
            readers: Vec::new(),
            shown: None,
        })
    }

    /// The node of a strong sighting.
    fn reader(&mut self, seen: &Sighting<'_>) -> usize {
        self.local(seen.operation, seen.call_ns, seen.return_ns)
    }

    fn register(&mut self, case: &Case<'_>, item: &Item<'_>) -> Versions {
        let mut key = Versions::default();
        let here = |s: &&Sighting<'_>| s.region == self.region && s.is_current();
        let seen: Vec<&Sighting<'_>> = item.sightings.iter().filter(here).collect();
        let mut seen_here: Table<()> = Table::default();
        for sighting in &seen {
            sighting.number().map(|v| seen_here.insert(v, ()));
        }
        let mut places: Table<usize> = Table::default();
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
                version.shown = item.shown(value).map(|(_, s)| s.operation);
                places.insert(value, key.versions.len());
            }
            key.versions.push(version);
        }
        for sighting in seen {
            match sighting.number() {
                Some(value) => {
                    if let Some(place) = places.get(value).copied() {
                        let reader = self.reader(sighting);
                        if reader != key.versions[place].writer {
                            key.versions[place].readers.push(reader);
                        }
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
            let node = self.by_operation.get(number(write.operation)).copied();
            match (node, required(case, write.operation)) {
                (Some(node), Some(Some(value))) => {
                    if let Some(place) = places.get(value).copied() {
                        key.versions[place].readers.push(node);
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
        key
    }

    /// A list to which one region appends: each element is a version, which follows that of the element before it.
    fn list(&mut self, item: &Item<'_>) -> Versions {
        let mut key = Versions::default();
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
        let mut places: Table<usize> = Table::default();
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
                places.insert(element, key.versions.len());
                if !seen.contains(element) {
                    key.last.push(key.versions.len());
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
                let writer = key.versions[key.known[pair]].writer;
                let before = &mut key.versions[key.known[pair - 1]];
                if before.writer != writer {
                    before.readers.push(writer);
                }
            }
            if let Some(first) = key.known.first() {
                key.first_readers.push(key.versions[*first].writer);
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
                Some(Some(place)) if key.versions[place].writer != reader => {
                    key.versions[place].readers.push(reader);
                }
                Some(_) => {}
            }
        }
        key
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

/// The sightings that show a list; no item shows an empty one.
fn lists<'i, 'h>(item: &'i Item<'h>) -> Vec<(&'i Sighting<'h>, &'h [i64])> {
    let list = |s: &'i Sighting<'h>| match s.value {
        Value::List(elements) => Some((s, elements.as_slice())),
        Value::Absent => Some((s, &[][..])),
        Value::Int(_) => None,
    };
    item.sightings.iter().filter_map(list).collect()
}

/// The operation that appended each element and did not fail.
fn appends(item: &Item<'_>) -> Table<usize> {
    let mut appends = Table::default();
    for addition in item.additions.iter().filter(|a| a.fate != Fate::Failed) {
        appends.or_insert_with(addition.number, || addition.operation);
    }
    appends
}

fn number(operation: usize) -> i64 {
    i64::try_from(operation).expect("an index")
}
