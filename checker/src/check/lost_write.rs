//! **Property.** Every acknowledged write is in the end either what a region holds, or was replaced by a greater version.
//!
//! **Source.** Invariant I12. Losing to a greater concurrent version is the contract; vanishing without one is data loss (Jepsen on
//! Riak and Cassandra; Amazon DynamoDB Developer Guide: a write that received HTTP 200 is durable).
//!
//! **Example that breaks it.** `us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] us:r1@5us[90-91]F eu:r1@5us[90-91]F`: 2 was acknowledged, and nothing
//! greater than it remains.
//!
//! The stamp of a write that nobody saw is unknown, but greater than all its region had shown or acknowledged before it. So is the
//! stamp of a delete. A final absent item is accepted when some delete can be greater.

use super::case::{Case, Item, Sighting};
use super::evidence::{Evidence, Findings, key_words, number_words, region_name, words};
use super::floor::{with_stamp, with_witness};
use super::frontier::{Bound, Witness, at, satisfies};

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    let (mut is_judged, mut has_final) = (false, false);
    for item in case.registers() {
        let frontiers = item.frontiers(case.region_count());
        for read in item.final_reads().into_values() {
            has_final = true;
            let known = frontiers.written.iter().chain(&frontiers.deleted);
            let newest = known
                .filter_map(|f| f.before(read.call_ns))
                .max_by_key(|(b, _)| *b);
            let Some((bound, witness)) = newest else {
                is_judged = true;
                continue;
            };
            match satisfies(frontiers, read, bound) {
                Some(true) => is_judged = true,
                Some(false) => {
                    is_judged = true;
                    findings.add(|| violation(case, item, read, bound, witness));
                }
                None => {}
            }
        }
    }
    findings.is_judged = is_judged;
    if has_final {
        findings.nothing(1, "no final read shows the stamp of what it read, so it cannot be told what replaced what");
    } else {
        findings.nothing(
            0,
            "the history has no final reads; read every key in every region after settling",
        );
    }
    findings
}

fn violation(
    case: &Case<'_>,
    item: &Item<'_>,
    read: &Sighting<'_>,
    bound: Bound,
    witness: Witness,
) -> crate::verdict::Violation {
    let region = region_name(&case.history.header, at(read.region));
    let lost = match witness {
        Witness::Write(index) => item.writes[index as usize].value,
        Witness::Sighting(index) => item.sightings[index as usize].number(),
    };
    let what = match lost {
        Some(_) => format!("the write of {}", number_words(lost)),
        None => "a delete".to_owned(),
    };
    let evidence = Evidence::new(case.history, item.key);
    let (evidence, _) = with_witness(evidence, item, witness, bound);
    with_stamp(evidence, item, read)
        .with(read.operation, format!("the final read in {region} that misses it"))
        .because(format!(
            "{}: {what} was acknowledged, but in the end {region} holds {}, and nothing greater replaced it",
            key_words(case.history, item.key),
            words(read.value),
        ))
}
