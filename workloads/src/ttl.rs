//! `ttl`: items that expire, items whose expiry is put off in time, and items that expire long after the run.
//!
//! Each client has an item of its own, a new one every so often, and writes nobody else's; all read all. What a store deletes by itself is in no
//! answer, so the history says it for the store: before an item is made that will expire, a delete is recorded that begins and never
//! ends (`foretold`), since from then on it may happen; and once the last of them has expired and regions had time to notice, a delete of each
//! in each region, which by then has happened. So the usual checks judge: an item that does not expire, or whose expiry was put off, has
//! no delete that could explain its absence; one that is still there in the end is seen after its delete.
//!
//! It proves that nothing goes that has not expired, that all that expired goes in every region, and that a renewal is not lost; not how
//! soon an item goes after its time, and not which region deleted it. A client whose renewal was not acknowledged foretells the delete of that item, too.
//! Clocks must be right: what has expired is for the region's clock to say. In version 2017.11.29 each region is told to expire its items and does
//! so by itself; in version 2019.11.21 one region is told, and one deletes.

use std::collections::VecDeque;

use checker::history::{Condition, EventKind, Key, Op, RegionId, Strength, Value};

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

/// What is renewed expires after this, unless it was: two attempts with their time limits end before it.
const RENEWED_S: u64 = 7;

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

/// The workload with these options. It has no use for how keys are distributed and how many are deleted.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let owners = options.concurrency as u64 * u64::from(options.regions);
    let spell_ns = options.spacing_ns * owners;
    let estate = Estate { owners, spell_ns };
    let cast = Cast::new(options, CHECKS).with("mix", options.concurrency, |place| {
        Owner::new(options, estate, place)
    });
    Box::new(Expiring {
        cast: cast.with_heartbeats(),
        estate,
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
    /// Whether its item may be written once more: nothing is known to be wrong with its expiry.
    is_lasting: bool,
}

impl Owner {
    fn new(options: &Options, estate: Estate, place: Place) -> Self {
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

    fn begin(&mut self, key: Key) {
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
            self.begin(self.estate.key(spell, self.owner));
        }
        let spell = self.spell.unwrap_or(spell);
        let op = match self.due.pop_front() {
            Some(op) => op,
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
        let (Op::Cas { key, .. } | Op::Write { key, .. }) = op else {
            return;
        };
        if self.estate.kind(*key) == Kind::Renewed && !matches!(outcome, EventKind::Ok(_)) {
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
    /// When all that expires has, as far as was asked for.
    gone_ns: u64,
}

impl Workload for Expiring {
    fn slots(&self) -> &[Slot] {
        self.cast.slots()
    }

    fn next(&mut self, slot: usize, now_ns: u64) -> Option<Step> {
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

    fn promised(&self, _: RegionId) -> Vec<Op> {
        let items = self.final_reads().into_iter();
        let brief =
            items.filter(|key| !key.is_heartbeat() && self.estate.kind(*key) == Kind::Brief);
        brief.map(|key| Op::Delete { key }).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{options::options_for_tests, stage::Stage};

    #[test]
    fn what_expires_is_foretold_before_it_is_made_and_what_is_renewed_is_renewed_at_once() {
        let options = options_for_tests(13);
        let estate = Estate {
            owners: 6,
            spell_ns: 0,
        };
        let play = Stage::new(&options).play(workload(&options), 60);
        let mut by_key: BTreeMap<Key, Vec<&Op>> = BTreeMap::new();
        let mixed = play.iter().filter(|act| act.role == "mix");
        for act in mixed.filter(|act| !matches!(act.step.op, Op::Read { .. })) {
            by_key.entry(act.key()).or_default().push(&act.step.op);
        }
        let workload = workload(&options);
        let mut counts = [0; 3];
        for (key, ops) in by_key {
            let lifetime_s = |op: &Op| match op {
                Op::Cas {
                    value: Value::Int(id),
                    ..
                }
                | Op::Write {
                    value: Value::Int(id),
                    ..
                } => workload.lifetime_s(key, *id).expect("all expire some day"),
                other => panic!("{other:?}"),
            };
            match estate.kind(key) {
                Kind::Brief => {
                    assert!(workload.foretells(ops[0]), "{ops:?}");
                    assert!(ops.len() == 2 && lifetime_s(ops[1]) < 5, "{ops:?}");
                    counts[0] += 1;
                }
                Kind::Renewed => {
                    assert_eq!(lifetime_s(ops[0]), RENEWED_S);
                    assert!(ops[1..].iter().all(|op| lifetime_s(op) == LONG_S));
                    counts[1] += 1;
                }
                Kind::Kept => {
                    assert!(ops.iter().all(|op| lifetime_s(op) == LONG_S));
                    counts[2] += 1;
                }
            }
        }
        assert!(counts.iter().all(|count| *count > 70), "{counts:?}");
    }

    #[test]
    fn a_renewal_that_was_not_acknowledged_makes_its_item_one_that_may_go() {
        let options = options_for_tests(13);
        let mut workload = workload(&options);
        let mut foretold = 0;
        let mut now_ns = 0;
        while now_ns < 20_000_000_000 {
            let step = workload.next(0, now_ns).expect("it never ends");
            now_ns = step.at_ns;
            let outcome = match &step.op {
                Op::Write { .. } => EventKind::Info {
                    error: "timeout".into(),
                },
                _ => EventKind::Ok(checker::history::Reply::Done { old: None }),
            };
            workload.observe(0, &step.op, &outcome);
            foretold += u32::from(workload.foretells(&step.op));
        }
        assert!(
            foretold > 8,
            "{foretold} deletes were foretold in 27 spells"
        );
        assert!(workload.rests_ns() > 20_000_000_000);
        assert!(workload.promised(RegionId(1)).len() > 5);
    }
}
