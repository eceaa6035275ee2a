//! Workloads put together from actors: each slot has one, and none knows of the others.

use std::fmt::Debug;

use checker::history::{EventKind, Key, Op, RegionId};

use crate::{
    demand::Demand,
    heartbeat::{self, Beat, Watch},
    options::{Options, regions},
    values,
    workload::{Slot, Step, Workload},
};

/// What one slot does.
pub(crate) trait Actor: Debug + Send {
    /// What it does next.
    fn next(&mut self, now_ns: u64) -> Step;

    /// How its operation ended.
    fn observe(&mut self, op: &Op, outcome: &EventKind) {
        let _ = (op, outcome);
    }

    /// Does more than usual, or on other keys; says whether it follows.
    fn demand(&mut self, demand: Demand) -> Follows {
        let _ = demand;
        Follows::No
    }

    /// What it does once more after healing and settling.
    fn last(&self) -> Option<Op> {
        None
    }
}

/// Whether a client does what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// It does.
    Yes,
    /// It has a time and keys of its own.
    No,
}

/// One that does the same thing over and over, so often at most.
#[derive(Debug)]
pub(crate) struct Regularly {
    pub(crate) op: Op,
    pub(crate) every_ns: u64,
    /// When it does it next.
    pub(crate) due_ns: u64,
    /// What it does once more after healing and settling.
    pub(crate) last: Option<Op>,
}

impl Actor for Regularly {
    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.due_ns.max(now_ns);
        self.due_ns = at_ns + self.every_ns;
        let op = self.op.clone();
        Step { at_ns, op }
    }

    fn last(&self) -> Option<Op> {
        self.last.clone()
    }
}

/// Where an actor stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Its slot.
    pub(crate) slot: usize,
    /// Its number among the slots of its role in its region.
    pub(crate) number: usize,
    /// Its region.
    pub(crate) region: RegionId,
}

/// Keys from here on are a second kind of item, numbered from 0 again, where a workload has two.
pub(crate) const SECOND_KIND: Key = Key(1 << 39);

/// How large the items are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Padding {
    /// All alike.
    Same(usize),
    /// From nothing to so many bytes, small ones more often: each doubling of the size is as likely as any other.
    UpTo(usize),
}

/// A workload made of actors.
#[derive(Debug)]
pub(crate) struct Cast {
    regions: u8,
    slots: Vec<Slot>,
    actors: Vec<Box<dyn Actor>>,
    checks: &'static [&'static str],
    padding: Padding,
    /// One more than the highest key touched, of the first kind and of the second.
    touched: [u64; 2],
}

impl Cast {
    /// Nobody yet, judged by these checks.
    pub(crate) fn new(options: &Options, checks: &'static [&'static str]) -> Self {
        options.assert_possible();
        Self {
            regions: options.regions,
            slots: Vec::new(),
            actors: Vec::new(),
            checks,
            padding: Padding::Same(options.value_bytes),
            touched: [0; 2],
        }
    }

    /// One actor more.
    pub(crate) fn add(
        &mut self,
        region: RegionId,
        role: &'static str,
        actor: impl FnOnce(usize) -> Box<dyn Actor>,
    ) {
        self.actors.push(actor(self.slots.len()));
        self.slots.push(Slot { region, role });
    }

    /// `per_region` actors in every region. Neighbouring slots are in different regions, so that cutting the concurrency cuts every region alike.
    pub(crate) fn with<A: Actor + 'static>(
        mut self,
        role: &'static str,
        per_region: usize,
        actor: impl Fn(Place) -> A,
    ) -> Self {
        for number in 0..per_region {
            for region in regions(self.regions) {
                self.add(region, role, |slot| {
                    Box::new(actor(Place {
                        slot,
                        number,
                        region,
                    }))
                });
            }
        }
        self
    }

    /// Heartbeats, which measure the replication lag of every ordered pair of regions.
    pub(crate) fn with_heartbeats(mut self) -> Self {
        for region in regions(self.regions) {
            self.add(region, "beat", |slot| Box::new(Beat::new(slot, region)));
            if self.regions > 1 {
                let watch = Watch::new(self.regions, region);
                self.add(region, "watch", |_| Box::new(watch));
            }
        }
        self
    }

    /// Items of these sizes.
    pub(crate) fn with_padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }
}

impl Workload for Cast {
    fn slots(&self) -> &[Slot] {
        &self.slots
    }

    fn next(&mut self, slot: usize, now_ns: u64) -> Option<Step> {
        let step = self.actors[slot].next(now_ns);
        assert!(step.at_ns >= now_ns, "nothing starts in the past");
        if let Some(key) = step.op.key().filter(|key| !key.is_heartbeat()) {
            let kind = usize::from(key >= SECOND_KIND);
            let number = key.0 - if kind == 1 { SECOND_KIND.0 } else { 0 };
            self.touched[kind] = self.touched[kind].max(number + 1);
        }
        Some(step)
    }

    fn observe(&mut self, slot: usize, op: &Op, outcome: &EventKind) {
        self.actors[slot].observe(op, outcome);
    }

    fn demand(&mut self, demand: Demand) -> usize {
        let told = self.actors.iter_mut().map(|actor| actor.demand(demand));
        told.filter(|follows| *follows == Follows::Yes).count()
    }

    fn final_reads(&self) -> Vec<Key> {
        let first = (0..self.touched[0]).map(Key);
        let second = (0..self.touched[1]).map(|number| Key(SECOND_KIND.0 + number));
        let beating = self.slots.iter().filter(|slot| slot.role == "beat");
        let heartbeats = beating.map(|slot| heartbeat::key(slot.region));
        first.chain(second).chain(heartbeats).collect()
    }

    fn last(&self, slot: usize) -> Option<Op> {
        self.actors[slot].last()
    }

    fn checks(&self) -> &'static [&'static str] {
        self.checks
    }

    fn padding_bytes(&self, key: Key) -> usize {
        match self.padding {
            _ if key.is_heartbeat() => 0,
            Padding::Same(bytes) => bytes,
            Padding::UpTo(most) => {
                let drawn = values::mix(key.0);
                let halvings = drawn % u64::from(usize::BITS - most.leading_zeros() + 1);
                let most = most >> halvings;
                let drawn = usize::try_from(drawn >> 33).expect("31 bits are a usize");
                most / 2 + drawn % (most - most / 2 + 1)
            }
        }
    }
}
