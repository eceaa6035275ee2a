//! Transactions of which another region showed one half while it did not have the other yet. Global tables promise atomicity only in the
//! region of the write, so this is counted and never flagged.

use std::collections::BTreeMap;

use super::samples::count;
use crate::check::{Fate, Item, Sighting, at, items_of_transactions};
use crate::history::{History, MicroOp, Op};

/// Counts torn transactions: `torn_transactions_count` of `remote_transactions_count`, those that some other region showed at least half of.
pub(crate) fn measure(history: &History, figures: &mut BTreeMap<String, f64>) {
    let mut several = history.operations.iter().map(|o| &o.op);
    let writes = |op: &&MicroOp| matches!(op, MicroOp::Write(..));
    let is_several =
        |op: &Op| matches!(op, Op::Transact { ops } if ops.iter().filter(writes).count() > 1);
    if history.header.regions.len() < 2 || !several.any(is_several) {
        return;
    }
    let case = items_of_transactions(history);
    let mut halves: BTreeMap<usize, Vec<(&Item<'_>, i64)>> = BTreeMap::new();
    for item in case.registers() {
        for write in item.writes.iter().filter(|w| w.fate != Fate::Failed) {
            let is_step = matches!(history.operations[write.operation].op, Op::Transact { .. });
            let value = write.value.filter(|v| is_step && item.writer(*v).is_some());
            if let Some(value) = value {
                halves
                    .entry(write.operation)
                    .or_default()
                    .push((item, value));
            }
        }
    }
    let (mut shown_count, mut torn_count) = (0, 0);
    for (operation, halves) in halves.iter().filter(|(_, halves)| halves.len() > 1) {
        let origin = at(history.operations[*operation].region);
        let regions = (0..case.region_count()).filter(|r| *r != origin);
        let states: Vec<Shown> = regions.map(|r| torn(halves, r)).collect();
        shown_count += usize::from(states.iter().any(|s| *s != Shown::Unseen));
        torn_count += usize::from(states.contains(&Shown::Half));
    }
    figures.insert("remote_transactions_count".to_owned(), count(shown_count));
    figures.insert("torn_transactions_count".to_owned(), count(torn_count));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Unseen,
    Whole,
    Half,
}

/// Whether a region showed one of these versions, and afterwards not yet another.
fn torn(halves: &[(&Item<'_>, i64)], region: usize) -> Shown {
    let mut state = Shown::Unseen;
    for (one, value) in halves {
        let seen = one.sightings.iter().filter(|s| at(s.region) == region);
        let seen = seen.filter(|s| s.is_current() && s.number() == Some(*value));
        let Some(first) = seen.min_by_key(|s| s.return_ns) else {
            continue;
        };
        state = Shown::Whole;
        let others = halves.iter().filter(|(item, _)| item.key != one.key);
        for (other, value) in others {
            if is_missing_after(other, *value, region, first) {
                return Shown::Half;
            }
        }
    }
    state
}

/// Whether a look at an item together with or after the first one at the other half shows something older than a version.
fn is_missing_after(item: &Item<'_>, value: i64, region: usize, first: &Sighting<'_>) -> bool {
    let here = || {
        let sightings = item.sightings.iter();
        sightings.filter(|s| at(s.region) == region && s.is_current())
    };
    let arrives = here().filter(|s| s.number() == Some(value));
    let arrives_ns = arrives.map(|s| s.call_ns).max();
    let order = item.order(value);
    let own = item.writer(value);
    let is_later =
        |s: &&Sighting<'_>| s.call_ns > first.return_ns || s.operation == first.operation;
    here().filter(is_later).any(|read| {
        if read.number() == Some(value) {
            return false;
        }
        let is_older_by_stamp = read.order.zip(order).is_some_and(|(seen, own)| seen < own);
        let is_first = read.is_absent() && !item.has_deletes;
        // A region moves up: what it shows before it shows the version is older.
        let is_before = arrives_ns.is_some_and(|ns| read.return_ns < ns);
        let other = read.number().and_then(|v| item.writer(v));
        let is_replaced = own.zip(other).is_some_and(|(own, other)| {
            let is_earlier = other.return_ns.is_some_and(|ns| ns < own.call_ns);
            is_earlier && own.region == other.region
        });
        is_older_by_stamp || is_first || is_before || is_replaced
    })
}
