//! How long acknowledged writes took to arrive in other regions, for every write of known place in the order of versions.
//!
//! For a write and another region the true time lies between two figures: the last read there that missed it was asked `lower` after the
//! acknowledgement, and the first that saw it, or something newer, returned `upper` after the request. Faults are not left out.

use std::collections::BTreeMap;

use super::quantile::{count, ms, quantile};
use crate::check::{Fate, How, Item, Order, at};
use crate::history::RegionId;

/// Bounds of all writes and regions together.
#[derive(Default)]
pub(super) struct Delivered {
    lower_ns: Vec<u64>,
    upper_ns: Vec<u64>,
    unseen_count: usize,
}

impl Delivered {
    pub(super) fn take(&mut self, item: &Item<'_>, region_count: usize) {
        // Heartbeats have figures of their own.
        if item.key.is_heartbeat() || item.ranking.is_empty() || region_count < 2 {
            return;
        }
        let acknowledged = item.writes.iter().filter(|w| w.fate == Fate::Acknowledged);
        let writes =
            acknowledged.filter_map(|w| Some((w.order?, w.region, w.call_ns, w.return_ns?)));
        let writes: Vec<(Order, RegionId, u64, u64)> = writes.collect();
        if writes.is_empty() {
            return;
        }
        for region in 0..region_count {
            let reads = Reads::new(item, region);
            if reads.orders.is_empty() {
                continue;
            }
            for (order, from, call_ns, return_ns) in &writes {
                if at(*from) != region {
                    self.one(&reads, *order, *call_ns, *return_ns);
                }
            }
        }
    }

    /// Takes in what was measured of other items.
    pub(super) fn absorb(&mut self, other: Self) {
        self.lower_ns.extend(other.lower_ns);
        self.upper_ns.extend(other.upper_ns);
        self.unseen_count += other.unseen_count;
    }

    fn one(&mut self, reads: &Reads, order: Order, call_ns: u64, return_ns: u64) {
        let fresh = reads.orders.partition_point(|(seen, _)| *seen < order);
        let missed_ns = fresh.checked_sub(1).map_or(0, |i| reads.last_call_ns[i]);
        self.lower_ns.push(missed_ns.saturating_sub(return_ns));
        match reads.first_return_ns[fresh] {
            u64::MAX => self.unseen_count += 1,
            seen_ns => self.upper_ns.push(seen_ns.saturating_sub(call_ns)),
        }
    }

    pub(super) fn finish(mut self, figures: &mut BTreeMap<String, f64>) {
        if self.lower_ns.is_empty() {
            return;
        }
        for (bound, times_ns) in [("lower", &mut self.lower_ns), ("upper", &mut self.upper_ns)] {
            times_ns.sort_unstable();
            if times_ns.is_empty() {
                continue;
            }
            for (label, per_mille) in [("p50", 500), ("p90", 900), ("p99", 990), ("max", 1000)] {
                let figure = ms(quantile(times_ns, per_mille));
                figures.insert(format!("delivery_{bound}_{label}_ms"), figure);
            }
        }
        figures.insert("delivery_unseen_count".to_owned(), count(self.unseen_count));
    }
}

/// The reads of one region by what they show.
struct Reads {
    /// What each shows, and when it was asked.
    orders: Vec<(Order, u64)>,
    /// The greatest call up to each place.
    last_call_ns: Vec<u64>,
    /// The least return from each place on.
    first_return_ns: Vec<u64>,
}

impl Reads {
    fn new(item: &Item<'_>, region: usize) -> Self {
        let reads = item.sightings.iter().filter(|s| at(s.region) == region);
        let reads = reads.filter(|s| matches!(s.how, How::StrongRead | How::EventualRead));
        let mut reads: Vec<(Order, u64, u64)> = reads
            .filter_map(|s| {
                let absent = (s.is_absent() && !item.has_deletes).then_some(Order::LEAST);
                Some((s.order.or(absent)?, s.call_ns, s.return_ns))
            })
            .collect();
        reads.sort_unstable();
        let mut last_call_ns: Vec<u64> = Vec::with_capacity(reads.len());
        for (_, call_ns, _) in &reads {
            let before = last_call_ns.last().copied().unwrap_or(0);
            last_call_ns.push(before.max(*call_ns));
        }
        let mut first_return_ns = vec![u64::MAX; reads.len() + 1];
        for (place, (_, _, return_ns)) in reads.iter().enumerate().rev() {
            first_return_ns[place] = first_return_ns[place + 1].min(*return_ns);
        }
        let orders = reads.iter().map(|(order, call_ns, _)| (*order, *call_ns));
        Self {
            orders: orders.collect(),
            last_call_ns,
            first_return_ns,
        }
    }
}
