//! How far apart two builds are: the mean of paired log-ratios with an interval.
//!
//! Runs come in pairs (base, candidate) made next to each other in time, so what both suffer cancels out. The ratio of a pair is taken as a
//! logarithm, so that twice as slow and twice as fast are equally far from zero. The interval is the union of Student's (exact for normal noise,
//! honest for few pairs) and the bootstrap's over *pairs* (B. Efron, *Bootstrap Methods*, Annals of Statistics 1979; right for skewed noise):
//! the wider of the two on each side, because a gate must not claim more than both support.

use super::student::{mean_and_variance, quantile};

/// An interval around a mean, on the scale of log-ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean log-ratio.
    pub mean: f64,
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// The same as relative changes: 0.05 is 5 % more.
    #[must_use]
    pub fn relative(self) -> Self {
        Self {
            mean: self.mean.exp_m1(),
            low: self.low.exp_m1(),
            high: self.high.exp_m1(),
        }
    }

    /// Whether it leaves out "no difference".
    #[must_use]
    pub fn excludes_zero(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// How many bootstrap samples: the ends then move by less than a twentieth of the interval's width from seed to seed.
const RESAMPLES: usize = 1000;

/// The interval of this confidence (0.95, …) around the mean of log-ratios. The same values and seed give the same interval.
///
/// `None` when there are fewer than three pairs, or one of them is not a number.
#[must_use]
pub fn of_log_ratios(log_ratios: &[f64], confidence: f64, seed: u64) -> Option<Interval> {
    assert!(
        (0.5..1.0).contains(&confidence),
        "a confidence is a share between one half and one"
    );
    if log_ratios.len() < 3 || log_ratios.iter().any(|ratio| !ratio.is_finite()) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of pairs are small")]
    let count = log_ratios.len() as f64;
    let (mean, variance) = mean_and_variance(log_ratios);
    let reach = quantile(confidence, count - 1.0) * (variance / count).sqrt();
    let (low, high) = bootstrap(log_ratios, confidence, seed);
    Some(Interval {
        mean,
        low: low.min(mean - reach),
        high: high.max(mean + reach),
    })
}

/// The log-ratio of each pair (base, candidate).
#[must_use]
pub fn log_ratios(pairs: &[(f64, f64)]) -> Vec<f64> {
    pairs
        .iter()
        .map(|(base, candidate)| (candidate / base).ln())
        .collect()
}

fn bootstrap(values: &[f64], confidence: f64, seed: u64) -> (f64, f64) {
    let mut draws = SplitMix(seed);
    #[expect(clippy::cast_precision_loss, reason = "counts of pairs are small")]
    let count = values.len() as f64;
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            (0..values.len())
                .map(|_| values[draws.index(values.len())])
                .sum::<f64>()
                / count
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    (percentile(&means, tail), percentile(&means, 1.0 - tail))
}

/// The value below which this share of a sorted list lies.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index into a list of a few thousand"
    )]
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[index]
}

/// `SplitMix64` (G. Steele et al., OOPSLA 2014): small, seeded, the same for ever.
struct SplitMix(u64);

impl SplitMix {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn index(&mut self, length: usize) -> usize {
        let wide = u128::from(self.bits()) * length as u128;
        usize::try_from(wide >> 64).expect("it is below a usize")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_sample_has_students_interval_at_least() {
        // Student's own sleep data (1908): mean 1.58, 95 % interval 0.70 to 2.46.
        let sleep = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let interval = of_log_ratios(&sleep, 0.95, 7).expect("ten values");
        assert!((interval.mean - 1.58).abs() < 1e-9);
        assert!(
            interval.low <= 0.701 && interval.high >= 2.459,
            "{interval:?}"
        );
        assert!(interval.low > 0.5 && interval.high < 2.7, "{interval:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let values = [0.01, 0.03, -0.02, 0.05, 0.02];
        assert_eq!(
            of_log_ratios(&values, 0.99, 3),
            of_log_ratios(&values, 0.99, 3)
        );
    }

    #[test]
    fn too_few_pairs_or_broken_ones_say_nothing() {
        assert_eq!(of_log_ratios(&[0.1, 0.2], 0.95, 1), None);
        assert_eq!(of_log_ratios(&[0.1, f64::NAN, 0.2], 0.95, 1), None);
        assert_eq!(
            of_log_ratios(&log_ratios(&[(1.0, 1.0), (0.0, 2.0), (1.0, 1.0)]), 0.95, 1),
            None
        );
    }

    #[test]
    fn the_interval_covers_the_truth_about_as_often_as_it_says() {
        let mut draws = SplitMix(11);
        let mut normal = || {
            (0..12)
                .map(|_| draws.bits() as f64 / u64::MAX as f64)
                .sum::<f64>()
                - 6.0
        };
        let trials = 400;
        let covered = (0..trials)
            .filter(|&trial| {
                let sample: Vec<f64> = (0..10).map(|_| 0.05 + 0.03 * normal()).collect();
                let interval = of_log_ratios(&sample, 0.95, trial).expect("ten values");
                interval.low <= 0.05 && 0.05 <= interval.high
            })
            .count();
        assert!(
            (368..=400).contains(&covered),
            "covered {covered} of {trials}"
        );
    }
}
