//! What one region sends to another arrives again, at once or seconds later: after newer versions, after deletes, after a partition.
//!
//! Links between regions deliver at least once, so a store that promises to converge has to bear it. Requests of clients are left alone: a write that
//! is applied twice is two writes, whatever the store.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::{Deed, Way},
    package::{Drawn, Package, two_regions},
};
use crate::{
    proxy::{Direction, LinkFault},
    target::Ability,
    topology::End,
};

/// The package.
pub(crate) struct RepeatedRequests;

impl Package for RepeatedRequests {
    fn name(&self) -> &'static str {
        "repeated-requests"
    }

    fn about(&self) -> &'static str {
        "let HTTP requests from a region to another arrive again, up to three seconds later and after those that were made since"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::PeerLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        1_000..=6_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let (from, to) = two_regions(draws, regions)?;
        let per_mille = *draws.pick(&[300, 1_000]);
        let delay_ms = *draws.pick(&[0, 100, 1_000, 3_000]);
        Some(Drawn::throughout(
            format!(
                "{} -> {}: {} % of the requests again, up to {delay_ms} ms later",
                regions[from],
                regions[to],
                per_mille / 10
            ),
            vec![from, to],
            Deed::Links {
                ways: vec![Way {
                    from: End::Region(from),
                    to,
                    direction: Direction::Forward,
                }],
                fault: LinkFault::Repeat {
                    per_mille,
                    delay_ms,
                },
            },
        ))
    }
}
