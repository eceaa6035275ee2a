//! Regions that are asked to stop and started again: one, or all of them one after the other, as when a version is rolled out.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    package::{Drawn, Package, Part, stretches},
};
use crate::target::Ability;

/// One region.
pub(crate) struct Restart;

/// All of them, in turn.
pub(crate) struct RollingRestart;

impl Package for Restart {
    fn name(&self) -> &'static str {
        "restart"
    }

    fn about(&self) -> &'static str {
        "ask a region's process to stop (SIGTERM, or as its template says) and start it again later on its data"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Kill]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        300..=3_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        Some(Drawn::throughout(
            format!("restart {}", regions[region]),
            vec![region],
            Deed::Restart { region },
        ))
    }
}

impl Package for RollingRestart {
    fn name(&self) -> &'static str {
        "rolling-restart"
    }

    fn about(&self) -> &'static str {
        "restart every region, one after the other, as when a version is rolled out"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Kill]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        3_000..=8_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let mut order: Vec<usize> = (0..regions.len()).collect();
        draws.shuffle(&mut order);
        let turns = stretches(order.len(), 600).zip(&order).enumerate();
        let parts = turns.map(|(number, (when, &region))| Part {
            what: format!(
                "rolling restart, {} of {}: {}",
                number + 1,
                order.len(),
                regions[region]
            ),
            regions: vec![region],
            deed: Deed::Restart { region },
            when,
        });
        Some(Drawn {
            parts: parts.collect(),
        })
    }
}
