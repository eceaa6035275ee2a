//! Quantiles of exact samples. Ranks are of the nearest-rank kind: every figure is one that was measured.

/// The least sample that at least `per_mille` thousandths of all samples do not exceed. Samples must be sorted and not empty.
pub(super) fn quantile(sorted: &[u64], per_mille: usize) -> u64 {
    assert!(!sorted.is_empty(), "a quantile of nothing does not exist");
    let rank = (sorted.len() * per_mille).div_ceil(1000).max(1);
    sorted[rank - 1]
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
