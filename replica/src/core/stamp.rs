//! How a wall-clock reading becomes the update time of a version.
//!
//! Observed AWS values end in `001`: a millisecond clock and a counter. A local write always beats the version that it overwrites, whatever the
//! clock says; that is what makes read-your-writes hold inside a region whose clock was stepped back.

use super::Now;

/// The update time of a new version: by the clock, but above the version it overwrites and above the table's floor.
pub(super) fn stamp(now: Now, overwritten_us: Option<i64>, floor_us: i64) -> i64 {
    let clock_us = now.wall_ms.max(0).saturating_mul(1000).saturating_add(1);
    let above = overwritten_us.unwrap_or(0).max(floor_us).saturating_add(1);
    clock_us.max(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_decides_unless_it_went_back() {
        let at = |wall_ms| Now {
            wall_ms,
            monotonic_ns: 0,
        };
        assert_eq!(stamp(at(5), None, 0), 5001);
        assert_eq!(stamp(at(5), Some(5001), 0), 5002);
        assert_eq!(stamp(at(5), Some(9000), 0), 9001);
        assert_eq!(stamp(at(5), None, 7000), 7001);
        assert_eq!(stamp(at(-5), None, 0), 1);
    }
}
