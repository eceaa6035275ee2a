//! `ttl`: items that expire, items whose expiry is put off in time, and items that expire long after the run.
//!
//! Each client has an item of its own, a new one every so often, and writes nobody else's; all read all. What a store deletes by itself is in no
//! answer, so the history says it for the store: before an item is made that will expire, a delete is recorded that begins and never
//! ends (`foretold`), since from then on it may happen; and once the last of them has expired and regions had time to notice, a delete of each
//! in each region, which by then has happened. So the usual checks judge: an item that does not expire, or whose expiry was put off, has
//! no delete that could explain its absence; one that is still there in the end is seen after its delete.
//!
//! It proves that nothing goes that has not expired, that all that expired goes in every region, and that a renewal is not lost; not how
//! soon an item goes after its time, and not which region deleted it. A region that a renewal has not reached when the former expiry comes may delete the item, and no client can
//! know what has reached it without asking there. So a delete is foretold, too, of what was renewed and not seen renewed in every region well before that.
//! Clocks must be right: what has expired is for the region's clock to say. In version 2017.11.29 each region is told to expire its items and does
//! so by itself; in version 2019.11.21 one region is told, and one deletes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use checker::history::{Condition, EventKind, Key, Op, RegionId, Reply, Strength, Value};

use crate::{
    actor::{Actor, Cast, Follows, Place},
    demand::Demand,
    options::Options,
    pace::Pace,
    seed::Stream,
    values::{WriteIds, mix},
    workload::{Slot, Step, Workload},
};

/// Its name on the command line.
pub const NAME: &str = "ttl";

/// The checks that judge its histories.
pub(crate) const CHECKS: &[&str] = &[
    "convergence",
    "winner",
    "lost-write",
    "phantom",
    "read-your-writes",
    "monotonic-reads",
    "conditional-writes",
    "region-linearizable",
];

/// What expires after no run's end: 30 days.
const LONG_S: u64 = 30 * 86_400;

/// What is renewed expires after this, unless it was.
const RENEWED_S: u64 = 10;

/// Every region must have been seen to know of a renewal so soon after the item was made, or its delete is foretold: long before the former
/// expiry, since clients may all be waiting for answers just then.
const KNOWN_NS: u64 = 3_000_000_000;

/// An expiry is a whole second, and the walk over the items of a table takes a while.
const NOTICED_NS: u64 = 2_000_000_000;

/// What becomes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It expires within seconds.
    Brief,
    /// It would, but its expiry is put off.
    Renewed,
    /// It expires after the run.
    Kept,
}

/// Who owns which item, and what becomes of it.
#[derive(Clone, Copy, Debug)]
struct Estate {
    owners: u64,
    /// An owner has a new item after this time.
    spell_ns: u64,
}

impl Estate {
    fn key(self, spell: u64, owner: u64) -> Key {
        Key(spell * self.owners + owner)
    }

    fn kind(self, key: Key) -> Kind {
        match (key.0 / self.owners + key.0) % 3 {
            0 => Kind::Brief,
            1 => Kind::Renewed,
            _ => Kind::Kept,
        }
    }

    /// Write ids that are odd are those of versions that expire soon.
    fn lifetime_s(self, key: Key, id: i64) -> u64 {
        match self.kind(key) {
            _ if id % 2 == 0 => LONG_S,
            Kind::Brief => 2 + mix(key.0) % 3,
            Kind::Renewed | Kind::Kept => RENEWED_S,
        }
    }
}

/// Items that are renewed, and of which some region may not know that.
#[derive(Clone, Debug, Default)]
struct Renewals(Arc<Mutex<BTreeMap<Key, Renewal>>>);

/// One of them.
#[derive(Clone, Debug)]
struct Renewal {
    /// When the delete is foretold if it is still here.
    due_ns: u64,
    /// Where the renewed version was seen.
    known: BTreeSet<RegionId>,
}

impl Renewals {
    fn get(&self) -> MutexGuard<'_, BTreeMap<Key, Renewal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A region has shown the renewed version. Of what all know nothing is to be foretold.
    fn seen(&self, key: Key, region: RegionId, regions: usize) {
        let mut renewals = self.get();
        if let Some(renewal) = renewals.get_mut(&key) {
            renewal.known.insert(region);
            if renewal.known.len() == regions {
                renewals.remove(&key);
            }
        }
    }

    /// One that should be known everywhere by now and may not be.
    fn overdue(&self, now_ns: u64) -> Option<Key> {
        let renewals = self.get();
        let mut due = renewals.iter().filter(|(_, it)| it.due_ns <= now_ns);
        due.next().map(|(key, _)| *key)
    }
}

/// The workload with these options. It has no use for how keys are distributed and how many are deleted.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let owners = options.concurrency as u64 * u64::from(options.regions);
    let spell_ns = options.spacing_ns * owners;
    let estate = Estate { owners, spell_ns };
    let renewals = Renewals::default();
    let cast = Cast::new(options, CHECKS).with("mix", options.concurrency, |place| {
        Owner::new(options, estate, place, renewals.clone())
    });
    Box::new(Expiring {
        cast: cast.with_heartbeats(),
        estate,
        renewals,
        regions: usize::from(options.regions),
        gone_ns: 0,
    })
}

/// One client.
#[derive(Debug)]
struct Owner {
    stream: Stream,
    ids: WriteIds,
    pace: Pace,
    estate: Estate,
    owner: u64,
    spell: Option<u64>,
    due: VecDeque<Op>,
    renewals: Renewals,
    /// Whether its item may be written once more: nothing is known to be wrong with its expiry.
    is_lasting: bool,
}

impl Owner {
    fn new(options: &Options, estate: Estate, place: Place, renewals: Renewals) -> Self {
        let Options {
            regions,
            concurrency,
            rate,
            ..
        } = *options;
        let name = format!("{NAME}/mix/{}", place.slot);
        Self {
            stream: options.seed.stream(&name),
            ids: WriteIds::of_slot(place.slot),
            pace: Pace::new(regions, concurrency, rate, place.number),
            estate,
            owner: place.slot as u64,
            spell: None,
            due: VecDeque::new(),
            renewals,
            is_lasting: false,
        }
    }

    /// A write id of a version that lasts, or of one that does not.
    fn id(&mut self, remainder: i64) -> Value {
        loop {
            let id = self.ids.issue_number();
            if id % 2 == remainder {
                return Value::Int(id);
            }
        }
    }

    fn begin(&mut self, key: Key, at_ns: u64) {
        let kind = self.estate.kind(key);
        self.is_lasting = kind != Kind::Brief;
        self.due.clear();
        if kind == Kind::Brief {
            self.due.push_back(Op::Delete { key });
        }
        let value = self.id(i64::from(kind != Kind::Kept));
        // A request that arrives once more, or late, must not put an early expiry in the place of a late one.
        self.due.push_back(Op::Cas {
            key,
            condition: Condition::Equals(Value::Absent),
            value,
        });
        if kind == Kind::Renewed {
            let renewal = Renewal {
                due_ns: at_ns + KNOWN_NS,
                known: BTreeSet::new(),
            };
            self.renewals.get().insert(key, renewal);
            let value = self.id(0);
            self.due.push_back(Op::Write { key, value });
        }
    }

    fn look(&mut self, spell: u64) -> Op {
        let key = if self.stream.chance(300) {
            self.estate.key(spell, self.owner)
        } else {
            let before = self.stream.below(8).min(spell);
            let owner = self.stream.below(self.estate.owners);
            self.estate.key(spell - before, owner)
        };
        let strength = if self.stream.chance(200) {
            Strength::Eventual
        } else {
            Strength::Strong
        };
        Op::Read { key, strength }
    }
}

impl Actor for Owner {
    fn demand(&mut self, demand: Demand) -> Follows {
        self.pace.hurry(demand.rate_times);
        Follows::Yes
    }

    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.pace.start(now_ns, &mut self.stream);
        let spell = at_ns / self.estate.spell_ns;
        // What is due for the item before comes first.
        if self.spell != Some(spell) && self.due.is_empty() {
            self.spell = Some(spell);
            self.begin(self.estate.key(spell, self.owner), at_ns);
        }
        let spell = self.spell.unwrap_or(spell);
        let op = match self.due.front() {
            // It stays due until it was done: a step that comes after the end of a phase is not.
            Some(op) => op.clone(),
            None if self.is_lasting && self.stream.chance(300) => {
                let key = self.estate.key(spell, self.owner);
                let value = self.id(0);
                Op::Write { key, value }
            }
            None => self.look(spell),
        };
        Step { at_ns, op }
    }

    fn observe(&mut self, op: &Op, outcome: &EventKind) {
        if self.due.front() == Some(op) {
            self.due.pop_front();
        }
        let (Op::Cas { key, .. } | Op::Write { key, .. }) = op else {
            return;
        };
        let is_done = matches!(outcome, EventKind::Ok(_));
        if self.estate.kind(*key) == Kind::Renewed && !is_done {
            self.is_lasting = false;
            self.due.clear();
            self.due.push_back(Op::Delete { key: *key });
        }
    }
}

/// The clients, and what their items do without them.
#[derive(Debug)]
struct Expiring {
    cast: Cast,
    estate: Estate,
    renewals: Renewals,
    regions: usize,
    /// When all that expires has, as far as was asked for.
    gone_ns: u64,
}

impl Workload for Expiring {
    fn slots(&self) -> &[Slot] {
        self.cast.slots()
    }

    fn next(&mut self, slot: usize, now_ns: u64) -> Option<Step> {
        if let Some(key) = self.renewals.overdue(now_ns) {
            let op = Op::Delete { key };
            return Some(Step { at_ns: now_ns, op });
        }
        let step = self.cast.next(slot, now_ns)?;
        if let Op::Cas {
            key,
            value: Value::Int(id),
            ..
        } = &step.op
            && let Some(seconds) = self.lifetime_s(*key, *id).filter(|s| *s < LONG_S)
        {
            let noticed_ns = step.at_ns + seconds * 1_000_000_000 + NOTICED_NS;
            self.gone_ns = self.gone_ns.max(noticed_ns);
        }
        Some(step)
    }

    fn observe(&mut self, slot: usize, op: &Op, outcome: &EventKind) {
        self.cast.observe(slot, op, outcome);
        let region = self.slots()[slot].region;
        let is_lasting = |value: &Value| matches!(value, Value::Int(id) if id % 2 == 0);
        match (op, outcome) {
            (Op::Write { key, .. }, EventKind::Ok(_)) => {
                self.renewals.seen(*key, region, self.regions);
            }
            (Op::Read { key, .. }, EventKind::Ok(Reply::Read(seen))) if is_lasting(&seen.value) => {
                self.renewals.seen(*key, region, self.regions);
            }
            // It is foretold.
            (Op::Delete { key }, _) => {
                self.renewals.get().remove(key);
            }
            _ => {}
        }
    }

    fn demand(&mut self, demand: Demand) -> usize {
        self.cast.demand(demand)
    }

    fn final_reads(&self) -> Vec<Key> {
        self.cast.final_reads()
    }

    fn checks(&self) -> &'static [&'static str] {
        self.cast.checks()
    }

    fn padding_bytes(&self, key: Key) -> usize {
        self.cast.padding_bytes(key)
    }

    fn lifetime_s(&self, key: Key, id: i64) -> Option<u64> {
        (!key.is_heartbeat()).then(|| self.estate.lifetime_s(key, id))
    }

    fn foretells(&self, op: &Op) -> bool {
        matches!(op, Op::Delete { .. })
    }

    fn rests_ns(&self) -> u64 {
        self.gone_ns
    }

    fn unsettled(&self) -> Vec<Op> {
        let renewals = self.renewals.get();
        let keys = renewals.keys();
        keys.map(|key| Op::Delete { key: *key }).collect()
    }

    fn promised(&self, _: RegionId) -> Vec<Op> {
        let items = self.final_reads().into_iter();
        let brief =
            items.filter(|key| !key.is_heartbeat() && self.estate.kind(*key) == Kind::Brief);
        brief.map(|key| Op::Delete { key }).collect()
    }
}

#[cfg(test)]
mod tests;
