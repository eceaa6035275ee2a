//! Zones: an exact answer in O(n log n) for registers to which no value is written twice.
//!
//! All steps that touch one value form a cluster, and an order of steps is an order of whole clusters. A cluster has happened in part by
//! `first_return`, the least return of its steps, and not wholly before `last_call`, the greatest call. So `u` must come before `v` if
//! `u.first_return < v.last_call`, and there is an order if and only if no two clusters must each come before the other (Gibbons and
//! Korach 1997, "Testing shared memories"). A write that replaced a known value comes directly after it, so the two clusters are one.
//!
//! Absence is the one value that comes more than once. A delete that nobody saw is a value of its own; a sighting of no item is a
//! cluster of its own when a repeatable delete can precede it, and belongs to the beginning when nothing can have come before it. Where
//! neither is certain, for refusals that do not show the item and for conditional deletes of unknown outcome, the search decides.

use super::{Requirement, Step, places};

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
    writer: Option<u32>,
    /// The first and the last of the steps that saw it; [`Clusters::next_read`] links them.
    reads: Option<(u32, u32)>,
    /// The cluster that its writer replaced.
    before: Option<u32>,
    /// The cluster whose writer replaced it.
    after: Option<u32>,
    /// The earliest instant of all its steps, beyond their calls.
    not_before_ns: u64,
}

/// The span of a cluster or a chain of them, with the steps that bound it. Moments count from 1; 0 is before the history.
#[derive(Clone, Copy, Debug)]
struct Zone {
    first_return: (u64, usize),
    last_call: (u64, usize),
}

impl Zone {
    fn must_precede(&self, other: &Self) -> bool {
        self.first_return.0 < other.last_call.0
    }
}

/// Decides whether the steps of one register, sorted by call, have an order.
pub(crate) fn decide(steps: &[Step]) -> Zones {
    let is_hard = |s: &Step| match s.requirement {
        Requirement::Any => false,
        // Whether a conditional delete of unknown outcome happened is a choice.
        Requirement::Is(_) => s.return_ns.is_none() && s.effect == Some(None),
        Requirement::IsNot(_) => true,
    };
    if steps.iter().any(is_hard) {
        return Zones::Undecided;
    }
    let clusters = match Clusters::new(steps) {
        Ok(clusters) => clusters,
        Err(answer) => return answer,
    };
    let mut zones = Vec::new();
    let mut is_walked = vec![false; clusters.all.len()];
    for head in 0..clusters.all.len() {
        if clusters.all[head].before.is_some() {
            continue;
        }
        match clusters.chain(head, &mut is_walked) {
            Ok(zone) => zones.push(zone),
            Err(shown) => return Zones::Broken(shown),
        }
    }
    if let Some(circle) = is_walked.iter().position(|is_walked| !is_walked) {
        return Zones::Broken(clusters.circle(circle));
    }
    match conflict(&mut zones) {
        Some((one, other)) => Zones::Broken(vec![
            one.first_return.1,
            one.last_call.1,
            other.first_return.1,
            other.last_call.1,
        ]),
        None => Zones::Linearizable,
    }
}

/// Two zones that must each precede the other.
fn conflict(zones: &mut [Zone]) -> Option<(Zone, Zone)> {
    zones.sort_unstable_by_key(|z| z.first_return);
    // For each count of zones, the one among them whose last call is greatest.
    let mut latest: Vec<usize> = Vec::with_capacity(zones.len());
    for (index, zone) in zones.iter().enumerate() {
        let best = latest.last().copied();
        let is_later = best.is_none_or(|b: usize| zones[b].last_call.0 < zone.last_call.0);
        latest.push(if is_later {
            index
        } else {
            best.unwrap_or(index)
        });
    }
    for (index, zone) in zones.iter().enumerate() {
        let before = zones.partition_point(|z| z.first_return.0 < zone.last_call.0);
        let Some(other) = before.min(index).checked_sub(1).map(|i| latest[i]) else {
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
    /// For each step that is a read, the next one of its cluster.
    next_read: Vec<u32>,
    /// The cluster that replaced no item at the beginning.
    first: Option<usize>,
}

impl<'s> Clusters<'s> {
    fn new(steps: &'s [Step]) -> Result<Self, Zones> {
        let mut clusters = Self {
            steps,
            all: Vec::with_capacity(steps.len() / 2),
            next_read: vec![NONE; steps.len()],
            first: None,
        };
        let mut by_value = ByValue(vec![NONE; places(steps)]);
        for (index, step) in steps.iter().enumerate() {
            if let Some(Some(value)) = step.effect {
                let cluster = clusters.add(Some(index));
                if by_value.insert(value, cluster) {
                    return Err(Zones::Undecided);
                }
            }
        }
        let beginning = Beginning::new(steps);
        for (index, step) in steps.iter().enumerate() {
            match step.requirement {
                // An optional delete is known by when it can come first.
                _ if step.return_ns.is_none() && step.effect == Some(None) => {}
                Requirement::Any | Requirement::IsNot(_) => {
                    if step.effect == Some(None) {
                        clusters.add(Some(index));
                    }
                }
                Requirement::Is(Some(value)) => {
                    let Some(cluster) = by_value.get(value) else {
                        return Err(missing(step, index));
                    };
                    clusters.require(index, cluster, &by_value)?;
                }
                Requirement::Is(None) => clusters.require_absent(index, &beginning, &by_value)?,
            }
        }
        Ok(clusters)
    }

    fn add(&mut self, writer: Option<usize>) -> usize {
        self.all.push(Cluster {
            writer: writer.map(small),
            reads: None,
            before: None,
            after: None,
            not_before_ns: 0,
        });
        self.all.len() - 1
    }

    /// Adds a read to a cluster.
    fn read(&mut self, cluster: usize, index: usize) {
        let reads = &mut self.all[cluster].reads;
        let index = small(index);
        let first = match *reads {
            None => index,
            Some((first, last)) => {
                self.next_read[last as usize] = index;
                first
            }
        };
        *reads = Some((first, index));
    }

    /// Notes that a step saw the value of a cluster, and perhaps replaced it.
    fn require(&mut self, index: usize, seen: usize, by_value: &ByValue) -> Result<(), Zones> {
        let own = match self.steps[index].effect {
            None => {
                self.read(seen, index);
                return Ok(());
            }
            Some(Some(value)) => written(by_value, value),
            Some(None) => self.add(Some(index)),
        };
        if let Some(other) = self.all[seen].after {
            return Err(Zones::Broken(self.writers(other as usize, index)));
        }
        self.all[seen].after = Some(small(own));
        self.all[own].before = Some(small(seen));
        Ok(())
    }

    /// Notes that a step saw no item.
    fn require_absent(
        &mut self,
        index: usize,
        beginning: &Beginning,
        by_value: &ByValue,
    ) -> Result<(), Zones> {
        let step = &self.steps[index];
        let return_ns = step.return_ns.unwrap_or(u64::MAX);
        let is_optional = step.return_ns.is_none();
        let changes = match step.effect {
            Some(Some(value)) => Some(written(by_value, value)),
            Some(None) | None => None,
        };
        if beginning.repeatable_ns.is_some_and(|ns| ns <= step.call_ns) {
            // A delete can have come just before, whenever it happened.
            if changes.is_none() && !is_optional {
                let own = self.add(None);
                self.read(own, index);
            }
            return Ok(());
        }
        let may_follow_delete = beginning.repeatable_ns.is_some_and(|ns| ns <= return_ns)
            || beginning.delete_ns.is_some_and(|ns| ns <= return_ns);
        match changes {
            Some(own) if !may_follow_delete => match self.first.replace(own) {
                Some(other) => Err(Zones::Broken(self.writers(other, index))),
                None => Ok(()),
            },
            Some(_) => Err(Zones::Undecided),
            None if step.call_ns <= beginning.end.0 => Ok(()),
            None if is_optional => Ok(()),
            None if !may_follow_delete => Err(Zones::Broken(vec![index, beginning.end.1])),
            None => match beginning.repeatable_ns.filter(|ns| *ns <= return_ns) {
                Some(not_before_ns) if beginning.delete_ns.is_none_or(|ns| ns > return_ns) => {
                    let own = self.add(None);
                    self.read(own, index);
                    self.all[own].not_before_ns = not_before_ns;
                    Ok(())
                }
                Some(_) | None => Err(Zones::Undecided),
            },
        }
    }

    /// The writer of a cluster, and another step.
    fn writers(&self, cluster: usize, other: usize) -> Vec<usize> {
        let writer = self.all[cluster].writer.map(|writer| writer as usize);
        writer.into_iter().chain([other]).collect()
    }

    /// The zone of a chain, if its steps fit together in the order of the chain; else the two that do not.
    fn chain(&self, head: usize, is_walked: &mut [bool]) -> Result<Zone, Vec<usize>> {
        let mut zone = Zone {
            first_return: (u64::MAX, usize::MAX),
            last_call: (0, usize::MAX),
        };
        let mut next = Some(head);
        while let Some(index) = next {
            let cluster = &self.all[index];
            is_walked[index] = true;
            if let Some(writer) = cluster.writer {
                let earlier = zone.last_call;
                let writer = writer as usize;
                self.extend(&mut zone, writer, cluster.not_before_ns, earlier)?;
                if self.first == Some(index) {
                    zone.first_return = zone.first_return.min((0, writer));
                }
            }
            let earlier = zone.last_call;
            let mut read = cluster.reads.map_or(NONE, |(first, _)| first);
            while read != NONE {
                self.extend(&mut zone, read as usize, cluster.not_before_ns, earlier)?;
                read = self.next_read[read as usize];
            }
            next = cluster.after.map(|after| after as usize);
        }
        Ok(zone)
    }

    /// The writers of values that replaced one another in a circle.
    fn circle(&self, start: usize) -> Vec<usize> {
        let mut circle = vec![start];
        while let Some(before) = self.all[circle[circle.len() - 1]].before
            && before as usize != start
        {
            circle.push(before as usize);
        }
        let writers = circle.iter().filter_map(|c| self.all[*c].writer);
        writers.map(|writer| writer as usize).collect()
    }

    /// Takes one step into a zone. It comes after all with calls up to `earlier`.
    fn extend(
        &self,
        zone: &mut Zone,
        index: usize,
        not_before_ns: u64,
        earlier: (u64, usize),
    ) -> Result<(), Vec<usize>> {
        let step = &self.steps[index];
        let by = step.return_ns.map_or(u64::MAX, |ns| ns.saturating_add(1));
        let from = step.call_ns.max(not_before_ns).saturating_add(1);
        if by < earlier.0 {
            return Err(vec![earlier.1, index]);
        }
        zone.first_return = zone.first_return.min((by, index));
        zone.last_call = zone.last_call.max((from, index));
        Ok(())
    }
}

/// What a place without a cluster or a step holds.
const NONE: u32 = u32::MAX;

fn small(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 steps and clusters")
}

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
}

/// The cluster of a value that a step writes.
fn written(by_value: &ByValue, value: u32) -> usize {
    by_value
        .get(value)
        .expect("every written value has its cluster")
}

/// A value that nobody wrote was seen; an optional step that needs it did not happen, but something needs that step.
fn missing(step: &Step, index: usize) -> Zones {
    match step.return_ns {
        Some(_) => Zones::Broken(vec![index]),
        None => Zones::Undecided,
    }
}

/// Until when, and from when, the item can be absent.
struct Beginning {
    /// The first return of a step that shows an item, and that step: from then on something had been written.
    end: (u64, usize),
    /// From when on a delete can happen at any time.
    repeatable_ns: Option<u64>,
    /// The first call of any other delete.
    delete_ns: Option<u64>,
}

impl Beginning {
    fn new(steps: &[Step]) -> Self {
        let shows = |s: &Step| {
            matches!(s.effect, Some(Some(_))) || matches!(s.requirement, Requirement::Is(Some(_)))
        };
        let returns = steps.iter().enumerate().filter(|(_, s)| shows(s));
        let returns = returns.filter_map(|(index, s)| Some((s.return_ns?, index)));
        let deletes = |is_repeatable: bool| {
            // One that removed nothing does not make the item absent.
            let removes = |s: &&Step| s.requirement != Requirement::Is(None);
            let deletes = steps.iter().filter(|s| s.effect == Some(None));
            let deletes = deletes.filter(removes);
            let deletes = deletes.filter(|s| s.is_reusable() == is_repeatable);
            deletes.map(|s| s.call_ns).min()
        };
        Self {
            end: returns.min().unwrap_or((u64::MAX, 0)),
            repeatable_ns: deletes(true),
            delete_ns: deletes(false),
        }
    }
}

#[cfg(test)]
mod tests;
