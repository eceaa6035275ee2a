//! Finds instants for the transactions of a region, item by item: an order of what happened, without drawing what came before what.
//!
//! Operations on one item have room in an order of its versions as soon as the transactions among them have ([`super::turns`]): each such order
//! leaves to a transaction a window of time, and says which transactions come before it. So every transaction gets the earliest instant
//! that its windows and those before it allow. If all have one the instants are a proof: every operation of a single item fits in between,
//! since none before it was asked for later than it ended. If not, some few items are where it fails, and perhaps contradict one another.

use std::collections::BTreeSet;

use super::lines::Lines;
use super::sketch::{NEVER, Sketch};
use super::turns::Turns;
use crate::history::RegionId;
use crate::small::small;
use crate::table::Table;

/// None.
const NONE: u32 = u32::MAX;

/// What has an instant: a transaction, or what separates those before it from those after it at one item.
#[derive(Clone, Copy)]
struct Point {
    /// Its window.
    from_ns: u64,
    to_ns: u64,
    /// The items that set these bounds.
    from_item: u32,
    to_item: u32,
}

/// All of a region.
struct Windows {
    points: Vec<Point>,
    lines: Vec<(u32, u32)>,
    /// The point of each transaction.
    transactions: Table<u32>,
}

/// Places of items.
pub(super) type Items = BTreeSet<usize>;

/// Whether all that happened to these items in a region has an order that fits time and explains what was seen; if none was found, where not.
pub(super) fn explain(
    sketches: &[Sketch],
    happened: &Table<u64>,
    region: RegionId,
) -> Result<(), Items> {
    let mut windows = Windows {
        points: Vec::new(),
        lines: Vec::new(),
        transactions: Table::default(),
    };
    let mut turns = Turns::new(region, happened);
    for (item, sketch) in sketches.iter().enumerate() {
        if sketch.regions.contains(&region) {
            let turns = turns.of(sketch).ok_or_else(|| Items::from([item]))?;
            let turns = turns.iter().map(|turn| {
                let id = sketch.asked[turn.asked as usize].id;
                (turn.place, id, turn.from_ns, turn.to_ns)
            });
            windows.add(small(item), turns);
        }
    }
    windows.instants()
}

impl Windows {
    /// Takes the turns of transactions at the next item.
    fn add(&mut self, item: u32, turns: impl Iterator<Item = (u32, u32, u64, u64)>) {
        let mut place_before = None;
        // What separates the turn at hand from those before it, and from those after it.
        let (mut before, mut after) = (NONE, NONE);
        for (place, id, from_ns, to_ns) in turns {
            if place_before.replace(place) != Some(place) {
                before = after;
                after = self.point(item, 0, NEVER);
            }
            let known = self.transactions.get(i64::from(id)).copied();
            let transaction = known.unwrap_or_else(|| {
                let point = self.point(item, from_ns, to_ns);
                self.transactions.insert(i64::from(id), point);
                point
            });
            let point = &mut self.points[transaction as usize];
            if from_ns > point.from_ns {
                (point.from_ns, point.from_item) = (from_ns, item);
            }
            if to_ns < point.to_ns {
                (point.to_ns, point.to_item) = (to_ns, item);
            }
            if before != NONE {
                self.lines.push((before, transaction));
            }
            self.lines.push((transaction, after));
        }
    }

    fn point(&mut self, item: u32, from_ns: u64, to_ns: u64) -> u32 {
        self.points.push(Point {
            from_ns,
            to_ns,
            from_item: item,
            to_item: item,
        });
        small(self.points.len() - 1)
    }

    /// Gives each point the earliest instant that its window and the points before it allow.
    fn instants(mut self) -> Result<(), Items> {
        let lines = Lines::new(self.points.len(), &self.lines);
        let mut waiting = lines.before_counts();
        // Which point before it made each wait longest.
        let mut because = vec![NONE; self.points.len()];
        let mut free: Vec<u32> = (0..)
            .zip(&waiting)
            .filter(|(_, count)| **count == 0)
            .map(|(point, _)| point)
            .collect();
        let mut count = 0;
        while let Some(number) = free.pop() {
            count += 1;
            let point = self.points[number as usize];
            if point.from_ns > point.to_ns {
                return Err(self.late(number, &because));
            }
            for after in lines.after(number as usize) {
                let next = &mut self.points[*after as usize];
                if point.from_ns > next.from_ns {
                    next.from_ns = point.from_ns;
                    because[*after as usize] = number;
                }
                waiting[*after as usize] -= 1;
                if waiting[*after as usize] == 0 {
                    free.push(*after);
                }
            }
        }
        match count == self.points.len() {
            true => Ok(()),
            false => Err(self.circle(&lines, &waiting)),
        }
    }

    /// The items because of which a point is too late.
    fn late(&self, number: u32, because: &[u32]) -> Items {
        let mut items = Items::from([self.points[number as usize].to_item as usize]);
        let mut point = number;
        while because[point as usize] != NONE {
            point = because[point as usize];
            // Of what separates turns the item is where it does.
            items.insert(self.points[point as usize].to_item as usize);
        }
        items.insert(self.points[point as usize].from_item as usize);
        items
    }

    /// The items of points that wait for one another.
    fn circle(&self, lines: &Lines, waiting: &[u32]) -> Items {
        let mut before = vec![NONE; self.points.len()];
        let stuck = |point: &usize| waiting[*point] > 0;
        for point in (0..self.points.len()).filter(stuck) {
            for after in lines.after(point) {
                before[*after as usize] = small(point);
            }
        }
        let mut point = (0..self.points.len()).find(stuck).map_or(0, small);
        for _ in 0..self.points.len() {
            point = before[point as usize];
        }
        let (start, mut items) = (point, Items::new());
        loop {
            items.insert(self.points[point as usize].to_item as usize);
            point = before[point as usize];
            if point == start {
                return items;
            }
        }
    }
}
