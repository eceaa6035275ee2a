//! More load than usual, all of it on one key, or clients that claim to know the version of what they write.
//!
//! Huge items are a workload (`big-items`) and an option (`--value-bytes`): how large an item is belongs to its key, so that a torn one shows. Clients that
//! move to another region in mid-session are a workload, too (`session`). Absent: clients that send a write of unknown outcome once more. A
//! history in which one value was written twice can be judged by few checks, and a write with a new value is what clients do anyway.

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    habits::Habit,
    package::{Drawn, Package},
};
use crate::target::Ability;

/// More operations.
pub(crate) struct Burst;

/// One key for all.
pub(crate) struct HotKey;

/// Versions that clients made up.
pub(crate) struct ForgedStamps;

impl Package for Burst {
    fn name(&self) -> &'static str {
        "burst"
    }

    fn about(&self) -> &'static str {
        "let all clients do two, four or eight times as many operations"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Clients]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=3_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let times = 2 << draws.below(3);
        let what = format!("{times} times as many operations");
        Some(everywhere(what, regions, Habit::Burst { times }))
    }
}

impl Package for HotKey {
    fn name(&self) -> &'static str {
        "hot-key"
    }

    fn about(&self) -> &'static str {
        "let the clients of all regions use the same key at a time"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Clients]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=3_000
    }

    fn draw(&self, _: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let what = "all on one key".to_owned();
        Some(everywhere(what, regions, Habit::HotKey))
    }
}

impl Package for ForgedStamps {
    fn name(&self) -> &'static str {
        "forged-stamps"
    }

    fn about(&self) -> &'static str {
        "let clients write aws:rep:* attributes themselves, which say that an item was written in the year 2100 and nowhere"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Clients]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        500..=4_000
    }

    fn draw(&self, _: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let what = "clients write aws:rep:* themselves".to_owned();
        Some(everywhere(what, regions, Habit::ForgedStamps))
    }
}

/// Something that all clients do, from beginning to end.
fn everywhere(what: String, regions: &[String], habit: Habit) -> Drawn {
    let all = (0..regions.len()).collect();
    Drawn::throughout(what, all, Deed::Clients { habit })
}
