//! **Property.** Every value that anybody sees was written, by a write that did not fail and had begun.
//!
//! **Source.** Thin-air, aborted and future reads (Adya 1999: G1a; Gibbons and Korach 1997). Invariants I1 and I2.
//!
//! **Examples that break it.** `us:r7[0-1]`: nobody wrote 7. `us:w7[0-1]! us:r7[2-3]`: the write of 7 definitely failed.
//! `us:r7[0-1] us:w7[2-3]`: 7 was read before its write was asked for.
//!
//! Judges every sighting: strong and eventually consistent reads, scans, old items and refusing items. Needs no stamps.

use super::case::{Case, Fate, Item, Sighting, Write};
use super::evidence::{Evidence, Findings, key_words};

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    let mut judged_count: u64 = 0;
    for item in case.registers() {
        judged_count += item.sightings.len() as u64;
        for sighting in &item.sightings {
            if let Some(value) = sighting.number() {
                judge(case, item, sighting, value, &mut findings);
            }
        }
    }
    findings.is_judged = judged_count > 0;
    findings.nothing(0, "nothing was read of any register");
    findings
}

fn judge(
    case: &Case<'_>,
    item: &Item<'_>,
    sighting: &Sighting<'_>,
    value: i64,
    findings: &mut Findings,
) {
    let key = || key_words(case.history, item.key);
    let evidence = || {
        Evidence::new(case.history, item.key)
            .with(sighting.operation, "the operation that saw the value")
    };
    // Nearly always one write made it, and had begun.
    let only = item.maker(sighting);
    if only.is_some_and(|write| write.call_ns <= sighting.return_ns) {
        return;
    }
    let version = item.version(sighting);
    let writes = version.into_iter().flat_map(|v| v.writers.iter());
    let writes: Vec<&Write> = writes.map(|w| &item.writes[w]).collect();
    // A compare-and-set that succeeded saw what it required; its own value is somebody else's concern.
    let Some(first) = writes.iter().min_by_key(|w| w.call_ns) else {
        findings.add(|| {
            evidence().because(format!("{}: {value} was seen, but nobody wrote it", key()))
        });
        return;
    };
    let live: Vec<_> = writes.iter().filter(|w| w.fate != Fate::Failed).collect();
    if live.is_empty() {
        findings.add(|| {
            evidence().with(first.operation, "the write that definitely failed").because(format!(
                "{}: {value} was seen, but the only write of it definitely failed (an aborted read)",
                key()
            ))
        });
        return;
    }
    if let Some(early) = live.iter().min_by_key(|w| w.call_ns)
        && sighting.return_ns < early.call_ns
    {
        findings.add(|| {
            evidence()
                .with(early.operation, "the write, asked only later")
                .because(format!(
                    "{}: {value} was seen before its write was asked for (a future read)",
                    key()
                ))
        });
    }
}
