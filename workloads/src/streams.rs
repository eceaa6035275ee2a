//! `streams`: items that come and go while a consumer in every region reads what its stream says of them.
//!
//! What a region acknowledged must be in its stream, once and in order, each record beginning where the one before it ended; what other regions
//! wrote may be skipped, because replication may deliver only the newest. A consumer begins at the oldest record and fetches once more
//! after healing and settling, so that nothing can be missing without being missed.

use checker::history::Op;

use crate::{
    actor::{Cast, Regularly},
    client::{Client, Mixer, Parts},
    options::Options,
    workload::Workload,
};

/// Its name on the command line.
pub const NAME: &str = "streams";

/// The checks that judge its histories.
pub(crate) const CHECKS: &[&str] = &[
    "streams",
    "convergence",
    "winner",
    "lost-write",
    "phantom",
    "resurrection",
    "read-your-writes",
    "monotonic-reads",
];

/// Each region's stream is read this often.
const FETCH_EVERY_NS: u64 = 250_000_000;

/// The workload with these options.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let parts = Parts {
        deletes: options.deletes_per_thousand,
        writes: 500,
        conditional_writes: 150,
        eventual_reads: 50,
    };
    let cast = Cast::new(options, CHECKS)
        .with("mix", options.concurrency, |place| Mixer {
            client: Client::new(options, NAME, place),
            parts,
            choose: Client::key,
        })
        .with("consume", 1, |_| Regularly {
            op: Op::Stream,
            every_ns: FETCH_EVERY_NS,
            due_ns: 0,
            last: Some(Op::Stream),
        });
    Box::new(cast.with_heartbeats())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{options::options_for_tests, stage::Stage};

    #[test]
    fn every_stream_is_read_four_times_a_second_and_once_more_at_the_end() {
        let options = options_for_tests(12);
        let play = Stage::new(&options).play(workload(&options), 20);
        for region in 0..3 {
            let fetches = play
                .iter()
                .filter(|act| act.region.0 == region && act.step.op == Op::Stream)
                .count();
            assert!((75..=81).contains(&fetches), "{fetches} fetches in 20 s");
        }
        let workload = workload(&options);
        let last = (0..workload.slots().len()).filter(|slot| workload.last(*slot).is_some());
        assert_eq!(last.count(), 3);
    }
}
