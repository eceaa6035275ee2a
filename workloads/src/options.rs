//! What can be chosen about any workload, and how clients spread over regions.

use checker::history::{Key, RegionId};

use crate::{keys::KeyDistribution, seed::Seed};

/// Items that grow (sets, lists) get at most about this many operations before they die: every answer carries the whole item.
const OPERATIONS_PER_GROWING_ITEM: u64 = 100;

/// What can be chosen. A workload that has no use for an option ignores it and says so in its documentation.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many regions.
    pub regions: u8,
    /// Clients per region.
    pub concurrency: usize,
    /// Operations per second of all clients together, heartbeats aside.
    pub rate: u64,
    /// How many keys are alive at any time.
    pub keys: u64,
    /// How the operations spread over them; rank 0 is the key that dies next.
    pub distribution: KeyDistribution,
    /// A key dies every so often, and a new one is born.
    pub spacing_ns: u64,
    /// Deletes, in parts per thousand of the operations that are not heartbeats.
    pub deletes_per_thousand: u64,
    /// How many bytes are added to every item.
    pub value_bytes: usize,
    /// Where every draw comes from.
    pub seed: Seed,
}

impl Options {
    /// What no caller may ask for: a bug of the caller, which has told its user long before.
    pub(crate) fn assert_possible(&self) {
        assert!(self.regions > 0 && self.keys > 0 && self.rate > 0);
        assert!(self.concurrency > 0 && self.spacing_ns > 0);
        assert!(self.deletes_per_thousand <= 1000);
    }

    /// The same, with keys that die before their items have grown large.
    pub(crate) fn for_growing_items(&self) -> Self {
        let spacing_ns = OPERATIONS_PER_GROWING_ITEM * 1_000_000_000 / self.rate;
        Self {
            spacing_ns: self.spacing_ns.min(spacing_ns.max(1)),
            ..self.clone()
        }
    }
}

/// All regions.
pub(crate) fn regions(count: u8) -> impl Iterator<Item = RegionId> + use<> {
    (0..count).map(RegionId)
}

/// Keys in lanes: key `k` is in lane `k % count`. Who may write a key is told by its lane, so nobody needs to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lanes(pub(crate) u64);

impl Lanes {
    /// One lane for each region, whose keys only that region writes, and one that all regions write.
    pub(crate) fn of_regions_and_everybody(regions: u8) -> Self {
        Self(u64::from(regions) + 1)
    }

    /// The lane that all regions write.
    pub(crate) fn everybody(self) -> u64 {
        self.0 - 1
    }

    /// The key of this lane among the neighbours of a key.
    pub(crate) fn key(self, neighbour: Key, lane: u64) -> Key {
        assert!(lane < self.0);
        Key(neighbour.0 - neighbour.0 % self.0 + lane)
    }

    /// The lane of a key.
    #[cfg(test)]
    pub(crate) fn lane(self, key: Key) -> u64 {
        key.0 % self.0
    }
}

#[cfg(test)]
pub(crate) fn options_for_tests(seed: u64) -> Options {
    Options {
        regions: 3,
        concurrency: 2,
        rate: 100,
        keys: 8,
        distribution: KeyDistribution::Uniform,
        spacing_ns: 250_000_000,
        deletes_per_thousand: 50,
        value_bytes: 0,
        seed: Seed(seed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_neighbour_in_every_lane() {
        let lanes = Lanes::of_regions_and_everybody(3);
        assert_eq!(lanes.everybody(), 3);
        let neighbours: Vec<Key> = (0..4).map(|lane| lanes.key(Key(10), lane)).collect();
        assert_eq!(neighbours, [Key(8), Key(9), Key(10), Key(11)]);
        assert!((0..4).all(|lane| lanes.lane(lanes.key(Key(10), lane)) == lane));
    }

    #[test]
    fn growing_items_die_sooner_under_a_high_rate() {
        let mut options = options_for_tests(1);
        assert_eq!(options.for_growing_items().spacing_ns, 250_000_000);
        options.rate = 10_000;
        assert_eq!(options.for_growing_items().spacing_ns, 10_000_000);
    }
}
