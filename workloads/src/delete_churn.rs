//! `delete-churn`: items are put, deleted and put again, over and over, by everybody.
//!
//! A delete leaves nothing that a reader could see, so a store that forgets deletes too early, or applies an old write after a delete,
//! shows it only as an item that comes back. Every write asks for the item that it replaced, which is what ties a delete to the
//! version that it removed. Half of the deletes and of the puts are conditional on what the client saw last.

use crate::{
    actor::Cast,
    client::{Client, Mixer, Parts},
    options::Options,
    workload::Workload,
};

/// Its name on the command line.
pub const NAME: &str = "delete-churn";

/// The checks that judge its histories.
pub(crate) const CHECKS: &[&str] = &[
    "resurrection",
    "convergence",
    "winner",
    "lost-write",
    "phantom",
    "read-your-writes",
    "monotonic-reads",
    "origin-first",
    "conditional-writes",
];

/// A third of the writes are deletes, so that most items are absent or new. The share is not an option here: it is the point.
const PARTS: Parts = Parts {
    deletes: 250,
    writes: 200,
    conditional_writes: 200,
    eventual_reads: 50,
};

/// The workload with these options.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let cast = Cast::new(options, CHECKS).with("mix", options.concurrency, |place| Mixer {
        client: Client::new(options, NAME, place),
        parts: PARTS,
        choose: Client::key,
    });
    Box::new(cast.with_heartbeats())
}

#[cfg(test)]
mod tests {
    use checker::history::{Op, Value};

    use super::*;
    use crate::{options::options_for_tests, stage::Stage};

    #[test]
    fn many_items_are_deleted_and_put_again() {
        let play = Stage::new(&options_for_tests(5)).play(workload(&options_for_tests(5)), 30);
        let mut last_was_delete = std::collections::BTreeMap::new();
        let mut revived = 0;
        for act in play.iter().filter(|act| act.role == "mix" && act.is_ok()) {
            if matches!(act.step.op, Op::Read { .. }) {
                continue;
            }
            let is_delete = matches!(
                act.step.op,
                Op::Delete { .. }
                    | Op::Cas {
                        value: Value::Absent,
                        ..
                    }
            );
            let before = last_was_delete.insert((act.region, act.key()), is_delete);
            revived += u32::from(before == Some(true) && !is_delete);
        }
        assert!(
            revived > 200,
            "{revived} items were put again after a delete"
        );
    }
}
