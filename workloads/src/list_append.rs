//! `list-append`: elements appended to lists (`list_append`).
//!
//! A list shows the order of everything that made it, so one read tells much about all writes before it. In the lane of one region, only that
//! region's clients append: every read must be a prefix of every later one, and no acknowledged element may be missing. In the lane of
//! everybody the last writer wins the whole list, so lists of two regions may part ways; within one region appends still follow each other.
//!
//! Absent on purpose: several lists in one transaction. That is a workload of its own.

use checker::history::{Key, Op};

use crate::{
    actor::{Actor, Cast, Follows, Place},
    client::Client,
    demand::Demand,
    options::{Lanes, Options},
    workload::{Step, Workload},
};

/// Its name on the command line.
pub const NAME: &str = "list-append";

/// The checks that judge its histories.
pub(crate) const CHECKS: &[&str] = &["convergence", "list-append"];

/// Appends, in parts per thousand. The rest are strong reads.
const APPENDS: u64 = 500;

/// The workload with these options. It deletes nothing.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let options = options.for_growing_items();
    let cast = Cast::new(&options, CHECKS).with("mix", options.concurrency, |place| {
        Appender::new(&options, place)
    });
    Box::new(cast.with_heartbeats())
}

#[derive(Debug)]
struct Appender {
    client: Client,
    lanes: Lanes,
}

impl Appender {
    fn new(options: &Options, place: Place) -> Self {
        Self {
            client: Client::new(options, NAME, place),
            lanes: Lanes::of_regions_and_everybody(options.regions),
        }
    }

    fn own(&mut self, neighbour: Key) -> Key {
        let own = u64::from(self.client.region.0);
        let lane = *self.client.stream.pick(&[own, self.lanes.everybody()]);
        self.lanes.key(neighbour, lane)
    }
}

impl Actor for Appender {
    fn demand(&mut self, demand: Demand) -> Follows {
        self.client.demand(demand);
        Follows::Yes
    }

    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.client.start(now_ns);
        let neighbour = self.client.key(at_ns);
        let op = if self.client.stream.chance(APPENDS) {
            let key = self.own(neighbour);
            let element = self.client.ids.issue_number();
            Op::Append { key, element }
        } else if self.client.stream.chance(500) {
            Client::read(self.own(neighbour))
        } else {
            Client::read(neighbour)
        };
        Step { at_ns, op }
    }
}

#[cfg(test)]
mod tests {
    use checker::history::{EventKind, Reply, Value};

    use super::*;
    use crate::{options::options_for_tests, stage::Stage};

    #[test]
    fn lists_grow_but_not_for_ever() {
        let mut options = options_for_tests(8);
        options.rate = 2000;
        let play = Stage::new(&options).play(workload(&options), 10);
        let lengths: Vec<usize> = play
            .iter()
            .filter_map(|act| match &act.outcome {
                EventKind::Ok(Reply::Read(seen)) => match &seen.value {
                    Value::List(list) => Some(list.len()),
                    Value::Absent | Value::Int(_) => None,
                },
                EventKind::Ok(_)
                | EventKind::Invoke(_)
                | EventKind::Fail { .. }
                | EventKind::Info { .. } => None,
            })
            .collect();
        let longest = lengths.iter().max().expect("some reads see a list");
        assert!(
            (10..300).contains(longest),
            "the longest list has {longest}"
        );
        assert!(lengths.len() > 1000);
    }
}
