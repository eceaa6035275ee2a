//! What only whoever runs a region can break: replication paused, a zone without power, a network without routes.
//!
//! A command of the user's begins and ends it (`--fault-hook`), such as an experiment of AWS Fault Injection Service; what it breaks is its own.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    package::{Drawn, Package},
};
use crate::target::Ability;

/// The package.
pub(crate) struct Provider;

impl Package for Provider {
    fn name(&self) -> &'static str {
        "provider"
    }

    fn about(&self) -> &'static str {
        "let a region's provider break what is its own: runs `COMMAND begin REGION` and `COMMAND end REGION` of --fault-hook"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Provider]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        3_000..=10_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        Some(Drawn::throughout(
            format!("whoever runs {} breaks it", regions[region]),
            vec![region],
            Deed::Provider { region },
        ))
    }
}
