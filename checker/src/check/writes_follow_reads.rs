//! **Property.** In one region, a write makes a version greater than every version that the region had shown before it.
//!
//! **Source.** Terry et al. 1994, "Session guarantees for weakly consistent replicated data": writes follow reads, here for all clients of
//! a region; invariant I4. A write that lies below what its client had read would undo nothing and be lost.
//!
//! **Example that breaks it.** `eu:w1[0-1] us:r1@9eu[2-3] us:w2[4-5] ap:r2@5us[6-7]`: us had shown 1, with a stamp that its next write does not
//! beat.
//!
//! This is what a clock that lags behind another region's breaks, when stamps are taken from the clock alone. Needs visible stamps: a write
//! whose stamp nobody saw is not judged.

use super::ascent::Ascent;
use super::case::Case;
use super::evidence::Findings;

pub(super) fn run(case: &Case<'_>) -> Findings {
    Ascent {
        frontier: |f| &f.seen,
        promise: "A write is newer than what its region had shown",
    }
    .run(case)
}
