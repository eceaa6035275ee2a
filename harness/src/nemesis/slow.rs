//! Links that are slow and uneven instead of cut: the hardest kind of failure to tell from none.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::{Deed, Way, packets},
    package::{Drawn, Package, two_regions},
};
use crate::{
    proxy::{DIRECTIONS, LinkFault},
    target::Ability,
    topology::End,
};

/// Slow links between regions.
pub(crate) struct SlowLinks;

/// Slow links between a region and its clients.
pub(crate) struct SlowClients;

impl Package for SlowLinks {
    fn name(&self) -> &'static str {
        "slow-links"
    }

    fn about(&self) -> &'static str {
        "delay what a region sends to another, or to all others, by 50 ms to 1.6 s with as much jitter"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::PeerLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        2_000..=8_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let (one, other) = two_regions(draws, regions)?;
        let (to_whom, others) = if draws.chance(500) {
            (regions[other].as_str(), vec![other])
        } else {
            let others = (0..regions.len()).filter(|region| *region != one);
            ("all others", others.collect())
        };
        let (words, fault) = latency(draws, 50);
        let ways = others.iter().flat_map(|&other| packets(one, other));
        Some(Drawn::throughout(
            format!("slow {} -> {to_whom}: {words}", regions[one]),
            vec![one],
            Deed::Links {
                ways: ways.collect(),
                fault,
            },
        ))
    }
}

impl Package for SlowClients {
    fn name(&self) -> &'static str {
        "slow-clients"
    }

    fn about(&self) -> &'static str {
        "delay requests to and replies from a region by 20 to 640 ms each, with as much jitter"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::ClientLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        1_000..=5_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        let (words, fault) = latency(draws, 20);
        let way = |direction| Way {
            from: End::Client,
            to: region,
            direction,
        };
        Some(Drawn::throughout(
            format!("slow clients of {}: {words}", regions[region]),
            vec![region],
            Deed::Links {
                ways: DIRECTIONS.map(way).to_vec(),
                fault,
            },
        ))
    }
}

/// A delay from `least` to 32 times as much, each doubling as likely as the next, and jitter up to the delay.
fn latency(draws: &mut Stream, least: u64) -> (String, LinkFault) {
    let low = least << draws.below(5);
    let delay_ms = low + draws.below(low);
    let jitter_ms = draws.below(delay_ms);
    let fault = LinkFault::Latency {
        delay_ms,
        jitter_ms,
    };
    (format!("{delay_ms} ms more, \u{b1} {jitter_ms} ms"), fault)
}
