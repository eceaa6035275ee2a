//! Reads that were stale versus other regions, and acknowledged writes that lost to a concurrent one. Both are what asynchronous
//! replication with last writer wins promises to do.

use std::collections::BTreeMap;

use super::samples::{Samples, count, ms};
use crate::check::{Fate, How, Item, Order, Write, at};
use crate::history::Phase;

/// One read in a region is stale if a write with a greater stamp was acknowledged in another region before the read was asked. Its lag
/// is the time since the earliest such acknowledgement.
///
/// An acknowledged write lost if the next greater version was written in another region and had been asked for before this one was
/// acknowledged, or says by its old item that it did not see this one.
#[derive(Default)]
pub(super) struct Staleness {
    lags_ns: Samples,
    read_count: usize,
    lost_count: usize,
    write_count: usize,
}

impl Staleness {
    pub(super) fn take(&mut self, item: &Item<'_>, region_count: usize) {
        if item.key.is_heartbeat() {
            return;
        }
        let acknowledged = acknowledged(item);
        if acknowledged.is_empty() {
            return;
        }
        self.write_count += acknowledged.len();
        self.lost_count += lost(item, &acknowledged);
        self.stale_reads(item, &acknowledged, region_count);
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.lags_ns.absorb(other.lags_ns);
        self.read_count += other.read_count;
        self.lost_count += other.lost_count;
        self.write_count += other.write_count;
    }

    pub(super) fn finish(mut self, figures: &mut BTreeMap<String, f64>) {
        let mut figure = |name: &str, value| figures.insert(name.to_owned(), value);
        if self.write_count > 0 {
            let lost = count(self.lost_count);
            figure("concurrent_writes_lost_count", lost);
            figure(
                "concurrent_writes_lost_share",
                lost / count(self.write_count),
            );
        }
        if self.read_count == 0 {
            return;
        }
        let stale = count(usize::try_from(self.lags_ns.count()).expect("no more than operations"));
        figure("stale_reads_count", stale);
        figure("stale_reads_share", stale / count(self.read_count));
        for (label, ns) in self.lags_ns.quantiles("median") {
            figure(&format!("stale_read_lag_{label}_ms"), ms(ns));
        }
    }

    /// Counts reads, and notes the lag of every stale one.
    fn stale_reads(&mut self, item: &Item<'_>, writes: &[(Order, &Write)], region_count: usize) {
        // For each region, the earliest acknowledgement among writes of other regions from each place in the order on.
        let places = item.ranking.len() + 2;
        let mut earliest_ns = vec![vec![u64::MAX; places]; region_count];
        for (region, list) in earliest_ns.iter_mut().enumerate() {
            for (order, write) in writes.iter().filter(|(_, w)| at(w.region) != region) {
                list[order.index()] = write.return_ns.unwrap_or(u64::MAX);
            }
            for place in (0..places - 1).rev() {
                list[place] = list[place].min(list[place + 1]);
            }
        }
        for read in &item.sightings {
            let is_read = matches!(read.how, How::StrongRead | How::EventualRead);
            if !is_read || read.phase != Phase::Main {
                continue;
            }
            let seen = if read.is_absent() {
                // A tombstone has no stamp; a key that nobody deletes is absent only before its first write.
                (!item.has_deletes).then_some(Order::LEAST)
            } else {
                read.order
            };
            let Some(seen) = seen else { continue };
            self.read_count += 1;
            let acknowledged_ns = earliest_ns[at(read.region)][seen.index() + 1];
            if acknowledged_ns < read.call_ns {
                self.lags_ns.push(read.call_ns - acknowledged_ns);
            }
        }
    }
}

/// Acknowledged writes of known stamp, ascending.
fn acknowledged<'i>(item: &'i Item<'_>) -> Vec<(Order, &'i Write)> {
    let known = item.ranking.iter().filter_map(|(place, _)| {
        let mut writers = item.versions.at(*place).writers.iter();
        let index = writers.find(|w| item.writes[*w].fate == Fate::Acknowledged)?;
        Some((item.writes[index].order?, &item.writes[index]))
    });
    known.collect()
}

fn lost(item: &Item<'_>, acknowledged: &[(Order, &Write)]) -> usize {
    let replaced = |write: &Write| {
        let own = item.own_sightings(write);
        let own = own.filter(|s| matches!(s.how, How::Replaced | How::Condition));
        own.filter_map(|s| s.order).last()
    };
    let lost = acknowledged.windows(2).filter(|pair| {
        let ((order, loser), (_, winner)) = (pair[0], pair[1]);
        let overlaps = || {
            let returned = loser.return_ns;
            returned.is_some_and(|returned_ns| winner.call_ns < returned_ns)
        };
        let did_not_see = || replaced(winner).is_some_and(|seen| seen < order);
        loser.region != winner.region && (overlaps() || did_not_see())
    });
    lost.count()
}
