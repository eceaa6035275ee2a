//! A region that its clients cannot reach, while the regions still reach each other: possible wherever clients go through our proxies.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::{Deed, Way},
    package::{Drawn, Package},
};
use crate::{
    proxy::{AfterHeal, Direction, LinkFault},
    target::Ability,
    topology::End,
};

/// The package.
pub(crate) struct ClientLink;

impl Package for ClientLink {
    fn name(&self) -> &'static str {
        "client-link"
    }

    fn about(&self) -> &'static str {
        "cut a region off from its clients: requests, replies (the request was applied), or both"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::ClientLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=4_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        let name = &regions[region];
        let (what, directions): (_, &[Direction]) = match draws.below(3) {
            0 => (
                "requests to and replies from",
                &[Direction::Forward, Direction::Backward],
            ),
            1 => ("requests to", &[Direction::Forward]),
            _ => ("replies from", &[Direction::Backward]),
        };
        let after = *draws.pick(&[AfterHeal::Continue, AfterHeal::Reset]);
        let healing = match after {
            AfterHeal::Continue => "",
            AfterHeal::Reset => ", connections reset at its end",
        };
        let way = |direction: &Direction| Way {
            from: End::Client,
            to: region,
            direction: *direction,
        };
        Some(Drawn::throughout(
            format!("no {what} {name}{healing}"),
            vec![region],
            Deed::Links {
                ways: directions.iter().map(way).collect(),
                fault: LinkFault::Blackhole { after },
            },
        ))
    }
}
