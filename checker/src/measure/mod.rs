//! What the contract allows, counted: it is shown and can be gated on, but is never a violation.
//!
//! Measurements that a history says nothing about are left out, rather than reported as zero.

mod additions;
mod delivery;
mod forks;
mod lag;
mod samples;
mod skew;
mod staleness;
mod torn;

pub(crate) use torn::measure as torn;

use std::collections::BTreeMap;

use crate::check::Case;
use crate::history::History;

/// Everything that is measured, item by item.
#[derive(Default)]
pub(crate) struct Measures {
    staleness: staleness::Staleness,
    additions: additions::Additions,
    forks: forks::Forks,
    lag: lag::Lag,
    skew: skew::Skew,
    delivered: delivery::Delivered,
}

impl Measures {
    /// Measures the items of a case.
    pub(crate) fn take(&mut self, case: &Case<'_>) {
        for item in &case.items {
            self.additions.take(item);
        }
        for item in case.registers() {
            self.staleness.take(item, case.region_count());
            self.forks.take(item);
            self.lag.take(item);
            self.skew.take(item);
            self.delivered.take(item, case.region_count());
        }
    }

    /// Takes in what was measured of other items. The order does not matter.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.staleness.absorb(other.staleness);
        self.additions.absorb(&other.additions);
        self.forks.absorb(&other.forks);
        self.lag.absorb(other.lag);
        self.skew.absorb(&other.skew);
        self.delivered.absorb(other.delivered);
    }

    /// All figures, by name.
    pub(crate) fn finish(self, history: &History) -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        self.staleness.finish(&mut figures);
        self.additions.finish(&mut figures);
        self.forks.finish(history, &mut figures);
        self.lag.finish(history, &mut figures);
        self.skew.finish(&mut figures);
        self.delivered.finish(&mut figures);
        figures
    }
}
