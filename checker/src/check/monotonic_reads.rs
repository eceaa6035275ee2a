//! **Property.** In one region, strongly consistent sightings of an item never go back to an older version.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "Read consistency"; session guarantee of Terry et al. 1994, here for all clients of the
//! region; invariant I3 of last-writer-wins replication: what a region shows only ever grows in the order of stamps.
//!
//! **Example that breaks it.** `us:w1[0-1] us:w2[2-3] us:r2@9us[4-5] us:r1@5us[6-7]`: 2 was read, then 1.
//!
//! Sightings are strong reads, old items returned by writes, and items that refused a condition. Reads that overlap are not ordered.

use super::case::{Case, How};
use super::evidence::Findings;
use super::floor::Floor;

pub(super) fn run(case: &Case<'_>) -> Findings {
    Floor {
        frontier: |f| &f.seen,
        judges: |how| matches!(how, How::StrongRead | How::Replaced | How::Refused),
        promise: "Strong reads of one region never go back",
    }
    .run(case)
}
