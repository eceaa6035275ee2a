//! A region's process is killed (`SIGKILL`) and started again later on the data that it had made durable.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    package::{Drawn, Package},
};
use crate::target::Ability;

/// The package.
pub(crate) struct Kill;

impl Package for Kill {
    fn name(&self) -> &'static str {
        "kill"
    }

    fn about(&self) -> &'static str {
        "kill a region's process (SIGKILL) and start it again later on its data"
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
            format!("kill {}", regions[region]),
            vec![region],
            Deed::Kill { region },
        ))
    }
}
