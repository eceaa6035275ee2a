//! How many independent values a correlated series is worth, and how far its mean may be off.
//!
//! Neighbouring seconds of a run resemble each other (a compaction, a queue that drains), so n seconds say less than n independent draws. The
//! series is cut into blocks of 1, 2, 4, … values; were the values independent, the variance of the blocks' means would halve each time. The factor
//! by which it does not is the autocorrelation time (H. Flyvbjerg and H. Petersen, *Error Estimates on Averages of Correlated Data*,
//! J. Chem. Phys. 91, 1989); the largest one over all block lengths is taken, because a gate of ours must not claim more than the series
//! supports, and it is never less than one.
//! Deliberately absent: any statement about another run. Placement and neighbours differ from run to run, and no series knows them.

use super::{
    interval::Interval,
    student::{mean_and_variance, quantile},
};

/// The fewest blocks whose variance is worth looking at: with fewer it is mostly noise itself.
const BLOCKS_MIN: usize = 8;

/// The fewest values that an interval is given for.
const VALUES_MIN: usize = 2 * BLOCKS_MIN;

/// The mean of one series and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesMean {
    /// The mean.
    pub mean: f64,
    /// Its standard error, correlation taken into account.
    pub error: f64,
    /// How many independent values the series is worth; at most as many as it has.
    pub effective_count: f64,
}

/// The mean of a series. `None` when it has fewer than sixteen values or one is not a number: its own noise cannot be told then.
#[must_use]
pub fn mean(series: &[f64]) -> Option<SeriesMean> {
    if series.len() < VALUES_MIN || series.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let (mean, variance) = mean_and_variance(series);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a run are few")]
    let effective_count = series.len() as f64 / autocorrelation_time(series, variance);
    Some(SeriesMean {
        mean,
        error: (variance / effective_count).sqrt(),
        effective_count,
    })
}

/// The ratio `b / a` of two means, as log-ratio with the interval that the noise *within* both series gives. `None` when either mean is not above
/// zero, or its noise cannot be told.
#[must_use]
pub fn log_ratio(a: &[f64], b: &[f64], confidence: f64) -> Option<Interval> {
    let (a, b) = (mean(a)?, mean(b)?);
    if a.mean <= 0.0 || b.mean <= 0.0 {
        return None;
    }
    // The error of a logarithm is the relative error (delta method), which holds while both are small.
    let error = (a.error / a.mean).hypot(b.error / b.mean);
    let freedom = (a.effective_count.min(b.effective_count) - 1.0).max(1.0);
    let reach = quantile(confidence, freedom) * error;
    let mean = (b.mean / a.mean).ln();
    Some(Interval {
        mean,
        low: mean - reach,
        high: mean + reach,
    })
}

/// In values: 1 for independent ones.
fn autocorrelation_time(series: &[f64], variance: f64) -> f64 {
    if variance == 0.0 {
        return 1.0;
    }
    let mut longest = 1.0_f64;
    let mut means = series.to_vec();
    let mut length = 1.0;
    while means.len() / 2 >= BLOCKS_MIN {
        means = means
            .chunks_exact(2)
            .map(|pair| f64::midpoint(pair[0], pair[1]))
            .collect();
        length *= 2.0;
        longest = longest.max(length * mean_and_variance(&means).1 / variance);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Roughly normal, repeatable.
    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut uniform = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..count)
            .map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0)
            .collect()
    }

    #[test]
    fn independent_values_are_worth_most_of_their_number() {
        let counts = (0..20).map(|seed| mean(&noise(4096, seed)).expect("many").effective_count);
        let average = counts.sum::<f64>() / 20.0;
        // The largest of many estimates around 1: a little above it, on purpose.
        assert!((2000.0..=4096.0).contains(&average), "{average}");
    }

    #[test]
    fn values_told_k_times_are_worth_one_kth() {
        let told: Vec<f64> = noise(512, 5)
            .into_iter()
            .flat_map(|value| [value; 8])
            .collect();
        let worth = mean(&told).expect("many").effective_count;
        assert!((256.0..=513.0).contains(&worth), "{worth}");
    }

    #[test]
    fn a_first_order_process_has_its_textbook_time() {
        // x' = f x + noise has the autocorrelation time (1 + f) / (1 - f), 9 for f = 0.8.
        let times = (0..20).map(|seed| {
            let mut last = 0.0;
            let series: Vec<f64> = noise(8192, seed)
                .into_iter()
                .map(|step| {
                    last = 0.8 * last + step;
                    last
                })
                .collect();
            8192.0 / mean(&series).expect("many").effective_count
        });
        let average = times.sum::<f64>() / 20.0;
        assert!((8.0..=16.0).contains(&average), "{average}");
    }

    #[test]
    fn the_interval_of_a_ratio_holds_the_truth_and_narrows_with_length() {
        let around = |level: f64, count, seed| -> Vec<f64> {
            noise(count, seed)
                .into_iter()
                .map(|value| level + value)
                .collect()
        };
        let within = (0..200)
            .filter(|seed| {
                let (a, b) = (around(100.0, 128, *seed), around(110.0, 128, seed + 1000));
                let told = log_ratio(&a, &b, 0.95).expect("128 values");
                told.low <= 1.1_f64.ln() && 1.1_f64.ln() <= told.high
            })
            .count();
        assert!(within >= 190, "{within} of 200");
        let width = |count| {
            let (a, b) = (around(100.0, count, 1), around(100.0, count, 2));
            let told = log_ratio(&a, &b, 0.95).expect("enough values");
            told.high - told.low
        };
        assert!(width(4096) < width(64) / 3.0);
    }

    #[test]
    fn short_broken_or_empty_series_say_nothing() {
        assert_eq!(mean(&[1.0; 15]), None);
        assert_eq!(mean(&[f64::NAN; 40]), None);
        assert_eq!(log_ratio(&[0.0; 40], &[1.0; 40], 0.95), None);
        let steady = mean(&[5.0; 40]).expect("forty values");
        assert_eq!((steady.mean, steady.error), (5.0, 0.0));
    }
}
