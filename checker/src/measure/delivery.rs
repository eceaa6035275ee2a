//! How long acknowledged writes took to arrive in other regions, for every write of known place in the order of versions.
//!
//! For a write and another region the true time lies between two figures: the last read there that missed it was asked `lower` after the
//! acknowledgement, and the first that saw it, or something newer, returned `upper` after the request. Faults are not left out.

use std::collections::BTreeMap;

use super::samples::{Samples, count, ms};
use crate::check::{Fate, How, Item, Order, Write, at};

/// Bounds of all writes and regions together.
#[derive(Default)]
pub(super) struct Delivered {
    lower_ns: Samples,
    upper_ns: Samples,
    unseen_count: usize,
}

impl Delivered {
    pub(super) fn take(&mut self, item: &Item<'_>, region_count: usize) {
        // Heartbeats have figures of their own.
        if item.key.is_heartbeat() || item.ranking.is_empty() || region_count < 2 {
            return;
        }
        let reads = Reads::new(item, region_count);
        for write in item.writes.iter().filter(|w| w.fate == Fate::Acknowledged) {
            if let (Some(order), Some(return_ns)) = (write.order, write.return_ns) {
                self.one(&reads, write, order, return_ns);
            }
        }
    }

    /// Takes in what was measured of other items.
    pub(super) fn absorb(&mut self, other: Self) {
        self.lower_ns.absorb(other.lower_ns);
        self.upper_ns.absorb(other.upper_ns);
        self.unseen_count += other.unseen_count;
    }

    fn one(&mut self, reads: &Reads, write: &Write, order: Order, return_ns: u64) {
        for region in reads
            .by_region
            .iter()
            .filter(|r| r.region != at(write.region))
        {
            let missed_ns = region.last_call_ns[order.index() - 1];
            self.lower_ns.push(missed_ns.saturating_sub(return_ns));
            match region.first_return_ns[order.index()] {
                u64::MAX => self.unseen_count += 1,
                seen_ns => self.upper_ns.push(seen_ns.saturating_sub(write.call_ns)),
            }
        }
    }

    pub(super) fn finish(mut self, figures: &mut BTreeMap<String, f64>) {
        if self.lower_ns.count() == 0 {
            return;
        }
        for (bound, times_ns) in [("lower", &mut self.lower_ns), ("upper", &mut self.upper_ns)] {
            for (label, ns) in times_ns.quantiles("p50") {
                figures.insert(format!("delivery_{bound}_{label}_ms"), ms(ns));
            }
        }
        figures.insert("delivery_unseen_count".to_owned(), count(self.unseen_count));
    }
}

/// The reads of every region that has any, by what they show.
struct Reads {
    by_region: Vec<RegionReads>,
}

/// The reads of one region, by the place of what they show in the order of versions.
#[derive(Clone)]
struct RegionReads {
    region: usize,
    has_any: bool,
    /// The greatest call of those that show this or something older.
    last_call_ns: Vec<u64>,
    /// The least return of those that show this or something newer.
    first_return_ns: Vec<u64>,
}

impl Reads {
    fn new(item: &Item<'_>, region_count: usize) -> Self {
        let places = item.ranking.len() + 1;
        let empty = |region| RegionReads {
            region,
            has_any: false,
            last_call_ns: vec![0; places],
            first_return_ns: vec![u64::MAX; places],
        };
        let mut by_region: Vec<RegionReads> = (0..region_count).map(empty).collect();
        let absent = (!item.has_deletes).then_some(Order::LEAST);
        for read in &item.sightings {
            if !matches!(read.how, How::StrongRead | How::EventualRead) {
                continue;
            }
            let Some(order) = read.order.or(absent.filter(|_| read.is_absent())) else {
                continue;
            };
            let own = &mut by_region[at(read.region)];
            own.has_any = true;
            let last_call_ns = &mut own.last_call_ns[order.index()];
            *last_call_ns = read.call_ns.max(*last_call_ns);
            let first_return_ns = &mut own.first_return_ns[order.index()];
            *first_return_ns = read.return_ns.min(*first_return_ns);
        }
        by_region.retain(|own| own.has_any);
        for own in &mut by_region {
            for place in 1..places {
                own.last_call_ns[place] = own.last_call_ns[place].max(own.last_call_ns[place - 1]);
                let back = places - 1 - place;
                let later_ns = own.first_return_ns[back + 1];
                own.first_return_ns[back] = own.first_return_ns[back].min(later_ns);
            }
        }
        Self { by_region }
    }
}
