//! `counter`: numbers that are added to (`ADD`).
//!
//! In the lane of one region, only that region's clients increment: the sum of what was acknowledged must be there, in the end and at every strong
//! read in between (an increment of unknown outcome may count or not). In the lane of everybody all regions increment, and the last
//! writer wins the whole number: increments that it had not seen are gone. That is what the contract says, so it is counted, not flagged.
//!
//! Absent on purpose: decrements and deletes. A counter that goes back is then wrong, without another explanation.

use checker::history::{Key, Op, Strength};

use crate::{
    actor::{Actor, Cast, Follows, Place},
    client::Client,
    demand::Demand,
    options::{Lanes, Options},
    workload::{Step, Workload},
};

/// Its name on the command line.
pub const NAME: &str = "counter";

/// The checks that judge its histories.
pub(crate) const CHECKS: &[&str] = &["convergence", "counter"];

/// Parts per thousand. The rest are strong reads.
const INCREMENTS: u64 = 550;
const EVENTUAL_READS: u64 = 100;

/// Increments are 1 to this.
const MOST: u64 = 9;

/// The workload with these options. It deletes nothing.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let cast = Cast::new(options, CHECKS).with("mix", options.concurrency, |place| {
        Incrementer::new(options, place)
    });
    Box::new(cast.with_heartbeats())
}

#[derive(Debug)]
struct Incrementer {
    client: Client,
    lanes: Lanes,
}

impl Incrementer {
    fn new(options: &Options, place: Place) -> Self {
        Self {
            client: Client::new(options, NAME, place),
            lanes: Lanes::of_regions_and_everybody(options.regions),
        }
    }

    /// A counter that this region may increment.
    fn own(&mut self, neighbour: Key) -> Key {
        let own = u64::from(self.client.region.0);
        let lane = *self.client.stream.pick(&[own, self.lanes.everybody()]);
        self.lanes.key(neighbour, lane)
    }
}

impl Actor for Incrementer {
    fn demand(&mut self, demand: Demand) -> Follows {
        self.client.demand(demand);
        Follows::Yes
    }

    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.client.start(now_ns);
        let key = self.client.key(at_ns);
        let drawn = self.client.stream.below(1000);
        let op = if drawn < INCREMENTS {
            let key = self.own(key);
            let delta = 1 + self.client.stream.below(MOST).cast_signed();
            Op::Increment { key, delta }
        } else if drawn < INCREMENTS + EVENTUAL_READS {
            let strength = Strength::Eventual;
            Op::Read { key, strength }
        } else {
            // Half of the strong reads go where the answer is known: a region's own counters.
            let is_own = self.client.stream.chance(500);
            Client::read(if is_own { self.own(key) } else { key })
        };
        Step { at_ns, op }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use checker::history::{EventKind, RegionId, Reply, Value};

    use super::*;
    use crate::{options::options_for_tests, stage::Stage};

    #[test]
    fn a_region_s_own_counters_hold_the_sum_of_its_increments() {
        let play = Stage::new(&options_for_tests(7)).play(workload(&options_for_tests(7)), 30);
        let mut sums: BTreeMap<Key, i64> = BTreeMap::new();
        let (mut own_reads, mut shared) = (0, 0);
        for act in play.iter().filter(|act| act.role == "mix") {
            let key = act.key();
            let home = key.0 % 4;
            let is_own = RegionId(u8::try_from(home).expect("small")) == act.region;
            if let Op::Increment { delta, .. } = act.step.op {
                assert!(is_own || home == 3);
                *sums.entry(key).or_default() += delta;
                shared += u32::from(home == 3);
            } else if let EventKind::Ok(Reply::Read(seen)) = &act.outcome
                && is_own
                && seen.value != Value::Absent
            {
                assert_eq!(seen.value, Value::Int(sums[&key]));
                own_reads += 1;
            }
        }
        assert!(own_reads > 200, "{own_reads} reads of own counters");
        assert!(shared > 300, "{shared} increments of shared counters");
    }
}
