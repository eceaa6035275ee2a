//! What a region is known to have shown or acknowledged before a moment: prefix maxima over return times, O(log n) a question.
//!
//! If an operation returned before another was called, the later one must see at least the earlier one's version. Only the greatest
//! version matters, so each region's evidence is a list sorted by return with a running maximum.

use std::cell::Cell;

use super::case::{Fate, How, Item, Order, Sighting, Write};
use crate::history::RegionId;
use crate::nearly_sorted::sort_nearly_sorted;

/// At least this version; when exclusive, a greater one.
///
/// The second kind comes from writes whose stamp nobody saw: they are greater than everything their region had shown before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bound {
    pub(crate) order: Order,
    pub(crate) is_exclusive: bool,
}

impl Bound {
    pub(crate) fn at_least(order: Order) -> Self {
        Self {
            order,
            is_exclusive: false,
        }
    }

    pub(crate) fn above(order: Order) -> Self {
        Self {
            order,
            is_exclusive: true,
        }
    }

    /// Whether a version satisfies it.
    pub(crate) fn allows(self, seen: Order) -> bool {
        Self::at_least(seen) >= self
    }
}

/// What an entry of a frontier came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Witness {
    /// A write, as an index into the item's writes.
    Write(u32),
    /// A sighting, as an index into the item's sightings.
    Sighting(u32),
}

impl Witness {
    pub(crate) fn write(index: usize) -> Self {
        Self::Write(u32::try_from(index).expect("fewer than 2^32 writes"))
    }

    pub(crate) fn sighting(index: usize) -> Self {
        Self::Sighting(u32::try_from(index).expect("fewer than 2^32 sightings"))
    }
}

/// The greatest bound known before each moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frontier {
    /// Return time, bound, witness; sorted by return, bounds made ascending by [`Frontier::finish`].
    entries: Vec<(u64, Bound, Witness)>,
    /// Where the last answer was: questions mostly come in the order of time.
    last: Cell<usize>,
}

/// How far from the last answer the next one is looked for before it is searched for everywhere.
const STEPS_MAX: usize = 6;

impl Frontier {
    fn with_capacity(count: usize) -> Self {
        Self {
            entries: Vec::with_capacity(count),
            last: Cell::new(0),
        }
    }

    pub(crate) fn push(&mut self, return_ns: u64, bound: Bound, witness: Witness) {
        self.entries.push((return_ns, bound, witness));
    }

    pub(crate) fn finish(mut self) -> Self {
        sort_nearly_sorted(&mut self.entries, |(return_ns, ..)| *return_ns);
        let mut best: Option<(Bound, Witness)> = None;
        for (_, bound, witness) in &mut self.entries {
            match best {
                Some((greatest, by)) if greatest >= *bound => (*bound, *witness) = (greatest, by),
                Some(_) | None => best = Some((*bound, *witness)),
            }
        }
        self
    }

    /// The greatest bound among entries that returned before `call_ns`. Equal times count as concurrent.
    #[inline]
    pub(crate) fn before(&self, call_ns: u64) -> Option<(Bound, Witness)> {
        let count = self.count_before(call_ns);
        let (_, bound, witness) = self.entries.get(count.checked_sub(1)?)?;
        Some((*bound, *witness))
    }

    /// How many entries returned before `call_ns`.
    #[inline]
    fn count_before(&self, call_ns: u64) -> usize {
        let mut count = self.last.get();
        let is_before = |index: usize| self.entries[index].0 < call_ns;
        if count == 0 || is_before(count - 1) {
            for _ in 0..STEPS_MAX {
                if count == self.entries.len() || !is_before(count) {
                    self.last.set(count);
                    return count;
                }
                count += 1;
            }
        }
        let count = self
            .entries
            .partition_point(|(return_ns, ..)| *return_ns < call_ns);
        self.last.set(count);
        count
    }
}

/// The frontiers of one item in all regions, and what is known about its deletes.
pub(crate) struct Frontiers {
    /// Strong sightings, conditions that held included, by region.
    pub(crate) seen: Vec<Frontier>,
    /// Acknowledged writes of values, by region.
    pub(crate) written: Vec<Frontier>,
    /// Deletes acknowledged in the region: their versions are above the bound.
    pub(crate) deleted: Vec<Frontier>,
    /// Sightings elsewhere of versions that this region wrote, by that region.
    pub(crate) seen_elsewhere: Vec<Frontier>,
    /// Sightings of no item, by region: the delete behind each is above what its region had shown before.
    pub(crate) vanished: Vec<Frontier>,
    /// Deletes that may have happened: call time, and the greatest upper bound of their versions so far (`None`: unbounded), by call.
    deletes: Vec<(u64, Option<Order>)>,
    /// Whether nothing falls below any of these frontiers: what compares with only one of them need not look.
    pub(crate) is_calm: bool,
}

impl Frontiers {
    pub(crate) fn new(item: &Item<'_>, region_count: usize) -> Self {
        let share = item.sightings.len() / region_count.max(1);
        let mut seen = Vec::with_capacity(region_count);
        seen.resize_with(region_count, || Frontier::with_capacity(share + share / 4));
        let few = || Frontier::with_capacity(item.writes.len() / region_count.max(1) + 8);
        let mut elsewhere: Vec<Frontier> = (0..region_count).map(|_| few()).collect();
        for (index, sighting) in item.sightings.iter().enumerate() {
            let Some(order) = sighting.order else {
                continue;
            };
            let bound = Bound::at_least(order);
            let witness = Witness::sighting(index);
            if sighting.is_current() {
                seen[at(sighting.region)].push(sighting.return_ns, bound, witness);
            }
            if let Some(origin) = sighting.origin.filter(|o| *o != sighting.region) {
                elsewhere[at(origin)].push(sighting.return_ns, bound, witness);
            }
        }
        let seen: Vec<_> = seen.into_iter().map(Frontier::finish).collect();
        let mut written = known_writes(item, region_count);
        let mut deleted = vec![Frontier::default(); region_count];
        let mut others = Vec::new();
        for (index, write) in item.writes.iter().enumerate() {
            let (Fate::Acknowledged, Some(return_ns), None) =
                (write.fate, write.return_ns, write.order)
            else {
                continue;
            };
            let region = at(write.region);
            let floor = floor(item, index, &seen[region], &written[region]);
            let (bound, witness) = (Bound::above(floor), Witness::write(index));
            if write.value.is_some() {
                others.push((region, return_ns, bound, witness));
            } else if floor > Order::LEAST {
                deleted[region].push(return_ns, bound, witness);
            }
        }
        for (region, return_ns, bound, witness) in others {
            written[region].push(return_ns, bound, witness);
        }
        let vanished = vanished(item, &seen);
        let finish = |all: Vec<Frontier>| all.into_iter().map(Frontier::finish).collect();
        let mut frontiers = Self {
            seen,
            written: finish(written),
            deleted: finish(deleted),
            seen_elsewhere: finish(elsewhere),
            vanished,
            deletes: deletes(item, region_count),
            is_calm: false,
        };
        frontiers.is_calm = frontiers.are_kept_by(item);
        frontiers
    }

    /// Whether every strong sighting and every write satisfies all of them together.
    fn are_kept_by(&self, item: &Item<'_>) -> bool {
        let fronts = |region| {
            let own = [&self.seen[region], &self.written[region]];
            let others = [&self.deleted, &self.seen_elsewhere, &self.vanished];
            (Front::new(own), Front::new(others.map(|all| &all[region])))
        };
        let mut fronts: Vec<_> = (0..self.seen.len()).map(fronts).collect();
        // Both lie in the order of their operations, which is that of calls.
        let mut writes = item.writes.iter().peekable();
        for sighting in item.sightings.iter().filter(|s| s.is_current()) {
            while let Some(write) = writes.next_if(|w| w.operation < sighting.operation) {
                if !is_above(write, &mut fronts[at(write.region)].0) {
                    return false;
                }
            }
            let (own, others) = &mut fronts[at(sighting.region)];
            let own = own.advance(sighting.call_ns);
            let bound = own.max(others.advance(sighting.call_ns));
            if bound.is_some_and(|bound| satisfies(self, sighting, bound) == Some(false)) {
                return false;
            }
        }
        writes.all(|write| is_above(write, &mut fronts[at(write.region)].0))
    }

    /// Whether some delete can explain that the item is absent to an operation that returned at `return_ns`, although a version within
    /// `bound` had been current.
    pub(crate) fn can_be_absent(&self, return_ns: u64, bound: Bound) -> bool {
        let count = self
            .deletes
            .partition_point(|(call_ns, _)| *call_ns <= return_ns);
        let Some((_, limit)) = count.checked_sub(1).and_then(|i| self.deletes.get(i)) else {
            return false;
        };
        limit.is_none_or(|limit| limit > bound.order)
    }
}

/// Some frontiers of one region, asked in the order of time.
struct Front<'f, const N: usize> {
    entries: [&'f [(u64, Bound, Witness)]; N],
    counts: [usize; N],
    bound: Option<Bound>,
}

impl<'f, const N: usize> Front<'f, N> {
    fn new(frontiers: [&'f Frontier; N]) -> Self {
        Self {
            entries: frontiers.map(|frontier| &frontier.entries[..]),
            counts: [0; N],
            bound: None,
        }
    }

    /// The greatest bound of all among entries that returned before `call_ns`, or before any moment that was asked for earlier.
    fn advance(&mut self, call_ns: u64) -> Option<Bound> {
        for (entries, count) in self.entries.iter().zip(&mut self.counts) {
            while let Some((_, bound, _)) = entries.get(*count).filter(|e| e.0 < call_ns) {
                self.bound = self.bound.max(Some(*bound));
                *count += 1;
            }
        }
        self.bound
    }
}

/// Whether a write made something greater than what its region had shown and acknowledged before it.
fn is_above(write: &Write, own: &mut Front<'_, 2>) -> bool {
    let bound = own.advance(write.call_ns);
    match (bound, write.order) {
        (Some(bound), Some(order)) if write.fate != Fate::Failed => order > bound.order,
        (Some(_) | None, _) => true,
    }
}

/// The index of a region.
pub(crate) fn at(region: RegionId) -> usize {
    usize::from(region.0)
}

/// Sightings of no item by region, if it was seen before.
fn vanished(item: &Item<'_>, seen: &[Frontier]) -> Vec<Frontier> {
    let mut vanished = vec![Frontier::default(); seen.len()];
    if !item.has_deletes {
        return vanished;
    }
    for (index, sighting) in item.sightings.iter().enumerate() {
        if !sighting.is_current() || !sighting.is_absent() {
            continue;
        }
        let region = at(sighting.region);
        if let Some((bound, _)) = seen[region].before(sighting.call_ns) {
            let bound = Bound::above(bound.order);
            vanished[region].push(sighting.return_ns, bound, Witness::sighting(index));
        }
    }
    vanished.into_iter().map(Frontier::finish).collect()
}

/// Acknowledged writes of known stamp, by region.
fn known_writes(item: &Item<'_>, region_count: usize) -> Vec<Frontier> {
    let few = || Frontier::with_capacity(item.writes.len() / region_count.max(1) + 8);
    let mut known: Vec<Frontier> = (0..region_count).map(|_| few()).collect();
    for (index, write) in item.writes.iter().enumerate() {
        if let (Fate::Acknowledged, Some(return_ns), Some(order)) =
            (write.fate, write.return_ns, write.order)
        {
            let bound = Bound::at_least(order);
            known[at(write.region)].push(return_ns, bound, Witness::write(index));
        }
    }
    known.into_iter().map(Frontier::finish).collect()
}

/// What a write is known to be greater than: all that its region had shown or acknowledged before, and the item that it replaced.
fn floor(item: &Item<'_>, index: usize, seen: &Frontier, known: &Frontier) -> Order {
    let write = &item.writes[index];
    let before = [seen, known]
        .into_iter()
        .filter_map(|f| f.before(write.call_ns));
    let before = before.map(|(bound, _)| bound.order).max();
    before.max(replaced(item, write)).unwrap_or(Order::LEAST)
}

/// The version that a write says it replaced.
fn replaced(item: &Item<'_>, write: &Write) -> Option<Order> {
    let own = item.own_sightings(write);
    own.filter(|s| matches!(s.how, How::Replaced | How::Condition))
        .filter_map(|s| s.order)
        .max()
}

/// Deletes by call, with the running maximum of what bounds their versions from above: whatever their region showed or acknowledged
/// after them is greater.
fn deletes(item: &Item<'_>, region_count: usize) -> Vec<(u64, Option<Order>)> {
    if !item.has_deletes {
        return Vec::new();
    }
    let mut deletes: Vec<Delete> = item.deletes().map(Delete::new).collect();
    deletes.sort_by_key(|delete| std::cmp::Reverse(delete.return_ns));
    // Both lie in the order of their operations, which is that of calls.
    let current = item.sightings.iter().rev().filter(|s| s.is_current());
    let shown = current.filter_map(|s| Some((at(s.region), s.call_ns, s.order?)));
    limit(&mut deletes, region_count, shown);
    let writes = item.writes.iter().rev();
    let written = writes.filter_map(|w| Some((at(w.region), w.call_ns, w.order?)));
    limit(&mut deletes, region_count, written);
    deletes.sort_by_key(|delete| delete.call_ns);
    let mut greatest = Some(Order::LEAST);
    let running = deletes.into_iter().map(|delete| {
        greatest = greatest.zip(delete.limit).map(|(g, l)| g.max(l));
        (delete.call_ns, greatest)
    });
    running.collect()
}

/// A delete that may have happened.
struct Delete {
    region: usize,
    call_ns: u64,
    /// `u64::MAX` when nobody knows.
    return_ns: u64,
    /// Its version is less than this one, if any is known to be greater.
    limit: Option<Order>,
}

impl Delete {
    fn new(write: &Write) -> Self {
        Self {
            region: at(write.region),
            call_ns: write.call_ns,
            return_ns: write.return_ns.unwrap_or(u64::MAX),
            limit: None,
        }
    }
}

/// Limits deletes, the last return first, by the least version that their region was asked for, or asked to make, after them: by region and
/// call, the last call first.
fn limit(
    deletes: &mut [Delete],
    region_count: usize,
    versions: impl Iterator<Item = (usize, u64, Order)>,
) {
    let lesser = |one: Option<Order>, other: Option<Order>| one.into_iter().chain(other).min();
    let mut least: Vec<Option<Order>> = vec![None; region_count];
    let mut waiting = deletes.iter_mut().peekable();
    for (region, call_ns, order) in versions {
        while let Some(delete) = waiting.next_if(|delete| delete.return_ns >= call_ns) {
            delete.limit = lesser(delete.limit, least[delete.region]);
        }
        least[region] = lesser(least[region], Some(order));
    }
    for delete in waiting {
        delete.limit = lesser(delete.limit, least[delete.region]);
    }
}

/// Whether what a sighting shows satisfies a bound; `None` when that cannot be told.
pub(crate) fn satisfies(
    frontiers: &Frontiers,
    sighting: &Sighting<'_>,
    bound: Bound,
) -> Option<bool> {
    if sighting.is_absent() {
        return Some(frontiers.can_be_absent(sighting.return_ns, bound));
    }
    sighting.order.map(|order| bound.allows(order))
}

#[cfg(test)]
mod tests {
    use super::Bound;
    use crate::check::case::{Case, Sighting, Wanted};
    use crate::history::one_line;

    /// Where nothing falls below anything nobody looks at each sighting: that is faster, and found out without looking at each.
    #[test]
    fn an_item_that_only_moves_up_is_calm() {
        for (text, is_calm) in [
            (
                "us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] us:r2@9us[6-7] eu:r1@5us[8-9] eu:r2@9us[10-11]",
                true,
            ),
            // At the moment at which 2 was shown, 1 may still be.
            ("us:w1[0-9] us:w2[0-9] us:r2@9us[1-4] us:r1@5us[4-6]", true),
            (
                "us:w1[0-4] us:w2[4-9] us:r2@5us[1-4] us:r1@9us[10-11]",
                true,
            ),
            ("us:w1[0-9] us:w2[0-9] us:r2@9us[1-3] us:r1@5us[4-6]", false),
            (
                "us:w1[0-3] us:w2[4-9] us:r2@5us[5-6] us:r1@9us[10-11]",
                false,
            ),
        ] {
            let history = one_line(text).expect("well formed");
            let case = Case::new(&history, Wanted::Outcome);
            let item = case.registers().next().expect("a register");
            let found = item.frontiers(case.region_count()).is_calm;
            assert_eq!(found, is_calm, "{text}");
        }
    }

    /// Where the last answer was is only where the next one is looked for first.
    #[test]
    fn a_bound_is_the_same_whatever_was_asked_before() {
        let step = |value: u64| {
            let (from_ns, stamp_us) = (4 * value, value * 7 % 41);
            format!(
                "us:w{value}[{from_ns}-{}] us:r{value}@{stamp_us}us[{}-{}]",
                from_ns + 1,
                from_ns + 2,
                from_ns + 3
            )
        };
        let text: Vec<String> = (1..=40).map(step).collect();
        let history = one_line(&text.join(" ")).expect("well formed");
        let case = Case::new(&history, Wanted::Outcome);
        let item = case.registers().next().expect("a register");
        let seen = &item.frontiers(case.region_count()).seen[0];
        let around = |s: &Sighting<'_>| [s.return_ns, s.return_ns + 1];
        let moments: Vec<u64> = item.sightings.iter().flat_map(around).collect();
        for call_ns in &moments {
            let before = item.sightings.iter().filter(|s| s.return_ns < *call_ns);
            let greatest = before.filter_map(|s| s.order).max();
            for last_ns in &moments {
                seen.before(*last_ns);
                let found = seen.before(*call_ns).map(|(bound, _)| bound);
                assert_eq!(
                    found,
                    greatest.map(Bound::at_least),
                    "before {call_ns}, asked after {last_ns}"
                );
            }
        }
        assert_eq!(moments.len(), 80);
    }
}
