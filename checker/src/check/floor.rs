//! The comparison that several checks share: a sighting against the greatest version its region must show by then.

use super::case::{Case, Fate, How, Item, Order, Sighting, Write};
use super::evidence::{Evidence, Findings, key_words, number_words, region_name, words};
use super::frontier::{Bound, Frontier, Frontiers, Witness, at, satisfies};
use crate::history::RegionId;
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
        let mut is_any_skipped = false;
        for item in case.registers() {
            let frontiers = item.frontiers(case.region_count());
            let judged = item.sightings.iter().filter(|s| (self.judges)(s.how));
            if frontiers.is_calm && judged.clone().any(is_placed) {
                findings.is_judged = true;
                continue;
            }
            for sighting in judged {
                let frontier = &(self.frontier)(frontiers)[at(sighting.region)];
                let Some((bound, witness)) = frontier.before(sighting.call_ns) else {
                    match is_placed(sighting) {
                        true => findings.is_judged = true,
                        false => is_any_skipped = true,
                    }
                    continue;
                };
                match satisfies(frontiers, sighting, bound) {
                    Some(true) => findings.is_judged = true,
                    Some(false) => {
                        findings.is_judged = true;
                        findings.add(|| self.violation(case, item, sighting, bound, witness));
                    }
                    None => is_any_skipped = true,
                }
            }
        }
        match is_any_skipped {
            false => findings.nothing(0, "the history has no strongly consistent sighting of a register; read with ConsistentRead"),
            true => findings.nothing(1, "no sighting shows the stamp of its version (aws:rep:updatetime, aws:rep:updateregion), so versions cannot be ordered"),
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
        let region = region_name(&case.history.header, at(sighting.region));
        let key = key_words(case.history, item.key);
        let witness_region = region_name(
            &case.history.header,
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
            } else if bound.is_exclusive {
                evidence = with_before(evidence, item, bound.order, write);
            }
            (evidence, words)
        }
    }
}

/// Adds what says that a write of unknown stamp made something greater than this version: its region had shown or acknowledged that before, or
/// the write says that it replaced it.
fn with_before<'h>(
    evidence: Evidence<'h>,
    item: &Item<'_>,
    below: Order,
    write: &Write,
) -> Evidence<'h> {
    const ROLE: &str = "what its region had before";
    let is_before = |region: RegionId, return_ns: Option<u64>| {
        region == write.region && return_ns.is_some_and(|ns| ns < write.call_ns)
    };
    let seen = item.sightings.iter().filter(|s| {
        s.order == Some(below) && s.is_current() && is_before(s.region, Some(s.return_ns))
    });
    if let Some(seen) = seen.min_by_key(|s| s.return_ns) {
        return with_stamp(evidence.with(seen.operation, ROLE), item, seen);
    }
    let mut acknowledged = item.writes.iter().filter(|w| {
        w.order == Some(below) && w.fate == Fate::Acknowledged && is_before(w.region, w.return_ns)
    });
    let evidence = match acknowledged.next() {
        Some(made) => evidence.with(made.operation, ROLE),
        None => evidence,
    };
    let place = below.index().checked_sub(1);
    let version = place.and_then(|place| item.ranking.get(place));
    match version.and_then(|(_, value)| item.shown(*value)) {
        Some((_, shown)) => evidence.with(shown.operation, STAMP_BELOW),
        None => evidence,
    }
}

/// The part of what shows the stamp of the older one of two versions.
const STAMP_BELOW: &str = "the operation that shows the older version's stamp";

/// Adds the sighting that shows the stamp of what another sighting saw, unless that one shows it itself.
pub(crate) fn with_stamp<'h>(
    evidence: Evidence<'h>,
    item: &Item<'_>,
    sighting: &Sighting<'_>,
) -> Evidence<'h> {
    match sighting.number().and_then(|v| item.shown(v)) {
        Some((order, shown)) if sighting.stamp() != Some(order) => {
            evidence.with(shown.operation, STAMP_BELOW)
        }
        Some(_) | None => evidence,
    }
}
