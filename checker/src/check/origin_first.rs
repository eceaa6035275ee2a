//! **Property.** A version that another region has shown is already visible in the region that wrote it.
//!
//! **Source.** Invariant I5 of last-writer-wins replication: a version leaves its region only after it was installed there. A replica
//! that replicates or shows what it may yet lose breaks it.
//!
//! **Example that breaks it.** `us:w1[0-1] us:r1@5us[2-3] us:w2[4-20] eu:r2@9us[6-7] us:r1@5us[8-9]`: Europe shows 2, then its own region
//! still shows 1.

use super::case::{Case, How};
use super::evidence::Findings;
use super::floor::Floor;

pub(super) fn run(case: &Case<'_>) -> Findings {
    Floor {
        frontier: |f| &f.seen_elsewhere,
        judges: |how| matches!(how, How::StrongRead | How::Replaced | How::Refused),
        promise: "A version is visible where it was written before it is visible elsewhere",
    }
    .run(case)
}
