//! **Property.** Strong reads and writes of an item behave as if they happened one at a time, whichever region was asked.
//!
//! **Source.** Herlihy and Wing 1990; Amazon DynamoDB Developer Guide, "Multi-Region strong consistency": strongly consistent reads on any
//! replica return the latest version of an item.
//!
//! **Example that breaks it.** `us:w1[0-1] eu:w2[2-3] us:r1[4-5]`: us still showed 1 after eu had acknowledged 2.
//!
//! Tables of eventually consistent regions do not promise this, so it is only judged when asked for. It is `region-linearizable` with all
//! regions taken as one.

use super::case::Case;
use super::evidence::Findings;
use super::region_linearizable::judge;
use crate::linearizable::Scope;

pub(super) fn run(case: &Case<'_>) -> Findings {
    judge(case, &[Scope::Everywhere])
}
