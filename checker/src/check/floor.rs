//! The comparison that several checks share: a sighting against the greatest version its region must show by then.

use super::case::{Case, How, Item, Sighting};
use super::evidence::{Evidence, Findings, key_words, number_words, region_name, words};
use super::frontier::{Bound, Frontier, Frontiers, Witness, at, satisfies};
use crate::verdict::Violation;

/// One of the checks that compare sightings with a frontier.
pub(crate) struct Floor {
    /// Which frontier a region's sightings must not fall below.
    pub(crate) frontier: fn(&Frontiers) -> &[Frontier],
    /// Which sightings it judges.
    pub(crate) judges: fn(How) -> bool,
    /// What was promised, ending a sentence.
    pub(crate) promise: &'static str,
}

impl Floor {
    /// Judges every register of a case.
    pub(crate) fn run(&self, case: &Case<'_>) -> Findings {
        let mut findings = Findings::new(case.wanted);
        let mut judged_count: u64 = 0;
        let mut skipped_count: u64 = 0;
        for item in case.registers() {
            let frontiers = item.frontiers(case.region_count());
            let judged = item.sightings.iter().filter(|s| (self.judges)(s.how));
            if frontiers.is_calm && judged.clone().any(is_placed) {
                judged_count += 1;
                continue;
            }
            for sighting in judged {
                let frontier = &(self.frontier)(frontiers)[at(sighting.region)];
                let Some((bound, witness)) = frontier.before(sighting.call_ns) else {
                    judged_count += u64::from(is_placed(sighting));
                    skipped_count += u64::from(!is_placed(sighting));
                    continue;
                };
                match satisfies(frontiers, sighting, bound) {
                    Some(true) => judged_count += 1,
                    Some(false) => {
                        judged_count += 1;
                        findings.add(|| self.violation(case, item, sighting, bound, witness));
                    }
                    None => skipped_count += 1,
                }
            }
        }
        findings.is_judged = judged_count > 0;
        match skipped_count {
            0 => findings.nothing(0, "the history has no strongly consistent sighting of a register; read with ConsistentRead"),
            _ => findings.nothing(1, "no sighting shows the stamp of its version (aws:rep:updatetime, aws:rep:updateregion), so versions cannot be ordered"),
        }
        findings
    }

    fn violation(
        &self,
        case: &Case<'_>,
        item: &Item<'_>,
        sighting: &Sighting<'_>,
        bound: Bound,
        witness: Witness,
    ) -> Violation {
        let region = region_name(case.history, at(sighting.region));
        let key = key_words(case.history, item.key);
        let witness_region = region_name(
            case.history,
            at(match witness {
                Witness::Sighting(index) => item.sightings[index as usize].region,
                Witness::Write(index) => item.writes[index as usize].region,
            }),
        );
        let mut evidence = Evidence::new(case.history, item.key);
        let earlier;
        (evidence, earlier) = with_witness(evidence, item, witness, bound);
        evidence = with_stamp(evidence, item, sighting);
        evidence = evidence.with(sighting.operation, "the operation that saw something older");
        let seen = words(sighting.value);
        let why = if sighting.is_absent() {
            ", and no delete can have come after it"
        } else {
            ", an older version"
        };
        evidence.because(format!(
            "{key}: {witness_region} had {earlier} before this operation in {region} began, which then saw {seen}{why}. {}",
            self.promise
        ))
    }
}

/// Whether it is known where in the order of versions a sighting belongs.
fn is_placed(sighting: &Sighting<'_>) -> bool {
    sighting.is_absent() || sighting.order.is_some()
}

/// Adds what set a bound, and says it in words.
pub(crate) fn with_witness<'h>(
    evidence: Evidence<'h>,
    item: &Item<'_>,
    witness: Witness,
    bound: Bound,
) -> (Evidence<'h>, String) {
    match witness {
        Witness::Sighting(index) => {
            let seen = &item.sightings[index as usize];
            let words = format!("shown {}", words(seen.value));
            let evidence =
                evidence.with(seen.operation, "the operation that saw the newer version");
            (with_stamp(evidence, item, seen), words)
        }
        Witness::Write(index) => {
            let write = &item.writes[index as usize];
            let words = match write.value {
                Some(_) => format!("acknowledged the write of {}", number_words(write.value)),
                None => "acknowledged a delete".to_owned(),
            };
            let role = match write.value {
                Some(_) => "the acknowledged write",
                None => "the acknowledged delete",
            };
            let mut evidence = evidence.with(write.operation, role);
            if let Some((_, shown)) = write.value.and_then(|v| item.shown(v)) {
                evidence = evidence.with(shown.operation, "the operation that shows its stamp");
            } else if bound.is_exclusive
                && let Some(below) = shows(item, bound, write.call_ns)
            {
                evidence = evidence.with(below, "what its region had before");
            }
            (evidence, words)
        }
    }
}

/// The operation that shows the version just below an exclusive bound.
fn shows(item: &Item<'_>, bound: Bound, before_ns: u64) -> Option<usize> {
    let matching = |s: &&Sighting<'_>| s.order == Some(bound.order);
    let earlier = item
        .sightings
        .iter()
        .filter(matching)
        .filter(|s| s.return_ns < before_ns);
    let any = item.sightings.iter().find(matching);
    earlier
        .min_by_key(|s| s.return_ns)
        .or(any)
        .map(|s| s.operation)
}

/// Adds the sighting that shows the stamp of what another sighting saw, unless that one shows it itself.
pub(crate) fn with_stamp<'h>(
    evidence: Evidence<'h>,
    item: &Item<'_>,
    sighting: &Sighting<'_>,
) -> Evidence<'h> {
    match sighting.number().and_then(|v| item.shown(v)) {
        Some((order, shown)) if sighting.stamp() != Some(order) => evidence.with(
            shown.operation,
            "the operation that shows the older version's stamp",
        ),
        Some(_) | None => evidence,
    }
}
