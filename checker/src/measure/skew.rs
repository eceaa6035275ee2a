//! How far the regions' clocks were apart at least, from stamps alone.
//!
//! A write's stamp was taken between its call and its return. So its region's clock ran ahead of the harness's by at least
//! `stamp - return` and at most `stamp - call`. If one write proves more than another allows, their clocks differ by the gap. A stamp can
//! also be pushed ahead by a remote version that it had to beat; then the gap shows the skew of that version's region.

use std::collections::BTreeMap;

use crate::check::{Fate, Item};

/// The least spread of clocks that explains all stamps, over all regions and over the whole run.
#[derive(Default)]
pub(super) struct Skew {
    greatest_lower_us: Option<i64>,
    least_upper_us: Option<i64>,
}

impl Skew {
    pub(super) fn take(&mut self, item: &Item<'_>) {
        for write in item.writes.iter().filter(|w| w.fate == Fate::Acknowledged) {
            let (Some(stamp), Some(return_ns)) = (item.stamp(write), write.return_ns) else {
                continue;
            };
            let micros = |ns: u64| i64::try_from(ns / 1000).unwrap_or(i64::MAX);
            // Rounded outwards, so that the claim stays a lower bound.
            let lower = stamp
                .time_us
                .saturating_sub(micros(return_ns))
                .saturating_sub(1);
            let upper = stamp.time_us.saturating_sub(micros(write.call_ns));
            self.greatest_lower_us = self.greatest_lower_us.max(Some(lower));
            let least = self.least_upper_us.unwrap_or(upper);
            self.least_upper_us = Some(least.min(upper));
        }
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        self.greatest_lower_us = self.greatest_lower_us.max(other.greatest_lower_us);
        let both = [self.least_upper_us, other.least_upper_us];
        self.least_upper_us = both.into_iter().flatten().min();
    }

    pub(super) fn finish(self, figures: &mut BTreeMap<String, f64>) {
        if let (Some(lower), Some(upper)) = (self.greatest_lower_us, self.least_upper_us) {
            let spread_us = lower.saturating_sub(upper).max(0);
            figures.insert("clock_spread_min_ms".to_owned(), milliseconds(spread_us));
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a report shows six digits, a double holds fifteen"
)]
fn milliseconds(us: i64) -> f64 {
    us as f64 / 1e3
}
