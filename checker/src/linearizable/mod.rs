//! Linearizability of one register in one region, where versions written elsewhere may arrive at any instant.
//!
//! What a region is asked becomes [`Step`]s: what the item must have been, and what it is afterwards. A write of another region, and one of
//! unknown outcome, is an optional step that may happen at any time after it was asked. [`zones`] decide it fast where no value comes
//! twice; [`search`] decides it for any mix of steps.

pub(crate) mod search;
pub(crate) mod zones;

use crate::check::{Case, Fate, How, Item, Write};
use crate::history::{Condition, Ending, Op, RegionId, Value};
use crate::table::Table;

/// What a register holds: a number, or nothing.
pub(crate) type State = Option<i64>;

/// What an operation says about the item at its instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Requirement {
    /// Nothing.
    Any,
    /// It was this.
    Is(State),
    /// It was not this.
    IsNot(State),
}

impl Requirement {
    pub(crate) fn holds(self, state: State) -> bool {
        match self {
            Self::Any => true,
            Self::Is(required) => required == state,
            Self::IsNot(forbidden) => forbidden != state,
        }
    }
}

/// One operation on the register.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Index of its operation in the history.
    pub(crate) operation: usize,
    pub(crate) call_ns: u64,
    /// When it had happened at the latest; `None` for optional steps.
    pub(crate) return_ns: Option<u64>,
    pub(crate) requirement: Requirement,
    /// What the item is afterwards, if it changes.
    pub(crate) effect: Option<State>,
}

impl Step {
    /// Whether this is an optional delete. Deletes cannot be told apart, and each that is open doubles the configurations; so the earliest
    /// stands for all and may happen any number of times. That can only explain more, never flag more.
    pub(crate) fn is_reusable(&self) -> bool {
        let is_optional = self.return_ns.is_none() && self.requirement == Requirement::Any;
        is_optional && self.effect == Some(None)
    }
}

/// Whose operations must have one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those of one region; what others write arrives at any time.
    Region(RegionId),
    /// All.
    Everywhere,
}

impl Scope {
    fn has(self, region: RegionId) -> bool {
        match self {
            Self::Region(own) => own == region,
            Self::Everywhere => true,
        }
    }
}

/// The steps of one item within a scope, in the order of their calls.
pub(crate) fn steps(case: &Case<'_>, item: &Item<'_>, scope: Scope) -> Vec<Step> {
    let mut steps = Vec::with_capacity(item.sightings.len() / 2 + 8);
    let mut own = Vec::with_capacity(item.writes.len() / 2);
    for sighting in item.sightings.iter().filter(|s| scope.has(s.region)) {
        let state = sighting.number();
        match sighting.how {
            // A refused condition saw this item; its own write did not happen.
            How::StrongRead | How::Refused => steps.push(Step {
                operation: sighting.operation,
                call_ns: sighting.call_ns,
                return_ns: Some(sighting.return_ns),
                requirement: Requirement::Is(state),
                effect: None,
            }),
            // The old item is what a condition was judged on, so it says all that the condition does.
            How::Replaced | How::Condition => own.push((sighting.operation, state)),
            How::EventualRead => {}
        }
    }
    let shown_count = steps.len();
    let mut own = own.into_iter().peekable();
    for write in item.writes.iter().filter(|w| scope.has(w.region)) {
        // Sightings lie in the order of their operations, and so do writes and these steps.
        while own.next_if(|(o, _)| *o < write.operation).is_some() {}
        let said = own.peek().filter(|(o, _)| *o == write.operation);
        let said = said.map(|(_, state)| Requirement::Is(*state));
        let shown = &steps[..shown_count];
        let is_shown = |o: usize| shown.binary_search_by_key(&o, |s| s.operation).is_ok();
        let is_silent = write.fate == Fate::Failed && !is_shown(write.operation);
        if write.fate == Fate::Failed && !is_silent {
            continue;
        }
        let requirement = said.unwrap_or_else(|| condition(case, write.operation));
        let returned_ns = write.return_ns.filter(|_| write.fate == Fate::Acknowledged);
        let step = Step {
            operation: write.operation,
            call_ns: write.call_ns,
            return_ns: happened_by(item, write, returned_ns),
            requirement,
            effect: Some(write.value),
        };
        if !is_silent {
            steps.push(step);
        } else if let (Some(requirement), Some(return_ns)) =
            (refusal(case, write.operation), write.return_ns)
        {
            let return_ns = Some(return_ns);
            steps.push(Step {
                requirement,
                return_ns,
                effect: None,
                ..step
            });
        }
    }
    add_what_matters(&mut steps, item, scope);
    steps.sort_by_key(|s| (s.call_ns, s.operation));
    let mut has_delete = false;
    steps.retain(|s| !s.is_reusable() || !std::mem::replace(&mut has_delete, true));
    steps
}

/// When a write had happened at the latest: what anybody has seen, by whatever kind of read, had been written.
fn happened_by(item: &Item<'_>, write: &Write, returned_ns: Option<u64>) -> Option<u64> {
    let is_live = write.fate != Fate::Failed;
    let seen_ns = item.seen_by(write).filter(|_| is_live);
    let seen_ns = seen_ns.map(|ns| ns.max(write.call_ns));
    match (seen_ns, returned_ns) {
        (Some(seen_ns), Some(ns)) => Some(seen_ns.min(ns)),
        (seen_ns, returned_ns) => seen_ns.or(returned_ns),
    }
}

/// What a conditional write that happened says about the item.
fn condition(case: &Case<'_>, operation: usize) -> Requirement {
    let Op::Cas { condition, .. } = &case.history.operations[operation].op else {
        return Requirement::Any;
    };
    match condition {
        Condition::Equals(Value::Int(number)) => Requirement::Is(Some(*number)),
        Condition::Equals(Value::Absent) => Requirement::Is(None),
        Condition::Equals(Value::List(_)) => Requirement::Any,
        Condition::Exists => Requirement::IsNot(None),
    }
}

/// What a refusal that does not show the item says about it.
fn refusal(case: &Case<'_>, operation: usize) -> Option<Requirement> {
    let Ending::Failed { error, .. } = &case.history.operations[operation].ending else {
        return None;
    };
    if error != "ConditionalCheckFailedException" {
        return None;
    }
    match condition(case, operation) {
        Requirement::Any => None,
        Requirement::Is(state) => Some(Requirement::IsNot(state)),
        Requirement::IsNot(state) => Some(Requirement::Is(state)),
    }
}

/// Drops optional steps that cannot explain anything, and adds those writes of other regions that can.
fn add_what_matters(steps: &mut Vec<Step>, item: &Item<'_>, scope: Scope) {
    let elsewhere = item.writes.iter().filter(|w| !scope.has(w.region));
    let elsewhere = elsewhere.filter(|w| w.fate != Fate::Failed);
    let elsewhere = elsewhere.map(|write| Step {
        operation: write.operation,
        call_ns: write.call_ns,
        return_ns: None,
        requirement: Requirement::Any,
        effect: Some(write.value),
    });
    match keep_what_matters(steps) {
        None => steps.extend(elsewhere),
        Some(needed) => steps.extend(elsewhere.filter(|s| needed.has(s.effect))),
    }
}

/// Drops optional steps whose value no other step requires. Returns what is required; `None` if anything may be.
fn keep_what_matters(steps: &mut Vec<Step>) -> Option<Needed> {
    // A requirement of "not this" can be met by anything.
    if steps
        .iter()
        .any(|s| matches!(s.requirement, Requirement::IsNot(_)))
    {
        return None;
    }
    let required = |s: &Step| match s.requirement {
        Requirement::Is(state) => Some(state),
        Requirement::Any | Requirement::IsNot(_) => None,
    };
    let definite = steps.iter().filter(|s| s.return_ns.is_some());
    let mut needed = Needed {
        numbers: Table::with_capacity(steps.len()),
        absent: false,
    };
    definite.filter_map(required).for_each(|s| needed.insert(s));
    let needs_others = |s: &&Step| s.return_ns.is_none() && required(s).is_some();
    let chained: Vec<Step> = steps.iter().filter(needs_others).copied().collect();
    loop {
        let before = needed.count();
        for step in &chained {
            if let (true, Some(state)) = (needed.has(step.effect), required(step)) {
                needed.insert(state);
            }
        }
        if needed.count() == before {
            break;
        }
    }
    steps.retain(|s| s.return_ns.is_some() || needed.has(s.effect));
    Some(needed)
}

/// States that some step requires.
struct Needed {
    numbers: Table<()>,
    absent: bool,
}

impl Needed {
    fn insert(&mut self, state: State) {
        match state {
            Some(number) => {
                self.numbers.insert(number, ());
            }
            None => self.absent = true,
        }
    }

    fn has(&self, effect: Option<State>) -> bool {
        match effect {
            Some(Some(number)) => self.numbers.contains(number),
            Some(None) => self.absent,
            None => false,
        }
    }

    fn count(&self) -> usize {
        self.numbers.len() + usize::from(self.absent)
    }
}
