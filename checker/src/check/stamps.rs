//! **Property.** A version has one stamp, and no other version has it.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "Global tables: how it works", version 2017.11.29: `aws:rep:updatetime` and
//! `aws:rep:updateregion` say when and where an item was last written; invariant I16.
//!
//! **Example that breaks it.** `us:w1[0-1] eu:r1@5us[2-3] eu:r1@7us[4-5]`: one write, two stamps, in a region that did not write it.
//!
//! Judged by what regions show that did not write the version: there the item arrives with its stamp. In the region that wrote it, a
//! table of version 2017.11.29 adds the stamp after the write, so a fresh read can show the stamp of the version before. Two versions with
//! one stamp cannot be ordered; no check orders them.

use super::case::{Case, Item, Moment, Sighting};
use super::evidence::{Evidence, Findings, key_words};
use crate::nearly_sorted::sort_nearly_sorted;

pub(super) fn run(case: &Case<'_>) -> Findings {
    let mut findings = Findings::new(case.wanted);
    for item in case.registers() {
        let mut claims: Vec<(Moment, i64, &Sighting<'_>)> = Vec::with_capacity(item.versions.len());
        let mut first: Vec<Option<(Moment, &Sighting<'_>)>> = vec![None; item.versions.len()];
        for sighting in &item.sightings {
            let (Some(value), Some(stamp)) = (sighting.number(), sighting.stamp()) else {
                continue;
            };
            let Some(version) = sighting.version() else {
                continue;
            };
            let Some(origin) = sighting.origin else {
                continue;
            };
            findings.is_judged = true;
            if origin == sighting.region {
                continue;
            }
            let (known, before) = *first[version as usize].get_or_insert((stamp, sighting));
            if known != stamp {
                findings.add(|| {
                    said(case, item, before, sighting).because(format!(
                        "{}: {value} was seen with two stamps, though one write made it",
                        key_words(case.history, item.key)
                    ))
                });
            }
            if before.operation == sighting.operation {
                claims.push((stamp, value, sighting));
            }
        }
        // Versions come in the order of their writes, so nearly in that of their stamps.
        sort_nearly_sorted(&mut claims, |(stamp, value, sighting)| {
            (*stamp, *value, sighting.operation)
        });
        for pair in claims.windows(2) {
            let ((stamp, value, one), (other_stamp, other_value, other)) = (pair[0], pair[1]);
            if stamp == other_stamp && value != other_value {
                findings.add(|| {
                    said(case, item, one, other).because(format!(
                        "{}: {value} and {other_value} were seen with one stamp, so neither is newer",
                        key_words(case.history, item.key)
                    ))
                });
            }
        }
    }
    findings.nothing(0, "nothing shows the stamp of a version");
    findings
}

fn said<'h>(
    case: &Case<'h>,
    item: &Item<'_>,
    one: &Sighting<'_>,
    other: &Sighting<'_>,
) -> Evidence<'h> {
    Evidence::new(case.history, item.key)
        .with(one.operation, "one sighting")
        .with(other.operation, "the other")
}
