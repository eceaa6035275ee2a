//! `GetItem`: the newest durable version.

use super::record::{decode_header, decode_item, show};
use super::region::Refusal;
use super::size::{eventual_read_half_units, item_size_bytes, strong_read_half_units};
use super::{Capacity, Core, GetItem, Item, Response, ReturnCapacity, key_of_key_map};
use crate::defects::Defect;
use crate::store::{Read, Space, StoreError};

/// The defect `stale-strong-read` answers every so-manieth strong read from the past,
const STALE_EVERY: u64 = 20;
/// and remembers this many items' past.
const STALE_ITEMS: usize = 10_000;

impl Core {
    /// `GetItem`. A consistent read is no different: a region's newest durable version is what both see.
    pub(super) fn get_item(
        &mut self,
        request: &GetItem,
        read: &dyn Read,
    ) -> Result<Response, Refusal> {
        self.counters.reads += 1;
        let table = self.data_table(&request.table)?;
        let key = key_of_key_map(&table.row.definition.keys, &request.key)?;
        let row_key = table.row_key(&key.to_bytes());
        let mut row = self.durable_row(&row_key, request.consistent, read)?;
        if self.has_defect(Defect::CrossedRead) {
            let crossed = self.strikes(Defect::CrossedRead, self.counters.reads, 50);
            let this = std::mem::replace(&mut self.last_read, row.clone());
            if crossed {
                row = this;
            }
        }
        let item = row.as_deref().map(visible).transpose()?.flatten();
        let capacity = match request.return_capacity {
            ReturnCapacity::None => None,
            ReturnCapacity::Total | ReturnCapacity::Indexes => {
                let bytes = item.as_ref().map_or(0, item_size_bytes);
                Some(Capacity {
                    table: request.table.clone(),
                    half_units: if request.consistent {
                        strong_read_half_units(bytes)
                    } else {
                        eventual_read_half_units(bytes)
                    },
                    with_indexes: request.return_capacity == ReturnCapacity::Indexes,
                })
            }
        };
        let item = match &request.projection {
            Some(projection) => item.map(|item| projection.project(&item)),
            None => item,
        };
        Ok(Response::GetItem { item, capacity })
    }

    fn durable_row(
        &mut self,
        row_key: &[u8],
        consistent: bool,
        read: &dyn Read,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        if self.has_defect(Defect::AckBeforeWrite)
            && let Some(newest) = self.ledger.newest(row_key)
        {
            return Ok(newest.value().map(<[u8]>::to_vec));
        }
        if self.has_defect(Defect::StaleStrongRead) && consistent {
            self.stale_reads += 1;
            if self.stale_reads.is_multiple_of(STALE_EVERY)
                && let Some(previous) = self.previous.get(row_key)
            {
                return Ok(Some(previous.clone()));
            }
        }
        read.get(Space::Items, row_key)
    }

    /// The defect `stale-strong-read`: keeps what is about to be overwritten.
    pub(super) fn remember_previous(&mut self, row_key: &[u8], row: &[u8]) {
        if self.previous.len() >= STALE_ITEMS {
            self.previous.pop_first();
        }
        self.previous.insert(row_key.to_vec(), row.to_vec());
    }
}

/// What a reader sees of a row.
pub(super) fn visible(row: &[u8]) -> Result<Option<Item>, StoreError> {
    let (header, attributes) = decode_header(row)?;
    if header.deleted {
        return Ok(None);
    }
    let mut item = decode_item(attributes)?;
    show(&mut item, &header);
    Ok(Some(item))
}
