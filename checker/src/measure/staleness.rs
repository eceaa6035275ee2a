//! Reads that were stale versus other regions, and acknowledged writes that lost to a concurrent one. Both are what asynchronous
//! replication with last writer wins promises to do.

use std::collections::BTreeMap;

use super::quantile::{count, ms, quantile};
use crate::check::{Fate, How, Item, Order, at};
use crate::history::Phase;
use crate::table::Table;

/// One read in a region is stale if a write with a greater stamp was acknowledged in another region before the read was asked. Its lag
/// is the time since the earliest such acknowledgement.
///
/// An acknowledged write lost if the next greater version was written in another region and had been asked for before this one was
/// acknowledged, or says by its old item that it did not see this one.
#[derive(Default)]
pub(super) struct Staleness {
    lags_ns: Vec<u64>,
    read_count: usize,
    lost_count: usize,
    write_count: usize,
}

impl Staleness {
    pub(super) fn take(&mut self, item: &Item<'_>, region_count: usize) {
        if item.key.is_heartbeat() {
            return;
        }
        let order = acknowledged(item);
        if order.is_empty() {
            return;
        }
        self.write_count += order.len();
        self.lost_count += lost(item, &order);
        self.read_count += stale_reads(item, &order, region_count, &mut self.lags_ns);
    }

    pub(super) fn absorb(&mut self, mut other: Self) {
        self.lags_ns.append(&mut other.lags_ns);
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
        self.lags_ns.sort_unstable();
        let stale = count(self.lags_ns.len());
        figure("stale_reads_count", stale);
        figure("stale_reads_share", stale / count(self.read_count));
        if !self.lags_ns.is_empty() {
            for (label, per_mille) in [("median", 500), ("p90", 900), ("p99", 990), ("max", 1000)] {
                let name = format!("stale_read_lag_{label}_ms");
                figure(&name, ms(quantile(&self.lags_ns, per_mille)));
            }
        }
    }
}

/// Acknowledged writes of known stamp, ascending: stamp, index.
fn acknowledged(item: &Item<'_>) -> Vec<(Order, usize)> {
    let known = item.ranking.iter().filter_map(|(order, value)| {
        let mut writers = item.versions.get(*value)?.writers.iter();
        let index = writers.find(|w| item.writes[*w].fate == Fate::Acknowledged)?;
        Some((*order, index))
    });
    known.collect()
}

fn lost(item: &Item<'_>, order: &[(Order, usize)]) -> usize {
    let mut replaced: Table<Order> = Table::default();
    let number = |operation: usize| i64::try_from(operation).expect("an index");
    for sighting in &item.sightings {
        if let (How::Replaced | How::Condition, Some(order)) = (sighting.how, sighting.order) {
            replaced.insert(number(sighting.operation), order);
        }
    }
    let lost = order.windows(2).filter(|pair| {
        let (loser, winner) = (&item.writes[pair[0].1], &item.writes[pair[1].1]);
        let did_not_see = replaced
            .get(number(winner.operation))
            .is_some_and(|seen| *seen < pair[0].0);
        let overlaps = loser
            .return_ns
            .is_some_and(|returned| winner.call_ns < returned);
        loser.region != winner.region && (did_not_see || overlaps)
    });
    lost.count()
}

/// Appends the lag of every stale read, and returns how many reads there were.
fn stale_reads(
    item: &Item<'_>,
    order: &[(Order, usize)],
    region_count: usize,
    lags_ns: &mut Vec<u64>,
) -> usize {
    // For each region, the earliest acknowledgement among writes of other regions from each place in the order on.
    let mut earliest = vec![vec![u64::MAX; order.len() + 1]; region_count];
    for (place, (_, index)) in order.iter().enumerate().rev() {
        let write = &item.writes[*index];
        for (region, list) in earliest.iter_mut().enumerate() {
            let own = if at(write.region) == region {
                None
            } else {
                write.return_ns
            };
            list[place] = list[place + 1].min(own.unwrap_or(u64::MAX));
        }
    }
    let mut read_count = 0;
    for read in &item.sightings {
        if !matches!(read.how, How::StrongRead | How::EventualRead) || read.phase != Phase::Main {
            continue;
        }
        let seen = if read.is_absent() {
            // A tombstone has no stamp; a key that nobody deletes is absent only before its first write.
            (!item.has_deletes).then_some(Order::LEAST)
        } else {
            read.order
        };
        let Some(seen) = seen else { continue };
        read_count += 1;
        let newer = order.partition_point(|(order, _)| *order <= seen);
        let acknowledged_ns = earliest[at(read.region)][newer];
        if acknowledged_ns < read.call_ns {
            lags_ns.push(read.call_ns - acknowledged_ns);
        }
    }
    read_count
}
