//! Many clients at once that connect to a region and say nothing: what a restarted fleet of applications does, or a leak.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    package::{Drawn, Package},
};
use crate::target::Ability;

/// The package.
pub(crate) struct ConnectionStorm;

/// Connections of one storm. The proxy and the region need descriptors for each, and a shell often allows a process 1024.
const CONNECTIONS: RangeInclusive<u64> = 50..=150;

impl Package for ConnectionStorm {
    fn name(&self) -> &'static str {
        "connection-storm"
    }

    fn about(&self) -> &'static str {
        "open 50 to 150 connections more to a region, which say nothing until they close"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::ClientLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=4_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        let (least, most) = (*CONNECTIONS.start(), *CONNECTIONS.end());
        let connections = least + draws.below(most - least + 1);
        Some(Drawn::throughout(
            format!("{connections} silent connections to {}", regions[region]),
            vec![region],
            Deed::Storm {
                region,
                connections,
            },
        ))
    }
}
