//! `session`: clients that stay in a region, and clients that move.
//!
//! A client that stays is promised that strong reads show what it wrote and never go back. A client that moves to another region is promised
//! nothing there about what it did before: replication may not have brought it. So a mover has one slot in every region, of which one
//! acts at a time, and each is a process of its own: what holds within a region is judged for movers and stayers alike, and what a mover
//! misses after its move is not flagged. Movers `m` of a run are the `m`-th slots with the role `move` of each region, in this order.
//!
//! A mover leaves by the clock, not when its last operation ends: a client that fails over does not wait for a region that hangs.

use checker::history::{EventKind, Key, Op};

use crate::{
    actor::{Actor, Cast, Follows, Place},
    client::{Client, Mixer, Parts},
    demand::Demand,
    options::{Lanes, Options},
    workload::{Step, Workload},
};

/// Its name on the command line.
pub const NAME: &str = "session";

/// The checks that judge its histories.
pub(crate) const CHECKS: &[&str] = &[
    "read-your-writes",
    "monotonic-reads",
    "origin-first",
    "convergence",
    "winner",
    "lost-write",
    "phantom",
    "resurrection",
    "conditional-writes",
];

/// A mover stays this long: longer than replication takes between healthy regions, shorter than most faults.
const STAY_NS: u64 = 1_500_000_000;

/// One operation in so many thousand of a mover is about the item that all clients share.
const SHARED: u64 = 300;

/// The workload with these options: half of the clients move, at least one stays in each region.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let movers = options.concurrency / 2;
    let stayers = options.concurrency - movers;
    let lanes = Lanes(movers as u64 + 1);
    let parts = Parts {
        deletes: options.deletes_per_thousand,
        writes: 250,
        conditional_writes: 100,
        eventual_reads: 50,
    };
    // A mover acts in one region at a time, so its slot there does the work of all.
    let hurried = Options {
        rate: options.rate * u64::from(options.regions),
        ..options.clone()
    };
    let cast = Cast::new(options, CHECKS)
        .with("stay", stayers, |place| Mixer {
            client: Client::new(options, NAME, place),
            parts,
            choose: Client::key,
        })
        .with("move", movers, |place| Mover {
            client: Client::new(&hurried, NAME, place),
            parts,
            lanes,
            place,
            regions: u64::from(options.regions),
        });
    Box::new(cast.with_heartbeats())
}

/// One region's slot of a client that moves.
#[derive(Debug)]
struct Mover {
    client: Client,
    parts: Parts,
    lanes: Lanes,
    place: Place,
    regions: u64,
}

impl Mover {
    /// The next moment at which the client is in this region, not before `at_ns`.
    fn when_here(&self, at_ns: u64) -> u64 {
        let stay = at_ns / STAY_NS;
        let here = u64::from(self.place.region.0);
        let now_in = (stay + self.place.number as u64) % self.regions;
        let stays_until_here = (here + self.regions - now_in) % self.regions;
        match stays_until_here {
            0 => at_ns,
            ahead => (stay + ahead) * STAY_NS,
        }
    }

    /// Most often the mover's own item, which the same client wrote before it came here.
    fn key(&mut self, at_ns: u64) -> Key {
        let neighbour = self.client.key(at_ns);
        let lane = if self.client.stream.chance(SHARED) {
            self.lanes.0 - 1
        } else {
            self.place.number as u64
        };
        self.lanes.key(neighbour, lane)
    }
}

impl Actor for Mover {
    fn demand(&mut self, demand: Demand) -> Follows {
        self.client.demand(demand);
        Follows::Yes
    }

    fn next(&mut self, now_ns: u64) -> Step {
        let start_ns = self.client.start(now_ns);
        let at_ns = self.when_here(start_ns);
        let key = self.key(at_ns);
        let op = self.client.register_op(self.parts, key);
        Step { at_ns, op }
    }

    fn observe(&mut self, op: &Op, outcome: &EventKind) {
        self.client.observe(op, outcome);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::{options::options_for_tests, stage::Stage};

    #[test]
    fn a_mover_is_in_one_region_at_a_time_and_takes_its_keys_along() {
        let mut options = options_for_tests(9);
        options.concurrency = 4;
        let play = Stage::new(&options).play(workload(&options), 30);
        let slots_before = 2 * 3;
        let mut regions_of_stay: BTreeMap<(usize, u64), BTreeSet<u8>> = BTreeMap::new();
        let mut writers: BTreeMap<Key, BTreeSet<u8>> = BTreeMap::new();
        for act in play.iter().filter(|act| act.role == "move") {
            let mover = (act.slot - slots_before) / 3;
            let stay = act.step.at_ns / STAY_NS;
            regions_of_stay
                .entry((mover, stay))
                .or_default()
                .insert(act.region.0);
            if matches!(act.step.op, Op::Write { .. }) {
                writers.entry(act.key()).or_default().insert(act.region.0);
            }
        }
        assert!(regions_of_stay.len() >= 38, "two movers, 20 stays each");
        assert!(regions_of_stay.values().all(|regions| regions.len() == 1));
        let followed = writers.values().filter(|regions| regions.len() > 1).count();
        assert!(
            followed > 10,
            "{followed} keys were written on both sides of a move"
        );
    }

    #[test]
    fn somebody_stays_even_if_there_is_one_client() {
        let mut options = options_for_tests(9);
        options.concurrency = 1;
        let workload = workload(&options);
        let roles: Vec<_> = workload.slots().iter().map(|slot| slot.role).collect();
        assert_eq!(roles.iter().filter(|role| **role == "stay").count(), 3);
        assert!(!roles.contains(&"move"));
    }
}
