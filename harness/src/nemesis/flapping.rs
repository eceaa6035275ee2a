//! A region's links that are cut and healed again and again: connections come and go faster than anybody's patience.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::{Deed, packets},
    package::{Drawn, Package, Part, stretches, two_regions},
};
use crate::{
    proxy::{AfterHeal, LinkFault},
    target::Ability,
};

/// The package.
pub(crate) struct Flapping;

impl Package for Flapping {
    fn name(&self) -> &'static str {
        "flapping"
    }

    fn about(&self) -> &'static str {
        "cut the links between two regions, or of one to all others, 3 to 6 times in a row"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::PeerLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        3_000..=8_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let (one, other) = two_regions(draws, regions)?;
        let (to_whom, others) = if draws.chance(500) {
            (regions[other].clone(), vec![other])
        } else {
            let others = (0..regions.len()).filter(|region| *region != one);
            ("all others".to_owned(), others.collect())
        };
        let after = *draws.pick(&[AfterHeal::Continue, AfterHeal::Reset]);
        let both = others
            .iter()
            .flat_map(|&other| [(one, other), (other, one)]);
        let mut ways: Vec<_> = both.flat_map(|(from, to)| packets(from, to)).collect();
        ways.sort_unstable();
        let count = 3 + draws.index(4);
        let parts = stretches(count, 500)
            .enumerate()
            .map(|(number, when)| Part {
                what: format!(
                    "flap {} <-> {to_whom} ({} of {count})",
                    regions[one],
                    number + 1
                ),
                regions: vec![one],
                deed: Deed::Links {
                    ways: ways.clone(),
                    fault: LinkFault::Blackhole { after },
                },
                when,
            });
        Some(Drawn {
            parts: parts.collect(),
        })
    }
}
