//! Transactions of which another region showed one half while it did not have the other yet. Global tables promise atomicity only in the
//! region of the write, so this is counted and never flagged.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::samples::count;
use crate::check::{Fate, Item, Items, Order, Sighting, Write, at};
use crate::history::{History, Key, MicroOp, Op, RegionId};
use crate::nearly_sorted::sort_nearly_sorted;
use crate::table::Table;

/// Counts torn transactions: `torn_transactions_count` of `remote_transactions_count`, those that some other region showed at least half of.
pub(crate) fn measure(history: &History, figures: &mut BTreeMap<String, f64>) {
    let mut several = history.operations.iter().map(|o| &o.op);
    let writes = |op: &&MicroOp| matches!(op, MicroOp::Write(..));
    let is_several =
        |op: &Op| matches!(op, Op::Transact { ops } if ops.iter().filter(writes).count() > 1);
    if history.header.regions.len() < 2 || !several.any(is_several) {
        return;
    }
    let items = Items::of_transactions(history);
    let registers = || items.iter().filter(|item| item.is_register);
    let mut transactions: BTreeMap<usize, Vec<Half>> = BTreeMap::new();
    for item in registers() {
        for (operation, half) in halves(history, &item) {
            transactions.entry(operation).or_default().push(half);
        }
    }
    transactions.retain(|_, halves| halves.len() > 1);
    let mut torn: BTreeSet<usize> = BTreeSet::new();
    for item in registers() {
        let looks = LooksByRegion::new(&item, history.header.regions.len());
        for write in writes_of_transactions(history, &item).map(|(write, _)| write) {
            let halves = transactions.get(&write.operation);
            if halves.is_some_and(|halves| is_torn(&looks, write, halves)) {
                torn.insert(write.operation);
            }
        }
    }
    let is_shown = |(operation, halves): &(&usize, &Vec<Half>)| {
        let origin = at(history.operations[**operation].region);
        let mut shown = halves.iter().flat_map(|half| half.shown.iter().enumerate());
        shown.any(|(region, shown)| region != origin && shown.is_some())
    };
    let shown_count = transactions.iter().filter(is_shown).count();
    figures.insert("remote_transactions_count".to_owned(), count(shown_count));
    figures.insert("torn_transactions_count".to_owned(), count(torn.len()));
}

/// What a transaction wrote to one item.
struct Half {
    key: Key,
    value: i64,
    /// By region: how it was shown there, if it was.
    shown: Vec<Option<Shown>>,
}

/// The looks at a version in a region.
#[derive(Clone, Copy)]
struct Shown {
    /// That which returned first.
    first: Look,
    /// When the last of them was asked for.
    last_call_ns: u64,
}

#[derive(Clone, Copy)]
struct Look {
    operation: usize,
    call_ns: u64,
    return_ns: u64,
}

/// The writes to an item by transactions, with the value that nobody else can have written.
fn writes_of_transactions<'i>(
    history: &History,
    item: &'i Item<'_>,
) -> impl Iterator<Item = (&'i Write, i64)> {
    let writes = item.writes.iter().filter(|w| w.fate != Fate::Failed);
    writes.filter_map(|write| {
        let is_step = matches!(history.operations[write.operation].op, Op::Transact { .. });
        let value = write.value.filter(|v| is_step && item.writer(*v).is_some());
        Some((write, value?))
    })
}

/// What transactions wrote to an item, each with its operation.
fn halves(history: &History, item: &Item<'_>) -> Vec<(usize, Half)> {
    let mut halves = Vec::new();
    let mut places: Table<usize> = Table::default();
    for (write, value) in writes_of_transactions(history, item) {
        places.insert(value, halves.len());
        let half = Half {
            key: item.key,
            value,
            shown: vec![None; history.header.regions.len()],
        };
        halves.push((write.operation, half));
    }
    for sighting in item.sightings.iter().filter(|s| s.is_current()) {
        let Some(place) = sighting.number().and_then(|value| places.get(value)) else {
            continue;
        };
        let look = Look {
            operation: sighting.operation,
            call_ns: sighting.call_ns,
            return_ns: sighting.return_ns,
        };
        let shown = halves[*place].1.shown[at(sighting.region)].get_or_insert(Shown {
            first: look,
            last_call_ns: 0,
        });
        shown.last_call_ns = shown.last_call_ns.max(look.call_ns);
        if look.return_ns < shown.first.return_ns {
            shown.first = look;
        }
    }
    halves
}

/// Whether another region showed another half of a transaction, and afterwards not yet what this write wrote.
fn is_torn(looks: &LooksByRegion<'_, '_>, write: &Write, halves: &[Half]) -> bool {
    let item = looks.item;
    let own = halves
        .iter()
        .find(|half| half.key == item.key && write.value == Some(half.value));
    let others = halves.iter().filter(|half| half.key != item.key);
    own.is_some_and(|own| {
        others
            .flat_map(|other| other.shown.iter().enumerate())
            .any(|(region, shown)| match shown {
                Some(shown) if region != at(write.region) => {
                    let half = Sought {
                        value: own.value,
                        order: item.order(own.value),
                        write,
                        last_call_ns: own.shown[region].map(|shown| shown.last_call_ns),
                    };
                    looks.of(region).is_missing_after(&half, &shown.first)
                }
                Some(_) | None => false,
            })
    })
}

/// A version that is looked for in a region.
struct Sought<'w> {
    value: i64,
    order: Option<Order>,
    write: &'w Write,
    /// When the last look that showed it there was asked for.
    last_call_ns: Option<u64>,
}

/// The looks at an item, by region; each region's are put in order when first asked for.
struct LooksByRegion<'i, 'h> {
    item: &'i Item<'h>,
    regions: Vec<OnceCell<Looks<'i, 'h>>>,
}

impl<'i, 'h> LooksByRegion<'i, 'h> {
    fn new(item: &'i Item<'h>, region_count: usize) -> Self {
        Self {
            item,
            regions: vec![OnceCell::new(); region_count],
        }
    }

    fn of(&self, region: usize) -> &Looks<'i, 'h> {
        self.regions[region].get_or_init(|| Looks::new(self.item, region))
    }
}

/// The looks at an item in one region, by the time they were asked for; and, from each on, what they and all later ones show at least.
#[derive(Clone)]
struct Looks<'i, 'h> {
    item: &'i Item<'h>,
    looks: Vec<&'i Sighting<'h>>,
    /// The least version of known order.
    least_order: Vec<Option<Order>>,
    /// For each region the version written there that was acknowledged first.
    first_return_ns: BTreeMap<RegionId, Vec<u64>>,
    /// When the last look that showed no item, before any version, was asked for.
    last_absent_ns: Option<u64>,
}

impl<'i, 'h> Looks<'i, 'h> {
    fn new(item: &'i Item<'h>, region: usize) -> Self {
        let here = item.sightings.iter();
        let here = here.filter(|s| at(s.region) == region && s.is_current());
        let mut looks: Vec<&Sighting<'_>> = here.collect();
        sort_nearly_sorted(&mut looks, |look| look.call_ns);
        let mut least_order = vec![None; looks.len() + 1];
        let mut first_return_ns: BTreeMap<RegionId, Vec<u64>> = BTreeMap::new();
        for (place, look) in looks.iter().enumerate().rev() {
            let least: Option<Order> = least_order[place + 1];
            least_order[place] = look.order.into_iter().chain(least).min();
            let write = look.number().and_then(|value| item.writer(value));
            if let Some((write, return_ns)) = write.and_then(|w| Some((w, w.return_ns?))) {
                let all = first_return_ns.entry(write.region);
                let all = all.or_insert_with(|| vec![u64::MAX; looks.len() + 1]);
                all[place] = return_ns;
            }
        }
        for all in first_return_ns.values_mut() {
            for place in (0..looks.len()).rev() {
                all[place] = all[place].min(all[place + 1]);
            }
        }
        let absent = looks.iter().filter(|s| s.is_absent() && !item.has_deletes);
        Self {
            item,
            last_absent_ns: absent.map(|s| s.call_ns).max(),
            looks,
            least_order,
            first_return_ns,
        }
    }

    /// Whether a look together with or after this one at another half shows something older than a version.
    fn is_missing_after(&self, sought: &Sought<'_>, first: &Look) -> bool {
        let from = |call_ns: u64| self.looks.partition_point(|look| look.call_ns < call_ns);
        let together = &self.looks[from(first.call_ns)..from(first.call_ns + 1)];
        let mut together = together.iter().filter(|s| s.operation == first.operation);
        let later = from(first.return_ns + 1);
        let is_missing = together.any(|look| self.is_older(look, sought))
            || self.is_any_older(later, first.return_ns, sought);
        debug_assert_eq!(
            is_missing,
            self.looks.iter().any(|look| {
                let is_later = look.call_ns > first.return_ns || look.operation == first.operation;
                is_later && self.is_older(look, sought)
            }),
            "the same as each look by itself says"
        );
        is_missing
    }

    /// Whether any look from this place on, asked for after that time, shows something older.
    fn is_any_older(&self, from: usize, after_ns: u64, sought: &Sought<'_>) -> bool {
        let write = sought.write;
        let least = self.least_order[from].zip(sought.order);
        let returns = self.first_return_ns.get(&write.region);
        let mut before = self.looks[from..]
            .iter()
            .take_while(|look| Some(look.call_ns) < sought.last_call_ns);
        least.is_some_and(|(seen, own)| seen < own)
            || self.last_absent_ns.is_some_and(|ns| ns > after_ns)
            || returns.is_some_and(|ns| ns[from] < write.call_ns)
            || before.any(|look| self.is_older(look, sought))
    }

    fn is_older(&self, look: &Sighting<'_>, sought: &Sought<'_>) -> bool {
        if look.number() == Some(sought.value) {
            return false;
        }
        let is_older_by_stamp = look
            .order
            .zip(sought.order)
            .is_some_and(|(seen, own)| seen < own);
        let is_first = look.is_absent() && !self.item.has_deletes;
        // A region moves up: what it shows before it shows the version is older.
        let is_before = sought.last_call_ns.is_some_and(|ns| look.return_ns < ns);
        let other = look.number().and_then(|value| self.item.writer(value));
        let is_replaced = other.is_some_and(|other| {
            let is_earlier = other.return_ns.is_some_and(|ns| ns < sought.write.call_ns);
            is_earlier && other.region == sought.write.region
        });
        is_older_by_stamp || is_first || is_before || is_replaced
    }
}
