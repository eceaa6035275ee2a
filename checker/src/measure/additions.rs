//! Acknowledged additions to sets, lists and counters that are gone in the end, because several regions added and the last writer wins.

use std::collections::BTreeMap;

use super::samples::count;
use crate::check::{Fate, Item};
use crate::history::Value;

/// Additions to items to which several regions add.
#[derive(Default)]
pub(super) struct Additions {
    acknowledged_count: usize,
    lost_count: usize,
}

impl Additions {
    pub(super) fn take(&mut self, item: &Item<'_>) {
        if item.additions.is_empty() || !item.writes.is_empty() || item.only_region().is_some() {
            return;
        }
        let Some(last) = item.final_reads().into_values().next() else {
            return;
        };
        let additions = item.additions.iter();
        let acknowledged: Vec<i64> = additions
            .filter(|a| a.fate == Fate::Acknowledged)
            .map(|a| a.number)
            .collect();
        self.acknowledged_count += acknowledged.len();
        self.lost_count += match last.value {
            Value::Absent => acknowledged.len(),
            Value::List(elements) => {
                let is_lost = |element: &&i64| !elements.contains(element);
                acknowledged.iter().filter(is_lost).count()
            }
            // Which increments are gone cannot be told: the fewest that make up the difference.
            Value::Int(total) => {
                let mut numbers = acknowledged;
                numbers.sort_unstable_by_key(|n| std::cmp::Reverse(*n));
                let mut missing = numbers.iter().sum::<i64>() - total;
                let fewest = numbers.iter().take_while(|n| {
                    let is_needed = missing > 0;
                    missing -= **n;
                    is_needed
                });
                fewest.count()
            }
        };
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        self.acknowledged_count += other.acknowledged_count;
        self.lost_count += other.lost_count;
    }

    pub(super) fn finish(self, figures: &mut BTreeMap<String, f64>) {
        if self.acknowledged_count > 0 {
            let lost = count(self.lost_count);
            figures.insert("additions_lost_count".to_owned(), lost);
            let share = lost / count(self.acknowledged_count);
            figures.insert("additions_lost_share".to_owned(), share);
        }
    }
}
