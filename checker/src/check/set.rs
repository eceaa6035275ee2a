//! **Property.** What was added to a set is in it, once, as soon as the addition was acknowledged, and stays.
//!
//! **Source.** Amazon DynamoDB Developer Guide, update expressions: `ADD` is applied to the item as it is, atomically; the set checkers of
//! Jepsen (`set`, `set-full`).
//!
//! **Example that breaks it.** `us:a1[0-1] us:a2[2-3] us:r{2}[4-5]`: the addition of 1 was acknowledged, and is gone.
//!
//! Elements that nobody added, or that are there twice, are flagged in every set. Missing ones are flagged where one region did all the
//! adding: then each version holds all of the one before, in every region, and final reads must show all that was acknowledged. When
//! several regions add, the last writer wins the whole set; what that costs is measured (`additions_lost_count`). Sets that are also
//! written or deleted as a whole are not judged.

use super::case::{Case, Whole};
use super::evidence::Findings;
use super::growing::{missing, shown, too_much};

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    for item in case.items.iter().filter(|i| i.is_all(Whole::Set)) {
        let shown = shown(item);
        findings.is_judged |= !shown.is_empty();
        too_much(case, item, &shown, &mut findings);
        missing(case, item, &shown, &mut findings);
    }
    findings.nothing(0, "no set was read to which elements were added");
    findings
}
