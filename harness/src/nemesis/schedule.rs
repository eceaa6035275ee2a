//! When occurrences of faults begin and end.
//!
//! Each package has its own stream of draws and its own rate, drawn for the run. Packages overlap freely; what cannot happen together is left
//! out: two deeds that take the same process down or lose the same packets, two regions out of service at once, or a clock that would have to be set while its process does
//! not answer.

use std::collections::BTreeMap;

use workloads::seed::{Seed, Stream};

use super::{
    deed::Touch,
    package::{Drawn, Package},
};

/// The first fault begins no later, so that a short run sees one.
const FIRST_MS_MAX: u64 = 2_000;
/// Time that a process may need to come back, or a clock to be set.
const MARGIN_MS: u64 = 400;
/// Draws for one place in the schedule before it is given up.
const TRIES: usize = 64;

/// One occurrence in its place.
pub(super) struct Placed {
    pub(super) package: &'static str,
    pub(super) start_ms: u64,
    pub(super) stop_ms: u64,
    pub(super) drawn: Drawn,
}

/// The room for all of them.
pub(super) struct Schedule<'a> {
    regions: &'a [String],
    /// Nothing lasts longer than this: the rest of the run is for the last stop to take hold.
    end_ms: u64,
    /// By start, so that only neighbours in time are compared: plans of days have many occurrences.
    placed: BTreeMap<(u64, &'static str), Placed>,
    longest_ms: u64,
}

/// Places occurrences of these packages: at least one of each if there is room, then more until the time is over.
pub(super) fn draw(
    packages: &[&'static dyn Package],
    seed: Seed,
    time_limit_ms: u64,
    regions: &[String],
) -> Vec<Placed> {
    let end_ms = time_limit_ms - (time_limit_ms / 20).max(200).min(time_limit_ms);
    let longest_ms = packages
        .iter()
        .map(|package| *package.lasts_ms().end())
        .max()
        .unwrap_or(0);
    let mut schedule = Schedule {
        regions,
        end_ms,
        placed: BTreeMap::new(),
        longest_ms,
    };
    if end_ms == 0 || regions.is_empty() {
        return Vec::new();
    }
    let mut order: Vec<&dyn Package> = packages.to_vec();
    seed.stream("nemesis/order").shuffle(&mut order);
    let mut rows: Vec<Row<'_>> = order
        .iter()
        .map(|package| Row::new(*package, seed))
        .collect();
    for (place, row) in rows.iter_mut().enumerate() {
        let latest = if place == 0 {
            FIRST_MS_MAX.min(end_ms / 4)
        } else {
            end_ms / 2
        };
        schedule.place_first(row, latest);
    }
    for row in &mut rows {
        while schedule.place_next(row) {}
    }
    schedule.placed.into_values().collect()
}

/// One package's way through the schedule.
struct Row<'a> {
    package: &'a dyn Package,
    draws: Stream,
    /// Typical time between a stop and the next start.
    gap_ms: u64,
    free_from_ms: u64,
}

impl<'a> Row<'a> {
    fn new(package: &'a dyn Package, seed: Seed) -> Row<'a> {
        let mut draws = seed.stream(&format!("nemesis/{}", package.name()));
        let gap_ms = 1_500 + draws.below(6_500);
        Row {
            package,
            draws,
            gap_ms,
            free_from_ms: 0,
        }
    }
}

impl Schedule<'_> {
    /// The first occurrence, early if possible, anywhere and shorter if not.
    fn place_first(&mut self, row: &mut Row<'_>, latest: u64) {
        let earliest = 100.min(latest);
        for attempt in 0..TRIES * 2 {
            let late = if attempt < TRIES { latest } else { self.end_ms };
            let start = earliest + row.draws.below(late - earliest + 1);
            let shrink = if attempt < TRIES { 1 } else { 4 };
            if self.try_place(row, start, shrink) {
                return;
            }
        }
    }

    /// One more occurrence after the last; false when the time is over.
    fn place_next(&mut self, row: &mut Row<'_>) -> bool {
        let gap = row.gap_ms / 2 + row.draws.below(row.gap_ms);
        let start = row.free_from_ms + gap;
        if start >= self.end_ms {
            return false;
        }
        if !self.try_place(row, start, 1) {
            row.free_from_ms = start;
        }
        true
    }

    /// Every occurrence that could touch this stretch of time.
    fn neighbours(&self, start_ms: u64, stop_ms: u64) -> impl Iterator<Item = &Placed> {
        let from = start_ms.saturating_sub(self.longest_ms + MARGIN_MS);
        let until = stop_ms + MARGIN_MS + 1;
        self.placed
            .range((from, "")..(until, ""))
            .map(|(_, placed)| placed)
    }

    fn try_place(&mut self, row: &mut Row<'_>, start_ms: u64, shrink: u64) -> bool {
        let lasts = row.package.lasts_ms();
        let drawn_ms = lasts.start() + row.draws.below(lasts.end() - lasts.start() + 1);
        let stop_ms = start_ms + (drawn_ms / shrink).min(self.end_ms * 2 / 5).max(1);
        let Some(drawn) = row.package.draw(&mut row.draws, self.regions) else {
            return false;
        };
        let new = Placed {
            package: row.package_name(),
            start_ms,
            stop_ms,
            drawn,
        };
        if stop_ms > self.end_ms
            || self
                .neighbours(start_ms, stop_ms)
                .any(|old| collide(old, &new))
        {
            return false;
        }
        row.free_from_ms = stop_ms;
        self.placed.insert((start_ms, new.package), new);
        true
    }
}

impl Row<'_> {
    fn package_name(&self) -> &'static str {
        self.package.name()
    }
}

/// Whether two occurrences cannot both be: same package at the same time, or the same process.
fn collide(a: &Placed, b: &Placed) -> bool {
    let overlap = a.start_ms <= b.stop_ms + MARGIN_MS && b.start_ms <= a.stop_ms + MARGIN_MS;
    let moment_in = |moment: u64, down: &Placed| {
        moment + MARGIN_MS >= down.start_ms && moment <= down.stop_ms + MARGIN_MS
    };
    let set_while_down = |skewed: &Placed, down: &Placed| {
        moment_in(skewed.start_ms, down) || moment_in(skewed.stop_ms, down)
    };
    if a.package == b.package && overlap {
        return true;
    }
    // Whatever part of an occurrence touches a region keeps it for as long as the whole lasts.
    let touches = |placed: &Placed| -> Vec<Touch> {
        let parts = placed.drawn.parts.iter();
        parts.map(|part| part.deed.touch()).collect()
    };
    let (of_a, of_b) = (touches(a), touches(b));
    let pairs = of_a.iter().flat_map(|x| of_b.iter().map(move |y| (*x, *y)));
    pairs.into_iter().any(|pair| match pair {
        (Touch::Absent(_), Touch::Absent(_)) => overlap,
        (Touch::Down(x) | Touch::Absent(x), Touch::Down(y))
        | (Touch::Down(x), Touch::Absent(y))
        | (Touch::Skewed(x), Touch::Skewed(y))
        | (Touch::Unheard(x), Touch::Unheard(y)) => x == y && overlap,
        (Touch::Skewed(x), Touch::Down(y) | Touch::Absent(y)) => x == y && set_while_down(a, b),
        (Touch::Down(x) | Touch::Absent(x), Touch::Skewed(y)) => x == y && set_while_down(b, a),
        (Touch::None | Touch::Unheard(_), _) | (_, Touch::None | Touch::Unheard(_)) => false,
    })
}
