//! Just-in-time search: follows the history in time and keeps every state that the item can be in.
//!
//! A configuration is a state and the set of open steps that have happened already. When a step returns, every configuration in which it has
//! not happened must let it happen now, perhaps after other open steps; none left means a violation at that very moment. Memory depends on
//! how many steps are open at once, not on the length (Lowe 2017, "Testing for linearizability"). Three refinements keep it small: an
//! open read that fits the state happens at once, which can never hurt; an optional step is forgotten after the last step that
//! can need its value; and of two configurations in the same state that differ only in that one has used up more optional steps or
//! answered fewer reads, that one is dropped.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{Requirement, State, Step, places};
use crate::nearly_sorted::sort_nearly_sorted;

/// What the search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is an order.
    Linearizable,
    /// There is none; the step (index) at whose return the last hope went.
    Broken(usize),
    /// The budget ran out.
    Unknown,
}

/// How many open steps fit: bits of a mask.
const OPEN_MAX: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Configuration {
    state: State,
    /// Open steps, by slot, that have happened.
    happened: u128,
}

/// Decides whether the steps of one register, sorted by call, have an order. `budget` bounds how many configurations are looked at, and
/// holds afterwards what is left of it.
pub(crate) fn decide(steps: &[Step], budget: &mut u64) -> Answer {
    let mut search = Search {
        steps,
        slots: Vec::new(),
        observers: 0,
        optional: 0,
        budget,
        waiting: BinaryHeap::new(),
        tried: Best::default(),
    };
    // In ascending order, each once.
    let mut alive = vec![Configuration {
        state: None,
        happened: 0,
    }];
    for (_, order, index) in moments(steps) {
        if order == CALL {
            if !search.open(index) {
                return Answer::Unknown;
            }
            if search.observers != 0 {
                alive.iter_mut().for_each(|c| *c = search.observe(*c));
                alive.sort_unstable();
                alive.dedup();
            }
            continue;
        }
        let Some(slot) = search.slots.iter().position(|s| *s == Some(index)) else {
            continue;
        };
        let bit = 1_u128 << slot;
        if steps[index].return_ns.is_some() {
            let Some(next) = search.must_happen(alive, slot) else {
                return Answer::Unknown;
            };
            if next.is_empty() {
                return Answer::Broken(index);
            }
            alive = next;
        }
        search.close(slot);
        alive.iter_mut().for_each(|c| c.happened &= !bit);
        alive.sort_unstable();
        alive.dedup();
    }
    Answer::Linearizable
}

/// Calls and returns sort so that at equal times calls come first: touching steps count as concurrent.
const CALL: u8 = 0;
const RETURN: u8 = 1;

/// All calls, returns, and the ends of optional steps' usefulness, in time order.
fn moments(steps: &[Step]) -> Vec<(u64, u8, usize)> {
    let has_not = steps
        .iter()
        .any(|s| matches!(s.requirement, Requirement::IsNot(_)));
    let mut last_needed: Vec<Option<u64>> = vec![None; places(steps)];
    let mut absent_last_needed: Option<u64> = None;
    for step in steps {
        let until = step.return_ns.unwrap_or(u64::MAX);
        match step.requirement {
            Requirement::Is(Some(number)) => {
                let last = &mut last_needed[number as usize];
                *last = (*last).max(Some(until));
            }
            Requirement::Is(None) => absent_last_needed = absent_last_needed.max(Some(until)),
            Requirement::Any | Requirement::IsNot(_) => {}
        }
    }
    let last_needed = |state: State| match state {
        Some(number) => last_needed[number as usize],
        None => absent_last_needed,
    };
    let mut moments = Vec::with_capacity(steps.len() * 2);
    for (index, step) in steps.iter().enumerate() {
        moments.push((step.call_ns, CALL, index));
        let useful_ns = match step.effect {
            Some(state) if !has_not => last_needed(state).unwrap_or(step.call_ns),
            Some(_) | None => u64::MAX,
        };
        // Just after its last use: returns at that time must still find it.
        let end = step
            .return_ns
            .map_or((useful_ns, RETURN + 1), |ns| (ns, RETURN));
        moments.push((end.0.max(step.call_ns), end.1, index));
    }
    sort_nearly_sorted(&mut moments, |moment| *moment);
    moments
}

struct Search<'s> {
    steps: &'s [Step],
    /// Which step each slot holds.
    slots: Vec<Option<usize>>,
    /// Slots of steps that change nothing.
    observers: u128,
    /// Slots of steps that need not happen.
    optional: u128,
    budget: &'s mut u64,
    /// Configurations that are still to be looked at, and those that were: here only to be used again.
    waiting: BinaryHeap<Reverse<(u32, Configuration)>>,
    tried: Best,
}

impl Search<'_> {
    /// Gives a step a slot; false when there is none.
    fn open(&mut self, index: usize) -> bool {
        let slot = match self.slots.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        if slot >= OPEN_MAX {
            return false;
        }
        self.slots[slot] = Some(index);
        if self.steps[index].effect.is_none() {
            self.observers |= 1 << slot;
        } else if self.steps[index].return_ns.is_none() {
            self.optional |= 1 << slot;
        }
        true
    }

    fn close(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.observers &= !(1 << slot);
        self.optional &= !(1 << slot);
    }

    /// Lets every open step that changes nothing, and fits, happen.
    fn observe(&self, mut configuration: Configuration) -> Configuration {
        let mut waiting = self.observers & !configuration.happened;
        while waiting != 0 {
            let slot = waiting.trailing_zeros() as usize;
            waiting &= waiting - 1;
            if let Some(index) = self.slots[slot]
                && self.steps[index].requirement.holds(configuration.state)
            {
                configuration.happened |= 1 << slot;
            }
        }
        configuration
    }

    /// All configurations in which the step of this slot has happened, reached by letting open steps happen. `None`: out of budget.
    fn must_happen(
        &mut self,
        alive: Vec<Configuration>,
        slot: usize,
    ) -> Option<Vec<Configuration>> {
        let bit = 1_u128 << slot;
        if let [only] = alive[..]
            && only.happened & bit != 0
        {
            return Some(alive);
        }
        let mut reached = Vec::new();
        self.tried.clear();
        // Those that have used up the fewest optional steps first: they make most of the others needless.
        let used_count = |s: &Self, c: &Configuration| (c.happened & s.optional).count_ones();
        self.waiting.clear();
        for configuration in alive {
            let used = used_count(self, &configuration);
            self.waiting.push(Reverse((used, configuration)));
        }
        let mut before = None;
        while let Some(Reverse((_, configuration))) = self.waiting.pop() {
            // Several ways lead to the same one; they come one after the other.
            if before.replace(configuration) == Some(configuration) {
                continue;
            }
            let (optional, observers) = (self.optional, self.observers);
            let is_new = self.tried.takes(optional, observers, configuration);
            // Comparing with many costs as much as looking at a few.
            let cost = self.tried.compared / COMPARED_AT_A_TIME;
            self.tried.compared %= COMPARED_AT_A_TIME;
            *self.budget = self.budget.checked_sub(cost)?;
            if !is_new {
                continue;
            }
            if configuration.happened & bit != 0 {
                reached.push(configuration);
                continue;
            }
            *self.budget = self.budget.checked_sub(1)?;
            for other in 0..self.slots.len() {
                let Some(step) = self.slots[other].map(|i| &self.steps[i]) else {
                    continue;
                };
                let is_open = configuration.happened & (1 << other) == 0;
                let (Some(effect), true) = (step.effect, is_open) else {
                    continue;
                };
                if step.requirement.holds(configuration.state) {
                    let used = if step.is_reusable() { 0 } else { 1 << other };
                    let happened = configuration.happened | used;
                    let next = self.observe(Configuration {
                        state: effect,
                        happened,
                    });
                    let used = used_count(self, &next);
                    self.waiting.push(Reverse((used, next)));
                }
            }
        }
        reached.sort_unstable();
        Some(reached)
    }
}

/// So many comparisons of configurations count as one that is looked at.
const COMPARED_AT_A_TIME: u64 = 16;

/// How many configurations are looked through one by one before they are kept by what they have in common.
const FEW: usize = 16;

/// The configurations that nothing beats, by state and the steps that must happen: which optional steps they have used up, and which reads
/// they have answered.
#[derive(Default)]
struct Best {
    few: Vec<((State, u128), (u128, u128))>,
    many: BTreeMap<(State, u128), Vec<(u128, u128)>>,
    /// With how many others configurations were compared since this was last taken account of.
    compared: u64,
}

impl Best {
    fn clear(&mut self) {
        self.few.clear();
        self.many.clear();
    }

    /// Takes a configuration, unless one that came before is as good.
    fn takes(&mut self, optional: u128, observers: u128, configuration: Configuration) -> bool {
        let happened = configuration.happened;
        let used = happened & optional;
        let answered = happened & observers;
        let alike = (configuration.state, happened & !optional & !observers);
        let is_beaten = |(other_used, other_answered): &(u128, u128)| {
            other_used & !used == 0 && answered & !other_answered == 0
        };
        let mut few = self.few.iter();
        if few.any(|(other, best)| *other == alike && is_beaten(best)) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push((alike, (used, answered)));
            return true;
        }
        let best = self.many.entry(alike).or_default();
        self.compared += best.len() as u64;
        if best.iter().any(is_beaten) {
            return false;
        }
        best.push((used, answered));
        true
    }
}

#[cfg(test)]
mod tests;
