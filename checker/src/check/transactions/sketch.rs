//! What is left of an item for the checks and measurements of several items together: who asked, who wrote which version, and who saw it.
//!
//! A sketch takes some fifty bytes for each operation, and needs none of them: so all items are judged together without all operations ever
//! being in memory.

use crate::check::case::{Addition, Fate, Item, Sighting, Whole, Write};
use crate::check::common_order::required;
use crate::history::{Ending, History, Key, Op, RegionId, Value};
use crate::small::small;
use crate::table::Table;

/// What nobody has seen, and what has not ended for all that is known.
pub(crate) const NEVER: u64 = u64::MAX;
/// No version.
const NONE: u32 = u32::MAX;

/// One item.
#[derive(Debug)]
pub(crate) struct Sketch {
    pub(crate) key: Key,
    /// The regions whose transactions touch it.
    pub(super) regions: Vec<RegionId>,
    /// Operations that made or saw what is below, in their order.
    pub(crate) asked: Vec<Asked>,
    /// What was written, in the order of the requests. Of a list, its elements.
    pub(crate) versions: Vec<Made>,
    /// Looks at what was current.
    pub(crate) looks: Vec<Look>,
    /// What conditional writes of unknown outcome saw, if they happened.
    pub(super) conditions: Vec<Look>,
    /// Versions whose order is known, ascending: by their stamps, or as elements of a list.
    pub(crate) known: Vec<u32>,
    /// Where each version replaced the one before it: the only region in which a list grows.
    pub(super) grows_in: Option<RegionId>,
    /// The sighting that shows the order of a list.
    pub(super) shown: Option<u32>,
    /// A delete, if there is one: then absence says nothing.
    pub(super) delete: Option<u32>,
    /// By when transactions had happened, since what they wrote here was seen.
    pub(super) happened: Vec<(u32, u64)>,
    pub(crate) is_register: bool,
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// What names it in the history.
    pub(crate) id: u32,
    pub(crate) region: RegionId,
    pub(crate) is_transaction: bool,
    pub(crate) call_ns: u64,
    /// When it was answered; [`NEVER`] if its outcome is unknown.
    pub(crate) return_ns: u64,
}

/// A version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// By whom: its place in `asked`.
    pub(crate) asked: u32,
    /// The sighting that shows its stamp.
    pub(super) shown: Option<u32>,
    pub(crate) is_delete: bool,
    /// By when it had been written, since somebody saw that; [`NEVER`] if nobody did.
    pub(super) seen_ns: u64,
}

/// A look at the item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// By whom: its place in `asked`.
    pub(crate) asked: u32,
    pub(crate) shows: Shows,
}

/// What a look shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// That there was no version yet.
    Nothing,
    /// This version.
    Version(u32),
    /// What constrains nothing: a value that was written twice, or an absence that a delete may have made.
    Other,
}

/// What names an operation, by its index in the history that the item was made from.
pub(super) type Name<'n> = &'n dyn Fn(usize) -> u32;

impl Sketch {
    /// By when each version was in this region at the latest, if it was there: those that were written there and had happened, and those that were
    /// seen there, which may have arrived at any time ([`NEVER`]).
    pub(super) fn versions_in(
        &self,
        region: RegionId,
        happened: &Table<u64>,
        here: &mut Vec<Option<u64>>,
    ) {
        here.clear();
        here.resize(self.versions.len(), None);
        let is_local = |asked: u32| self.asked[asked as usize].region == region;
        for look in self.looks.iter().filter(|look| is_local(look.asked)) {
            if let Shows::Version(version) = look.shows {
                here[version as usize] = Some(NEVER);
            }
        }
        for (made, here) in self.versions.iter().zip(here) {
            if is_local(made.asked) {
                *here = Some(self.return_ns(made, happened)).filter(|ns| *ns != NEVER);
            }
        }
    }

    /// By when a version was there in its own region.
    fn return_ns(&self, made: &Made, happened: &Table<u64>) -> u64 {
        let asked = &self.asked[made.asked as usize];
        let seen_ns = match asked.is_transaction {
            true => happened.get(i64::from(asked.id)).copied(),
            false => Some(made.seen_ns),
        };
        let seen_ns = seen_ns.unwrap_or(NEVER);
        asked.return_ns.min(seen_ns.max(asked.call_ns))
    }

    pub(super) fn new(
        history: &History,
        item: &Item<'_>,
        regions: Vec<RegionId>,
        name: Name<'_>,
    ) -> Self {
        let current = item.sightings.iter().filter(|s| s.is_current());
        let writes = live(item).map(|w| w.operation);
        let additions = item.additions.iter().map(|a| a.operation);
        let makers = writes.chain(additions);
        let mut operations: Vec<usize> = makers.chain(current.map(|s| s.operation)).collect();
        operations.sort();
        operations.dedup();
        let asked = operations.iter().map(|o| asked(history, *o, name));
        let mut sketch = Self {
            key: item.key,
            regions,
            asked: asked.collect(),
            versions: Vec::new(),
            looks: Vec::new(),
            conditions: Vec::new(),
            known: Vec::new(),
            grows_in: None,
            shown: None,
            delete: None,
            happened: Vec::new(),
            is_register: item.is_register,
        };
        let drawing = Drawing {
            history,
            item,
            name,
            operations,
        };
        drawing.writes(&mut sketch);
        if !item.additions.is_empty() {
            // What is added to and replaced as well has no order of versions.
            sketch.note_happened();
            sketch.clear();
            drawing.additions(&mut sketch);
        }
        sketch.note_happened();
        if !sketch.is_register && sketch.grows_in.is_none() {
            sketch.clear();
        }
        sketch.regions.shrink_to_fit();
        sketch
    }

    /// Who made a version.
    pub(crate) fn maker(&self, version: u32) -> &Asked {
        &self.asked[self.versions[version as usize].asked as usize]
    }

    /// Notes which transactions had happened.
    fn note_happened(&mut self) {
        for made in self.versions.iter().filter(|made| made.seen_ns != NEVER) {
            let maker = &self.asked[made.asked as usize];
            if maker.is_transaction {
                self.happened.push((maker.id, made.seen_ns));
            }
        }
    }

    /// Leaves nothing but what transactions had happened.
    fn clear(&mut self) {
        self.versions.clear();
        self.looks.clear();
        self.conditions.clear();
        self.known.clear();
    }
}

/// Writes that did not fail.
fn live<'i>(item: &'i Item<'_>) -> impl Iterator<Item = &'i Write> {
    item.writes.iter().filter(|w| w.fate != Fate::Failed)
}

fn asked(history: &History, operation: usize, name: Name<'_>) -> Asked {
    let own = &history.operations[operation];
    Asked {
        id: name(operation),
        region: own.region,
        is_transaction: matches!(own.op, Op::Transact { .. }),
        call_ns: own.call_ns,
        return_ns: match own.ending {
            Ending::Unknown { .. } => NEVER,
            Ending::Ok(_) | Ending::Failed { .. } => own.return_ns.unwrap_or(NEVER),
        },
    }
}

/// A sketch while it is made.
struct Drawing<'d, 'h> {
    history: &'d History,
    item: &'d Item<'h>,
    name: Name<'d>,
    /// Those of `asked`.
    operations: Vec<usize>,
}

/// Finds the places of operations that come in their order.
struct Places<'d> {
    operations: &'d [usize],
    at: usize,
}

impl Places<'_> {
    fn next(&mut self, operation: usize) -> u32 {
        while self.operations[self.at] < operation {
            self.at += 1;
        }
        small(self.at)
    }
}

impl<'h> Drawing<'_, 'h> {
    fn places(&self) -> Places<'_> {
        Places {
            operations: &self.operations,
            at: 0,
        }
    }

    /// What was written as a whole, and what was seen of it.
    fn writes(&self, sketch: &mut Sketch) {
        let item = self.item;
        let mut version_of = vec![NONE; item.versions.len()];
        let mut conditions = Vec::new();
        let mut places = self.places();
        for write in live(item) {
            let unique = write.value.filter(|v| item.writer(*v).is_some());
            if write.value.is_some() && unique.is_none() {
                continue;
            }
            let version = small(sketch.versions.len());
            if let (Some(_), Some(place)) = (unique, write.version) {
                version_of[place as usize] = version;
            }
            let asked = places.next(write.operation);
            if write.is_conditional && write.fate == Fate::Unknown {
                conditions.push((version, required(self.history, write.operation)));
            }
            let shown = unique.and_then(|v| item.shown(v));
            let seen = unique.and_then(|v| item.first_seen(v));
            sketch.versions.push(Made {
                asked,
                shown: shown.map(|(_, s)| (self.name)(s.operation)),
                is_delete: unique.is_none(),
                seen_ns: seen.map_or(NEVER, |s| s.return_ns),
            });
        }
        let shows = |place: Option<u32>, is_absent: bool| match place {
            Some(place) if version_of[place as usize] != NONE => {
                Shows::Version(version_of[place as usize])
            }
            None if is_absent && !item.has_deletes => Shows::Nothing,
            Some(_) | None => Shows::Other,
        };
        let mut places = self.places();
        for sighting in item.sightings.iter().filter(|s| s.is_current()) {
            sketch.looks.push(Look {
                asked: places.next(sighting.operation),
                shows: shows(sighting.version(), sighting.is_absent()),
            });
        }
        for (version, required) in &conditions {
            let shows = match required {
                Some(Some(value)) => shows(Some(item.place(*value)), false),
                Some(None) => shows(None, true),
                None => Shows::Other,
            };
            sketch.conditions.push(Look {
                asked: sketch.versions[*version as usize].asked,
                shows,
            });
        }
        require(sketch, &conditions);
        let known = item.ranking.iter().map(|(place, _)| version_of[*place]);
        sketch.known = known.filter(|version| *version != NONE).collect();
        sketch.delete = item.deletes().next().map(|d| (self.name)(d.operation));
    }

    /// A list to which one region appends: each element is a version, which follows that of the element before it.
    fn additions(&self, sketch: &mut Sketch) {
        let item = self.item;
        let mut versions: Table<u32> = Table::default();
        let mut places = self.places();
        for addition in item.additions.iter().filter(|a| is_live(a)) {
            let asked = places.next(addition.operation);
            if versions.contains(addition.number) {
                continue;
            }
            versions.insert(addition.number, small(sketch.versions.len()));
            sketch.versions.push(Made {
                asked,
                shown: None,
                is_delete: false,
                seen_ns: NEVER,
            });
        }
        let lists = lists(item);
        for (sighting, list) in &lists {
            for version in list.iter().filter_map(|e| versions.get(*e)) {
                let seen_ns = &mut sketch.versions[*version as usize].seen_ns;
                *seen_ns = (*seen_ns).min(sighting.return_ns);
            }
        }
        sketch.grows_in = item.only_region().filter(|_| item.is_all(Whole::List));
        let longest = lists.iter().max_by_key(|(_, elements)| elements.len());
        let order = longest.map_or(&[][..], |(_, elements)| elements);
        sketch.shown = longest.map(|(s, _)| (self.name)(s.operation));
        let known = order.iter().filter_map(|e| versions.get(*e).copied());
        sketch.known = known.collect();
        let mut places = self.places();
        for (sighting, list) in &lists {
            if !sighting.is_current() || !order.starts_with(list) {
                continue;
            }
            let version = list.last().map(|e| versions.get(*e));
            sketch.looks.push(Look {
                asked: places.next(sighting.operation),
                shows: match version {
                    None => Shows::Nothing,
                    Some(Some(version)) => Shows::Version(*version),
                    Some(None) => Shows::Other,
                },
            });
        }
    }
}

/// What a conditional write required had been written if what it wrote itself was seen.
fn require(sketch: &mut Sketch, conditions: &[(u32, Option<Option<i64>>)]) {
    let mut waiting: Vec<(u32, u32)> = Vec::new();
    for ((version, _), look) in conditions.iter().zip(&sketch.conditions).rev() {
        if let Shows::Version(required) = look.shows {
            waiting.push((*version, required));
        }
    }
    let mut has_grown = true;
    while has_grown {
        has_grown = false;
        waiting.retain(|(version, required)| {
            let seen_ns = sketch.versions[*version as usize].seen_ns;
            if seen_ns != NEVER {
                let known = &mut sketch.versions[*required as usize].seen_ns;
                *known = (*known).min(seen_ns);
                has_grown = true;
            }
            seen_ns == NEVER
        });
    }
}

fn is_live(addition: &Addition) -> bool {
    addition.fate != Fate::Failed
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
