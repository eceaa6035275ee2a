//! What the contract allows, counted: it is shown and can be gated on, but is never a violation.
//!
//! Measurements that a history says nothing about are left out, rather than reported as zero.

mod forks;
mod lag;
mod quantile;
mod skew;
mod staleness;

use std::collections::BTreeMap;

use crate::check::Case;

/// Everything that can be measured.
pub(crate) fn all(case: &Case<'_>) -> BTreeMap<String, f64> {
    let mut measurements = BTreeMap::new();
    staleness::measure(case, &mut measurements);
    forks::measure(case, &mut measurements);
    lag::measure(case, &mut measurements);
    skew::measure(case, &mut measurements);
    measurements
}
