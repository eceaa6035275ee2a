//! `set`: elements that are added and must stay.
//!
//! Two ways to keep a set. One item per element: nobody writes it a second time, so every acknowledged element must reach every region, whatever
//! else happens. One item with a set of numbers (`ADD`): within one region no addition may undo another; between regions the last
//! writer wins the whole item, and the additions that it had not seen are gone. So set items lie in lanes: those that one region adds to
//! must keep everything, those that all regions add to show how much last-writer-wins costs.
//!
//! Absent on purpose: removal of elements. An element that is missing is then lost, without another explanation.

use checker::history::{Key, Op};

use crate::{
    actor::{Actor, Cast, Follows, Place, SECOND_KIND},
    client::Client,
    demand::Demand,
    options::{Lanes, Options},
    workload::{Step, Workload},
};

/// Its name on the command line.
pub const NAME: &str = "set";

/// The checks that judge its histories. Those of registers judge the elements with an item of their own.
pub(crate) const CHECKS: &[&str] = &[
    "convergence",
    "winner",
    "lost-write",
    "phantom",
    "set",
    "read-your-writes",
    "monotonic-reads",
    "origin-first",
];

/// Parts per thousand: elements delivered as items of their own, elements added to sets, reads of such elements. The rest reads sets.
const DELIVERIES: u64 = 300;
const ADDITIONS: u64 = 350;
const READS_OF_ELEMENTS: u64 = 150;

/// Readers look for elements as young as this many of one client, which may still be on their way.
const YOUNG_ELEMENTS: u64 = 20;

/// The workload with these options. It deletes nothing.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let options = options.for_growing_items();
    let cast = Cast::new(&options, CHECKS).with("mix", options.concurrency, |place| {
        Adder::new(&options, place)
    });
    Box::new(cast.with_heartbeats())
}

#[derive(Debug)]
struct Adder {
    client: Client,
    lanes: Lanes,
    slot: u64,
    slots: u64,
    /// How many elements it has delivered as items of their own.
    delivered: u64,
}

impl Adder {
    fn new(options: &Options, place: Place) -> Self {
        Self {
            client: Client::new(options, NAME, place),
            lanes: Lanes::of_regions_and_everybody(options.regions),
            slot: place.slot as u64,
            slots: options.concurrency as u64 * u64::from(options.regions),
            delivered: 0,
        }
    }

    fn element_key(&self, slot: u64, number: u64) -> Key {
        Key(SECOND_KIND.0 + number * self.slots + slot)
    }

    /// An element that some client has delivered, or is about to: they all deliver about as fast as this one.
    fn young_element(&mut self) -> Key {
        let slot = self.client.stream.below(self.slots);
        let age = self.client.stream.below(YOUNG_ELEMENTS);
        self.element_key(slot, self.delivered.saturating_sub(age))
    }

    /// A set that this region may add to.
    fn own_set(&mut self, at_ns: u64) -> Key {
        let neighbour = self.client.key(at_ns);
        let own = u64::from(self.client.region.0);
        let lane = *self.client.stream.pick(&[own, self.lanes.everybody()]);
        self.lanes.key(neighbour, lane)
    }
}

impl Actor for Adder {
    fn demand(&mut self, demand: Demand) -> Follows {
        self.client.demand(demand);
        Follows::Yes
    }

    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.client.start(now_ns);
        let drawn = self.client.stream.below(1000);
        let op = if drawn < DELIVERIES {
            let key = self.element_key(self.slot, self.delivered);
            self.delivered += 1;
            let value = self.client.ids.issue();
            Op::Write { key, value }
        } else if drawn < DELIVERIES + ADDITIONS {
            let key = self.own_set(at_ns);
            let element = self.client.ids.issue_number();
            Op::AddToSet { key, element }
        } else if drawn < DELIVERIES + ADDITIONS + READS_OF_ELEMENTS {
            Client::read(self.young_element())
        } else {
            Client::read(self.client.key(at_ns))
        };
        Step { at_ns, op }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{options::options_for_tests, stage::Stage};

    #[test]
    fn every_element_is_new_and_an_item_of_its_own_is_written_once() {
        let play = Stage::new(&options_for_tests(6)).play(workload(&options_for_tests(6)), 30);
        let (mut items, mut elements) = (BTreeSet::new(), BTreeSet::new());
        for act in play.iter().filter(|act| act.role == "mix") {
            match &act.step.op {
                Op::Write { key, .. } => assert!(items.insert(*key), "{key:?} was written before"),
                Op::AddToSet { key, element } => {
                    let lane = key.0 % 4;
                    assert!(lane == 3 || lane == u64::from(act.region.0));
                    assert!(elements.insert(*element), "{element} was added before");
                }
                Op::Read { .. } => {}
                Op::Cas { .. }
                | Op::Delete { .. }
                | Op::Increment { .. }
                | Op::Append { .. }
                | Op::Transact { .. }
                | Op::Scan
                | Op::Stream => panic!("not an operation of this workload"),
            }
        }
        assert!(items.len() > 500 && elements.len() > 500);
    }

    #[test]
    fn the_final_reads_hold_every_element() {
        let mut workload = workload(&options_for_tests(6));
        let mut written = Vec::new();
        for _ in 0..50 {
            let step = workload.next(1, 0).expect("it never ends");
            if let Op::Write { key, .. } = step.op {
                written.push(key);
            }
        }
        let finals: BTreeSet<Key> = workload.final_reads().into_iter().collect();
        assert!(written.len() > 5 && written.iter().all(|key| finals.contains(key)));
    }
}
