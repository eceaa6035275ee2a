//! A region's disk of which some blocks cannot be read any more, or are read with a bit flipped; until it is mended, and reads all as it was written.
//!
//! Programs and kernels keep in memory what they have read or written, so the process is killed and started on the spoilt disk: its recovery reads nearly everything. It may
//! refuse to start, and say why, or start: what it answers then is judged.
//!
//! Bits may be flipped in every record that says what was acknowledged, and a store cannot always tell the end of its journal from a damaged place in it
//! (`docs/durability.md`). So with flipped bits a region is out of service from before until it is whole on the mended disk (`absence`), and nothing is lost
//! by an operator's deed; what is shown is that no wrong bit reaches anybody. Hence it takes a target whose regions say what the others have.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    hold::{Field, Outcome},
    package::{Drawn, Package},
};
use crate::{
    disk::{Order, Spoiling},
    target::{Ability, Action},
};

/// Blocks that cannot be read.
pub(crate) struct ReadErrors;

/// Blocks that are read wrong.
pub(crate) struct FlippedBits;

impl Package for ReadErrors {
    fn name(&self) -> &'static str {
        "read-errors"
    }

    fn about(&self) -> &'static str {
        "kill a region's process and start it on a disk of which blocks cannot be read, and again when it is mended (takes /dev/fuse)"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::FileSystem, Ability::Kill]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=3_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        let places = 1 << draws.below(6);
        let what = format!(
            "up to {places} blocks of {} are unreadable",
            regions[region]
        );
        Some(drawn(region, what, Spoiling::Unreadable, places, draws))
    }
}

impl Package for FlippedBits {
    fn name(&self) -> &'static str {
        "flipped-bits"
    }

    fn about(&self) -> &'static str {
        "take a region out of service and start it on a disk that flips bits; back in service when the disk is mended and it is whole (takes /dev/fuse)"
    }

    fn needs(&self) -> &'static [Ability] {
        &[
            Ability::FileSystem,
            Ability::RollBack,
            Ability::Kill,
            Ability::ClientLinks,
        ]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=3_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        if regions.len() < 2 {
            return None;
        }
        let region = draws.index(regions.len());
        let places = 1 << draws.below(4);
        let what = format!("up to {places} bits of {} are flipped", regions[region]);
        Some(drawn(region, what, Spoiling::Flipped, places, draws))
    }
}

fn drawn(
    region: usize,
    what: String,
    spoiling: Spoiling,
    places: u64,
    draws: &mut Stream,
) -> Drawn {
    let deed = Deed::Spoil {
        region,
        spoiling,
        places,
        pick: draws.below(1 << 32),
    };
    Drawn::throughout(what, vec![region], deed)
}

impl Field {
    /// Kills a region's process and starts it on a disk that was spoilt meanwhile; that may not succeed.
    pub(super) fn start_spoilt(&self, region: usize, order: Order) -> Outcome {
        let killed = self.act(region, &Action::Kill);
        if killed != Outcome::Installed {
            return killed;
        }
        let told = match self.target.order(region, order) {
            Ok(told) => told,
            Err(why) => return Outcome::Indeterminate(why),
        };
        Outcome::InstalledBut(match self.target.act(region, &Action::Start) {
            Ok(()) => format!("{told}; it started on that"),
            Err(why) => format!("{told}; it refused to start: {why}"),
        })
    }

    /// Mends a region's disk, and starts its process again on that.
    pub(super) fn start_mended(&self, region: usize) -> Outcome {
        let told = match self.target.order(region, Order::Mend) {
            Ok(told) => told,
            Err(why) => return Outcome::Indeterminate(why),
        };
        // Fails where it had refused to start.
        let _ = self.target.act(region, &Action::Kill);
        match self.act(region, &Action::Start) {
            Outcome::Installed => Outcome::InstalledBut(told),
            failed @ (Outcome::InstalledBut(_)
            | Outcome::Skipped(_)
            | Outcome::Indeterminate(_)
            | Outcome::NotYet(_)) => failed,
        }
    }
}
