//! A clock as nobody expects it: a day ahead, a day behind, or standing still.
//!
//! Virtual machines that are restored from a snapshot wake up in the past, and a clock that was set by hand may be in the future; what was
//! stamped there stays in the table when the clock is right again. A clock that stands still gives every write the same time.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    package::{Drawn, Package},
};
use crate::target::{Ability, Skew};

/// The package.
pub(crate) struct ClockExtremes;

/// A day.
const DAY_MS: i64 = 86_400_000;

/// As slow as a clock can be: it loses all the time that passes.
const FROZEN_PPM: i64 = -1_000_000;

impl Package for ClockExtremes {
    fn name(&self) -> &'static str {
        "clock-extremes"
    }

    fn about(&self) -> &'static str {
        "let a region's clock jump by a day to either side, or stand still"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Clock]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        1_000..=5_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        let name = &regions[region];
        let right = Skew::default();
        let (what, offset_ms, drift_ppm) = match draws.below(3) {
            0 => ("jumps a day ahead", DAY_MS, right.drift_ppm),
            1 => ("jumps a day back", -DAY_MS, right.drift_ppm),
            _ => ("stands still", right.offset_ms, FROZEN_PPM),
        };
        let skew = Skew {
            offset_ms,
            drift_ppm,
            ..right
        };
        Some(Drawn::throughout(
            format!("the clock of {name} {what}"),
            vec![region],
            Deed::Clock { region, skew },
        ))
    }
}
