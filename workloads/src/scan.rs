//! `scan`: copies of the whole table against reads of single items.
//!
//! A scan is many requests; items change under it, so two of its items may be from different moments. Each of them alone must still be a version that
//! existed: written by somebody, not older than what eventually consistent reads may show, not a deleted item that came back. After
//! healing, what scans and point reads show must be the same. Keys live as long as the run, so that a scan has an end.
//!
//! Absent on purpose: any promise that a scan is a snapshot. DynamoDB gives none.

use checker::history::Op;

use crate::{
    actor::{Cast, Regularly},
    client::{Client, Mixer, Parts},
    options::Options,
    workload::Workload,
};

/// Its name on the command line.
pub const NAME: &str = "scan";

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
];

/// Each region is scanned this often: a scan's answer is the largest record in a history.
const SCAN_EVERY_NS: u64 = 1_000_000_000;

/// The workload with these options. `keys` is the number of items in the table.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let parts = Parts {
        deletes: options.deletes_per_thousand,
        writes: 400,
        conditional_writes: 100,
        eventual_reads: 150,
    };
    let cast = Cast::new(options, CHECKS)
        .with("mix", options.concurrency, |place| Mixer {
            client: Client::new(options, NAME, place),
            parts,
            choose: |client, _| client.lasting_key(),
        })
        .with("scan", 1, |place| Regularly {
            op: Op::Scan,
            every_ns: SCAN_EVERY_NS,
            // Regions take turns, so that a scan in one meets writes that come from the others.
            due_ns: SCAN_EVERY_NS * (u64::from(place.region.0) + 1) / u64::from(options.regions),
            last: None,
        });
    Box::new(cast.with_heartbeats())
}

#[cfg(test)]
mod tests {
    use checker::history::Key;

    use super::*;
    use crate::{options::options_for_tests, stage::Stage};

    #[test]
    fn every_region_is_scanned_once_a_second_and_the_table_keeps_its_size() {
        let options = options_for_tests(12);
        let play = Stage::new(&options).play(workload(&options), 20);
        for region in 0..3 {
            let scans = play
                .iter()
                .filter(|act| act.region.0 == region && act.step.op == Op::Scan)
                .count();
            assert!((19..=21).contains(&scans), "{scans} scans in 20 s");
        }
        let mut mixed = play.iter().filter(|act| act.role == "mix");
        assert!(mixed.all(|act| act.key() < Key(options.keys)));
    }
}
