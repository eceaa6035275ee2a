//! `Scan`, and the pages that it has in common with `Query`.
//!
//! A scan walks the rows in the order of their keys; AWS's order is that of a hash, which nobody may rely on. A segment is decided by a hash of the
//! partition key, so that the segments together hold every item once. Each walks over the others' rows, a bounded stretch per page.

use std::ops::Bound;

use super::key::{KeyRange, key_attributes, partition_of};
use super::query::start_key;
use super::read::visible;
use super::region::Refusal;
use super::size::{eventual_read_half_units, item_size_bytes, strong_read_half_units};
use super::table::{Table, split_row_key};
use super::{
    ApiError, Capacity, Core, Item, ItemPage, Page, Response, ReturnCapacity, Scan, Segment, Select,
};
use crate::store::{Direction, Read, Row, Space, StoreError};

#[cfg(test)]
mod tests;

/// Most item bytes of a page.
const PAGE_MAX_BYTES: usize = 1_048_576;
/// Rows read at once.
const ROWS: usize = 64;
/// Most bytes of other segments' rows that a page walks over.
const FOREIGN_MAX_BYTES: usize = 16 * 1_048_576;

impl Core {
    /// `Scan`.
    pub(super) fn scan(&mut self, scan: &Scan, read: &dyn Read) -> Result<Response, Refusal> {
        self.counters.reads += 1;
        let page = &scan.page;
        let table = self.data_table(&page.table)?;
        table.check_index(page.index.as_deref())?;
        let mut range = KeyRange::of_prefix(&table.row_key(&[]));
        if let Some(after) = &page.after {
            let key = table.row_key(&start_key(&table.row.definition.keys, after)?);
            range.start = Bound::Excluded(key);
        }
        table.page(range, Direction::Forward, scan.segment, page, read)
    }
}

/// Whether a page goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    On,
    Full,
}

/// A page under construction.
struct Walk<'a> {
    table: &'a Table,
    page: &'a Page,
    segment: Option<Segment>,
    items: Vec<Item>,
    count: usize,
    scanned: usize,
    bytes: usize,
    foreign_bytes: usize,
    /// Where the next page begins, should this one become full.
    last: Option<Item>,
}

impl Table {
    /// Refuses an index.
    pub(super) fn check_index(&self, index: Option<&str>) -> Result<(), ApiError> {
        let Some(index) = index else { return Ok(()) };
        let definition = &self.row.definition;
        let mut defined = definition
            .local_indexes
            .iter()
            .chain(&definition.global_indexes);
        if defined.any(|defined| defined.name == index) {
            return Err(ApiError::validation(format!(
                "The index {index} is defined but cannot be read: this server keeps no secondary indexes yet, read the table itself"
            )));
        }
        Err(ApiError::validation(format!(
            "The table does not have the specified index: {index}"
        )))
    }

    /// One page of a stretch of rows.
    pub(super) fn page(
        &self,
        mut range: KeyRange,
        direction: Direction,
        segment: Option<Segment>,
        page: &Page,
        read: &dyn Read,
    ) -> Result<Response, Refusal> {
        let mut walk = Walk {
            table: self,
            page,
            segment,
            items: Vec::new(),
            count: 0,
            scanned: 0,
            bytes: 0,
            foreign_bytes: 0,
            last: None,
        };
        loop {
            let rows = read.range(Space::Items, range.bounds(), direction, ROWS)?;
            let is_last = rows.len() < ROWS;
            let next = rows.last().map(|(key, _)| Bound::Excluded(key.clone()));
            for row in rows {
                if walk.take(&row)? == Step::Full {
                    return Ok(walk.finish(Step::Full));
                }
            }
            match (next, direction) {
                (Some(next), Direction::Forward) if !is_last => range.start = next,
                (Some(next), Direction::Backward) if !is_last => range.end = next,
                (Some(_) | None, _) => return Ok(walk.finish(Step::On)),
            }
        }
    }
}

impl Walk<'_> {
    fn take(&mut self, (key, row): &Row) -> Result<Step, Refusal> {
        if !self.is_mine(key)? {
            return Ok(self.pass(row)?);
        }
        let Some(item) = visible(row)? else {
            return Ok(Step::On);
        };
        let bytes = item_size_bytes(&item);
        if self.scanned > 0 && self.bytes + bytes > PAGE_MAX_BYTES {
            return Ok(Step::Full);
        }
        self.bytes += bytes;
        self.scanned += 1;
        self.last = Some(self.key_of(&item));
        let passes = match &self.page.filter {
            Some(filter) => filter.evaluate(Some(&item))?,
            None => true,
        };
        if passes {
            self.count += 1;
            match &self.page.select {
                Select::Whole => self.items.push(item),
                Select::Parts(projection) => self.items.push(projection.project(&item)),
                Select::Count => {}
            }
        }
        Ok(if self.page.limit == Some(self.scanned) {
            Step::Full
        } else {
            Step::On
        })
    }

    fn is_mine(&self, key: &[u8]) -> Result<bool, StoreError> {
        let Some(segment) = self.segment else {
            return Ok(true);
        };
        let Some((_, item_key)) = split_row_key(key) else {
            return Err(StoreError("an item's key names no table".to_owned()));
        };
        let (_, kind) = &self.table.row.definition.keys.partition;
        Ok(segment.holds(partition_of(*kind, item_key)))
    }

    /// Walks over a row of another segment. Far enough from the last page, any live row will do to go on from.
    fn pass(&mut self, row: &[u8]) -> Result<Step, StoreError> {
        self.foreign_bytes += row.len();
        if self.foreign_bytes <= FOREIGN_MAX_BYTES {
            return Ok(Step::On);
        }
        let Some(item) = visible(row)? else {
            return Ok(Step::On);
        };
        self.last = Some(self.key_of(&item));
        Ok(Step::Full)
    }

    fn key_of(&self, item: &Item) -> Item {
        key_attributes(&self.table.row.definition.keys, item)
    }

    fn finish(self, step: Step) -> Response {
        let capacity = match self.page.return_capacity {
            ReturnCapacity::None => None,
            ReturnCapacity::Total | ReturnCapacity::Indexes => Some(Capacity {
                table: self.page.table.clone(),
                half_units: if self.page.consistent {
                    strong_read_half_units(self.bytes)
                } else {
                    eventual_read_half_units(self.bytes)
                },
                with_indexes: self.page.return_capacity == ReturnCapacity::Indexes,
            }),
        };
        Response::Page(ItemPage {
            items: (self.page.select != Select::Count).then_some(self.items),
            count: self.count,
            scanned: self.scanned,
            last: self.last.filter(|_| step == Step::Full),
            capacity,
        })
    }
}

impl Segment {
    /// Whether a partition belongs to it.
    fn holds(self, partition: &[u8]) -> bool {
        // FNV-1a, then a finaliser, since its high bits hardly move for short keys.
        let hash = partition
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (hash ^ (hash >> 31)) % u64::from(self.total.max(1)) == u64::from(self.number)
    }
}
