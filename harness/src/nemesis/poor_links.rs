//! Links between regions that carry bytes badly: narrow, in small pieces, slow to close, breaking off, or stalled until they are reset.
//!
//! `partition` lets nothing pass and `slow-links` everything, late; this is what lies between, and where a connection ends in the middle of
//! a batch.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::{Deed, packets},
    package::{Drawn, Package, two_regions},
};
use crate::{
    proxy::{LinkFault, StallEnd},
    target::Ability,
};

/// The package.
pub(crate) struct PoorLinks;

impl Package for PoorLinks {
    fn name(&self) -> &'static str {
        "poor-links"
    }

    fn about(&self) -> &'static str {
        "make what a region sends to another go through a narrow link, in small pieces, to a slow close, break off after so many bytes, or stall until it is reset"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::PeerLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        1_000..=6_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let (from, to) = two_regions(draws, regions)?;
        // Each doubling is as likely as the next.
        let doubled = |draws: &mut Stream, least: u64, times: u64| least << draws.below(times);
        let (what, fault) = match draws.below(5) {
            0 => {
                let bytes_per_s = doubled(draws, 1_000, 7);
                let fault = LinkFault::Bandwidth { bytes_per_s };
                (format!("{bytes_per_s} bytes/s"), fault)
            }
            1 => {
                let bytes = doubled(draws, 16, 6);
                let fault = LinkFault::Slice {
                    bytes,
                    variation: bytes / 2,
                    pause_us: 500,
                };
                (format!("pieces of {bytes} bytes"), fault)
            }
            2 => {
                let delay_ms = doubled(draws, 100, 5);
                let fault = LinkFault::SlowClose { delay_ms };
                (format!("closed {delay_ms} ms late"), fault)
            }
            3 => {
                let bytes = doubled(draws, 64, 10);
                (
                    format!("breaking off after {bytes} bytes"),
                    LinkFault::Truncate { bytes },
                )
            }
            _ => {
                let after_ms = doubled(draws, 200, 4);
                let ends = StallEnd::Reset;
                let fault = LinkFault::Stall { ends, after_ms };
                (format!("stalled, reset after {after_ms} ms"), fault)
            }
        };
        let mut ways = packets(from, to).to_vec();
        ways.sort_unstable();
        Some(Drawn::throughout(
            format!("{} -> {}: {what}", regions[from], regions[to]),
            vec![from, to],
            Deed::Links { ways, fault },
        ))
    }
}
