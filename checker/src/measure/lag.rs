//! Replication lag per ordered pair of regions, from heartbeats: keys that one region writes in ascending order and all others read.
//!
//! For a write `w` and a region, the true lag lies between two figures: the last read that missed `w` was asked `lower` after `w` was
//! acknowledged, and the first read that saw `w` or a successor returned `upper` after `w` was asked. How far they lie apart depends on how
//! often the region was read.

use std::collections::BTreeMap;

use super::samples::{Samples, count, ms};
use crate::check::{Fate, How, Item, Sighting, Write};
use crate::history::{History, RegionId};

/// Lags of one ordered pair.
#[derive(Default)]
struct Pair {
    lower_ns: Samples,
    upper_ns: Samples,
    unseen_count: usize,
}

/// Lags of every ordered pair of regions.
#[derive(Default)]
pub(super) struct Lag {
    pairs: BTreeMap<(RegionId, RegionId), Pair>,
}

impl Lag {
    pub(super) fn take(&mut self, item: &Item<'_>) {
        if item.key.is_heartbeat() {
            one_heartbeat(item, &mut self.pairs);
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        for (regions, pair) in other.pairs {
            let own = self.pairs.entry(regions).or_default();
            own.lower_ns.absorb(pair.lower_ns);
            own.upper_ns.absorb(pair.upper_ns);
            own.unseen_count += pair.unseen_count;
        }
    }

    /// Quantiles of both bounds for every ordered pair that has any.
    pub(super) fn finish(self, history: &History, figures: &mut BTreeMap<String, f64>) {
        quantiles(self.pairs, history, figures);
    }
}

fn quantiles(
    mut pairs: BTreeMap<(RegionId, RegionId), Pair>,
    history: &History,
    measurements: &mut BTreeMap<String, f64>,
) {
    let name = |region: &RegionId| &history.header.regions[usize::from(region.0)];
    for ((from, to), pair) in &mut pairs {
        let prefix = format!("lag_{}_to_{}", name(from), name(to));
        for (bound, lags_ns) in [("lower", &mut pair.lower_ns), ("upper", &mut pair.upper_ns)] {
            for (label, ns) in lags_ns.quantiles("p50") {
                measurements.insert(format!("{prefix}_{bound}_{label}_ms"), ms(ns));
            }
        }
        measurements.insert(format!("{prefix}_unseen_count"), count(pair.unseen_count));
    }
}

fn one_heartbeat(item: &Item<'_>, pairs: &mut BTreeMap<(RegionId, RegionId), Pair>) {
    let acknowledged = item.writes.iter().filter(|w| w.fate == Fate::Acknowledged);
    let writes: Vec<&Write> = acknowledged.filter(|w| w.value.is_some()).collect();
    let Some(from) = writes.first().map(|w| w.region) else {
        return;
    };
    if writes.iter().any(|w| w.region != from) {
        return;
    }
    let mut reads: BTreeMap<RegionId, Vec<(i64, &Sighting<'_>)>> = BTreeMap::new();
    for sighting in &item.sightings {
        let is_read = matches!(sighting.how, How::StrongRead | How::EventualRead);
        if is_read && sighting.region != from {
            // Absent means older than the first beat.
            let value = sighting.number().unwrap_or(i64::MIN);
            reads
                .entry(sighting.region)
                .or_default()
                .push((value, sighting));
        }
    }
    for (to, mut reads) in reads {
        reads.sort_by_key(|(value, _)| *value);
        // The greatest call among reads up to each place, the least return from each place on.
        let mut last_call_ns = Vec::with_capacity(reads.len());
        for (_, read) in &reads {
            let before = last_call_ns.last().copied().unwrap_or(0);
            last_call_ns.push(read.call_ns.max(before));
        }
        let mut first_return_ns = vec![u64::MAX; reads.len() + 1];
        for (place, (_, read)) in reads.iter().enumerate().rev() {
            first_return_ns[place] = read.return_ns.min(first_return_ns[place + 1]);
        }
        let pair = pairs.entry((from, to)).or_default();
        for write in &writes {
            let (Some(value), Some(return_ns)) = (write.value, write.return_ns) else {
                continue;
            };
            let fresh = reads.partition_point(|(seen, _)| *seen < value);
            let stale_ns = fresh.checked_sub(1).map_or(0, |place| last_call_ns[place]);
            pair.lower_ns.push(stale_ns.saturating_sub(return_ns));
            match first_return_ns[fresh] {
                u64::MAX => pair.unseen_count += 1,
                seen_ns => pair.upper_ns.push(seen_ns.saturating_sub(write.call_ns)),
            }
        }
    }
}
