//! The one place that turns values into percentiles.

use hdrhistogram::Histogram;

use super::Percentiles;

impl Percentiles {
    /// The percentiles of a histogram of nanoseconds.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let max_ns = histogram.max();
        let at = |quantile| histogram.value_at_quantile(quantile).min(max_ns);
        Self {
            count: histogram.len(),
            p50_ns: at(0.5),
            p90_ns: at(0.9),
            p99_ns: at(0.99),
            p999_ns: at(0.999),
            max_ns,
        }
    }
}

/// Longer than any run: keeps nonsense in an imported history from growing the histogram without need.
const YEAR_NS: u64 = 366 * 86_400 * 1_000_000_000;

/// A distribution of durations in nanoseconds, three significant digits, growing as needed.
#[derive(Clone, Debug)]
pub(crate) struct Distribution(Histogram<u64>);

impl Distribution {
    pub(crate) fn new() -> Self {
        Self(Histogram::new(3).expect("three significant digits are within the histogram's range"))
    }

    pub(crate) fn record(&mut self, value_ns: u64) {
        self.0
            .record(value_ns.min(YEAR_NS))
            .expect("the histogram grows to any value up to a year");
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        Percentiles::of(&self.0)
    }

    pub(crate) fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_percentiles_of_one_to_a_thousand() {
        let mut distribution = Distribution::new();
        (1..=1000).for_each(|value| distribution.record(value));
        let expected = Percentiles {
            count: 1000,
            p50_ns: 500,
            p90_ns: 900,
            p99_ns: 990,
            p999_ns: 999,
            max_ns: 1000,
        };
        assert_eq!(distribution.percentiles(), expected);
        distribution.reset();
        assert_eq!(distribution.percentiles(), Percentiles::default());
    }

    #[test]
    fn a_stall_of_hours_is_kept() {
        let mut distribution = Distribution::new();
        distribution.record(10 * 3_600_000_000_000);
        let max_ns = distribution.percentiles().max_ns;
        assert!(
            max_ns.abs_diff(36_000_000_000_000) <= 36_000_000_000,
            "{max_ns}"
        );
    }
}
