//! What happened in one region to the keys of its transactions: who saw and who wrote which version.

use super::lines::Lines;
use super::sketch::{Asked, NEVER, Shows, Sketch};
use crate::history::RegionId;
use crate::small::small;
use crate::table::Table;

/// No node, or no place among versions.
const NONE: u32 = u32::MAX;

/// Something that happened at one instant in the region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// What names its operation in the history.
    pub(super) operation: u32,
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
#[derive(Debug, Default)]
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
    pub(super) shown: Option<u32>,
    /// A delete, if there is one: then absence says nothing.
    pub(super) delete: Option<u32>,
}

/// All that happened.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub(super) all: Vec<Node>,
    pub(super) keys: Vec<Versions>,
}

/// What happened in a region to the items of its transactions, if these had happened by then.
pub(super) fn gather<'s>(
    sketches: impl Iterator<Item = &'s Sketch>,
    happened: &Table<u64>,
    region: RegionId,
) -> Nodes {
    let mut gathering = Gathering {
        happened,
        region,
        nodes: Nodes::default(),
        transactions: Table::default(),
        own: Vec::new(),
        here: Vec::new(),
        places: Vec::new(),
        readers: Vec::new(),
    };
    for sketch in sketches.filter(|s| s.regions.contains(&region)) {
        gathering.add(sketch);
    }
    gathering.nodes
}

/// By when each transaction had happened, if anybody saw that it had.
pub(super) fn happened(sketches: &[Sketch]) -> Table<u64> {
    let mut happened: Table<u64> = Table::default();
    for (id, seen_ns) in sketches.iter().flat_map(|s| &s.happened) {
        let known = happened.or_insert_with(i64::from(*id), || NEVER);
        *known = (*known).min(*seen_ns);
    }
    happened
}

struct Gathering<'g> {
    happened: &'g Table<u64>,
    region: RegionId,
    nodes: Nodes,
    /// The node of each transaction.
    transactions: Table<u32>,
    /// Of the item at hand: the node of each other operation; by when each version was here, if it was, and its place; and versions with the
    /// nodes that saw them.
    own: Vec<u32>,
    here: Vec<Option<u64>>,
    places: Vec<u32>,
    readers: Vec<(u32, u32)>,
}

impl Gathering<'_> {
    /// Takes what happened to the next item.
    fn add(&mut self, sketch: &Sketch) {
        if sketch.versions.is_empty() && sketch.looks.is_empty() {
            return;
        }
        self.own.clear();
        self.own.resize(sketch.asked.len(), NONE);
        self.readers.clear();
        let mut key = Versions {
            shown: sketch.shown,
            delete: sketch.delete,
            ..Versions::default()
        };
        self.versions(sketch, &mut key);
        self.looks(sketch, &mut key);
        key.readers = Lines::new(key.versions.len(), &self.readers);
        self.nodes.keys.push(key);
    }

    /// The versions of an item: those that were written here, and those that must have arrived.
    fn versions(&mut self, sketch: &Sketch, key: &mut Versions) {
        sketch.versions_in(self.region, self.happened, &mut self.here);
        self.places.clear();
        self.places.resize(sketch.versions.len(), NONE);
        for (version, made) in sketch.versions.iter().enumerate() {
            let Some(return_ns) = self.here[version] else {
                continue;
            };
            let asked = &sketch.asked[made.asked as usize];
            let writer = match asked.region == self.region {
                true => self.node(made.asked, asked, return_ns),
                false => self.push(asked, return_ns),
            };
            self.places[version] = small(key.versions.len());
            let shown = made.shown;
            key.versions.push(Version { writer, shown });
        }
        let known = sketch.known.iter().map(|v| self.places[*v as usize]);
        key.known = known.filter(|place| *place != NONE).collect();
        if sketch.grows_in.is_none() {
            return;
        }
        let unseen = sketch.versions.iter().zip(&self.places);
        let unseen = unseen.filter(|(made, place)| made.seen_ns == NEVER && **place != NONE);
        key.last = unseen.map(|(_, place)| *place).collect();
        if sketch.grows_in == Some(self.region) {
            // An append replaces the list as it is.
            let writer = |place: u32| key.versions[place as usize].writer;
            for pair in key.known.windows(2) {
                see(&mut self.readers, key, pair[0], writer(pair[1]));
            }
            key.first_readers = key.known.first().map(|p| writer(*p)).into_iter().collect();
        }
    }

    /// Who saw which version.
    fn looks(&mut self, sketch: &Sketch, key: &mut Versions) {
        for look in &sketch.looks {
            let asked = &sketch.asked[look.asked as usize];
            if asked.region != self.region {
                continue;
            }
            match look.shows {
                Shows::Nothing => {
                    let reader = self.node(look.asked, asked, asked.return_ns);
                    key.first_readers.push(reader);
                }
                Shows::Version(version) => {
                    let place = self.places[version as usize];
                    if place != NONE {
                        let reader = self.node(look.asked, asked, asked.return_ns);
                        see(&mut self.readers, key, place, reader);
                    }
                }
                Shows::Other => {}
            }
        }
        // What conditional writes of unknown outcome required, if they happened. Those that were acknowledged are among the looks.
        for condition in &sketch.conditions {
            let node = self.own[condition.asked as usize];
            match condition.shows {
                Shows::Nothing if node != NONE => key.first_readers.push(node),
                Shows::Version(version) if node != NONE => {
                    let place = self.places[version as usize];
                    if place != NONE {
                        self.readers.push((place, node));
                    }
                }
                Shows::Nothing | Shows::Version(_) | Shows::Other => {}
            }
        }
    }

    /// The node of an operation of this region; of several claims about its end the earliest holds.
    fn node(&mut self, place: u32, asked: &Asked, return_ns: u64) -> u32 {
        let mut node = match asked.is_transaction {
            true => self.transactions.get(i64::from(asked.id)).copied(),
            false => Some(self.own[place as usize]).filter(|node| *node != NONE),
        };
        let node = *node.get_or_insert_with(|| {
            let node = self.push(asked, return_ns);
            if asked.is_transaction {
                self.transactions.insert(i64::from(asked.id), node);
            }
            self.own[place as usize] = node;
            node
        });
        let known_ns = &mut self.nodes.all[node as usize].return_ns;
        *known_ns = (*known_ns).min(return_ns);
        node
    }

    fn push(&mut self, asked: &Asked, return_ns: u64) -> u32 {
        self.nodes.all.push(Node {
            operation: asked.id,
            call_ns: asked.call_ns,
            return_ns,
        });
        small(self.nodes.all.len() - 1)
    }
}

/// A node saw a version; that its writer does says nothing.
fn see(readers: &mut Vec<(u32, u32)>, key: &Versions, place: u32, reader: u32) {
    if key.versions[place as usize].writer != reader {
        readers.push((place, reader));
    }
}
