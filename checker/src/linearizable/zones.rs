//! Zones: an exact answer in O(n log n) for registers to which no value is written twice.
//!
//! All steps that touch one value form a cluster, and an order of steps is an order of whole clusters. A cluster has happened in part by
//! `first_return`, the least return of its steps, and not wholly before `last_call`, the greatest call. So `u` must come before `v` if
//! `u.first_return < v.last_call`, and there is an order if and only if no two clusters must each come before the other (Gibbons and
//! Korach 1997, "Testing shared memories"). A write that replaced a known value comes directly after it, so the two clusters are one.
//!
//! Absence is the one value that comes more than once. A delete that nobody saw is a value of its own; a sighting of no item is a
//! cluster of its own when a repeatable delete can precede it, and belongs to the beginning when nothing can have come before it. Where
//! neither is certain, the latest delete is guessed to have made it: if there is an order with that, there is one. If there is none, and for
//! refusals that do not show the item and conditional deletes of unknown outcome, the search decides.

use super::{Requirement, State, Step};
use crate::small::small;

/// What the zones of a register say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Zones {
    /// There is an order.
    Linearizable,
    /// There is none; these steps, perhaps more than needed, show it.
    Broken(Vec<usize>),
    /// Zones cannot tell.
    Undecided,
}

/// All steps that touch one value, or several that came directly after one another.
#[derive(Clone, Debug)]
struct Cluster {
    /// The step that wrote it, if there is one.
    writer: u32,
    /// The cluster that its writer replaced.
    before: u32,
    /// The cluster whose writer replaced it.
    after: u32,
    /// Of the steps that saw it.
    reads: Zone,
}

/// The span of some steps, with those that bound it. Moments count from 1; 0 is before the history.
#[derive(Clone, Copy, Debug)]
struct Zone {
    first_return: (u64, usize),
    last_call: (u64, usize),
}

impl Zone {
    /// That of no steps.
    const EMPTY: Self = Self {
        first_return: (u64::MAX, usize::MAX),
        last_call: (0, 0),
    };

    /// That of one step, which cannot have happened before this instant.
    fn of(step: &Step, index: usize, not_before_ns: u64) -> Self {
        let by = step.return_ns.map_or(u64::MAX, |ns| ns.saturating_add(1));
        let from = step.call_ns.max(not_before_ns).saturating_add(1);
        Self {
            first_return: (by, index),
            last_call: (from, index),
        }
    }

    fn extend(&mut self, other: &Self) {
        self.first_return = self.first_return.min(other.first_return);
        self.last_call = self.last_call.max(other.last_call);
    }

    fn must_precede(&self, other: &Self) -> bool {
        self.first_return.0 < other.last_call.0
    }
}

/// Decides whether the steps of one register, sorted by call, have an order.
pub(crate) fn decide(steps: &[Step]) -> Zones {
    let outline = Outline::new(steps);
    if outline.is_hard {
        return Zones::Undecided;
    }
    let mut clusters = Clusters::new(steps, &outline);
    match clusters.decide(&outline) {
        Ok(()) => Zones::Linearizable,
        // Another guess may be right.
        Err(Zones::Broken(_)) if !clusters.guesses.is_empty() => Zones::Undecided,
        Err(answer) => answer,
    }
}

/// Two zones that must each precede the other.
fn conflict(zones: &mut [Zone]) -> Option<(Zone, Zone)> {
    zones.sort_unstable_by_key(|z| z.first_return);
    // For each count of zones, the one among them whose last call is greatest.
    let mut latest: Vec<usize> = Vec::with_capacity(zones.len());
    let mut best = 0;
    for (index, zone) in zones.iter().enumerate() {
        if zones[best].last_call.0 < zone.last_call.0 {
            best = index;
        }
        latest.push(best);
    }
    for (index, zone) in zones.iter().enumerate() {
        // How many of those before it must precede it: all of them, if something of it returned before its last call.
        let before = match zone.must_precede(zone) {
            true => index,
            false => zones[..index].partition_point(|z| z.must_precede(zone)),
        };
        let Some(other) = before.checked_sub(1).map(|i| latest[i]) else {
            continue;
        };
        if zone.must_precede(&zones[other]) {
            return Some((*zone, zones[other]));
        }
    }
    None
}

struct Clusters<'s> {
    steps: &'s [Step],
    all: Vec<Cluster>,
    by_value: ByValue,
    /// The cluster that replaced no item at the beginning.
    first: Option<usize>,
    /// Deletes that happened, in the order of their calls: the call, and the cluster.
    deletes: Vec<(u64, usize)>,
    /// Steps that saw no item of which it is not certain what had made it absent.
    guesses: Vec<usize>,
}

impl<'s> Clusters<'s> {
    fn new(steps: &'s [Step], outline: &Outline) -> Self {
        Self {
            steps,
            all: Vec::with_capacity(steps.len() / 2),
            by_value: ByValue(vec![NONE; outline.value_count]),
            first: None,
            deletes: Vec::new(),
            guesses: Vec::new(),
        }
    }

    fn decide(&mut self, outline: &Outline) -> Result<(), Zones> {
        self.gather(outline)?;
        for index in self.guesses.clone() {
            self.guess(index)?;
        }
        let mut zones = Vec::with_capacity(self.all.len());
        let mut is_walked = vec![false; self.all.len()];
        for head in 0..self.all.len() {
            if self.all[head].before == NONE {
                let zone = self.chain(head, &mut is_walked);
                zones.push(zone.map_err(Zones::Broken)?);
            }
        }
        if let Some(circle) = is_walked.iter().position(|is_walked| !is_walked) {
            return Err(Zones::Broken(self.circle(circle)));
        }
        match conflict(&mut zones) {
            Some((one, other)) => Err(Zones::Broken(vec![
                one.first_return.1,
                one.last_call.1,
                other.first_return.1,
                other.last_call.1,
            ])),
            None => Ok(()),
        }
    }

    fn gather(&mut self, outline: &Outline) -> Result<(), Zones> {
        for (index, step) in self.steps.iter().enumerate() {
            if let Some(Some(value)) = step.effect {
                let cluster = self.add(Some(index));
                if self.by_value.insert(value, cluster) {
                    return Err(Zones::Undecided);
                }
            }
        }
        for (index, step) in self.steps.iter().enumerate() {
            match step.requirement {
                // An optional delete is known by when it can come first.
                _ if step.return_ns.is_none() && step.effect == Some(None) => {}
                Requirement::Any | Requirement::IsNot(_) => {
                    if step.effect == Some(None) {
                        self.add_delete(index);
                    }
                }
                Requirement::Is(Some(value)) => {
                    let Some(cluster) = self.by_value.get(value) else {
                        return Err(missing(step, index));
                    };
                    self.require(index, cluster)?;
                }
                Requirement::Is(None) => self.require_absent(index, outline)?,
            }
        }
        Ok(())
    }

    fn add(&mut self, writer: Option<usize>) -> usize {
        self.all.push(Cluster {
            writer: writer.map_or(NONE, small),
            before: NONE,
            after: NONE,
            reads: Zone::EMPTY,
        });
        self.all.len() - 1
    }

    fn add_delete(&mut self, index: usize) -> usize {
        let cluster = self.add(Some(index));
        self.deletes.push((self.steps[index].call_ns, cluster));
        cluster
    }

    /// Adds a sighting of no item that cannot have happened before this instant, by itself.
    fn add_absent(&mut self, index: usize, not_before_ns: u64) {
        let own = self.add(None);
        self.all[own].reads = Zone::of(&self.steps[index], index, not_before_ns);
    }

    /// Notes that a step saw what a cluster made of the item, and perhaps replaced it.
    fn require(&mut self, index: usize, seen: usize) -> Result<(), Zones> {
        let step = &self.steps[index];
        let own = match (step.effect, step.requirement) {
            // What deletes no item changes nothing.
            (None, _) | (Some(None), Requirement::Is(None)) => {
                self.all[seen].reads.extend(&Zone::of(step, index, 0));
                return Ok(());
            }
            (Some(Some(value)), _) => self.by_value.written(value),
            (Some(None), _) => self.add_delete(index),
        };
        if self.all[seen].after != NONE {
            let other = self.all[seen].after;
            return Err(Zones::Broken(self.writers(other as usize, index)));
        }
        self.all[seen].after = small(own);
        self.all[own].before = small(seen);
        Ok(())
    }

    /// Notes that a step saw no item.
    fn require_absent(&mut self, index: usize, outline: &Outline) -> Result<(), Zones> {
        let step = &self.steps[index];
        let return_ns = step.return_ns.unwrap_or(u64::MAX);
        let is_optional = step.return_ns.is_none();
        let changes = match step.effect {
            Some(Some(value)) => Some(self.by_value.written(value)),
            Some(None) | None => None,
        };
        if outline.repeatable_ns.is_some_and(|ns| ns <= step.call_ns) {
            // A delete can have come just before, whenever it happened.
            if changes.is_none() && !is_optional {
                self.add_absent(index, 0);
            }
            return Ok(());
        }
        let may_follow_delete = outline.repeatable_ns.is_some_and(|ns| ns <= return_ns)
            || outline.delete_ns.is_some_and(|ns| ns <= return_ns);
        match changes {
            Some(own) if !may_follow_delete => {
                if let Some(other) = self.first.replace(own) {
                    return Err(Zones::Broken(self.writers(other, index)));
                }
            }
            Some(_) => self.guesses.push(index),
            None if step.call_ns <= outline.end.0 => {}
            None if is_optional => {}
            None if !may_follow_delete => {
                return Err(Zones::Broken(vec![index, outline.end.1]));
            }
            None => match outline.repeatable_ns.filter(|ns| *ns <= return_ns) {
                Some(not_before_ns) if outline.delete_ns.is_none_or(|ns| ns > return_ns) => {
                    self.add_absent(index, not_before_ns);
                }
                Some(_) | None => self.guesses.push(index),
            },
        }
        Ok(())
    }

    /// Takes a step to have seen what the latest delete left, of those that were asked for before it or at least before it returned.
    fn guess(&mut self, index: usize) -> Result<(), Zones> {
        let step = &self.steps[index];
        let before = self.deletes.partition_point(|(ns, _)| *ns <= step.call_ns);
        let latest = self.deletes.get(before.saturating_sub(1));
        match latest.filter(|(ns, _)| step.return_ns.is_none_or(|own| *ns <= own)) {
            Some((_, delete)) => self.require(index, *delete),
            None => Err(Zones::Undecided),
        }
    }

    /// The writer of a cluster, and another step.
    fn writers(&self, cluster: usize, other: usize) -> Vec<usize> {
        let writer = Some(self.all[cluster].writer).filter(|writer| *writer != NONE);
        let writer = writer.map(|writer| writer as usize);
        writer.into_iter().chain([other]).collect()
    }

    /// The zone of a chain, if its steps fit together in the order of the chain; else the two that do not.
    fn chain(&self, head: usize, is_walked: &mut [bool]) -> Result<Zone, Vec<usize>> {
        let mut zone = Zone::EMPTY;
        let mut next = small(head);
        while next != NONE {
            let index = next as usize;
            let cluster = &self.all[index];
            is_walked[index] = true;
            if cluster.writer != NONE {
                let writer = cluster.writer as usize;
                let own = Zone::of(&self.steps[writer], writer, 0);
                if own.must_precede(&zone) {
                    return Err(vec![zone.last_call.1, writer]);
                }
                zone.extend(&own);
                if self.first == Some(index) {
                    zone.first_return = zone.first_return.min((0, writer));
                }
            }
            if cluster.reads.must_precede(&zone) {
                return Err(vec![
                    zone.last_call.1,
                    self.read_before(cluster, zone.last_call.0),
                ]);
            }
            zone.extend(&cluster.reads);
            next = cluster.after;
        }
        Ok(zone)
    }

    /// The first of the steps that saw what a cluster wrote and returned before a moment.
    fn read_before(&self, cluster: &Cluster, moment: u64) -> usize {
        let written = self.steps.get(cluster.writer as usize);
        let written = written.and_then(|writer| writer.effect);
        let is_own = |(index, step): &(usize, &Step)| {
            let has_seen = written.is_some_and(|state| step.requirement == Requirement::Is(state));
            has_seen && step.effect.is_none() && Zone::of(step, *index, 0).first_return.0 < moment
        };
        let first = self.steps.iter().enumerate().find(is_own);
        first.map_or(cluster.reads.first_return.1, |(index, _)| index)
    }

    /// The writers of values that replaced one another in a circle.
    fn circle(&self, start: usize) -> Vec<usize> {
        let mut circle = vec![start];
        loop {
            let before = self.all[circle[circle.len() - 1]].before;
            if before == NONE || before as usize == start {
                break;
            }
            circle.push(before as usize);
        }
        let writers = circle.iter().map(|c| self.all[*c].writer);
        let writers = writers.filter(|writer| *writer != NONE);
        writers.map(|writer| writer as usize).collect()
    }
}

/// What a place without a cluster or a step holds.
const NONE: u32 = u32::MAX;

/// The cluster of each value.
struct ByValue(Vec<u32>);

impl ByValue {
    /// Whether the value had a cluster before.
    fn insert(&mut self, value: u32, cluster: usize) -> bool {
        std::mem::replace(&mut self.0[value as usize], small(cluster)) != NONE
    }

    fn get(&self, value: u32) -> Option<usize> {
        let cluster = self.0[value as usize];
        (cluster != NONE).then_some(cluster as usize)
    }

    /// The cluster of a value that a step writes.
    fn written(&self, value: u32) -> usize {
        let cluster = self.get(value);
        cluster.expect("every written value has its cluster")
    }
}

/// A value that nobody wrote was seen; an optional step that needs it did not happen, but something needs that step.
fn missing(step: &Step, index: usize) -> Zones {
    match step.return_ns {
        Some(_) => Zones::Broken(vec![index]),
        None => Zones::Undecided,
    }
}

/// What one look at all steps tells.
struct Outline {
    /// Whether there are steps that zones cannot place.
    is_hard: bool,
    /// How many places a list needs to have one for every version that steps name.
    value_count: usize,
    /// The first return of a step that shows an item, and that step: from then on something had been written.
    end: (u64, usize),
    /// From when on a delete can happen at any time.
    repeatable_ns: Option<u64>,
    /// The first call of any other delete.
    delete_ns: Option<u64>,
}

impl Outline {
    fn new(steps: &[Step]) -> Self {
        let mut outline = Self {
            is_hard: false,
            value_count: 0,
            end: (u64::MAX, 0),
            repeatable_ns: None,
            delete_ns: None,
        };
        for (index, step) in steps.iter().enumerate() {
            outline.add(index, step);
        }
        outline
    }

    fn add(&mut self, index: usize, step: &Step) {
        let required: State = match step.requirement {
            Requirement::Any => None,
            Requirement::Is(state) => state,
            Requirement::IsNot(state) => {
                self.is_hard = true;
                state
            }
        };
        let written = step.effect.flatten();
        let places = |state: State| state.map_or(0, |value| value as usize + 1);
        let greatest = places(required).max(places(written));
        self.value_count = self.value_count.max(greatest);
        if greatest > 0
            && let Some(return_ns) = step.return_ns
        {
            self.end = self.end.min((return_ns, index));
        }
        if step.effect != Some(None) {
            return;
        }
        // Whether a conditional delete of unknown outcome happened is a choice.
        let is_conditional = matches!(step.requirement, Requirement::Is(_));
        self.is_hard |= is_conditional && step.return_ns.is_none();
        // One that removed nothing does not make the item absent.
        if step.requirement != Requirement::Is(None) {
            let first_ns = match step.is_reusable() {
                true => &mut self.repeatable_ns,
                false => &mut self.delete_ns,
            };
            *first_ns = Some(first_ns.map_or(step.call_ns, |ns| ns.min(step.call_ns)));
        }
    }
}

#[cfg(test)]
mod tests;
