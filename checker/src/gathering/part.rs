//! Some items of several that were judged together, put together again from their piles to show what is wrong with them.

use std::collections::BTreeSet;
use std::io;

use super::Gathering;
use crate::history::binary::row;
use crate::history::{Ending, History, Key, Operation, Reply};

/// What an operation takes at most while items are judged together: in its sketches, and in the graph of its region if one is needed.
const TOGETHER_BYTES: u64 = 400;

impl Gathering {
    /// Why items of transactions cannot be judged together in the memory allowed; `None`: they can.
    pub(super) fn why_not_together(&self) -> Option<String> {
        let row_counts = (0..self.piles.count()).map(|pile| self.piles.size(pile).0 as u64);
        let row_count: u64 = row_counts.sum();
        let needed_bytes = row_count * TOGETHER_BYTES;
        (needed_bytes > self.limit_bytes).then(|| {
            format!(
                "it needs something of all operations in memory at once, some {row_count}, which does not fit into the memory allowed; --memory {}MB would decide it",
                (needed_bytes * 2).div_ceil(1_000_000) + 1
            )
        })
    }

    /// All operations on these items, in their order.
    pub(super) fn part(&self, keys: &BTreeSet<Key>) -> io::Result<History> {
        let region_count = self.header.regions.len();
        let besides = self.piles.besides(&self.pairer.open());
        let piles: BTreeSet<usize> = keys.iter().map(|key| self.piles.of(*key)).collect();
        let mut operations = Vec::new();
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for pile in piles {
            self.piles.rows(pile, &mut bytes)?;
            if let Some(besides) = besides.get(&pile) {
                bytes.extend_from_slice(besides);
            }
            row::places(&bytes, &mut places)?;
            for place in places.iter().filter(|place| keys.contains(&place.key)) {
                row::read(&bytes, place, region_count, &mut operations)?;
            }
        }
        // Operations are large: this moves each of them once.
        operations.sort_by_cached_key(|operation| operation.line_invoke);
        operations.dedup_by(|part, whole| {
            let is_same = part.line_invoke == whole.line_invoke;
            if is_same {
                join(whole, part);
            }
            is_same
        });
        Ok(History {
            header: self.header.clone(),
            operations,
        })
    }
}

/// Where an operation of this line is in a history in the order of lines.
pub(super) fn place_of(history: &History, line: u32) -> usize {
    let operations = &history.operations;
    let place = operations.binary_search_by_key(&u64::from(line), |o| o.line_invoke);
    place.expect("the operations of these items are all there")
}

/// Joins what one operation showed of other items.
fn join(whole: &mut Operation, part: &mut Operation) {
    match (&mut whole.ending, &mut part.ending) {
        (Ending::Ok(Reply::Scan(all)), Ending::Ok(Reply::Scan(more))) => all.append(more),
        (Ending::Ok(Reply::Stream(all)), Ending::Ok(Reply::Stream(more)))
        | (Ending::Ok(Reply::StreamAnew(all)), Ending::Ok(Reply::StreamAnew(more))) => {
            all.append(more);
        }
        // All others came back whole, once for each key.
        (Ending::Ok(_) | Ending::Failed { .. } | Ending::Unknown { .. }, _) => {}
    }
}
