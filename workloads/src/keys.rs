//! How operations spread over the keys that are alive.

use serde::{Deserialize, Serialize};

use crate::seed::Stream;

/// A distribution over ranks `0..count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyDistribution {
    /// Every key as often as any other.
    #[default]
    Uniform,
    /// The key of rank `i` in proportion to `1 / (i + 1)`: a few hot keys, a long tail.
    Zipfian,
}

impl KeyDistribution {
    /// The names, as on the command line.
    pub const NAMES: [&'static str; 2] = ["uniform", "zipfian"];

    /// The distribution of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "uniform" => Some(Self::Uniform),
            "zipfian" => Some(Self::Zipfian),
            _ => None,
        }
    }

    /// Its name, as on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipfian => "zipfian",
        }
    }
}

/// Draws ranks. Integer arithmetic only, so that every machine draws the same.
#[derive(Clone, Debug)]
pub struct Ranks {
    /// Sums of the weights of ranks `0..=i`.
    cumulative: Vec<u64>,
}

impl Ranks {
    /// Prepares draws from `0..count`.
    #[must_use]
    pub fn new(distribution: KeyDistribution, count: u64) -> Self {
        assert!(count > 0, "at least one key must be alive");
        let weight = |rank: u64| match distribution {
            KeyDistribution::Uniform => 1,
            KeyDistribution::Zipfian => (1 << 32) / (rank + 1),
        };
        let mut sum = 0;
        let cumulative = (0..count)
            .map(|rank| {
                sum += weight(rank);
                sum
            })
            .collect();
        Self { cumulative }
    }

    /// The next rank.
    pub fn draw(&self, stream: &mut Stream) -> u64 {
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

    fn counts(distribution: KeyDistribution) -> Vec<u32> {
        let ranks = Ranks::new(distribution, 8);
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
