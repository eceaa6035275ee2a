//! A region's process is stopped (`SIGSTOP`) and continued later: to everybody else it looks dead, to itself no time has passed.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    package::{Drawn, Package},
};
use crate::target::Ability;

/// The package.
pub(crate) struct Pause;

impl Package for Pause {
    fn name(&self) -> &'static str {
        "pause"
    }

    fn about(&self) -> &'static str {
        "stop a region's process (SIGSTOP) and continue it later (SIGCONT)"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Pause]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        300..=4_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        Some(Drawn::throughout(
            format!("pause {}", regions[region]),
            vec![region],
            Deed::Pause { region },
        ))
    }
}
