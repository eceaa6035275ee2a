//! **Property.** A counter shows the sum of increments that can have happened by then, and of all that must have.
//!
//! **Source.** Amazon DynamoDB Developer Guide, atomic counters: increments are applied in the order in which they are received, each once;
//! Jepsen's counter checker, with the set of acceptable values in the place of its bounds.
//!
//! **Example that breaks it.** `us:i1[0-1] us:i2[2-3] us:r2[4-5]`: both increments were acknowledged, so it must show 3.
//!
//! Where one region did all the counting: a strong sighting there shows all that was acknowledged before, and some of what was in flight;
//! elsewhere it shows no more than was asked for by then, in the final phase all of it; and a counter that only goes up never goes down in
//! any region. When several regions count, the last writer wins the whole item: then only more than was ever asked for is flagged (an
//! increment applied twice), and what is lost is measured (`additions_lost_count`). Which sums are possible is exact up to a spread of 65,536
//! in flight, and between bounds beyond. Counters that are also written or deleted are not judged.

use super::case::{Addition, Case, Fate, Item, Sighting, Whole};
use super::evidence::{Evidence, Findings, key_words, region_name};
use super::frontier::at;
use crate::history::{Phase, Value};
use crate::verdict::Violation;

/// Spreads of sums up to this are searched for the exact ones.
const SPREAD_MAX: u64 = 1 << 16;

/// Sums that a sighting may show.
struct Possible {
    /// The sum of what must have happened.
    certain: i64,
    /// What may have happened.
    open: Vec<i64>,
}

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    for item in case.items.iter().filter(|i| i.is_all(Whole::Count)) {
        for sighting in &item.sightings {
            let Some(count) = count(sighting) else {
                continue;
            };
            findings.is_judged = true;
            let possible = possible(item, sighting);
            if !possible.has(count) {
                findings.add(|| impossible(case, item, sighting, &possible, count));
            }
        }
        let only_up = item.additions.iter().all(|a| a.number >= 0);
        if only_up && item.only_region().is_some() {
            backwards(case, item, &mut findings);
        }
    }
    findings.nothing(0, "no counter was read that was counted up");
    findings
}

/// What a sighting shows; no item counts nothing.
fn count(sighting: &Sighting<'_>) -> Option<i64> {
    match sighting.value {
        Value::Int(count) => Some(*count),
        Value::Absent => Some(0),
        Value::List(_) => None,
    }
}

fn possible(item: &Item<'_>, sighting: &Sighting<'_>) -> Possible {
    let is_settled = sighting.phase == Phase::Final || item.only_region() == Some(sighting.region);
    let is_exact = item.only_region().is_some() && sighting.is_current() && is_settled;
    let mut possible = Possible {
        certain: 0,
        open: Vec::new(),
    };
    for addition in item.additions.iter().filter(|a| a.fate != Fate::Failed) {
        if addition.operation == sighting.operation || addition.call_ns > sighting.return_ns {
            continue;
        }
        let is_certain = is_exact && addition.return_ns.is_some_and(|ns| ns < sighting.call_ns);
        if is_certain {
            possible.certain = possible.certain.saturating_add(addition.number);
        } else {
            possible.open.push(addition.number);
        }
    }
    possible
}

impl Possible {
    /// The least and the greatest sum.
    fn bounds(&self) -> (i64, i64) {
        let sum = |numbers: &mut dyn Iterator<Item = i64>| {
            numbers.fold(self.certain, i64::saturating_add)
        };
        let least = sum(&mut self.open.iter().copied().filter(|n| *n < 0));
        let greatest = sum(&mut self.open.iter().copied().filter(|n| *n > 0));
        (least, greatest)
    }

    fn has(&self, count: i64) -> bool {
        let (least, greatest) = self.bounds();
        if count < least || count > greatest {
            return false;
        }
        let (Some(spread), Some(wanted)) = (
            greatest.checked_sub(least).map(i64::unsigned_abs),
            count.checked_sub(least).map(i64::unsigned_abs),
        ) else {
            return true;
        };
        // With many ones in flight every sum between the bounds is possible.
        let ones = self.open.iter().filter(|n| n.unsigned_abs() == 1).count() as u64;
        let largest = self.open.iter().map(|n| n.unsigned_abs()).max();
        if spread > SPREAD_MAX || ones >= largest.unwrap_or(0) {
            return true;
        }
        // From the least sum up, every number in flight moves the sum up by its magnitude or not at all.
        let place = |n: u64| usize::try_from(n).expect("at most the greatest spread");
        let mut sums = vec![false; place(spread) + 1];
        sums[0] = true;
        for number in &self.open {
            let step = place(number.unsigned_abs());
            for sum in (step..sums.len()).rev() {
                sums[sum] |= sums[sum - step];
            }
        }
        sums[place(wanted)]
    }
}

fn impossible(
    case: &Case<'_>,
    item: &Item<'_>,
    sighting: &Sighting<'_>,
    possible: &Possible,
    count: i64,
) -> Violation {
    let (least, greatest) = possible.bounds();
    let region = region_name(&case.history.header, at(sighting.region));
    let expected = match (least == greatest, possible.open.len()) {
        (true, _) => format!("it must be {least}"),
        (false, open) => format!("the {open} increments in flight allow {least} to {greatest}"),
    };
    let mut evidence = Evidence::new(case.history, item.key)
        .with(sighting.operation, "the operation that saw this count");
    // The last one that had been acknowledged stands for all: the sum says what they come to.
    let acknowledged = item.additions.iter().filter(|a| is_before(a, sighting));
    if let Some(last) = acknowledged.max_by_key(|a| a.return_ns) {
        evidence = evidence.with(last.operation, "the last increment acknowledged before");
    }
    evidence.because(format!(
        "{}: {region} shows {count}, but {expected}: {} was acknowledged before",
        key_words(case.history, item.key),
        possible.certain,
    ))
}

fn is_before(addition: &Addition, sighting: &Sighting<'_>) -> bool {
    addition.fate == Fate::Acknowledged
        && addition.return_ns.is_some_and(|ns| ns < sighting.call_ns)
}

/// A region that shows less than it had shown.
fn backwards(case: &Case<'_>, item: &Item<'_>, findings: &mut Findings) {
    for region in 0..case.region_count() {
        let own = item.sightings.iter().filter(|s| at(s.region) == region);
        let own = own.filter(|s| s.is_current());
        let own: Vec<(&Sighting<'_>, i64)> = own.filter_map(|s| Some((s, count(s)?))).collect();
        let mut returned = own.clone();
        returned.sort_by_key(|(s, _)| s.return_ns);
        let mut ended = returned.iter().peekable();
        let mut most: Option<(&Sighting<'_>, i64)> = None;
        // Sightings lie in the order of their calls.
        for (sighting, count) in own {
            while let Some((other, shown)) =
                ended.next_if(|(other, _)| other.return_ns < sighting.call_ns)
            {
                if most.is_none_or(|(_, most)| most < *shown) {
                    most = Some((other, *shown));
                }
            }
            let Some((before, more)) = most.filter(|(_, most)| *most > count) else {
                continue;
            };
            findings.add(|| {
                Evidence::new(case.history, item.key)
                    .with(before.operation, "the operation that saw more")
                    .with(sighting.operation, "the later one that saw less")
                    .because(format!(
                        "{}: {} had shown {more} and then shows {count}, but it is only counted up",
                        key_words(case.history, item.key),
                        region_name(&case.history.header, region),
                    ))
            });
        }
    }
}
