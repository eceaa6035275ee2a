//! Plays an order through: every version becomes visible in every region that saw it as early as it can.
//!
//! All that is known are earliest instants, and each step only raises them, so as early as possible is best.

use super::versions::{NEVER, Versions};

/// Whether all operations have instants that fit, if versions come in this order.
pub(super) fn fits(versions: &Versions, order: &[usize]) -> bool {
    if order.first() != Some(&0) {
        return false;
    }
    let last = |place: usize, region: usize| versions.seen(place, region).map(|b| b.last.0);
    let mut next: Vec<u64> = (0..versions.region_count)
        .map(|region| last(0, region).unwrap_or(0))
        .collect();
    let mut visible: Vec<usize> = vec![0; versions.region_count];
    for place in order.iter().copied().skip(1) {
        let version = &versions.all[place];
        let Some(origin) = version.origin else {
            return false;
        };
        let (call, end) = version.written;
        let instant = next[origin].max(call.0);
        let first = versions.seen(place, origin).map_or(NEVER, |b| b.first.0);
        if instant > end.0.min(version.happened.0).min(first) {
            return false;
        }
        if version
            .replaces
            .is_some_and(|before| before != visible[origin])
        {
            return false;
        }
        next[origin] = instant.max(last(place, origin).unwrap_or(0));
        visible[origin] = place;
        for region in (0..versions.region_count).filter(|r| *r != origin) {
            if let Some(bounds) = versions.seen(place, region) {
                let arrival = instant.max(next[region]);
                if arrival > bounds.first.0 {
                    return false;
                }
                next[region] = arrival.max(bounds.last.0);
                visible[region] = place;
            }
        }
    }
    true
}
