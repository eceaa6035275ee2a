//! Which record an operation of a load is about.

use super::{KeyDistribution, hot_keys, zipfian::Zipfian};
use crate::{seed::Stream, values::fnv1a_of_number};

/// A distribution over a table's records, prepared for draws in constant time and memory: a table may have billions.
///
/// `records` is how many the table had before the load began, `existing` how many it has when an operation starts. YCSB's defaults:
/// *zipfian* is scrambled over the first records and never draws an inserted one; *latest* is zipfian backwards from the newest;
/// *hotspot* gives 80 % of the operations to 20 % of the records; *sequential* takes them in turn.
#[derive(Clone, Debug)]
pub struct Popularity {
    records: u64,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Uniform,
    Zipfian(Zipfian),
    Latest(Zipfian),
    Hotspot,
    Sequential,
}

/// Per thousand: operations on the hot set.
const HOT: u64 = 800;

impl Popularity {
    /// Prepares draws from a table that has so many records.
    #[must_use]
    pub fn new(distribution: KeyDistribution, records: u64) -> Self {
        assert!(records > 0, "a table needs at least one record");
        let kind = match distribution {
            KeyDistribution::Uniform => Kind::Uniform,
            KeyDistribution::Zipfian => Kind::Zipfian(Zipfian::of_ycsb()),
            KeyDistribution::Latest => Kind::Latest(Zipfian::new(records)),
            KeyDistribution::Hotspot => Kind::Hotspot,
            KeyDistribution::Sequential => Kind::Sequential,
        };
        Self { records, kind }
    }

    /// The record that operation `number` is about, when `existing` are there.
    pub fn record(&self, number: u64, existing: u64, stream: &mut Stream) -> u64 {
        assert!(existing >= self.records, "records do not go away");
        match &self.kind {
            Kind::Uniform => stream.below(existing),
            Kind::Zipfian(ranks) => fnv1a_of_number(ranks.draw(stream)) % self.records,
            Kind::Latest(ranks) => existing - 1 - ranks.draw(stream),
            Kind::Hotspot => {
                let (hot, cold) = (hot_keys(self.records), existing - hot_keys(self.records));
                if stream.chance(HOT) || cold == 0 {
                    stream.below(hot)
                } else {
                    hot + stream.below(cold)
                }
            }
            Kind::Sequential => number % existing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn counts(distribution: KeyDistribution, records: u64, existing: u64) -> Vec<u32> {
        let popularity = Popularity::new(distribution, records);
        let mut stream = Seed(11).stream("popularity");
        let mut counts = vec![0; usize::try_from(existing).expect("small")];
        for number in 0..100_000 {
            let record = popularity.record(number, existing, &mut stream);
            counts[usize::try_from(record).expect("small")] += 1;
        }
        counts
    }

    #[test]
    fn uniform_passes_a_chi_square_test() {
        let counts = counts(KeyDistribution::Uniform, 100, 100);
        let squares = counts
            .iter()
            .map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0);
        let chi_square: f64 = squares.sum();
        // 99 degrees of freedom: 99 % of all samples are below 134.6.
        assert!(chi_square < 134.6, "{chi_square}");
    }

    #[test]
    fn zipfian_has_hot_keys_anywhere() {
        let counts = counts(KeyDistribution::Zipfian, 1000, 1000);
        let hottest = (0..1000).max_by_key(|&key| counts[key]).expect("not empty");
        // 1 / 26.469 of all operations, and perhaps some of the tail.
        assert!(
            (3600..4100).contains(&counts[hottest]),
            "{}",
            counts[hottest]
        );
        assert_ne!(hottest, 0);
        assert!(counts.iter().filter(|&&count| count > 0).count() > 990);
    }

    #[test]
    fn latest_prefers_the_newest_and_never_leaves_the_table() {
        let counts = counts(KeyDistribution::Latest, 1000, 1200);
        assert!(counts[1199] > counts[1198] && counts[1198] > counts[1100]);
        assert!(counts[..200].iter().all(|&count| count == 0));
    }

    #[test]
    fn a_hotspot_is_hot() {
        let counts = counts(KeyDistribution::Hotspot, 1000, 1000);
        let hot: u32 = counts[..200].iter().sum();
        assert!((79_500..80_500).contains(&hot), "{hot}");
    }

    #[test]
    fn a_sequence_needs_no_draws() {
        assert!(
            counts(KeyDistribution::Sequential, 100, 100)
                .iter()
                .all(|&count| count == 1000)
        );
    }

    #[test]
    fn draws_are_pinned() {
        let mut text = String::new();
        for name in KeyDistribution::NAMES {
            let distribution = KeyDistribution::named(name).expect("it is in the list");
            let popularity = Popularity::new(distribution, 1_000_000);
            let mut stream = Seed(7).stream("pinned");
            let records: Vec<u64> = (0..4)
                .map(|number| popularity.record(number, 1_000_000, &mut stream))
                .collect();
            text += &format!("{name} {records:?} ");
        }
        insta::assert_snapshot!(text.trim_end(), @"uniform [188388, 472165, 52573, 81502] zipfian [63704, 618517, 966620, 787802] latest [999991, 999427, 999999, 999998] hotspot [94433, 16300, 177173, 135496] sequential [0, 1, 2, 3]");
    }
}
