//! **Property.** In one region, strong reads and writes of an item behave as if they happened one at a time, each between its call and its
//! return, while versions from other regions arrive at any instant.
//!
//! **Source.** Herlihy and Wing 1990; Amazon DynamoDB Developer Guide: strongly consistent reads and conditional writes of one region. A
//! version that arrives from elsewhere is a write that may happen at any time after it was asked for.
//!
//! **Example that breaks it.** `us:w1[0-1] us:w2[2-3] us:r1[4-5]`: 1 was overwritten before it was read. No stamps are needed to see it.
//!
//! Judged key by key and region by region: exactly and in O(n log n) by zones where no value is written twice; else by a search whose cost
//! depends on how many operations overlap, and when its budget runs out for a key the answer is `unknown`. Deletes of other regions and
//! of unknown outcome are taken to be repeatable. What it cannot see is an order that only several regions together contradict.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::case::{Case, Item, Wanted};
use super::evidence::{Evidence, Findings, key_words, region_name};
use super::frontier::at;
use crate::history::{History, RegionId};
use crate::linearizable::search::{Answer, decide};
use crate::linearizable::zones::{self, Zones};
use crate::linearizable::{Requirement, Scope, Step, steps};
use crate::shrink;
use crate::verdict::Violation;

/// Configurations looked at per key and region before it is given up.
const BUDGET: u64 = 200_000;
/// The most writes of an item that are taken along when the evidence is searched.
const SEARCHED_COUNT: usize = 1_000;
/// The budget for each attempt to leave something out of the evidence, and for all attempts at one violation: making evidence of a few overlapping
/// operations must not take longer than finding them.
const SHRINK_BUDGET: u64 = 20_000;
const SHRINK_BUDGET_OF_ALL: u64 = 200_000;

pub(super) fn run(case: &Case<'_>) -> Findings {
    let regions = 0..case.region_count();
    let regions = regions.map(|i| u8::try_from(i).expect("a header lists at most 255 regions"));
    let scopes: Vec<Scope> = regions.map(|i| Scope::Region(RegionId(i))).collect();
    judge(case, &scopes)
}

/// Judges every register in each of these scopes.
pub(super) fn judge(case: &Case<'_>, scopes: &[Scope]) -> Findings {
    let mut findings = Findings::new(case.wanted);
    let mut judged_count: u64 = 0;
    for item in case.registers() {
        for (scope, steps) in scopes.iter().copied().zip(steps(case, item, scopes)) {
            judged_count += steps
                .iter()
                .filter(|s| s.requirement != Requirement::Any)
                .count() as u64;
            let broken = match zones::decide(&steps) {
                Zones::Linearizable => continue,
                Zones::Broken(shown) => Broken::Shown(shown),
                Zones::Undecided => match decide(&steps, &mut { BUDGET }) {
                    Answer::Linearizable => continue,
                    Answer::Broken(at) => Broken::At(at),
                    Answer::Unknown => {
                        findings.cannot_tell(format!(
                            "{}{}: too many operations overlap for the search; use unique values, ALL_OLD, and fewer clients per key",
                            key_words(case.history, item.key),
                            scope_words(case, scope)
                        ));
                        continue;
                    }
                },
            };
            findings.add(|| violation(case, item, scope, &steps, &broken));
        }
    }
    findings.is_judged = judged_count > 0;
    findings.nothing(
        0,
        "the history has no strongly consistent sighting of a register",
    );
    findings
}

/// What is known of steps that have no order.
enum Broken {
    /// Those at these places say so among themselves.
    Shown(Vec<usize>),
    /// The search got no further than this one.
    At(usize),
}

fn violation(
    case: &Case<'_>,
    item: &Item<'_>,
    scope: Scope,
    steps: &[Step],
    broken: &Broken,
) -> Violation {
    let effort = &Effort::new();
    let core = match broken {
        Broken::Shown(shown) => shrink_shown(steps, shown, effort),
        Broken::At(at) => shrink_steps(up_to(steps, *at), effort),
    };
    let mut evidence = Evidence::new(case.history, item.key);
    for operation in least(case, item, scope, &core, effort) {
        let step = core.iter().find(|step| step.operation == operation);
        let role = match step.map(|step| (step.requirement, step.effect)) {
            Some((_, None)) => "it saw this at some instant in between",
            Some((Requirement::Any, Some(_))) | None => "it happened at some instant in between",
            Some((Requirement::Is(_) | Requirement::IsNot(_), Some(_))) => {
                "it saw and replaced at one instant in between"
            }
        };
        evidence = evidence.with(operation, role);
    }
    let arrival = match scope {
        Scope::Region(_) => ", whenever versions from other regions arrived",
        Scope::Everywhere => "",
    };
    evidence.because(format!(
        "{}: no order of these operations{} explains what they saw{arrival}",
        key_words(case.history, item.key),
        scope_words(case, scope),
    ))
}

/// The fewest operations that have no order: among those of the steps and the first sightings of what these wrote, or else among all.
fn least(
    case: &Case<'_>,
    item: &Item<'_>,
    scope: Scope,
    core: &[Step],
    effort: &Effort,
) -> Vec<usize> {
    let mut operations: Vec<usize> = core.iter().map(|step| step.operation).collect();
    for step in core {
        // It had happened by its first sighting, wherever that was.
        let wrote = step.effect.flatten();
        let wrote = wrote.map(|version| item.versions.key(version as usize));
        let seen = wrote.and_then(|value| item.first_seen(value));
        operations.extend(seen.map(|seen| seen.operation));
    }
    let writes: Vec<usize> = item.writes.iter().map(|w| w.operation).collect();
    if writes.len() > SEARCHED_COUNT {
        return operations;
    }
    let is_broken = |part: &History| {
        let case = Case::new(part, Wanted::Outcome);
        let broken = |item| {
            steps(&case, item, &[scope])
                .iter()
                .any(|s| effort.is_broken(s))
        };
        case.registers().any(broken)
    };
    let all = || {
        let seen = item.sightings.iter().map(|s| s.operation);
        let all: BTreeSet<usize> = writes.iter().copied().chain(seen).collect();
        all.into_iter().collect::<Vec<usize>>()
    };
    shrink::core(case.history, &operations, &writes, is_broken)
        .or_else(|| shrink::core(case.history, &all(), &[], is_broken))
        .unwrap_or(operations)
}

fn scope_words(case: &Case<'_>, scope: Scope) -> String {
    match scope {
        Scope::Region(region) => format!(" in {}", region_name(&case.history.header, at(region))),
        Scope::Everywhere => String::new(),
    }
}

/// What was asked before the search failed: nothing later matters.
fn up_to(steps: &[Step], broken_at: usize) -> Vec<Step> {
    let end_ns = steps[broken_at].return_ns.unwrap_or(u64::MAX);
    let before = steps.iter().filter(|s| s.call_ns <= end_ns);
    before.copied().collect()
}

/// The fewest steps that have no order, among those that zones point at and the writes of what they saw.
fn shrink_shown(steps: &[Step], shown: &[usize], effort: &Effort) -> Vec<Step> {
    let named: BTreeSet<u32> = shown
        .iter()
        .filter_map(|i| match steps[*i].requirement {
            Requirement::Is(state) => state,
            Requirement::Any | Requirement::IsNot(_) => None,
        })
        .collect();
    let matters = |(index, step): &(usize, &Step)| {
        let is_writer = step.effect.flatten().is_some_and(|v| named.contains(&v));
        // Any delete can make the item absent.
        shown.contains(index) || is_writer || step.effect == Some(None)
    };
    let few = steps.iter().enumerate().filter(matters);
    let few: Vec<(usize, Step)> = few.map(|(index, step)| (index, *step)).collect();
    let written: BTreeSet<u32> = few.iter().filter_map(|(_, s)| s.effect.flatten()).collect();
    // What replaced a version that is not among them would be broken for that alone, so all that is left of it is that it wrote.
    let relaxed = |(index, step): (usize, Step)| match step.requirement {
        Requirement::Is(Some(value)) if !shown.contains(&index) && !written.contains(&value) => {
            Step {
                requirement: Requirement::Any,
                ..step
            }
        }
        Requirement::Is(_) | Requirement::Any | Requirement::IsNot(_) => step,
    };
    let few: Vec<Step> = few.into_iter().map(relaxed).collect();
    if effort.is_broken(&few) {
        shrink_steps(few, effort)
    } else {
        shrink_steps(steps.to_vec(), effort)
    }
}

/// What is left of [`SHRINK_BUDGET_OF_ALL`].
struct Effort(Cell<u64>);

impl Effort {
    fn new() -> Self {
        Self(Cell::new(SHRINK_BUDGET_OF_ALL))
    }

    /// Whether steps are known to have no order.
    fn is_broken(&self, steps: &[Step]) -> bool {
        match zones::decide(steps) {
            Zones::Linearizable => false,
            Zones::Broken(_) => true,
            Zones::Undecided => {
                let allowed = self.0.get().min(SHRINK_BUDGET);
                let mut budget = allowed;
                let answer = decide(steps, &mut budget);
                self.0.set(self.0.get() - (allowed - budget));
                matches!(answer, Answer::Broken(_))
            }
        }
    }
}

/// The fewest steps that still have no order. Leaving out a read drops it; leaving out a write leaves it possible at any time.
fn shrink_steps(steps: Vec<Step>, effort: &Effort) -> Vec<Step> {
    let mut kept: Vec<(Step, bool)> = steps.into_iter().map(|s| (s, true)).collect();
    let mut chunk = kept.len().div_ceil(2);
    while chunk > 0 {
        let mut start = 0;
        while start < kept.len() {
            let mut attempt = kept.clone();
            let end = (start + chunk).min(kept.len());
            attempt[start..end]
                .iter_mut()
                .for_each(|(_, is_kept)| *is_kept = false);
            if effort.is_broken(&weakened(&attempt)) {
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

#[cfg(test)]
mod tests {
    use super::{Answer, BUDGET, Effort, SHRINK_BUDGET_OF_ALL, decide, steps};
    use crate::check::case::{Case, Wanted};
    use crate::history::{RegionId, one_line};
    use crate::linearizable::Scope;

    #[test]
    fn what_searches_cost_is_taken_from_what_may_be_spent() {
        // A value that is written twice is left to the search.
        let text = "us:w1[0-9] us:w2[0-9] us:w1[0-9] us:r2[10-11] us:r1[12-13]";
        let history = one_line(text).expect("well formed");
        let case = Case::new(&history, Wanted::Outcome);
        let item = case.registers().next().expect("a register");
        let own = steps(&case, item, &[Scope::Region(RegionId(0))]).remove(0);
        let mut left = BUDGET;
        assert!(matches!(decide(&own, &mut left), Answer::Broken(_)));
        let cost = BUDGET - left;
        assert!(cost > 1, "{cost}");
        let effort = Effort::new();
        for times in 1..=3 {
            assert!(effort.is_broken(&own));
            assert_eq!(effort.0.get(), SHRINK_BUDGET_OF_ALL - times * cost);
        }
    }
}
