//! Conditional writes that two regions accepted on the same version: legal where conditions are judged per region.

use std::collections::{BTreeMap, BTreeSet};

use super::quantile::count;
use crate::check::{Case, Fate, How};
use crate::history::RegionId;

/// Counts versions that were replaced on condition in more than one region.
pub(super) fn measure(case: &Case<'_>, measurements: &mut BTreeMap<String, f64>) {
    let (mut fork_count, mut condition_count) = (0, 0);
    for item in case.registers() {
        let mut regions: BTreeMap<i64, BTreeSet<RegionId>> = BTreeMap::new();
        for sighting in &item.sightings {
            if let (How::Condition, Some(value)) = (sighting.how, sighting.number()) {
                condition_count += 1;
                regions.entry(value).or_default().insert(sighting.region);
            }
        }
        fork_count += regions.values().filter(|regions| regions.len() > 1).count();
    }
    if condition_count > 0 {
        measurements.insert("conditional_forks_count".to_owned(), count(fork_count));
    }
    let unseen = case.registers().flat_map(|item| {
        let never = |value: Option<i64>| value.is_some_and(|v| item.order(v).is_none());
        item.writes
            .iter()
            .filter(move |w| w.fate == Fate::Acknowledged && never(w.value))
    });
    if case.history.header.stamps_visible {
        let unseen = unseen.count();
        measurements.insert(
            "acknowledged_writes_of_unknown_stamp_count".to_owned(),
            count(unseen),
        );
    }
}
