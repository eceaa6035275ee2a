//! All that is forced, pair by pair, for items with few versions.
//!
//! Beyond what single orders say: if `v` replaced `a` directly in a region, whatever else that region had lies before both or after both. So
//! what must come before `v` must come before `a`, and what must come after `a` must come after `v`. That forces further pairs, until none is new.

use super::versions::{NEVER, Versions};

/// Which versions come before which, as rows of bits.
struct Pairs {
    rows: Vec<Vec<u64>>,
}

impl Pairs {
    fn new(count: usize) -> Self {
        Self {
            rows: vec![vec![0; count.div_ceil(64)]; count],
        }
    }

    fn has(&self, before: usize, after: usize) -> bool {
        self.rows[before][after / 64] & (1 << (after % 64)) != 0
    }

    fn add(&mut self, before: usize, after: usize) {
        self.rows[before][after / 64] |= 1 << (after % 64);
    }

    /// Adds what follows from two pairs (Warshall 1962).
    fn close(&mut self) {
        for middle in 0..self.rows.len() {
            let further = self.rows[middle].clone();
            for before in 0..self.rows.len() {
                if self.has(before, middle) {
                    let row = self.rows[before].iter_mut();
                    row.zip(&further).for_each(|(own, more)| *own |= more);
                }
            }
        }
    }
}

/// An order that all that is forced allows, if one was found; or versions that contradict one another.
pub(super) fn decide(versions: &Versions) -> Result<Option<Vec<usize>>, Vec<usize>> {
    let count = versions.all.len();
    let mut pairs = Pairs::new(count);
    for after in 0..count {
        for before in (0..count).filter(|before| *before != after) {
            if is_before(versions, before, after) {
                pairs.add(before, after);
            }
        }
    }
    loop {
        pairs.close();
        let circle = (0..count).filter(|v| pairs.has(*v, *v));
        let circle: Vec<usize> = circle.collect();
        if !circle.is_empty() {
            return Err(circle);
        }
        if !together(versions, &mut pairs) {
            return Ok(linear(versions, &pairs));
        }
    }
}

/// Whether one of the orders puts a version before another.
fn is_before(versions: &Versions, before: usize, after: usize) -> bool {
    let (one, other) = (&versions.all[before], &versions.all[after]);
    let in_region = |region: usize| {
        let (Some(one), Some(other)) = (
            versions.bounds(before, region),
            versions.bounds(after, region),
        ) else {
            return false;
        };
        before == 0 || one.first.0 < other.last.0
    };
    let by_stamp = one
        .stamp
        .zip(other.stamp)
        .is_some_and(|(one, other)| one < other);
    let by_end = one.last_read.is_none() && other.last_read.is_some();
    let is_replaced = other.replaces == Some(before);
    is_replaced || by_stamp || by_end || (0..versions.region_count).any(in_region)
}

/// Keeps together what replaced one another; whether that forces anything new.
fn together(versions: &Versions, pairs: &mut Pairs) -> bool {
    let mut is_new = false;
    for (place, version) in versions.all.iter().enumerate() {
        let (Some(before), Some(origin)) = (version.replaces, version.origin) else {
            continue;
        };
        for other in 0..versions.all.len() {
            let is_here = versions.bounds(other, origin).is_some();
            if other == place || other == before || !is_here {
                continue;
            }
            if pairs.has(before, other) && !pairs.has(place, other) {
                pairs.add(place, other);
                is_new = true;
            }
            if pairs.has(other, place) && !pairs.has(other, before) {
                pairs.add(other, before);
                is_new = true;
            }
        }
    }
    is_new
}

/// An order of all versions in which those that replaced one another follow directly in their region, if choosing the most urgent finds one.
fn linear(versions: &Versions, pairs: &Pairs) -> Option<Vec<usize>> {
    let count = versions.all.len();
    let mut order: Vec<usize> = Vec::with_capacity(count);
    let mut is_out = vec![false; count];
    let urgency = |place: usize| {
        let regions = 0..versions.region_count;
        let firsts = regions.filter_map(|r| versions.bounds(place, r));
        firsts.map(|b| b.first.0).min().unwrap_or(NEVER)
    };
    while order.len() < count {
        let is_free = |place: &usize| {
            let mut missing = (0..count).filter(|other| !is_out[*other]);
            !is_out[*place]
                && missing.all(|other| !pairs.has(other, *place))
                && may_follow(versions, &order, &is_out, *place)
        };
        let next = (0..count)
            .filter(is_free)
            .min_by_key(|p| (urgency(*p), *p))?;
        is_out[next] = true;
        order.push(next);
    }
    Some(order)
}

/// Whether no region of this version waits for the successor of what it shows.
fn may_follow(versions: &Versions, order: &[usize], is_out: &[bool], place: usize) -> bool {
    (0..versions.region_count).all(|region| {
        if versions.bounds(place, region).is_none() {
            return true;
        }
        let mut shown = order.iter().rev();
        let Some(shown) = shown.find(|v| versions.bounds(**v, region).is_some()) else {
            return true;
        };
        let mut waiting = versions.all.iter().enumerate().filter(|(p, _)| !is_out[*p]);
        let waits = |(p, v): (usize, &super::versions::Version)| {
            p != place && v.origin == Some(region) && v.replaces == Some(*shown)
        };
        !waiting.any(waits)
    })
}
