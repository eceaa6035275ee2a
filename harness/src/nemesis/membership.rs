//! Regions that leave the table and come back under load: removed and added again, or lost with all their data and made anew.
//!
//! A region that comes back is fed by the others from the first row on. What it wrote in its former life comes from them, too. As with `roll_back`, nothing
//! that was acknowledged is lost by the deed and nobody sees the region half full (`absence` says how), so every check holds. While a region is
//! removed it refuses its clients: the table is not there.
//!
//! A global table of version 2017.11.29 takes no region once it holds data, so these need `--global-tables 2019.11.21`, which shows no stamps: fewer
//! checks can say something.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    package::{Drawn, Package},
};
use crate::target::Ability;

/// Removed from the table, and added again.
pub(crate) struct Membership;

/// Lost, and made anew under its name.
pub(crate) struct Lose;

impl Package for Membership {
    fn name(&self) -> &'static str {
        "membership"
    }

    fn about(&self) -> &'static str {
        "remove a region from the table and add it again later, with a backfill"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Membership, Ability::ClientLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=4_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        if regions.len() < 2 {
            return None;
        }
        let region = draws.index(regions.len());
        Some(Drawn::throughout(
            format!("remove {} from the table", regions[region]),
            vec![region],
            Deed::Leave { region },
        ))
    }
}

impl Package for Lose {
    fn name(&self) -> &'static str {
        "lose"
    }

    fn about(&self) -> &'static str {
        "lose a region's process and all its data, start it empty under its name, remove what it was from the table and add it"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Membership, Ability::Kill, Ability::ClientLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=4_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        if regions.len() < 2 {
            return None;
        }
        let region = draws.index(regions.len());
        Some(Drawn::throughout(
            format!("lose {} and its data", regions[region]),
            vec![region],
            Deed::Lose { region },
        ))
    }
}
