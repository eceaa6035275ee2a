//! Conditional writes that two regions accepted on the same version: legal where conditions are judged per region.

use std::collections::BTreeMap;

use super::samples::count;
use crate::check::{Fate, How, Item, Write};
use crate::history::{History, RegionId};
use crate::table::Table;

/// Versions that were replaced on condition in more than one region, and acknowledged writes whose place nobody knows.
#[derive(Default)]
pub(super) struct Forks {
    fork_count: usize,
    condition_count: usize,
    unseen_count: usize,
}

/// Where a version was replaced on condition.
enum Replaced {
    In(RegionId),
    InSeveral,
}

impl Forks {
    pub(super) fn take(&mut self, item: &Item<'_>) {
        let mut replaced: Table<Replaced> = Table::default();
        for sighting in &item.sightings {
            let (How::Condition, Some(value)) = (sighting.how, sighting.number()) else {
                continue;
            };
            self.condition_count += 1;
            let place = replaced.or_insert_with(value, || Replaced::In(sighting.region));
            if let Replaced::In(region) = place
                && *region != sighting.region
            {
                *place = Replaced::InSeveral;
                self.fork_count += 1;
            }
        }
        let is_unseen = |w: &Write| w.value.is_some() && w.order.is_none();
        let writes = item.writes.iter();
        let unseen = writes.filter(|w| w.fate == Fate::Acknowledged && is_unseen(w));
        self.unseen_count += unseen.count();
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        self.fork_count += other.fork_count;
        self.condition_count += other.condition_count;
        self.unseen_count += other.unseen_count;
    }

    pub(super) fn finish(self, history: &History, figures: &mut BTreeMap<String, f64>) {
        if self.condition_count > 0 {
            figures.insert("conditional_forks_count".to_owned(), count(self.fork_count));
        }
        if history.header.stamps_visible {
            let name = "acknowledged_writes_of_unknown_stamp_count".to_owned();
            figures.insert(name, count(self.unseen_count));
        }
    }
}
