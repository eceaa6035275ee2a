//! Packets to and from a region that are lost, some or all: what no proxy can do, since a proxy speaks TCP.
//!
//! `partition` and `client-link` hold bytes in proxies, between sockets that answer. Here nobody answers: connections are neither made nor refused nor reset, what was
//! sent is sent again, later and later, until somebody gives up. A fault is over only when all of that has passed: nothing that it held back may arrive after it.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{Mutex, MutexGuard, PoisonError},
};

use workloads::seed::Stream;

use super::{
    deed::Deed,
    hold::{Field, Outcome},
    package::{Drawn, Package},
};
use crate::target::{Ability, Loss};

/// Some are lost.
pub(crate) struct PacketLoss;

/// All are lost.
pub(crate) struct BlackHole;

impl Package for PacketLoss {
    fn name(&self) -> &'static str {
        "packet-loss"
    }

    fn about(&self) -> &'static str {
        "lose 1 to 32 % of the packets to a region, from it, or both (takes --network netns)"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Packets]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        1_000..=6_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        // Each doubling is as likely as the next.
        let low = 10 << draws.below(5);
        let per_mille = low + draws.below(low + 1);
        let (ways, loss) = drawn_ways(draws, per_mille);
        let (percent, tenths) = (per_mille / 10, per_mille % 10);
        let what = format!(
            "lose {percent}.{tenths} % of packets {ways} {}",
            regions[region]
        );
        let deed = Deed::Packets { region, loss };
        Some(Drawn::throughout(what, vec![region], deed))
    }
}

impl Package for BlackHole {
    fn name(&self) -> &'static str {
        "black-hole"
    }

    fn about(&self) -> &'static str {
        "lose all packets to a region, from it, or both: nobody is refused or reset (takes --network netns)"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Packets]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=5_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        let (ways, loss) = drawn_ways(draws, Loss::ALL);
        let what = format!("black hole: lose all packets {ways} {}", regions[region]);
        let deed = Deed::Packets { region, loss };
        Some(Drawn::throughout(what, vec![region], deed))
    }
}

/// Both ways as often as one alone.
fn drawn_ways(draws: &mut Stream, per_mille: u64) -> (&'static str, Loss) {
    let (to, from) = [(true, true), (true, true), (true, false), (false, true)][draws.index(4)];
    let words = match (to, from) {
        (true, true) => "to and from",
        (true, false) => "to",
        (false, _) => "from",
    };
    let loss = Loss {
        to_per_mille: if to { per_mille } else { 0 },
        from_per_mille: if from { per_mille } else { 0 },
    };
    (words, loss)
}

/// Whose packets are lost.
#[derive(Default)]
pub(super) struct Unheard(Mutex<Losses>);

#[derive(Default)]
struct Losses {
    /// Who lets them be lost, by region: the last who wanted to.
    holders: BTreeMap<usize, String>,
    /// What was seen when packets passed again, by holder, until nothing is held back any more.
    told: BTreeMap<String, String>,
}

impl Field {
    /// Lets packets be lost in the name of this holder.
    pub(super) fn lose_packets(&self, region: usize, loss: Loss, holder: &str) -> Outcome {
        self.losses().holders.insert(region, holder.to_owned());
        match self.target.lose_packets(region, loss) {
            Ok(told) => Outcome::InstalledBut(told),
            Err(why) => Outcome::Indeterminate(why),
        }
    }

    /// Lets packets pass unless another holder has them lost meanwhile, and waits until what was lost has been sent again.
    pub(super) fn pass_packets(&self, region: usize, holder: &str) -> Outcome {
        let mut losses = self.losses();
        if losses.holders.get(&region).is_some_and(|it| it == holder) {
            match self.target.lose_packets(region, Loss::default()) {
                Ok(told) => losses.told.insert(holder.to_owned(), told),
                Err(why) => return Outcome::Indeterminate(why),
            };
            losses.holders.remove(&region);
        }
        match self.target.held_back(region) {
            Ok(0) => Outcome::InstalledBut(
                losses
                    .told
                    .remove(holder)
                    .unwrap_or_else(|| "another fault took its place".to_owned()),
            ),
            Ok(count) => Outcome::NotYet(format!(
                "{count} connections have still to send again what was lost"
            )),
            Err(why) => Outcome::Indeterminate(why),
        }
    }

    fn losses(&self) -> MutexGuard<'_, Losses> {
        let losses = self.unheard.0.lock();
        losses.unwrap_or_else(PoisonError::into_inner)
    }
}
