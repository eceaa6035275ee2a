//! A region's machine loses its power: what its process had not synced is gone, and it starts on the rest.
//!
//! A killed process loses nothing that it wrote: the kernel has it. Only here does it show whether a store waits for its disk before it acknowledges. In every
//! second loss nothing survives that was not synced, neither bytes nor names; in the others a part does, in any order, as a disk may have got to it.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    hold::{Field, Outcome},
    package::{Drawn, Package},
};
use crate::{
    disk::Order,
    target::{Ability, Action},
};

/// The package.
pub(crate) struct PowerLoss;

impl Package for PowerLoss {
    fn name(&self) -> &'static str {
        "power-loss"
    }

    fn about(&self) -> &'static str {
        "kill a region's process, let its disk forget what was not synced, and start it again later on the rest (takes /dev/fuse)"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::FileSystem, Ability::Kill]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        300..=3_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        let (is_torn, seed) = (draws.below(2) == 1, draws.below(1 << 32));
        let torn = is_torn.then_some(seed);
        let name = &regions[region];
        let what = match torn {
            None => format!("power loss of {name}: nothing survives that was not synced"),
            Some(_) => format!("power loss of {name}: some survives of what was not synced"),
        };
        let deed = Deed::PowerLoss { region, torn };
        Some(Drawn::throughout(what, vec![region], deed))
    }
}

impl Field {
    /// Kills a region's process, and lets its disk forget.
    pub(super) fn lose_power(&self, region: usize, torn: Option<u64>) -> Outcome {
        let killed = self.act(region, &Action::Kill);
        if killed != Outcome::Installed {
            return killed;
        }
        match self.target.order(region, Order::LosePower { torn }) {
            Ok(told) => Outcome::InstalledBut(told),
            Err(why) => Outcome::Indeterminate(why),
        }
    }
}
