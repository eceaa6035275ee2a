//! **Property.** In the end every region holds the version with the greatest stamp that anybody saw.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "Global tables: how it works": concurrent updates are reconciled with last writer wins.
//! Invariant I13.
//!
//! **Example that breaks it.** `us:w1[0-1] us:r1@9us[2-3] eu:w2[0-1] us:r2@5eu[90-91]F eu:r2@5eu[90-91]F`: the regions agree, on the wrong one.
//!
//! The versions that take part are those whose stamps were seen: acknowledged or not, if somebody saw it, it exists. A final absent
//! item is accepted when some delete can be greater. Needs visible stamps.

use super::case::{Case, Item, Order, Sighting};
use super::convergence::may_be_late;
use super::evidence::{Evidence, Findings, key_words, region_name, words};
use super::floor::with_stamp;
use super::frontier::{Bound, at, satisfies};
use crate::history::Value;

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    let mut is_judged = false;
    for item in case.registers() {
        let Some((_, value)) = item.ranking.last().copied() else {
            continue;
        };
        let Some(order) = item.order(value) else {
            continue;
        };
        let frontiers = item.frontiers(case.region_count());
        for read in item.final_reads().into_values() {
            match satisfies(frontiers, read, Bound::at_least(order)) {
                Some(true) => is_judged = true,
                Some(false) if may_be_late(item, &Value::Int(value)) => {
                    findings.cannot_tell(format!(
                        "{}: the greatest version is a write of unknown outcome that nobody saw before the final reads",
                        key_words(case.history, item.key)
                    ));
                }
                Some(false) => {
                    is_judged = true;
                    findings.add(|| violation(case, item, read, (order, value)));
                }
                None => {}
            }
        }
    }
    findings.is_judged = is_judged;
    findings.nothing(
        0,
        "no final read of a register whose versions show their stamps (aws:rep:updatetime); read every key in every region after settling",
    );
    findings
}

fn violation(
    case: &Case<'_>,
    item: &Item<'_>,
    read: &Sighting<'_>,
    (_, value): (Order, i64),
) -> crate::verdict::Violation {
    let mut evidence = Evidence::new(case.history, item.key);
    if let Some((_, shown)) = item.shown(value) {
        evidence = evidence.with(
            shown.operation,
            "the operation that shows the greatest stamp",
        );
    }
    let region = region_name(&case.history.header, at(read.region));
    with_stamp(evidence, item, read)
        .with(read.operation, format!("the final read in {region}"))
        .because(format!(
            "{}: in the end {region} holds {}, but {value} has the greater stamp. The last writer wins, everywhere",
            key_words(case.history, item.key),
            words(read.value),
        ))
}
