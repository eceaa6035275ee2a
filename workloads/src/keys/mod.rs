//! How operations spread over keys: [`Ranks`] for the few keys of a test that are alive, [`Popularity`] for the many records of a load.

mod popularity;
mod power;
mod zipfian;

pub use popularity::Popularity;

use serde::{Deserialize, Serialize};

use crate::{demand::Focus, seed::Stream};

/// A distribution over ranks `0..count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyDistribution {
    /// Every key as often as any other.
    #[default]
    Uniform,
    /// The key of rank `i` in proportion to `1 / (i + 1)`: a few hot keys, a long tail.
    Zipfian,
    /// As `Zipfian`, from the other end: the keys that were born last are the hot ones.
    Latest,
    /// Four operations in five go to the first fifth of the keys.
    Hotspot,
    /// One key after the other, and round again.
    Sequential,
}

impl KeyDistribution {
    /// The names, as on the command line.
    pub const NAMES: [&'static str; 5] = ["uniform", "zipfian", "latest", "hotspot", "sequential"];

    /// The distribution of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "uniform" => Some(Self::Uniform),
            "zipfian" => Some(Self::Zipfian),
            "latest" => Some(Self::Latest),
            "hotspot" => Some(Self::Hotspot),
            "sequential" => Some(Self::Sequential),
            _ => None,
        }
    }

    /// Its name, as on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipfian => "zipfian",
            Self::Latest => "latest",
            Self::Hotspot => "hotspot",
            Self::Sequential => "sequential",
        }
    }
}

/// How many of so many keys are in the hot set of [`KeyDistribution::Hotspot`].
pub(crate) fn hot_keys(count: u64) -> u64 {
    (count / 5).max(1)
}

/// Draws ranks from few keys, by a table of weights. Integer arithmetic only, so that every machine draws the same.
#[derive(Clone, Debug)]
pub struct Ranks {
    /// Sums of the weights of ranks `0..=i`.
    cumulative: Vec<u64>,
    /// The rank after the last one, where ranks go in sequence.
    next: Option<u64>,
    focus: Focus,
}

impl Ranks {
    /// Prepares draws from `0..count`.
    #[must_use]
    pub fn new(distribution: KeyDistribution, count: u64) -> Self {
        assert!(count > 0, "at least one key must be alive");
        let (hot, cold) = (hot_keys(count), count - hot_keys(count));
        let weight = |rank: u64| match distribution {
            KeyDistribution::Uniform | KeyDistribution::Sequential => 1,
            KeyDistribution::Zipfian => (1 << 32) / (rank + 1),
            KeyDistribution::Latest => (1 << 32) / (count - rank),
            KeyDistribution::Hotspot if rank < hot => (4 * cold).max(1),
            KeyDistribution::Hotspot => hot,
        };
        let mut sum = 0;
        let cumulative = (0..count)
            .map(|rank| {
                sum += weight(rank);
                sum
            })
            .collect();
        let next = (distribution == KeyDistribution::Sequential).then_some(0);
        Self {
            cumulative,
            next,
            focus: Focus::Spread,
        }
    }

    /// Which ranks are drawn from now on.
    pub fn focus(&mut self, focus: Focus) {
        self.focus = focus;
    }

    /// The next rank.
    pub fn draw(&mut self, stream: &mut Stream) -> u64 {
        let drawn = self.drawn(stream);
        match self.focus {
            Focus::Spread => drawn,
            Focus::OneKey => 0,
        }
    }

    fn drawn(&mut self, stream: &mut Stream) -> u64 {
        if let Some(next) = &mut self.next {
            let rank = *next;
            *next = (rank + 1) % self.cumulative.len() as u64;
            return rank;
        }
        let total = self.cumulative[self.cumulative.len() - 1];
        let drawn = stream.below(total);
        let rank = self.cumulative.partition_point(|&sum| sum <= drawn);
        u64::try_from(rank).expect("a rank fits 64 bits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn a_hot_key_is_drawn_by_all_and_the_draws_go_on_as_they_would_have() {
        let (mut usual, mut hot) = (
            Ranks::new(KeyDistribution::Uniform, 8),
            Ranks::new(KeyDistribution::Uniform, 8),
        );
        let (mut one, mut other) = (Seed(5).stream("ranks"), Seed(5).stream("ranks"));
        hot.focus(Focus::OneKey);
        let usual_ranks: Vec<u64> = (0..50).map(|_| usual.draw(&mut one)).collect();
        assert!((0..50).all(|_| hot.draw(&mut other) == 0));
        assert!(usual_ranks.iter().any(|rank| *rank > 0));
        hot.focus(Focus::Spread);
        assert_eq!(usual.draw(&mut one), hot.draw(&mut other));
    }

    fn counts(distribution: KeyDistribution) -> Vec<u32> {
        let mut ranks = Ranks::new(distribution, 8);
        let mut stream = Seed(3).stream("ranks");
        let mut counts = vec![0; 8];
        for _ in 0..8000 {
            counts[usize::try_from(ranks.draw(&mut stream)).expect("small")] += 1;
        }
        counts
    }

    #[test]
    fn uniform_is_flat() {
        let counts = counts(KeyDistribution::Uniform);
        assert!(
            counts.iter().all(|&count| (850..1150).contains(&count)),
            "{counts:?}"
        );
    }

    #[test]
    fn zipfian_halves_from_the_first_rank_to_the_second() {
        let counts = counts(KeyDistribution::Zipfian);
        let ratio = f64::from(counts[0]) / f64::from(counts[1]);
        assert!((1.8..2.2).contains(&ratio), "{counts:?}");
        assert!(counts[7] > 200, "the tail is drawn too: {counts:?}");
    }

    #[test]
    fn latest_is_zipfian_from_the_other_end() {
        let mut zipfian = counts(KeyDistribution::Zipfian);
        zipfian.reverse();
        let latest = counts(KeyDistribution::Latest);
        let differs = zipfian
            .iter()
            .zip(&latest)
            .any(|(a, b)| a.abs_diff(*b) > 200);
        assert!(!differs, "{zipfian:?} {latest:?}");
    }

    #[test]
    fn a_hotspot_gets_four_operations_in_five() {
        let counts = counts(KeyDistribution::Hotspot);
        assert!((6250..6550).contains(&counts[0]), "{counts:?}");
        assert_eq!(hot_keys(8), 1);
        assert_eq!(Ranks::new(KeyDistribution::Hotspot, 1).cumulative, [1]);
    }

    #[test]
    fn a_sequence_goes_round() {
        assert_eq!(counts(KeyDistribution::Sequential), [1000; 8]);
    }

    #[test]
    fn every_name_names_its_distribution() {
        for name in KeyDistribution::NAMES {
            assert_eq!(
                KeyDistribution::named(name).map(KeyDistribution::name),
                Some(name)
            );
        }
        assert_eq!(KeyDistribution::named("gauss"), None);
    }
}
