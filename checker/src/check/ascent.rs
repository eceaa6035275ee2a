//! Checks on writes: the version that a write makes is greater than all that its region is known to have had before it was asked for.

use super::case::{Case, Fate, Item, Order, Write};
use super::evidence::{Evidence, Findings, key_words, number_words, region_name};
use super::floor::with_witness;
use super::frontier::{Bound, Frontier, Frontiers, Witness, at};
use crate::verdict::Violation;

/// One of the checks that compare writes with a frontier.
pub(crate) struct Ascent {
    /// Which frontier the writes of a region must lie above.
    pub(crate) frontier: fn(&Frontiers) -> &[Frontier],
    /// What was promised, ending a sentence.
    pub(crate) promise: &'static str,
}

impl Ascent {
    /// Judges every register of a case.
    pub(crate) fn run(&self, case: &Case<'_>) -> Findings {
        let mut findings = Findings::new(case.wanted);
        for item in case.registers() {
            let frontiers = item.frontiers(case.region_count());
            let mut writes = item.writes.iter().filter(|w| w.fate != Fate::Failed);
            if frontiers.is_calm {
                findings.is_judged |= writes.any(|w| w.order.is_some());
                continue;
            }
            for write in writes {
                let Some(order) = write.order else {
                    continue;
                };
                findings.is_judged = true;
                let frontier = &(self.frontier)(frontiers)[at(write.region)];
                let before = frontier.before(write.call_ns);
                if let Some((bound, witness)) = before.filter(|(b, _)| order <= b.order) {
                    findings.add(|| self.violation(case, item, (write, order), bound, witness));
                }
            }
        }
        findings.nothing(0, "no write of a register has a version whose stamp was seen (aws:rep:updatetime, aws:rep:updateregion)");
        findings
    }

    fn violation(
        &self,
        case: &Case<'_>,
        item: &Item<'_>,
        (write, order): (&Write, Order),
        bound: Bound,
        witness: Witness,
    ) -> Violation {
        let region = region_name(&case.history.header, at(write.region));
        let evidence = Evidence::new(case.history, item.key);
        let (evidence, earlier) = with_witness(evidence, item, witness, bound);
        let mut evidence = evidence.with(write.operation, "the write that followed it");
        if let Some((_, shown)) = write.value.and_then(|v| item.shown(v)) {
            evidence = evidence.with(shown.operation, "the operation that shows its stamp");
        }
        let by = if order == bound.order {
            "no greater"
        } else {
            "a smaller"
        };
        evidence.because(format!(
            "{}: {region} had {earlier} before the write of {} was asked for, which then got {by} stamp. {}",
            key_words(case.history, item.key),
            number_words(write.value),
            self.promise
        ))
    }
}
