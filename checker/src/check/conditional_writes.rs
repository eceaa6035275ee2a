//! **Property.** Within one region a conditional write is decided against the item as it is at that instant, and nobody comes between.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "Condition expressions": a conditional write succeeds only if the item attributes meet the
//! condition; in a global table the condition is evaluated in the region that is asked. Invariants I7, I8, I9.
//!
//! **Examples that break it.** `us:w1[0-1] us:c1>2[2-3] us:c1>3[4-5]`: two writes both replaced 1 in one region.
//! `us:w1[0-1] us:c1>2~1[2-3]!`: refused although the condition held. `us:c1>2~5[2-3]`: acknowledged on an item that does not satisfy it.
//!
//! Two regions may both accept a condition on the same version: that is a fork, the contract allows it, and it is counted
//! (`conditional_forks_count`). Conditions on absence are judged only for keys without deletes, since absence has no identity.

use std::collections::BTreeMap;

use super::case::{Case, Fate, How, Item, Order, Sighting, Write};
use super::evidence::{Evidence, Findings, key_words, number_words, region_name, words};
use super::floor::{Floor, with_stamp};
use super::frontier::at;
use crate::history::{Condition, Ending, Op, RegionId, Reply, Value};

const REFUSED: &str = "ConditionalCheckFailedException";

pub(super) fn run(case: &Case<'_>) -> Findings {
    let stale = Floor {
        frontier: |f| &f.seen,
        judges: |how| how == How::Condition,
        promise: "A condition is judged against the newest version of its region",
    };
    let unwritten = Floor {
        frontier: |f| &f.written,
        ..stale
    };
    let mut findings = Findings::new(case.wanted);
    let is_condition = |s: &&Sighting<'_>| s.how == How::Condition;
    let conditions = case.registers();
    let conditions = conditions.flat_map(|item| item.sightings.iter().filter(is_condition));
    let conditions = conditions.filter(|s| !s.is_absent());
    // Histories without conditional writes break nothing; those whose conditions name versions of unknown order do not tell. One that tells will do.
    let mut conditions = conditions.map(|s| s.order.is_some());
    let first = conditions.next();
    if first == Some(true) || conditions.any(|is_placed| is_placed) {
        findings.merge(stale.run(case));
        findings.merge(unwritten.run(case));
        findings.is_judged = true;
    } else if first.is_some() {
        findings.nothing(
            1,
            "no version that a condition required shows its stamp, so it cannot be told whether it was the newest",
        );
    }
    for item in case.registers() {
        answers(case, item, &mut findings);
        winners(case, item, &mut findings);
        gaps(case, item, &mut findings);
    }
    if case.registers().next().is_none() {
        findings.nothing(0, "the history has no operation on a register");
    }
    findings
}

/// The condition of a write, if it has one.
fn condition<'h>(case: &Case<'h>, write: &Write) -> Option<&'h Condition> {
    if !write.is_conditional {
        return None;
    }
    match &case.history.operations[write.operation].op {
        Op::Cas { condition, .. } => Some(condition),
        Op::Read { .. }
        | Op::Write { .. }
        | Op::Delete { .. }
        | Op::AddToSet { .. }
        | Op::Increment { .. }
        | Op::Append { .. }
        | Op::Transact { .. }
        | Op::Scan
        | Op::Stream => None,
    }
}

fn holds(condition: &Condition, item: &Value) -> bool {
    match condition {
        Condition::Equals(required) => required == item,
        Condition::Exists => *item != Value::Absent,
    }
}

/// Whether each answer fits the item that it came with.
fn answers(case: &Case<'_>, item: &Item<'_>, findings: &mut Findings) {
    for write in &item.writes {
        let Some(condition) = condition(case, write) else {
            continue;
        };
        let (seen, is_accepted) = match &case.history.operations[write.operation].ending {
            Ending::Ok(Reply::Done { old: Some(old) }) => (&old.value, true),
            Ending::Failed {
                error,
                seen: Some(seen),
            } if error == REFUSED => (&seen.value, false),
            Ending::Ok(_) | Ending::Failed { .. } | Ending::Unknown { .. } => continue,
        };
        if holds(condition, seen) == is_accepted {
            continue;
        }
        let verb = if is_accepted { "accepted" } else { "refused" };
        let fact = if is_accepted {
            "does not satisfy"
        } else {
            "satisfies"
        };
        findings.add(|| {
            Evidence::new(case.history, item.key)
                .with(write.operation, format!("the conditional write that was {verb}"))
                .because(format!(
                    "{}: the conditional write was {verb}, but the item that it reports ({}) {fact} the condition",
                    key_words(case.history, item.key),
                    words(seen)
                ))
        });
    }
}

/// Two writes accepted on one version in one region: on condition, or as their old items say.
fn winners(case: &Case<'_>, item: &Item<'_>, findings: &mut Findings) {
    let has_deletes = item.has_deletes;
    // The first of each version, with its region; further ones, of other regions, are rare.
    let mut first: Vec<Option<&Sighting<'_>>> = vec![None; item.versions.len()];
    let mut others: BTreeMap<usize, Vec<&Sighting<'_>>> = BTreeMap::new();
    let mut first_of_all: Vec<&Sighting<'_>> = Vec::new();
    for replaced in &item.sightings {
        if !matches!(replaced.how, How::Condition | How::Replaced) {
            continue;
        }
        let version = match (replaced.value, replaced.version()) {
            (Value::Absent, _) if !has_deletes => None,
            (Value::Int(_), Some(version)) if replaced.origin.is_some() => Some(version as usize),
            (Value::Absent | Value::Int(_) | Value::List(_), _) => continue,
        };
        let is_own = |w: &&&Sighting<'_>| w.region == replaced.region;
        let winner = match version {
            None => first_of_all.iter().find(is_own).copied(),
            Some(version) => {
                let others = || others.get(&version)?.iter().find(is_own);
                let first = first[version].as_ref();
                first.filter(is_own).or_else(others).copied()
            }
        };
        let Some(winner) = winner else {
            match version {
                None => first_of_all.push(replaced),
                Some(version) if first[version].is_some() => {
                    others.entry(version).or_default().push(replaced);
                }
                Some(version) => first[version] = Some(replaced),
            }
            continue;
        };
        if winner.operation == replaced.operation {
            continue;
        }
        findings.add(|| {
            Evidence::new(case.history, item.key)
                .with(winner.operation, "the first write that replaced this version")
                .with(replaced.operation, "the second")
                .because(format!(
                    "{}: {} accepted two writes that both replaced {}. One version has one successor in a region",
                    key_words(case.history, item.key),
                    region_name(&case.history.header, at(replaced.region)),
                    words(replaced.value),
                ))
        });
    }
}

/// A version of the same region that lies between what a conditional write replaced and what it wrote.
fn gaps(case: &Case<'_>, item: &Item<'_>, findings: &mut Findings) {
    let has_conditions = item.sightings.iter().any(|s| s.how == How::Condition);
    if !has_conditions || item.ranking.is_empty() {
        return;
    }
    let shown = Shown::new(item, case.region_count());
    for write in item.writes.iter().filter(|w| w.fate == Fate::Acknowledged) {
        let mut own = item.own_sightings(write);
        let own = own.find(|s| write.is_conditional && s.how == How::Condition);
        let own = own.and_then(|s| Some((s.number()?, s.order?)));
        let (Some((required, low)), Some(high)) = (own, write.order) else {
            continue;
        };
        let Some(between) = shown.between(item, write.region, (low, high)) else {
            continue;
        };
        findings.add(|| {
            let mut evidence = Evidence::new(case.history, item.key)
                .with(write.operation, "the conditional write")
                .with(between.operation, "the operation that saw a version in between");
            for value in [Some(required), write.value].into_iter().flatten() {
                if let Some((_, shown)) = item.shown(value) {
                    let role = format!("the operation that shows the stamp of {value}");
                    evidence = evidence.with(shown.operation, role);
                }
            }
            with_stamp(evidence, item, between).because(format!(
                "{}: {} replaced {required} by {} on condition, yet it showed {}, whose stamp lies between theirs",
                key_words(case.history, item.key),
                region_name(&case.history.header, at(write.region)),
                number_words(write.value),
                words(between.value),
            ))
        });
    }
}

/// What each region showed, by the place in the order of versions.
struct Shown {
    /// By region and place: the first sighting (index) of the least version from there on; past all of them when there is none.
    from: Vec<Vec<usize>>,
}

impl Shown {
    fn new(item: &Item<'_>, region_count: usize) -> Self {
        let places = item.ranking.len() + 2;
        let none = item.sightings.len();
        let mut from = vec![vec![none; places]; region_count];
        for (index, sighting) in item.sightings.iter().enumerate() {
            if let Some(order) = sighting.order.filter(|_| sighting.is_current()) {
                let first = &mut from[at(sighting.region)][order.index()];
                *first = index.min(*first);
            }
        }
        for own in &mut from {
            for place in (0..places - 1).rev() {
                if own[place] == none {
                    own[place] = own[place + 1];
                }
            }
        }
        Self { from }
    }

    /// The first sighting of the least version that a region showed between two others.
    fn between<'i>(
        &self,
        item: &'i Item<'_>,
        region: RegionId,
        (low, high): (Order, Order),
    ) -> Option<&'i Sighting<'i>> {
        let sighting = item.sightings.get(self.from[at(region)][low.index() + 1])?;
        (sighting.order? < high).then_some(sighting)
    }
}

#[cfg(test)]
mod tests {
    use super::REFUSED;
    use crate::check::check;
    use crate::history::{Ending, one_line};
    use crate::verdict::Outcome;

    #[test]
    fn only_what_the_condition_refused_says_that_it_did_not_hold() {
        let history = one_line("us:w1[0-1] us:r1@5us[2-3] us:c1>2~1@5us[4-5]!");
        let mut history = history.expect("well formed");
        for (name, outcome) in [
            (REFUSED, Outcome::Invalid),
            ("TransactionConflictException", Outcome::Valid),
        ] {
            for operation in &mut history.operations {
                if let Ending::Failed { error, .. } = &mut operation.ending {
                    name.clone_into(error);
                }
            }
            let found = check(&history, &["conditional-writes"]).outcome;
            assert_eq!(found, outcome, "{name}");
        }
    }
}
