//! How old a region is: the clock by which stream records are kept and iterators expire.
//!
//! It counts the time during which the region ran, over all its processes, by the monotonic clock: whatever the wall clock is made to say, a day is a day.
//! It is saved once a minute, so a crash takes back a minute of it at most, and time in which no process ran does not count: what is kept is kept
//! for longer then, never for less.

use super::super::Now;

/// It is saved again when it has come so far.
const SAVE_EVERY_MS: i64 = 60_000;

/// The age of a region.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Age {
    /// What it was when this process began,
    before_ms: i64,
    /// and when that was.
    began_ns: u64,
}

impl Age {
    /// An age that goes on from what was saved.
    pub(super) fn after(saved_ms: i64, now: Now) -> Self {
        Self {
            before_ms: saved_ms,
            began_ns: now.monotonic_ns,
        }
    }

    /// What it is now.
    pub(super) fn ms(self, now: Now) -> i64 {
        let passed_ms = now.monotonic_ns.saturating_sub(self.began_ns) / 1_000_000;
        self.before_ms
            .saturating_add(i64::try_from(passed_ms).unwrap_or(i64::MAX))
    }

    /// Whether it has come far since it was saved.
    pub(super) fn is_due(self, saved_ms: i64, now: Now) -> bool {
        self.ms(now).saturating_sub(saved_ms) >= SAVE_EVERY_MS
    }
}
