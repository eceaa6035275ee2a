//! Replies that are lost after their requests were applied: the connection ends before the answer does.
//!
//! The client cannot know whether its write happened, and it did. A store whose clients retry by themselves writes twice here.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::{Deed, Way},
    package::{Drawn, Package},
};
use crate::{
    proxy::{Direction, LinkFault},
    target::Ability,
    topology::End,
};

/// The package.
pub(crate) struct LostReplies;

impl Package for LostReplies {
    fn name(&self) -> &'static str {
        "lost-replies"
    }

    fn about(&self) -> &'static str {
        "let requests to a region pass, and end each connection within the first 200 bytes of its replies"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::ClientLinks, Ability::Replies]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        300..=2_500
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        let bytes = if draws.chance(500) {
            0
        } else {
            draws.below(200)
        };
        Some(Drawn::throughout(
            format!("lose replies of {} after {bytes} bytes", regions[region]),
            vec![region],
            Deed::Links {
                ways: vec![Way {
                    from: End::Client,
                    to: region,
                    direction: Direction::Backward,
                }],
                fault: LinkFault::Truncate { bytes },
            },
        ))
    }
}
