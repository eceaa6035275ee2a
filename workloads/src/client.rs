//! What most clients have in common: a pace, keys that come and go, write ids, and what they have seen.

use std::collections::BTreeMap;

use checker::history::{Condition, EventKind, Key, Op, RegionId, Strength, Value};

use crate::{
    actor::{Actor, Follows, Place},
    demand::Demand,
    keys::Ranks,
    options::Options,
    outcome::value_after,
    pace::Pace,
    seed::Stream,
    values::WriteIds,
    workload::Step,
};

/// Keys of one neighbourhood are fewer: a lane for each region and one more.
const LANES_AT_MOST: u64 = 256;

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: Stream,
    pub(crate) ids: WriteIds,
    pub(crate) region: RegionId,
    pace: Pace,
    ranks: Ranks,
    spacing_ns: u64,
    /// The newest value that it saw or wrote, for keys still alive: what conditions compare with.
    known: BTreeMap<Key, Value>,
}

impl Client {
    /// The client of a workload at a place.
    pub(crate) fn new(options: &Options, workload: &str, place: Place) -> Self {
        let Options {
            regions,
            concurrency,
            rate,
            ..
        } = *options;
        let name = format!("{workload}/mix/{}", place.slot);
        Self {
            stream: options.seed.stream(&name),
            ids: WriteIds::of_slot(place.slot),
            region: place.region,
            pace: Pace::new(regions, concurrency, rate, place.number),
            ranks: Ranks::new(options.distribution, options.keys),
            spacing_ns: options.spacing_ns,
            known: BTreeMap::new(),
        }
    }

    /// Does more than usual, or on other keys.
    pub(crate) fn demand(&mut self, demand: Demand) {
        self.pace.hurry(demand.rate_times);
        self.ranks.focus(demand.keys);
    }

    /// When it acts next.
    pub(crate) fn start(&mut self, now_ns: u64) -> u64 {
        self.pace.start(now_ns, &mut self.stream)
    }

    /// A key that is alive at this time: they are numbered in the order in which they die, and one dies every so often.
    pub(crate) fn key(&mut self, at_ns: u64) -> Key {
        let first_alive = at_ns / self.spacing_ns;
        // What is known of the dead can go; neighbours in other lanes may have lower numbers.
        while self
            .known
            .first_key_value()
            .is_some_and(|(key, _)| key.0 + LANES_AT_MOST < first_alive)
        {
            self.known.pop_first();
        }
        Key(first_alive + self.ranks.draw(&mut self.stream))
    }

    /// A key of a table whose keys never die.
    pub(crate) fn lasting_key(&mut self) -> Key {
        Key(self.ranks.draw(&mut self.stream))
    }

    /// A strong read.
    pub(crate) fn read(key: Key) -> Op {
        let strength = Strength::Strong;
        Op::Read { key, strength }
    }

    /// What it believes that the item holds. Of a key that it has not seen, the likeliest state is that it does not exist.
    fn believed(&self, key: Key) -> Value {
        self.known.get(&key).cloned().unwrap_or(Value::Absent)
    }

    /// An operation on a register.
    pub(crate) fn register_op(&mut self, parts: Parts, key: Key) -> Op {
        let mut drawn = self.stream.below(1000);
        let mut falls_to = |part: u64| {
            let is_hit = drawn < part;
            drawn = drawn.saturating_sub(part);
            is_hit
        };
        if falls_to(parts.deletes) {
            self.delete(key)
        } else if falls_to(parts.writes) {
            let value = self.ids.issue();
            Op::Write { key, value }
        } else if falls_to(parts.conditional_writes) {
            let condition = Condition::Equals(self.believed(key));
            let value = self.ids.issue();
            Op::Cas {
                key,
                condition,
                value,
            }
        } else if falls_to(parts.eventual_reads) {
            let strength = Strength::Eventual;
            Op::Read { key, strength }
        } else {
            Self::read(key)
        }
    }

    /// Conditional and unconditional deletes in turn, by chance.
    fn delete(&mut self, key: Key) -> Op {
        match self.believed(key) {
            Value::Int(seen) if self.stream.chance(500) => Op::Cas {
                key,
                condition: Condition::Equals(Value::Int(seen)),
                value: Value::Absent,
            },
            Value::Int(_) | Value::Absent | Value::List(_) => Op::Delete { key },
        }
    }

    /// Learns from an outcome.
    pub(crate) fn observe(&mut self, op: &Op, outcome: &EventKind) {
        if let (Some(key), Some(value)) = (op.key(), value_after(op, outcome)) {
            self.known.insert(key, value);
        }
    }
}

/// What a register's client does, in parts per thousand. The rest are strong reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) deletes: u64,
    pub(crate) writes: u64,
    pub(crate) conditional_writes: u64,
    pub(crate) eventual_reads: u64,
}

impl Parts {
    /// Nothing but reads.
    pub(crate) const READS: Self = Self {
        deletes: 0,
        writes: 0,
        conditional_writes: 0,
        eventual_reads: 250,
    };
}

/// A client that does the same mix on whatever key is chosen.
#[derive(Debug)]
pub(crate) struct Mixer {
    pub(crate) client: Client,
    pub(crate) parts: Parts,
    pub(crate) choose: fn(&mut Client, u64) -> Key,
}

impl Actor for Mixer {
    fn demand(&mut self, demand: Demand) -> Follows {
        self.client.demand(demand);
        Follows::Yes
    }

    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.client.start(now_ns);
        let key = (self.choose)(&mut self.client, at_ns);
        let op = self.client.register_op(self.parts, key);
        Step { at_ns, op }
    }

    fn observe(&mut self, op: &Op, outcome: &EventKind) {
        self.client.observe(op, outcome);
    }
}
