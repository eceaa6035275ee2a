//! **Property.** After all faults are healed and all writes have ended, every region holds the same item.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "Global tables: how it works": DynamoDB makes a best effort to reconcile, and with last
//! writer wins all replicas agree on the latest update and converge toward the same data.
//!
//! **Example that breaks it.** `us:w1[0-1] eu:w2[0-1] us:r1@5us[90-91]F eu:r2@5eu[90-91]F`: the regions ended with different items.
//!
//! Judges the last strong read of each key in each region in the final phase. A write of unknown outcome that nobody saw before the final
//! phase may still be on its way: regions that differ only by such a write give `unknown`. A region whose final read failed as `no-replica`
//! has left the item's table: nothing is promised of it.

use super::case::{Case, Fate, Item, Sighting};
use super::evidence::{Evidence, Findings, key_words, region_name, words};
use super::frontier::at;
use crate::history::Value;

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    let mut is_judged = false;
    for item in &case.items {
        let last = item.final_reads();
        if last.is_empty() {
            continue;
        }
        let replicas = case.region_count() - item.away.len();
        if last.len() < replicas {
            findings.cannot_tell(format!(
                "{} has final reads in {} of {} regions; read every key in every region after settling",
                key_words(case.history, item.key),
                last.len(),
                replicas
            ));
        }
        is_judged |= last.len() > 1 || case.region_count() == 1;
        if two_that_differ(last.values()).is_none() {
            continue;
        }
        let is_firm = |read: &&&Sighting<'_>| !may_be_late(item, read.value);
        match two_that_differ(last.values().filter(is_firm)) {
            Some((one, other)) => findings.add(|| violation(case, item, one, other)),
            None => findings.cannot_tell(format!(
                "{} differs between regions by a write of unknown outcome that nobody saw before the final reads: it may have happened between them",
                key_words(case.history, item.key)
            )),
        }
    }
    findings.is_judged = is_judged;
    findings.nothing(
        0,
        "the history has no final reads in more than one region; read every key in every region after settling",
    );
    findings
}

/// The first of these reads, and the next that shows another value.
fn two_that_differ<'r, 'h: 'r>(
    mut reads: impl Iterator<Item = &'r &'r Sighting<'h>>,
) -> Option<(&'r Sighting<'h>, &'r Sighting<'h>)> {
    let first = reads.next()?;
    let other = reads.find(|read| read.value != first.value)?;
    Some((first, other))
}

/// Whether this value may have come into being as late as the final reads themselves.
pub(super) fn may_be_late(item: &Item<'_>, value: &Value) -> bool {
    // What was added in the end cannot be told from what was added before, so any addition of unknown outcome may be it.
    if item.additions.iter().any(|a| a.fate == Fate::Unknown) {
        return true;
    }
    match value {
        Value::Absent => item.deletes().any(|d| d.fate == Fate::Unknown),
        Value::Int(number) => item.versions.get(*number).is_some_and(|version| {
            let mut writes = version.writers.iter().map(|w| &item.writes[w]);
            !version.is_seen_early && writes.any(|w| w.fate == Fate::Unknown)
        }),
        Value::List(_) => false,
    }
}

fn violation(
    case: &Case<'_>,
    item: &Item<'_>,
    first: &Sighting<'_>,
    other: &Sighting<'_>,
) -> crate::verdict::Violation {
    let region = |s: &Sighting<'_>| region_name(&case.history.header, at(s.region)).to_owned();
    Evidence::new(case.history, item.key)
        .with(
            first.operation,
            format!("the final read in {}", region(first)),
        )
        .with(
            other.operation,
            format!("the final read in {}", region(other)),
        )
        .because(format!(
            "{}: in the end {} holds {} and {} holds {}. All regions must hold the same",
            key_words(case.history, item.key),
            region(first),
            words(first.value),
            region(other),
            words(other.value),
        ))
}

#[cfg(test)]
mod tests {
    use crate::check::check;
    use crate::history::{Ending, History, NO_REPLICA, one_line};
    use crate::verdict::Outcome;

    #[test]
    fn a_region_that_left_the_table_is_asked_nothing_and_one_that_was_not_read_is_missed() {
        let text = "us:w1[0-1] eu:w2[0-1] ap:r1[2-3] us:r2[90-91]F eu:r2[90-91]F ap:r1[90-91]F!";
        let mut history = one_line(text).expect("a history");
        let judged = |history: &History| check(history, &["convergence"]).outcome;
        assert_eq!(judged(&history), Outcome::Unknown);
        for operation in &mut history.operations {
            if let Ending::Failed { error, .. } = &mut operation.ending {
                NO_REPLICA.clone_into(error);
            }
        }
        assert_eq!(judged(&history), Outcome::Valid);
    }

    #[test]
    fn a_value_that_may_be_late_hides_no_difference_between_others() {
        let reads = |ap: &str| {
            let text =
                format!("us:w2[0-9] eu:w1[5-?] ap:r{ap}[99-100]F eu:r1[99-100]F us:r2[99-100]F");
            check(&one_line(&text).expect("well formed"), &["convergence"])
        };
        // Only what eu holds can have come between the reads.
        assert_eq!(reads("2").outcome, Outcome::Unknown);
        let broken = reads("-");
        assert_eq!(broken.outcome, Outcome::Invalid);
        let shown: Vec<_> = broken.checks[0].violations[0].operations.iter().collect();
        assert_eq!(shown.len(), 2, "{shown:?}");
    }

    #[test]
    fn one_region_agrees_with_itself_and_the_last_one_left_proves_nothing() {
        let mut left = one_line("us:w1[0-1] us:r1[90-91]F eu:r1[90-91]F!").expect("a history");
        for operation in &mut left.operations {
            if let Ending::Failed { error, .. } = &mut operation.ending {
                NO_REPLICA.clone_into(error);
            }
        }
        let alone = one_line("us:w1[0-1] us:r1[90-91]F").expect("a history");
        for (history, outcome) in [(alone, Outcome::Valid), (left, Outcome::Unknown)] {
            let result = check(&history, &["convergence"]).checks.remove(0);
            assert_eq!(result.outcome, outcome, "{:?}", result.reason);
        }
    }
}
