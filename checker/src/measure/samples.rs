//! Samples of which quantiles are asked: exact while they are few, in constant memory when they are many.
//!
//! Ranks are of the nearest-rank kind. Up to [`EXACT_COUNT`] samples every figure is one that was measured; of more than those, samples are
//! counted by their first eleven binary digits, and a figure is the greatest that begins with them: at most a thousandth too great. Which
//! of the two it is depends on nothing but how many there are.

/// Up to how many samples are kept one by one.
const EXACT_COUNT: usize = 1 << 17;
/// How many binary digits of a sample are told apart.
const DIGITS: u32 = 11;

/// Durations in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// All of them, while they are few; not sorted.
    exact: Vec<u64>,
    /// How many begin with which digits, once they are many.
    counts: Vec<u64>,
    count: u64,
    greatest: u64,
}

impl Samples {
    pub(super) fn push(&mut self, ns: u64) {
        self.count += 1;
        self.greatest = self.greatest.max(ns);
        if self.counts.is_empty() {
            self.exact.push(ns);
            self.stay_small();
        } else {
            self.add(ns, 1);
        }
    }

    /// Takes in others. The order does not matter.
    pub(super) fn absorb(&mut self, other: Self) {
        self.count += other.count;
        self.greatest = self.greatest.max(other.greatest);
        self.exact.extend(other.exact);
        for (bucket, count) in other.counts.iter().enumerate() {
            self.add(last_of(bucket), *count);
        }
        if !self.counts.is_empty() {
            self.spread();
        }
        self.stay_small();
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The usual quantiles, by name: the least sample that at least so many thousandths of all do not exceed. None when there are no samples.
    pub(super) fn quantiles(&mut self, median: &'static str) -> Vec<(&'static str, u64)> {
        if self.count == 0 {
            return Vec::new();
        }
        self.exact.sort_unstable();
        let asked = [(median, 500), ("p90", 900), ("p99", 990), ("max", 1000)];
        let figure = |(name, per_mille)| (name, self.quantile(per_mille));
        asked.into_iter().map(figure).collect()
    }

    fn quantile(&self, per_mille: u64) -> u64 {
        let rank = (self.count * per_mille).div_ceil(1000).max(1);
        if self.counts.is_empty() {
            return self.exact[usize::try_from(rank - 1).expect("an index")];
        }
        let mut below = 0;
        let holds = |count: &u64| {
            below += count;
            below >= rank
        };
        let bucket = self.counts.iter().position(holds);
        bucket.map_or(self.greatest, |bucket| last_of(bucket).min(self.greatest))
    }

    fn stay_small(&mut self) {
        if self.exact.len() > EXACT_COUNT {
            self.spread();
        }
    }

    /// Counts what was kept one by one.
    fn spread(&mut self) {
        for ns in std::mem::take(&mut self.exact) {
            self.add(ns, 1);
        }
    }

    fn add(&mut self, ns: u64, count: u64) {
        let bucket = bucket_of(ns);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += count;
    }
}

/// The number of a sample's first digits and of how many follow them.
fn bucket_of(ns: u64) -> usize {
    let dropped = (u64::BITS - ns.leading_zeros()).saturating_sub(DIGITS);
    let first = ns >> dropped;
    let bucket = (u64::from(dropped) << (DIGITS - 1)) + first;
    usize::try_from(bucket).expect("at most 56,320")
}

/// The greatest sample in a bucket.
fn last_of(bucket: usize) -> u64 {
    let half = 1 << (DIGITS - 1);
    let dropped = (bucket / half).saturating_sub(1);
    let first = (bucket - dropped * half) as u64;
    (first << dropped) + ((1 << dropped) - 1)
}

/// Nanoseconds as milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "a report shows six digits, a double holds fifteen"
)]
pub(super) fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// A count as the number that measurements are.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::{EXACT_COUNT, Samples, bucket_of, last_of};

    #[test]
    fn a_bucket_holds_what_begins_with_its_digits() {
        for ns in [
            0,
            1,
            1023,
            1024,
            2047,
            2048,
            2049,
            4095,
            4096,
            1 << 40,
            u64::MAX,
        ] {
            let last = last_of(bucket_of(ns));
            assert_eq!(bucket_of(last), bucket_of(ns), "{ns}");
            assert!(last >= ns && last - ns <= ns / 1024, "{ns} in {last}");
            if last < u64::MAX {
                assert_eq!(bucket_of(last + 1), bucket_of(ns) + 1, "{ns}");
            }
        }
    }

    #[test]
    fn quantiles_do_not_depend_on_how_samples_came_together() {
        for count in [1, 10, 1000, EXACT_COUNT, EXACT_COUNT + 1, EXACT_COUNT * 2] {
            let sample = |index: usize| (index as u64 * 7_919) % 1_000_003 * 1_000;
            let (mut one, mut parts) =
                (Samples::default(), [Samples::default(), Samples::default()]);
            for index in 0..count {
                one.push(sample(index));
                parts[usize::from(index % 3 == 0)].push(sample(index));
            }
            let mut all = Samples::default();
            parts.into_iter().for_each(|part| all.absorb(part));
            assert_eq!(all.quantiles("median"), one.quantiles("median"), "{count}");
            let mut sorted: Vec<u64> = (0..count).map(sample).collect();
            sorted.sort_unstable();
            for (name, figure) in one.quantiles("median") {
                let exact = match name {
                    "median" => sorted[(count - 1) / 2],
                    "p90" => sorted[(count * 9).div_ceil(10) - 1],
                    "p99" => sorted[(count * 99).div_ceil(100) - 1],
                    _ => sorted[count - 1],
                };
                assert!(
                    figure >= exact && figure - exact <= exact / 1000,
                    "{count} {name}"
                );
                let expected = match count > EXACT_COUNT {
                    true => last_of(bucket_of(exact)).min(sorted[count - 1]),
                    false => exact,
                };
                assert_eq!(figure, expected, "{count} {name}");
            }
        }
    }
}
