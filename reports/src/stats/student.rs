//! Student's t: the quantiles and probabilities that the other files need.

use statrs::distribution::{ContinuousCDF, StudentsT};

fn distribution(freedom: f64) -> StudentsT {
    assert!(
        freedom > 0.0,
        "a t distribution needs at least one degree of freedom"
    );
    StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are positive")
}

/// The probability of a t statistic at least this far from zero on either side, when there is no difference.
#[must_use]
pub fn two_sided_p(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    (2.0 * distribution(freedom).sf(t.abs())).min(1.0)
}

/// The t that a two-sided interval of this confidence reaches to.
pub(super) fn quantile(confidence: f64, freedom: f64) -> f64 {
    distribution(freedom).inverse_cdf(0.5 + confidence / 2.0)
}

/// Mean and sample variance (divisor n - 1).
pub(super) fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    assert!(values.len() >= 2, "a variance needs two values");
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of runs and nights are small"
    )]
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (count - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_from_the_tables() {
        // Standard t tables: 97.5 % quantile at 10 degrees of freedom 2.228, at 1: 12.706.
        assert!((quantile(0.95, 10.0) - 2.228_138).abs() < 1e-4);
        assert!((quantile(0.95, 1.0) - 12.706_2).abs() < 1e-2);
        assert!((two_sided_p(2.228_138, 10.0) - 0.05).abs() < 1e-5);
        assert!((two_sided_p(0.0, 5.0) - 1.0).abs() < 1e-12);
        assert!(two_sided_p(f64::INFINITY, 5.0) < 1e-12);
    }

    #[test]
    fn variance_divides_by_one_less() {
        assert_eq!(mean_and_variance(&[1.0, 2.0, 3.0, 4.0]), (2.5, 5.0 / 3.0));
    }
}
