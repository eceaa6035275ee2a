//! `single-writer-region` and `home-region-per-item`: every item is written in one region only, and read in all.
//!
//! These are the two ways in which AWS advises to use global tables without conflicts ("Best practices for global tables", Developer Guide).
//! With one writing region per item nothing can be lost to a concurrent write elsewhere: conditions are exact, the last acknowledged write is
//! the final one, and the other regions show a past of it. The checks are those of the register workload; here none of them can
//! be passed by a conflict that the contract allows.

use checker::history::{EventKind, Op, RegionId};

use crate::{
    actor::{Actor, Cast, Follows},
    client::{Client, Parts},
    demand::Demand,
    options::{Lanes, Options},
    workload::{Step, Workload},
};

/// The name on the command line of the workload in which one region writes everything.
pub const SINGLE_WRITER_REGION: &str = "single-writer-region";

/// The name on the command line of the workload in which each item has its own writing region.
pub const HOME_REGION_PER_ITEM: &str = "home-region-per-item";

/// The checks that judge their histories.
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
];

/// The region that writes everything where one region does.
const WRITER: RegionId = RegionId(0);

/// The workload in which the first region writes and all others read.
#[must_use]
pub fn single_writer_region(options: &Options) -> Box<dyn Workload> {
    let cast = Cast::new(options, CHECKS).with("mix", options.concurrency, |place| Resident {
        client: Client::new(options, SINGLE_WRITER_REGION, place),
        parts: parts(options),
        home: Home::Everything(WRITER),
    });
    Box::new(cast.with_heartbeats())
}

/// The workload in which key `k` is written in region `k` modulo the number of regions.
#[must_use]
pub fn home_region_per_item(options: &Options) -> Box<dyn Workload> {
    let lanes = Lanes(u64::from(options.regions));
    let cast = Cast::new(options, CHECKS).with("mix", options.concurrency, |place| Resident {
        client: Client::new(options, HOME_REGION_PER_ITEM, place),
        parts: parts(options),
        home: Home::PerItem(lanes),
    });
    Box::new(cast.with_heartbeats())
}

fn parts(options: &Options) -> Parts {
    Parts {
        deletes: options.deletes_per_thousand,
        writes: 300,
        conditional_writes: 250,
        eventual_reads: 100,
    }
}

/// Where items are written.
#[derive(Clone, Copy, Debug)]
enum Home {
    Everything(RegionId),
    PerItem(Lanes),
}

/// A client that writes at home and reads everywhere.
#[derive(Debug)]
struct Resident {
    client: Client,
    parts: Parts,
    home: Home,
}

impl Actor for Resident {
    fn demand(&mut self, demand: Demand) -> Follows {
        self.client.demand(demand);
        Follows::Yes
    }

    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.client.start(now_ns);
        let drawn = self.client.key(at_ns);
        let here = self.client.region;
        let (key, parts) = match self.home {
            Home::Everything(writer) if writer == here => (drawn, self.parts),
            Home::Everything(_) => (drawn, Parts::READS),
            // Two thirds at home, so that conditions meet contention; the rest looks at the others.
            Home::PerItem(lanes) if self.client.stream.chance(667) => {
                (lanes.key(drawn, u64::from(here.0)), self.parts)
            }
            Home::PerItem(_) => (drawn, Parts::READS),
        };
        let op = self.client.register_op(parts, key);
        Step { at_ns, op }
    }

    fn observe(&mut self, op: &Op, outcome: &EventKind) {
        self.client.observe(op, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        options::options_for_tests,
        stage::{Act, Stage},
    };

    fn writes_and_reads(play: &[Act]) -> (Vec<&Act>, Vec<&Act>) {
        play.iter()
            .filter(|act| act.role == "mix")
            .partition(|act| !matches!(act.step.op, Op::Read { .. }))
    }

    #[test]
    fn one_region_writes_and_all_read() {
        let options = options_for_tests(10);
        let play = Stage::new(&options).play(single_writer_region(&options), 20);
        let (writes, reads) = writes_and_reads(&play);
        assert!(writes.len() > 300);
        assert!(writes.iter().all(|act| act.region == WRITER));
        assert!((0..3).all(|region| reads.iter().any(|act| act.region.0 == region)));
    }

    #[test]
    fn each_item_is_written_at_home_and_read_everywhere() {
        let options = options_for_tests(10);
        let play = Stage::new(&options).play(home_region_per_item(&options), 20);
        let (writes, reads) = writes_and_reads(&play);
        assert!(writes.len() > 500);
        assert!(
            writes
                .iter()
                .all(|act| act.key().0 % 3 == u64::from(act.region.0))
        );
        let abroad = reads
            .iter()
            .filter(|act| act.key().0 % 3 != u64::from(act.region.0));
        assert!(abroad.count() > 100);
    }
}
