//! `register`: reads, writes, conditional writes and deletes of single items.
//!
//! Keys are numbered in the order in which they die. At any time `keys` of them are alive; every [`Options::spacing_ns`] the oldest
//! dies and a new one is born. A key's last writes are a [`duel`]: one from each region, most often at the same instant, so that
//! what the regions do about ties and about the order of arrival stays visible in the final state - nothing writes the key afterwards.
//! The `mix` slots work on the keys alive; one `duel` slot per region fights the duels; one `beat` slot per region writes its own
//! heartbeat key, which one `watch` slot in every other region reads: that measures replication lag on every ordered pair.
//!
//! Absent on purpose: increments, sets, transactions - a register's values are write ids and nothing else, which is what
//! makes every check polynomial.

mod duel;
mod mix;

use std::collections::BTreeMap;

use checker::history::{EventKind, Key, Op, RegionId, Value};

use crate::{
    actor::Actor as _,
    demand::Demand,
    heartbeat,
    options::{Options, regions},
    outcome::value_after,
    workload::{Slot, Step, Workload},
};

/// Its name on the command line.
pub const NAME: &str = "register";

/// The checks that judge its histories.
pub(crate) const CHECKS: &[&str] = &[
    "convergence",
    "winner",
    "lost-write",
    "phantom",
    "resurrection",
    "read-your-writes",
    "monotonic-reads",
    "origin-first",
    "conditional-writes",
    "region-linearizable",
    "stamps",
    "stamp-order",
];

/// The workload.
#[derive(Debug)]
pub struct Register {
    options: Options,
    slots: Vec<Slot>,
    actors: Vec<Actor>,
    /// The newest value that any slot of a region saw or wrote there, for keys still alive: what conditions compare with.
    known: BTreeMap<(Key, RegionId), Value>,
    /// One more than the highest key touched.
    keys_touched: u64,
}

/// What one slot does, and where it stands.
#[derive(Debug)]
enum Actor {
    Mix(Box<mix::Mix>),
    Duel(duel::Duelist),
    Beat(heartbeat::Beat),
    Watch(heartbeat::Watch),
}

impl Register {
    /// The workload with these options.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        options.assert_possible();
        let mut register = Self {
            options: options.clone(),
            slots: Vec::new(),
            actors: Vec::new(),
            known: BTreeMap::new(),
            keys_touched: 0,
        };
        // Neighbouring slots are in different regions, so that cutting the concurrency cuts every region alike.
        for number in 0..options.concurrency {
            for region in regions(options.regions) {
                register.add(region, "mix", |slot| {
                    Actor::Mix(Box::new(mix::Mix::new(options, slot, number)))
                });
            }
        }
        for region in regions(options.regions) {
            register.add(region, "duel", |slot| Actor::Duel(duel::Duelist::new(slot)));
            register.add(region, "beat", |slot| {
                Actor::Beat(heartbeat::Beat::new(slot, region))
            });
            if options.regions > 1 {
                register.add(region, "watch", |_| {
                    Actor::Watch(heartbeat::Watch::new(options.regions, region))
                });
            }
        }
        register
    }

    fn add(&mut self, region: RegionId, role: &'static str, actor: impl FnOnce(usize) -> Actor) {
        self.actors.push(actor(self.slots.len()));
        self.slots.push(Slot { region, role });
    }

    fn note_touched(&mut self, op: &Op) {
        if let Some(key) = op.key().filter(|key| !key.is_heartbeat()) {
            self.keys_touched = self.keys_touched.max(key.0 + 1);
        }
    }
}

impl Workload for Register {
    fn slots(&self) -> &[Slot] {
        &self.slots
    }

    fn next(&mut self, slot: usize, now_ns: u64) -> Option<Step> {
        let region = self.slots[slot].region;
        let step = match &mut self.actors[slot] {
            Actor::Mix(mix) => mix.next(&self.options, &self.known, region, now_ns),
            Actor::Duel(duelist) => duelist.next(&self.options, region, now_ns),
            Actor::Beat(beat) => beat.next(now_ns),
            Actor::Watch(watch) => watch.next(now_ns),
        };
        self.note_touched(&step.op);
        // Conditions are only made for keys alive, so what is known of the dead can go.
        let first_alive = Key(step.at_ns / self.options.spacing_ns);
        while self
            .known
            .first_key_value()
            .is_some_and(|((key, _), _)| *key < first_alive)
        {
            self.known.pop_first();
        }
        Some(step)
    }

    fn observe(&mut self, slot: usize, op: &Op, outcome: &EventKind) {
        let (Some(key), Some(value)) = (op.key(), value_after(op, outcome)) else {
            return;
        };
        if !key.is_heartbeat() {
            self.known.insert((key, self.slots[slot].region), value);
        }
    }

    fn demand(&mut self, demand: Demand) -> usize {
        let mixers = self.actors.iter_mut().filter_map(|actor| match actor {
            Actor::Mix(mix) => Some(mix),
            Actor::Duel(_) | Actor::Beat(_) | Actor::Watch(_) => None,
        });
        mixers.map(|mix| mix.demand(demand)).count()
    }

    fn final_reads(&self) -> Vec<Key> {
        let heartbeats = regions(self.options.regions).map(heartbeat::key);
        (0..self.keys_touched).map(Key).chain(heartbeats).collect()
    }

    fn checks(&self) -> &'static [&'static str] {
        CHECKS
    }

    fn padding_bytes(&self, _key: Key) -> usize {
        self.options.value_bytes
    }
}

#[cfg(test)]
mod tests;
