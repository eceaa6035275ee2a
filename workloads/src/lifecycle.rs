//! `lifecycle`: tables that are made and deleted, and replicas that leave a table and come back to it, while clients go on.
//!
//! One table after the other is made in all regions. After a while one region leaves it; where the version allows it (2019.11.21), it is added
//! again; then the next table is made and the one before it deleted. Beside them the run's own table has the heartbeats.
//!
//! A region that has left is another store from then on, and the history says so: what must not pass from the one to the other has keys of its own.
//! The region that left reads the items that were made elsewhere since (`Part::Late`) as items that nobody writes, and so do the others with those that
//! it makes alone (`Part::Alone`): one that passed is seen as a value out of thin air. What it wrote before (`Part::Keepsake`) is
//! written by nobody after and stays where it was, in that region too: version 2017.11.29 keeps the table of a region that leaves, 2019.11.21 deletes it.
//!
//! It proves that those who stay agree, that nothing passes between a table and a region that left it, that such a region keeps what it had, that one
//! that is added again gets everything and nothing that had been deleted comes back with it. Before a region leaves, its clients stop writing, and it is asked to leave
//! when the others have all that it wrote: what it had not told them would be lost by the contract.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use checker::history::{EventKind, Key, Op, RegionId};

use crate::{
    actor::{Actor, Cast, Follows, SECOND_KIND},
    chore::{Change, Chore, Done},
    client::{Client, Parts},
    demand::Demand,
    options::Options,
    workload::{Location, Slot, Step, Workload},
};

/// Its name on the command line.
pub const NAME: &str = "lifecycle";

/// The checks that judge its histories.
pub(crate) const CHECKS: &[&str] = &[
    "convergence",
    "winner",
    "lost-write",
    "phantom",
    "resurrection",
    "read-your-writes",
    "monotonic-reads",
    "conditional-writes",
    "region-linearizable",
];

/// Items of one part of a table.
const PART: u64 = 16;

/// Items of a table.
const TABLE: u64 = 4 * PART;

/// A table and its replicas stay as they are for so long.
const CALM_NS: u64 = 1_500_000_000;

/// Which items of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Written by all regions, the one that leaves among them until then.
    Shared,
    /// Written by the region that leaves, until then.
    Keepsake,
    /// Written by those that stay, since then.
    Late,
    /// Written by the region that left, since then.
    Alone,
}

const PARTS: [Part; 4] = [Part::Shared, Part::Keepsake, Part::Late, Part::Alone];

impl Part {
    fn of(key: Key) -> Self {
        let number = key.0 % SECOND_KIND.0 % TABLE / PART;
        PARTS[usize::try_from(number).expect("there are four")]
    }

    fn key(self, table: u64, number: u64) -> Key {
        Key(table * TABLE + self as u64 * PART + number)
    }
}

/// What has become of the newest table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// It is being made.
    Making,
    /// All regions share it.
    Shared,
    /// A region is about to leave it.
    Leaving,
    /// That region has left.
    Apart,
    /// It is about to come back.
    Returning,
    /// It is back.
    Whole,
}

/// The tables so far.
#[derive(Debug)]
struct State {
    regions: u8,
    /// The newest table.
    table: u64,
    stage: Stage,
    since_ns: u64,
    /// Tables before this one are deleted, or about to be.
    oldest: u64,
    /// How each table that is there ended, from the oldest on; the newest is not among them.
    ends: Vec<Stage>,
    is_under_way: bool,
    /// Whether a region that has left cannot come back.
    is_final: bool,
}

impl State {
    /// The region that leaves a table. The first one stays: it is asked to make and to delete them.
    fn leaver(&self, table: u64) -> RegionId {
        let others = u64::from(self.regions) - 1;
        RegionId(1 + u8::try_from(table % others).expect("fewer than 256"))
    }

    fn stage_of(&self, table: u64) -> Stage {
        if table == self.table {
            return self.stage;
        }
        self.ends[usize::try_from(table - self.oldest).expect("few tables")]
    }

    fn enter(&mut self, stage: Stage, now_ns: u64) {
        (self.stage, self.since_ns) = (stage, now_ns);
    }

    /// What is to be changed next, if it is time.
    fn chore(&mut self, now_ns: u64) -> Option<Chore> {
        if self.is_under_way || (self.stage != Stage::Making && now_ns < self.since_ns + CALM_NS) {
            return None;
        }
        let region = self.leaver(self.table);
        let (table, change) = match self.stage {
            Stage::Making if self.ends.len() > 1 => {
                self.ends.remove(0);
                self.oldest += 1;
                (self.oldest - 1, Change::Delete)
            }
            Stage::Making => (self.table, Change::Make),
            Stage::Shared => {
                self.enter(Stage::Leaving, now_ns);
                (self.table, Change::Remove(region))
            }
            Stage::Apart if !self.is_final => {
                self.enter(Stage::Returning, now_ns);
                (self.table, Change::Add(region))
            }
            Stage::Apart | Stage::Whole => {
                self.ends.push(self.stage);
                self.table += 1;
                self.enter(Stage::Making, now_ns);
                return None;
            }
            Stage::Leaving | Stage::Returning => return None,
        };
        self.is_under_way = true;
        Some(Chore { table, change })
    }

    fn done(&mut self, chore: Chore, done: Done, now_ns: u64) {
        self.is_under_way = false;
        match (chore.change, done) {
            (Change::Make, _) => self.enter(Stage::Shared, now_ns),
            (Change::Remove(_), _) => self.enter(Stage::Apart, now_ns),
            (Change::Add(_), Done::Yes) => self.enter(Stage::Whole, now_ns),
            // It stays away until its table is deleted.
            (Change::Add(_), Done::Impossible) => {
                self.is_final = true;
                self.enter(Stage::Apart, now_ns);
            }
            (Change::Delete, _) => {}
        }
    }

    /// The parts that are asked of a region, and whether they are written there or only read. Of a key of the second kind nothing is ever written.
    fn allows(&self, table: u64, region: RegionId, part: Part) -> Access {
        let is_leaver = self.leaver(table) == region;
        match (self.stage_of(table), part) {
            (Stage::Making, Part::Shared) => Access::Read,
            (Stage::Making, _) => Access::None,
            (Stage::Shared, Part::Shared) => Access::Write,
            (Stage::Shared, Part::Keepsake) if is_leaver => Access::Write,
            // Until it is whole again it may show less than it has shown; what it made alone is all that it surely has.
            (Stage::Returning, Part::Keepsake) if is_leaver => Access::None,
            (Stage::Returning, Part::Alone) if is_leaver => Access::Read,
            (_, Part::Keepsake) => Access::Read,
            (Stage::Whole, Part::Shared | Part::Late) => Access::Write,
            (_, Part::Shared) if !is_leaver => Access::Write,
            (Stage::Apart | Stage::Returning, Part::Late) if !is_leaver => Access::Write,
            (Stage::Apart, Part::Late) => Access::Stranger,
            (Stage::Apart, Part::Alone) if is_leaver => Access::Write,
            (Stage::Apart, Part::Alone) => Access::Stranger,
            (_, Part::Shared | Part::Late | Part::Alone) => Access::None,
        }
    }
}

/// What clients of a region do with a part of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Write,
    Read,
    /// They read it, and it must be empty: it belongs to those from whom the region is cut off.
    Stranger,
    None,
}

/// The tables, known to all clients.
#[derive(Clone, Debug)]
struct Tables(Arc<Mutex<State>>);

impl Tables {
    fn get(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The workload with these options. It has no use for how keys are distributed and for how many there are.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    assert!(options.regions > 1, "its needs say so");
    let tables = Tables(Arc::new(Mutex::new(State {
        regions: options.regions,
        table: 0,
        stage: Stage::Making,
        since_ns: 0,
        oldest: 0,
        ends: Vec::new(),
        is_under_way: false,
        is_final: false,
    })));
    let parts = Parts {
        deletes: options.deletes_per_thousand,
        writes: 250,
        conditional_writes: 150,
        eventual_reads: 100,
    };
    let cast = Cast::new(options, CHECKS).with("mix", options.concurrency, |place| Tenant {
        client: Client::new(options, NAME, place),
        parts,
        tables: tables.clone(),
    });
    let cast = cast.with_heartbeats();
    Box::new(Lifecycle { cast, tables })
}

/// One client.
#[derive(Debug)]
struct Tenant {
    client: Client,
    parts: Parts,
    tables: Tables,
}

impl Actor for Tenant {
    fn demand(&mut self, demand: Demand) -> Follows {
        self.client.demand(demand);
        Follows::Yes
    }

    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.client.start(now_ns);
        let state = self.tables.get();
        let (table, region) = (state.table, self.client.region);
        let accesses = PARTS.map(|part| (part, state.allows(table, region, part)));
        let open: Vec<_> = accesses
            .into_iter()
            .filter(|(_, access)| *access != Access::None)
            .collect();
        drop(state);
        let number = self.client.stream.below(PART);
        let Some((part, access)) = open.get(self.client.stream.index(open.len().max(1))) else {
            let op = Client::read(Part::Keepsake.key(table, number));
            return Step { at_ns, op };
        };
        let key = part.key(table, number);
        let op = match access {
            Access::Write => self.client.register_op(self.parts, key),
            Access::Read | Access::None => self.client.register_op(Parts::READS, key),
            Access::Stranger => Client::read(stranger(key)),
        };
        Step { at_ns, op }
    }

    fn observe(&mut self, op: &Op, outcome: &EventKind) {
        self.client.observe(op, outcome);
    }
}

/// A key for those who must not see what is under it.
fn stranger(key: Key) -> Key {
    Key(SECOND_KIND.0 + key.0)
}

/// The clients, and what is done to their tables.
#[derive(Debug)]
struct Lifecycle {
    cast: Cast,
    tables: Tables,
}

impl Workload for Lifecycle {
    fn slots(&self) -> &[Slot] {
        self.cast.slots()
    }

    fn next(&mut self, slot: usize, now_ns: u64) -> Option<Step> {
        self.cast.next(slot, now_ns)
    }

    fn observe(&mut self, slot: usize, op: &Op, outcome: &EventKind) {
        self.cast.observe(slot, op, outcome);
    }

    fn demand(&mut self, demand: Demand) -> usize {
        self.cast.demand(demand)
    }

    /// Everything in the tables that there are, for those who may ask for it, and the heartbeats.
    fn final_reads(&self) -> Vec<Key> {
        let state = self.tables.get();
        let items = (state.oldest * TABLE..(state.table + 1) * TABLE).map(Key);
        let both = items.flat_map(|key| [key, stranger(key)]);
        let beats = self.cast.final_reads().into_iter();
        both.chain(beats.filter(|key| key.is_heartbeat())).collect()
    }

    fn is_final_in(&self, key: Key, region: RegionId) -> bool {
        if key.is_heartbeat() {
            return true;
        }
        let state = self.tables.get();
        let table = key.0 % SECOND_KIND.0 / TABLE;
        let (part, is_leaver) = (Part::of(key), state.leaver(table) == region);
        let access = match state.stage_of(table) {
            // Nobody knows how far the change came.
            Stage::Making => return false,
            Stage::Leaving | Stage::Returning if is_leaver => return false,
            // The version that lets no region come back lets it keep its table.
            Stage::Apart if is_leaver && !state.is_final => return false,
            Stage::Shared | Stage::Leaving | Stage::Apart | Stage::Returning | Stage::Whole => {
                state.allows(table, region, part)
            }
        };
        match access {
            Access::Write | Access::Read => key < SECOND_KIND,
            Access::Stranger => key >= SECOND_KIND,
            Access::None => false,
        }
    }

    fn checks(&self) -> &'static [&'static str] {
        self.cast.checks()
    }

    fn padding_bytes(&self, key: Key) -> usize {
        self.cast.padding_bytes(key)
    }

    fn location(&self, key: Key) -> Location {
        if key.is_heartbeat() {
            return Location::of(key);
        }
        let item = Key(key.0 % SECOND_KIND.0);
        Location {
            table: Some(item.0 / TABLE),
            item,
        }
    }

    fn chore(&mut self, now_ns: u64) -> Option<Chore> {
        self.tables.get().chore(now_ns)
    }

    fn done(&mut self, chore: Chore, done: Done, now_ns: u64) {
        self.tables.get().done(chore, done, now_ns);
    }
}
