//! **Property.** In one region, a write makes a version greater than every version that the region had acknowledged before it.
//!
//! **Source.** Terry et al. 1994, "Session guarantees for weakly consistent replicated data": monotonic writes, here for all clients of
//! a region; invariant I4. With last writer wins, a later write with a smaller stamp is lost at birth.
//!
//! **Example that breaks it.** `us:w1[0-1] us:r1@9us[2-3] us:w2[4-5] eu:r2@5us[6-7]`: 2 was written after 1 and has the smaller stamp.
//!
//! A region whose clock steps back keeps this promise by counting on from the item's last stamp. Needs visible stamps: a write whose
//! stamp nobody saw is not judged.

use super::ascent::Ascent;
use super::case::Case;
use super::evidence::Findings;

pub(super) fn run(case: &Case<'_>) -> Findings {
    Ascent {
        frontier: |f| &f.written,
        promise: "Writes of one region ascend",
    }
    .run(case)
}
