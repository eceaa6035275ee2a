//! `big-items`: registers of up to 350 KB.
//!
//! Large items take many packets, many log pages and most of a batch, so a fault is likelier to hit them in the middle: what is torn, truncated or
//! left out shows as padding that does not belong to the write id beside it, or as a lost write. Every item has its size for life; sizes from
//! nothing to the largest are spread evenly over their orders of magnitude. DynamoDB's limit is 400 KB per item, names included.
//!
//! What it needs of the harness: a time limit per operation and a rate that the links can carry. 20 operations a second move about 1 MB/s
//! between each pair of regions.

use crate::{
    actor::{Cast, Padding},
    client::{Client, Mixer, Parts},
    options::Options,
    workload::Workload,
};

/// Its name on the command line.
pub const NAME: &str = "big-items";

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
];

/// The largest padding: what DynamoDB allows for an item, less 50 KB for the rest and for what a store adds.
const LARGEST_BYTES: usize = 350_000;

/// The workload with these options; `value_bytes`, if given, is the size of the largest item.
#[must_use]
pub fn workload(options: &Options) -> Box<dyn Workload> {
    let parts = Parts {
        deletes: options.deletes_per_thousand,
        writes: 350,
        conditional_writes: 100,
        eventual_reads: 50,
    };
    let largest = match options.value_bytes {
        0 => LARGEST_BYTES,
        bytes => bytes.min(LARGEST_BYTES),
    };
    let cast = Cast::new(options, CHECKS)
        .with("mix", options.concurrency, |place| Mixer {
            client: Client::new(options, NAME, place),
            parts,
            choose: Client::key,
        })
        .with_padding(Padding::UpTo(largest));
    Box::new(cast.with_heartbeats())
}

#[cfg(test)]
mod tests {
    use checker::history::Key;

    use super::*;
    use crate::options::options_for_tests;

    #[test]
    fn sizes_cover_every_order_of_magnitude_and_stay_below_the_limit() {
        let workload = workload(&options_for_tests(11));
        let sizes: Vec<usize> = (0..1000)
            .map(|key| workload.padding_bytes(Key(key)))
            .collect();
        let between = |from, to| {
            let count = sizes.iter().filter(|&&size| (from..to).contains(&size));
            count.count()
        };
        assert_eq!(between(0, LARGEST_BYTES + 1), 1000);
        for from in [1, 10, 100, 1000, 10_000, 100_000] {
            let count = between(from, from * 10);
            assert!(
                count > 50,
                "{count} of 1000 items have {from} bytes or up to ten times as many"
            );
        }
        assert_eq!(workload.padding_bytes(Key::FIRST_HEARTBEAT), 0);
    }

    #[test]
    fn the_largest_size_is_an_option() {
        let mut options = options_for_tests(11);
        options.value_bytes = 4096;
        let workload = workload(&options);
        let largest = (0..1000).map(|key| workload.padding_bytes(Key(key))).max();
        assert!(largest.is_some_and(|largest| (2048..=4096).contains(&largest)));
    }
}
