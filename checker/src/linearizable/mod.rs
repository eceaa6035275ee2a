//! Linearizability of one register in one region, where versions written elsewhere may arrive at any instant.
//!
//! What a region is asked becomes [`Step`]s: what the item must have been, and what it is afterwards. A write of another region, and one of
//! unknown outcome, is an optional step that may happen at any time after it was asked. [`zones`] decide it fast where no value comes
//! twice; [`search`] decides it for any mix of steps.

pub(crate) mod search;
pub(crate) mod zones;

use crate::check::{Case, Fate, How, Item, Sighting, Write, at};
use crate::history::{Condition, Ending, Op, RegionId, Value};

/// What a register holds: a version, by its place among those of the item; or nothing.
pub(crate) type State = Option<u32>;

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

/// How many places a list needs to have one for every version that steps name.
pub(crate) fn places(steps: &[Step]) -> usize {
    let required = |s: &Step| match s.requirement {
        Requirement::Is(state) | Requirement::IsNot(state) => state,
        Requirement::Any => None,
    };
    let named = steps.iter().map(|s| required(s).max(s.effect.flatten()));
    let greatest = named.max().flatten();
    greatest.map_or(0, |version| version as usize + 1)
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

/// The steps of one item within each of these scopes, of which no two have the same region, in the order of their calls.
pub(crate) fn steps(case: &Case<'_>, item: &Item<'_>, scopes: &[Scope]) -> Vec<Vec<Step>> {
    let share = (item.sightings.len() + item.writes.len()) / scopes.len().max(1);
    let list = || Vec::with_capacity(share + share / 4);
    let mut all: Vec<Vec<Step>> = scopes.iter().map(|_| list()).collect();
    let places: Vec<Option<usize>> = (0..=u8::MAX)
        .take(case.region_count())
        .map(|region| scopes.iter().position(|s| s.has(RegionId(region))))
        .collect();
    // Sightings and writes lie in the order of their operations, which is that of calls.
    let mut sightings = item.sightings.iter().peekable();
    for write in &item.writes {
        while let Some(sighting) = sightings.next_if(|s| s.operation <= write.operation) {
            look(sighting, &places, &mut all);
        }
        if let Some(place) = places[at(write.region)] {
            all[place].extend(change(case, item, write));
        }
    }
    sightings.for_each(|sighting| look(sighting, &places, &mut all));
    let own = scopes.iter().zip(all);
    own.map(|(scope, own)| with_others(item, *scope, own))
        .collect()
}

/// The steps of a scope, with the writes elsewhere that matter to them; without those of unknown outcome that do not.
fn with_others(item: &Item<'_>, scope: Scope, own: Vec<Step>) -> Vec<Step> {
    let needed = Needed::new(&own, item.versions.len());
    let mut steps: Vec<Step> = Vec::with_capacity(own.len() + item.writes.len() / 2 + 8);
    let mut has_delete = false;
    let mut keep = |step: Step| {
        if !step.is_reusable() || !std::mem::replace(&mut has_delete, true) {
            steps.push(step);
        }
    };
    let others = item
        .writes
        .iter()
        .filter(|w| !scope.has(w.region) && w.fate != Fate::Failed && needed.has(Some(w.version)));
    let mut others = others.peekable();
    let elsewhere = |write: &Write| Step {
        operation: write.operation,
        call_ns: write.call_ns,
        return_ns: None,
        requirement: Requirement::Any,
        effect: Some(write.version),
    };
    for step in own {
        while let Some(write) = others.next_if(|w| w.operation < step.operation) {
            keep(elsewhere(write));
        }
        if step.return_ns.is_some() || needed.has(step.effect) {
            keep(step);
        }
    }
    others.for_each(|write| keep(elsewhere(write)));
    debug_assert!(steps.is_sorted_by_key(|s| (s.call_ns, s.operation)));
    steps
}

/// Adds what was seen without being changed, to the list that its region has.
fn look(sighting: &Sighting<'_>, places: &[Option<usize>], all: &mut [Vec<Step>]) {
    match sighting.how {
        // A refused condition saw this item; its own write did not happen.
        How::StrongRead | How::Refused => {}
        // The old item is what a condition was judged on: it belongs to the write.
        How::Replaced | How::Condition | How::EventualRead => return,
    }
    if let Some(place) = places[at(sighting.region)] {
        all[place].push(Step {
            operation: sighting.operation,
            call_ns: sighting.call_ns,
            return_ns: Some(sighting.return_ns),
            requirement: Requirement::Is(sighting.version()),
            effect: None,
        });
    }
}

/// What a write did, or a refusal that does not show the item says.
fn change(case: &Case<'_>, item: &Item<'_>, write: &Write) -> Option<Step> {
    let mut own = item.own_sightings(write);
    if write.fate == Fate::Failed {
        let is_shown = own.any(|s| matches!(s.how, How::StrongRead | How::Refused));
        let requirement = refusal(case, item, write.operation).filter(|_| !is_shown)?;
        return Some(Step {
            operation: write.operation,
            call_ns: write.call_ns,
            return_ns: Some(write.return_ns?),
            requirement,
            effect: None,
        });
    }
    // The old item is what a condition was judged on, so it says all that the condition does.
    let said = own.find(|s| matches!(s.how, How::Replaced | How::Condition));
    let requirement = match said {
        Some(said) => Requirement::Is(said.version()),
        None if write.is_conditional => condition(case, item, write.operation),
        None => Requirement::Any,
    };
    let returned_ns = write.return_ns.filter(|_| write.fate == Fate::Acknowledged);
    Some(Step {
        operation: write.operation,
        call_ns: write.call_ns,
        return_ns: happened_by(item, write, returned_ns),
        requirement,
        effect: Some(write.version),
    })
}

/// When a write had happened at the latest: what anybody has seen, by whatever kind of read, had been written.
fn happened_by(item: &Item<'_>, write: &Write, returned_ns: Option<u64>) -> Option<u64> {
    let seen_ns = item.seen_by(write);
    let seen_ns = seen_ns.map(|ns| ns.max(write.call_ns));
    match (seen_ns, returned_ns) {
        (Some(seen_ns), Some(ns)) => Some(seen_ns.min(ns)),
        (seen_ns, returned_ns) => seen_ns.or(returned_ns),
    }
}

/// What a conditional write that happened says about the item.
fn condition(case: &Case<'_>, item: &Item<'_>, operation: usize) -> Requirement {
    let Op::Cas { condition, .. } = &case.history.operations[operation].op else {
        return Requirement::Any;
    };
    match condition {
        Condition::Equals(Value::Int(number)) => Requirement::Is(Some(item.place(*number))),
        Condition::Equals(Value::Absent) => Requirement::Is(None),
        Condition::Equals(Value::List(_)) => Requirement::Any,
        Condition::Exists => Requirement::IsNot(None),
    }
}

/// What a refusal that does not show the item says about it.
fn refusal(case: &Case<'_>, item: &Item<'_>, operation: usize) -> Option<Requirement> {
    let Ending::Failed { error, .. } = &case.history.operations[operation].ending else {
        return None;
    };
    if error != "ConditionalCheckFailedException" {
        return None;
    }
    match condition(case, item, operation) {
        Requirement::Any => None,
        Requirement::Is(state) => Some(Requirement::IsNot(state)),
        Requirement::IsNot(state) => Some(Requirement::Is(state)),
    }
}

/// States that some step requires: an optional step that makes another one says nothing.
struct Needed {
    versions: Vec<bool>,
    absent: bool,
    /// Whether something requires that a state is not there, which anything can bring about.
    anything: bool,
}

impl Needed {
    fn new(steps: &[Step], version_count: usize) -> Self {
        let mut needed = Self {
            versions: vec![false; version_count],
            absent: false,
            anything: false,
        };
        let mut chained: Vec<&Step> = Vec::new();
        for step in steps {
            match step.requirement {
                Requirement::Any => {}
                Requirement::IsNot(_) => needed.anything = true,
                Requirement::Is(_) if step.return_ns.is_none() => chained.push(step),
                Requirement::Is(state) => _ = needed.insert(state),
            }
        }
        // An optional step that is needed needs in turn what it requires.
        let mut has_grown = !chained.is_empty();
        while has_grown {
            has_grown = false;
            for step in &chained {
                if let (true, Requirement::Is(state)) = (needed.has(step.effect), step.requirement)
                {
                    has_grown |= needed.insert(state);
                }
            }
        }
        needed
    }

    /// Whether it was not required before.
    fn insert(&mut self, state: State) -> bool {
        let place = match state {
            Some(version) => &mut self.versions[version as usize],
            None => &mut self.absent,
        };
        !std::mem::replace(place, true)
    }

    /// Whether what a step makes of the item matters.
    fn has(&self, effect: Option<State>) -> bool {
        self.anything
            || match effect {
                Some(Some(version)) => self.versions[version as usize],
                Some(None) => self.absent,
                None => false,
            }
    }
}
