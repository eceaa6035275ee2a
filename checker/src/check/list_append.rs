//! **Property.** A list holds what was appended to it, once, in an order that fits all calls and returns; and no two readings of it disagree.
//!
//! **Source.** Amazon DynamoDB Developer Guide, `list_append`: applied to the item as it is, atomically; Kingsbury and Alvaro 2020, "Elle":
//! a list shows the order of all writes that made it.
//!
//! **Example that breaks it.** `us:p1[0-1] us:p2[2-3] us:r{2,1}[4-5]`: 1 was acknowledged before 2 was asked for.
//! `us:p1[0-9] us:p2[0-9] us:r{2,1}[4-5] eu:r{1}[6-7]`: one region appends, so one of the readings cannot be.
//!
//! Elements out of thin air, twice, or in the wrong order are flagged in every list. Where one region did all the appending, the versions
//! are a chain: every reading is the beginning of every longer one, in all regions, and nothing that was acknowledged or shown is missing
//! later. When several regions append, the last writer wins the whole list, so readings may disagree; what is lost is measured
//! (`additions_lost_count`). Lists that are also written or deleted as a whole are not judged.

use super::case::{Case, Item, Whole};
use super::evidence::{Evidence, Findings, key_words};
use super::growing::{Shown, by_element, missing, shown, too_much};

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    for item in case.items.iter().filter(|i| i.is_all(Whole::List)) {
        let shown = shown(item);
        findings.is_judged |= !shown.is_empty();
        too_much(case, item, &shown, &mut findings);
        order(case, item, &shown, &mut findings);
        if item.only_region().is_some() {
            agreement(case, item, &shown, &mut findings);
        }
        missing(case, item, &shown, &mut findings);
    }
    findings.nothing(0, "no list was read to which elements were appended");
    findings
}

/// An element before another one that had been acknowledged when it was asked for.
fn order(case: &Case<'_>, item: &Item<'_>, shown: &[Shown<'_, '_>], findings: &mut Findings) {
    let additions = by_element(item);
    for (sighting, elements) in shown {
        let mut latest: Option<crate::check::Addition> = None;
        for addition in elements.iter().filter_map(|e| additions.get(*e)) {
            if let Some(before) = latest
                && addition.return_ns.is_some_and(|ns| ns < before.call_ns)
            {
                findings.add(|| {
                    Evidence::new(case.history, item.key)
                        .with(addition.operation, "the earlier append")
                        .with(before.operation, "the later append")
                        .with(sighting.operation, "the operation that saw them the other way round")
                        .because(format!(
                            "{}: {} stands before {}, but was asked for only after that one was acknowledged",
                            key_words(case.history, item.key),
                            before.number,
                            addition.number,
                        ))
                });
                break;
            }
            if latest.is_none_or(|l| l.call_ns < addition.call_ns) {
                latest = Some(*addition);
            }
        }
    }
}

/// Two readings of which neither is the beginning of the other.
fn agreement(case: &Case<'_>, item: &Item<'_>, shown: &[Shown<'_, '_>], findings: &mut Findings) {
    let mut by_length: Vec<&Shown<'_, '_>> = shown.iter().collect();
    by_length.sort_by_key(|(s, elements)| (elements.len(), s.operation));
    for pair in by_length.windows(2) {
        let ((shorter, beginning), (longer, whole)) = (pair[0], pair[1]);
        if whole.starts_with(beginning) {
            continue;
        }
        findings.add(|| {
            Evidence::new(case.history, item.key)
                .with(shorter.operation, "one reading")
                .with(longer.operation, "the other")
                .because(format!(
                    "{}: {beginning:?} is not the beginning of {whole:?}, but one region alone appends to this list",
                    key_words(case.history, item.key),
                ))
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::check::check;
    use crate::history::one_line;

    #[test]
    fn of_elements_that_stand_too_early_the_one_asked_for_last_is_named_or_the_first() {
        for (text, words) in [
            (
                "us:p1[0-1] us:p2[2-9] us:p3[2-9] us:r{2,3,1}[10-11]",
                "2 stands before 1",
            ),
            (
                "us:p1[0-1] us:p2[2-9] us:p3[3-9] us:r{2,3,1}[10-11]",
                "3 stands before 1",
            ),
        ] {
            let history = one_line(text).expect("well formed");
            let result = check(&history, &["list-append"]).checks.remove(0);
            let found = result.violations.first().map_or("", |v| &*v.summary);
            assert!(found.contains(words), "{found}: {text}");
        }
    }
}
