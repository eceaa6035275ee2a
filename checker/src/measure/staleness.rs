//! Reads that were stale versus other regions, and acknowledged writes that lost to a concurrent one. Both are what asynchronous
//! replication with last writer wins promises to do.

use std::collections::BTreeMap;

use super::quantile::{count, ms, quantile};
use crate::check::{Case, Fate, How, Item, Order, at};
use crate::history::Phase;

/// One read in a region is stale if a write with a greater stamp was acknowledged in another region before the read was asked. Its lag
/// is the time since the earliest such acknowledgement.
///
/// An acknowledged write lost if the next greater version was written in another region and had been asked for before this one was
/// acknowledged, or says by its old item that it did not see this one.
pub(super) fn measure(case: &Case<'_>, measurements: &mut BTreeMap<String, f64>) {
    let mut lags_ns = Vec::new();
    let (mut read_count, mut lost_count, mut write_count) = (0, 0, 0);
    for item in case.registers() {
        if item.key.is_heartbeat() {
            continue;
        }
        let order = acknowledged(item);
        if order.is_empty() {
            continue;
        }
        write_count += order.len();
        lost_count += lost(item, &order);
        read_count += stale_reads(item, &order, case.region_count(), &mut lags_ns);
    }
    if write_count > 0 {
        measurements.insert("concurrent_writes_lost_count".to_owned(), count(lost_count));
        measurements.insert(
            "concurrent_writes_lost_share".to_owned(),
            count(lost_count) / count(write_count),
        );
    }
    if read_count > 0 {
        lags_ns.sort_unstable();
        let stale = count(lags_ns.len());
        measurements.insert("stale_reads_count".to_owned(), stale);
        measurements.insert("stale_reads_share".to_owned(), stale / count(read_count));
        if let Some(max) = lags_ns.last() {
            measurements.insert(
                "stale_read_lag_median_ms".to_owned(),
                ms(quantile(&lags_ns, 500)),
            );
            measurements.insert("stale_read_lag_max_ms".to_owned(), ms(*max));
        }
    }
}

/// Acknowledged writes of known stamp, ascending: stamp, index.
fn acknowledged(item: &Item<'_>) -> Vec<(Order, usize)> {
    let known = item.writes.iter().enumerate().filter_map(|(index, write)| {
        let order = item.order(write.value?)?;
        (write.fate == Fate::Acknowledged).then_some((order, index))
    });
    let mut order: Vec<_> = known.collect();
    order.sort_unstable();
    order
}

fn lost(item: &Item<'_>, order: &[(Order, usize)]) -> usize {
    let mut replaced: BTreeMap<usize, Order> = BTreeMap::new();
    for sighting in &item.sightings {
        if let (How::Replaced | How::Condition, Some(order)) =
            (sighting.how, item.order_seen(sighting))
        {
            replaced.insert(sighting.operation, order);
        }
    }
    let lost = order.windows(2).filter(|pair| {
        let (loser, winner) = (&item.writes[pair[0].1], &item.writes[pair[1].1]);
        let did_not_see = replaced
            .get(&winner.operation)
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
            item.deletes().next().is_none().then_some(Order::LEAST)
        } else {
            item.order_seen(read)
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
