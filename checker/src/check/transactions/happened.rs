//! What must have happened: when anything that an operation wrote was first seen anywhere. A transaction happens with all that it writes.

use crate::check::case::{Fate, Item, Sighting, Write};
use crate::check::common_order::required;
use crate::history::{History, Value};
use crate::table::Table;

/// What nobody has seen.
const NEVER: u64 = u64::MAX;

/// By when operations must have happened, learned item by item.
pub(super) struct Happened<'h> {
    history: &'h History,
    /// By operation.
    seen_ns: Vec<u64>,
}

impl<'h> Happened<'h> {
    pub(super) fn new(history: &'h History) -> Self {
        Self {
            history,
            seen_ns: vec![NEVER; history.operations.len()],
        }
    }

    /// By when an operation had happened, if anybody saw that it had.
    pub(super) fn seen_ns(&self, operation: usize) -> Option<u64> {
        Some(self.seen_ns[operation]).filter(|ns| *ns != NEVER)
    }

    /// Learns from the next item.
    pub(super) fn add(&mut self, item: &Item<'_>) {
        self.see(item);
        self.require(item);
    }

    /// Notes that an operation had happened by then; of several such moments the earliest holds.
    fn learn(&mut self, operation: usize, seen_ns: u64) {
        let known = &mut self.seen_ns[operation];
        *known = (*known).min(seen_ns);
    }

    /// Notes when what was written to an item was first seen.
    fn see(&mut self, item: &Item<'_>) {
        for write in item.writes.iter().filter(|w| w.fate != Fate::Failed) {
            let value = write.value.filter(|v| item.writer(*v).is_some());
            if let Some(seen) = value.and_then(|v| item.first_seen(v)) {
                self.learn(write.operation, seen.return_ns);
            }
        }
        if item.additions.is_empty() {
            return;
        }
        let appends: Table<usize> = appends(item);
        for (sighting, list) in lists(item) {
            for operation in list.iter().filter_map(|e| appends.get(*e)) {
                self.learn(*operation, sighting.return_ns);
            }
        }
    }

    /// Notes that what a conditional write of unknown outcome required had been written, if what it wrote itself was seen.
    fn require(&mut self, item: &Item<'_>) {
        let is_unknown = |w: &&Write| w.is_conditional && w.fate == Fate::Unknown;
        let mut waiting: Vec<&Write> = item.writes.iter().rev().filter(is_unknown).collect();
        let mut has_grown = true;
        while has_grown {
            has_grown = false;
            waiting.retain(|write| {
                let seen_ns = self.seen_ns(write.operation);
                let required = required(self.history, write.operation).flatten();
                let maker = required.and_then(|value| item.writer(value));
                if let (Some(seen_ns), Some(maker)) = (seen_ns, maker) {
                    self.learn(maker.operation, seen_ns);
                    has_grown = true;
                }
                seen_ns.is_none()
            });
        }
    }
}

/// The sightings that show a list; no item shows an empty one.
pub(super) fn lists<'i, 'h>(item: &'i Item<'h>) -> Vec<(&'i Sighting<'h>, &'h [i64])> {
    let list = |s: &'i Sighting<'h>| match s.value {
        Value::List(elements) => Some((s, elements.as_slice())),
        Value::Absent => Some((s, &[][..])),
        Value::Int(_) => None,
    };
    item.sightings.iter().filter_map(list).collect()
}

/// The operation that appended each element and did not fail.
fn appends(item: &Item<'_>) -> Table<usize> {
    let mut appends = Table::default();
    for addition in item.additions.iter().filter(|a| a.fate != Fate::Failed) {
        appends.or_insert_with(addition.number, || addition.operation);
    }
    appends
}
