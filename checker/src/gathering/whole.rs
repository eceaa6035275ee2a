//! The whole history, put together again from its piles, for checks that judge several items at once.
//!
//! A scan or a fetch comes back with what it showed in another order, and one that showed nothing does not come back: neither says less of
//! any item by that.

use std::io;

use super::{Gathering, UNPACKED_BYTES};
use crate::history::binary::row;
use crate::history::{Ending, History, Operation, Reply};

impl Gathering {
    /// Why the whole history cannot be put together in the memory allowed; `None`: it can.
    pub(super) fn why_not_whole(&self) -> Option<String> {
        let row_counts = (0..self.piles.count()).map(|pile| self.piles.size(pile).0 as u64);
        let row_count: u64 = row_counts.sum();
        let needed_bytes = row_count * UNPACKED_BYTES;
        (needed_bytes > self.limit_bytes).then(|| {
            format!(
                "it needs all operations in memory at once, some {row_count}, which do not fit into the memory allowed; --memory {}MB would decide it",
                (needed_bytes * 2).div_ceil(1_000_000) + 1
            )
        })
    }

    /// The history so far, in its order.
    pub(super) fn whole(&self) -> io::Result<History> {
        let region_count = self.header.regions.len();
        let besides = self.piles.besides(&self.pairer.open());
        let mut operations = Vec::new();
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for pile in 0..self.piles.count() {
            self.piles.rows(pile, &mut bytes)?;
            if let Some(besides) = besides.get(&pile) {
                bytes.extend_from_slice(besides);
            }
            row::places(&bytes, &mut places)?;
            for place in &places {
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
