//! **Property.** In one region, a version that a delete removed does not come back.
//!
//! **Source.** Last-writer-wins with tombstones: a delete is a version, greater than all that its region had shown before it (invariant
//! I10). Real stores break this: tombstones collected before a late write arrives (Cassandra's `gc_grace` zombies, CockroachDB 173238).
//!
//! **Example that breaks it.** `us:w1[0-1] us:r1@5us[2-3] us:d[4-5] us:r1@5us[6-7]`: 1 was deleted, then read.
//!
//! A tombstone shows no stamp, so two things are known of it: it is greater than all its region had shown before the delete was
//! asked, and greater than what was shown before the item was seen absent. A greater version from elsewhere may follow it.

use super::case::{Case, Item, Sighting};
use super::evidence::{Evidence, Findings, key_words, region_name, words};
use super::floor::{with_stamp, with_witness};
use super::frontier::{Bound, Frontiers, Witness, at};

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    let mut is_any_unordered = false;
    for item in case.registers() {
        if !item.has_deletes {
            findings.is_judged = true;
            continue;
        }
        let frontiers = item.frontiers(case.region_count());
        let shown = item.sightings.iter();
        let shown = shown.filter(|s| s.is_current() && !s.is_absent());
        if frontiers.is_calm && shown.clone().any(|s| s.order.is_some()) {
            findings.is_judged = true;
            continue;
        }
        for sighting in shown {
            let Some(order) = sighting.order else {
                is_any_unordered = true;
                continue;
            };
            findings.is_judged = true;
            let region = at(sighting.region);
            let deleted = frontiers.deleted[region].before(sighting.call_ns);
            if let Some((bound, witness)) = deleted.filter(|(bound, _)| !bound.allows(order)) {
                findings.add(|| after_delete(case, item, sighting, bound, witness));
                continue;
            }
            let absent = frontiers.vanished[region].before(sighting.call_ns);
            if let Some((bound, witness)) = absent.filter(|(bound, _)| !bound.allows(order)) {
                findings.add(|| after_absence(case, item, frontiers, sighting, bound, witness));
            }
        }
    }
    match is_any_unordered {
        false => findings.nothing(0, "the history has no operation on a register"),
        true => findings.nothing(
            1,
            "no sighting of a deleted item shows its stamp, so versions cannot be ordered",
        ),
    }
    findings
}

fn after_delete(
    case: &Case<'_>,
    item: &Item<'_>,
    sighting: &Sighting<'_>,
    bound: Bound,
    witness: Witness,
) -> crate::verdict::Violation {
    let evidence = Evidence::new(case.history, item.key);
    let (evidence, _) = with_witness(evidence, item, witness, bound);
    with_stamp(evidence, item, sighting)
        .with(sighting.operation, "the operation that saw it again")
        .because(format!(
            "{}: {} acknowledged a delete when {} or a newer version had been visible there, and later showed {} again",
            key_words(case.history, item.key),
            region_name(&case.history.header, at(sighting.region)),
            words(sighting.value),
            words(sighting.value),
        ))
}

fn after_absence(
    case: &Case<'_>,
    item: &Item<'_>,
    frontiers: &Frontiers,
    sighting: &Sighting<'_>,
    bound: Bound,
    witness: Witness,
) -> crate::verdict::Violation {
    let mut evidence = Evidence::new(case.history, item.key);
    if let Witness::Sighting(index) = witness {
        let absent = &item.sightings[index as usize];
        evidence = evidence.with(absent.operation, "the operation that saw nothing");
        let before = frontiers.seen[at(absent.region)].before(absent.call_ns);
        if let Some((_, witness)) = before {
            evidence = with_witness(evidence, item, witness, bound).0;
        }
    }
    with_stamp(evidence, item, sighting)
        .with(sighting.operation, "the operation that saw an old version again")
        .because(format!(
            "{}: {} had shown the item, then showed nothing, so a delete had won; later it showed {} again, which is no newer",
            key_words(case.history, item.key),
            region_name(&case.history.header, at(sighting.region)),
            words(sighting.value),
        ))
}
