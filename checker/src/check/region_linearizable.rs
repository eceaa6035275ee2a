//! **Property.** In one region, strong reads and writes of an item behave as if they happened one at a time, each between its call and its
//! return, while versions from other regions arrive at any instant.
//!
//! **Source.** Herlihy and Wing 1990; Amazon DynamoDB Developer Guide: strongly consistent reads and conditional writes of one region. A
//! version that arrives from elsewhere is a write that may happen at any time after it was asked for.
//!
//! **Example that breaks it.** `us:w1[0-1] us:w2[2-3] us:r1[4-5]`: 1 was overwritten before it was read. No stamps are needed to see it.
//!
//! Judged key by key and region by region, by a search whose cost depends on how many operations overlap. When the budget runs out for a
//! key the answer is `unknown`. Deletes of other regions and of unknown outcome are taken to be repeatable. What it cannot see is an order that only several regions together contradict.

use super::case::{Case, Item};
use super::evidence::{Evidence, Findings, key_words, region_name};
use super::frontier::at;
use crate::history::RegionId;
use crate::linearizable::search::{Answer, decide};
use crate::linearizable::{Requirement, Step, steps};
use crate::verdict::Violation;

/// Configurations looked at per key and region before it is given up.
const BUDGET: u64 = 200_000;
/// The same for each attempt to leave something out of the evidence.
const SHRINK_BUDGET: u64 = 20_000;

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::default();
    let mut judged_count: u64 = 0;
    for item in case.registers() {
        for index in 0..case.region_count() {
            let region = RegionId(u8::try_from(index).expect("a header lists at most 255 regions"));
            let steps = steps(case, item, region);
            judged_count += steps
                .iter()
                .filter(|s| s.requirement != Requirement::Any)
                .count() as u64;
            match decide(&steps, BUDGET) {
                Answer::Linearizable => {}
                Answer::Broken(at) => findings.add(|| violation(case, item, region, &steps, at)),
                Answer::Unknown => findings.cannot_tell(format!(
                    "{} in {}: too many operations overlap for the search; use unique values, ALL_OLD, and fewer clients per key",
                    key_words(case.history, item.key),
                    region_name(case.history, index)
                )),
            }
        }
    }
    if judged_count == 0 {
        findings.cannot_tell("the history has no strongly consistent sighting of a register");
    }
    findings
}

fn violation(
    case: &Case<'_>,
    item: &Item<'_>,
    region: RegionId,
    steps: &[Step],
    broken_at: usize,
) -> Violation {
    let core = shrink(steps, broken_at);
    let mut evidence = Evidence::new(case.history, item.key);
    for step in &core {
        let role = match (step.requirement, step.effect) {
            (_, None) => "it saw this at some instant in between",
            (Requirement::Any, Some(_)) => "it happened at some instant in between",
            (Requirement::Is(_) | Requirement::IsNot(_), Some(_)) => {
                "it saw and replaced at one instant in between"
            }
        };
        evidence = evidence.with(step.operation, role);
    }
    evidence.because(format!(
        "{}: no order of these operations in {} explains what they saw, whenever versions from other regions arrived",
        key_words(case.history, item.key),
        region_name(case.history, at(region)),
    ))
}

/// The fewest steps that still have no order. Leaving out a read drops it; leaving out a write leaves it possible at any time.
fn shrink(steps: &[Step], broken_at: usize) -> Vec<Step> {
    let end_ns = steps[broken_at].return_ns.unwrap_or(u64::MAX);
    // Nothing that was asked after the search failed matters.
    let mut kept: Vec<(Step, bool)> = steps
        .iter()
        .filter(|s| s.call_ns <= end_ns)
        .map(|s| (*s, true))
        .collect();
    let mut chunk = kept.len().div_ceil(2);
    while chunk > 0 {
        let mut start = 0;
        while start < kept.len() {
            let mut attempt = kept.clone();
            let end = (start + chunk).min(kept.len());
            attempt[start..end]
                .iter_mut()
                .for_each(|(_, is_kept)| *is_kept = false);
            if matches!(
                decide(&weakened(&attempt), SHRINK_BUDGET),
                Answer::Broken(_)
            ) {
                kept = attempt;
            }
            start = end;
        }
        chunk /= 2;
    }
    let definite = kept
        .into_iter()
        .filter(|(step, is_kept)| *is_kept && step.return_ns.is_some());
    definite.map(|(step, _)| step).collect()
}

fn weakened(steps: &[(Step, bool)]) -> Vec<Step> {
    let weak = |(step, is_kept): &(Step, bool)| match (*is_kept, step.effect) {
        (true, _) => Some(*step),
        (false, Some(_)) => Some(Step {
            return_ns: None,
            requirement: Requirement::Any,
            ..*step
        }),
        (false, None) => None,
    };
    steps.iter().filter_map(weak).collect()
}
