//! **Property.** The versions of an item have one order in which every region shows them, at instants that fit all calls and returns, even
//! where nobody sees the stamps that make it.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "Global tables: how it works": last writer wins, by one order of all versions; a region's
//! item only ever moves up in it. Invariants I3, I4, I5, I7 and I13 as far as they can be told without stamps.
//!
//! **Example that breaks it.** `us:w1[0-1] eu:w2[0-1] us:r1[2-3] us:r2[4-5] eu:r2[2-3] eu:r1[4-5]`: us moved from 1 to 2, eu from 2 to 1. Each
//! region by itself is linearizable.
//!
//! Whatever is known about the order is a comparison of two moments: if anything that has to do with `u` had returned in a region before
//! anything that has to do with `v` was asked for there, then `u` comes before `v`; a stamp, where one was seen, and a final read are
//! such moments too. The history can be explained only if all these together have no circle, so versions are taken out one by one, each when nothing
//! is left that must come before it; writes that replaced one another on condition stay together in their region. What is left over
//! is a circle, hence a violation. When nothing is left, the order is played through in all regions: only one that fits is a pass.
//!
//! Items whose versions all show their stamps are for `stamp-order`. Absent items of keys that
//! are ever deleted and refusals that do not show the item constrain nothing here. Values that were written twice, and the rare history
//! whose order neither works out nor contradicts itself, are `unknown`: unique values, old images and stamps decide them.

mod forced;
mod orders;
mod versions;
mod witness;

use std::collections::BTreeSet;

use super::case::{Case, Fate, Item, Wanted};
use super::evidence::{Evidence, Findings, key_words};
use crate::history::History;
use crate::shrink;
use crate::verdict::Violation;
use orders::{Left, Orders};
use versions::Versions;
pub(super) use versions::required;

/// The most versions whose order is worked out pair by pair.
const FORCED_COUNT: usize = 1_500;
/// How many operations of an item are searched for the evidence when the circle alone does not show it.
const SEARCHED_COUNT: usize = 400;

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    for item in case.registers() {
        findings.is_judged |= !item.sightings.is_empty();
        if !is_for_us(case, item) {
            continue;
        }
        match decide(case, item) {
            Answer::Ordered => {}
            Answer::Broken(operations) => findings.add(|| violation(case, item, &operations)),
            // What one region shows is decided by region-linearizable.
            Answer::Unknown(_) if !is_in_several_regions(item) => {}
            Answer::Unknown(why) => {
                findings.cannot_tell(format!("{}: {why}", key_words(case.history, item.key)));
            }
        }
    }
    findings.nothing(0, "the history has no sighting of a register");
    findings
}

/// What is known about the order of an item's versions.
enum Answer {
    Ordered,
    /// These operations contradict one another; perhaps fewer do.
    Broken(Vec<usize>),
    Unknown(&'static str),
}

const REPEATED: &str =
    "a value was written more than once, so it names no version; use unique values";
const UNDECIDED: &str = "no order of its versions was found that fits, and none that contradicts itself; old images (ALL_OLD) or visible stamps would decide it";

/// Whether stamps do not say it all.
fn is_for_us(case: &Case<'_>, item: &Item<'_>) -> bool {
    let is_stamped = |s: &super::Sighting<'_>| s.number().is_none() || s.order.is_some();
    !case.history.header.stamps_visible || !item.sightings.iter().all(is_stamped)
}

/// Whether several regions have to do with it.
fn is_in_several_regions(item: &Item<'_>) -> bool {
    let live = item.writes.iter().filter(|w| w.fate != Fate::Failed);
    let regions = item.sightings.iter().map(|s| s.region);
    let mut regions = regions.chain(live.map(|w| w.region));
    let first = regions.next();
    regions.any(|r| Some(r) != first)
}

fn decide(case: &Case<'_>, item: &Item<'_>) -> Answer {
    let versions = match Versions::new(case, item) {
        Ok(versions) => versions,
        Err(versions::Wrong::Repeated) => return Answer::Unknown(REPEATED),
        Err(versions::Wrong::TwoSuccessors(one, other)) => return Answer::Broken(vec![one, other]),
    };
    let mut left = None;
    for is_lifted in [false, true] {
        match Orders::new(&versions, is_lifted).order() {
            Ok(order) if witness::fits(&versions, &order) => return Answer::Ordered,
            Ok(_) => {}
            Err(stuck) => left = Some(stuck),
        }
    }
    let circle = left.as_ref().and_then(|left: &Left| left.circle.clone());
    if let Some(circle) = circle {
        return Answer::Broken(versions.operations(&circle));
    }
    if versions.all.len() > FORCED_COUNT {
        return Answer::Unknown(UNDECIDED);
    }
    match forced::decide(&versions) {
        Err(circle) => Answer::Broken(versions.operations(&circle)),
        Ok(Some(order)) if witness::fits(&versions, &order) => Answer::Ordered,
        Ok(_) => Answer::Unknown(UNDECIDED),
    }
}

/// Whether the versions of a history of one key are known to have no order.
fn is_broken(history: &History) -> bool {
    let case = Case::new(history, Wanted::Outcome);
    let broken = |item| matches!(decide(&case, item), Answer::Broken(_));
    case.registers().any(broken)
}

fn violation(case: &Case<'_>, item: &Item<'_>, shown: &[usize]) -> Violation {
    let writes = item.writes.iter().map(|w| w.operation);
    let all: BTreeSet<usize> = writes
        .chain(item.sightings.iter().map(|s| s.operation))
        .collect();
    let all: Vec<usize> = all.into_iter().collect();
    let context = context(item, shown);
    let least = shrink::core(case.history, shown, &context, is_broken).or_else(|| {
        (all.len() <= SEARCHED_COUNT).then(|| shrink::core(case.history, &all, &[], is_broken))?
    });
    let mut evidence = Evidence::new(case.history, item.key);
    for operation in least.as_deref().unwrap_or(shown) {
        evidence = evidence.with(*operation, "it happened at some instant in between");
    }
    evidence.because(format!(
        "{}: no one order of its versions explains what all regions showed, whenever versions arrived",
        key_words(case.history, item.key)
    ))
}

/// The writes of what these operations saw, and a delete if there is one: then absence says nothing.
fn context(item: &Item<'_>, operations: &[usize]) -> Vec<usize> {
    let seen = item.sightings.iter();
    let seen = seen.filter(|s| operations.contains(&s.operation));
    let versions = seen.filter_map(|s| item.versions.get(s.number()?));
    let writes = versions.flat_map(|v| v.writers.iter());
    let writes = writes.map(|w| item.writes[w].operation);
    writes
        .chain(item.deletes().next().map(|d| d.operation))
        .collect()
}

#[cfg(test)]
mod tests;
