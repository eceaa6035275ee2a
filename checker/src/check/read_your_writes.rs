//! **Property.** In one region, a strongly consistent sighting sees every write that the region acknowledged before it began.
//!
//! **Source.** Amazon DynamoDB Developer Guide, "Read consistency": a strongly consistent read reflects all writes that received a
//! successful response prior to the read. Session guarantee of Terry et al. 1994, here for all clients of the region.
//!
//! **Example that breaks it.** `us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] us:r2@9us[6-7] us:r1@5us[8-9]`: 2 was acknowledged, then 1 was read.
//!
//! A sighting of an older version is one with a smaller stamp. A write whose stamp nobody saw is still greater than what its region
//! had shown before it. An absent item is accepted whenever any delete may be the newest version: tombstones show no stamp.

use super::case::{Case, How};
use super::evidence::Findings;
use super::floor::Floor;

pub(super) fn run(case: &Case<'_>) -> Findings {
    Floor {
        frontier: |f| &f.written,
        judges: |how| matches!(how, How::StrongRead | How::Replaced | How::Refused),
        promise: "A strong read sees every write its region acknowledged before",
    }
    .run(case)
}
