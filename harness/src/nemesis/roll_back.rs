//! A region that is started on an older copy of its data directory, as by an operator who goes back to a backup.
//!
//! The operator knows what he does: the region is out of service from before its data goes back until it is whole again, and nothing that it
//! acknowledged is missing elsewhere when it does (`absence` says why). So every check holds as in any other run. Absent: roll-backs that
//! lose what had reached nobody; those are for the simulation, which knows what was lost.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    package::{Drawn, Package, Part},
};
use crate::target::Ability;

/// The package.
pub(crate) struct RollBack;

impl Package for RollBack {
    fn name(&self) -> &'static str {
        "roll-back"
    }

    fn about(&self) -> &'static str {
        "take a region out of service and start it on an older copy of its data; back in service when it has become a new member and has what it lost"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::RollBack, Ability::Kill, Ability::ClientLinks]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        1_500..=6_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        if regions.len() < 2 {
            return None;
        }
        let region = draws.index(regions.len());
        let name = &regions[region];
        let since = 400 + draws.below(400);
        Some(Drawn {
            parts: vec![
                Part {
                    what: format!("copy the data of {name}"),
                    regions: vec![region],
                    deed: Deed::Copy { region },
                    when: 0..1,
                },
                Part {
                    what: format!("roll {name} back to the copy"),
                    regions: vec![region],
                    deed: Deed::RollBack { region },
                    when: since..1000,
                },
            ],
        })
    }
}
