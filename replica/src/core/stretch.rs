//! A stretch of a table's rows, and its digest: what anti-entropy compares.

use std::ops::Bound;

use super::record::decode_header;
use super::table::row_key;
use crate::store::{Direction, Read, Row, Space, StoreError};

/// The rows of a table after one item and through another.
pub(super) fn stretch(
    table: u32,
    after: &[u8],
    through: Option<&[u8]>,
    limit: usize,
    read: &dyn Read,
) -> Result<Vec<Row>, StoreError> {
    let start = row_key(table, after);
    let end = match through {
        Some(through) => Bound::Included(row_key(table, through)),
        None => Bound::Excluded(row_key(table.saturating_add(1), &[])),
    };
    let bounds = (
        Bound::Excluded(start.as_slice()),
        end.as_ref().map(Vec::as_slice),
    );
    read.range(Space::Items, bounds, Direction::Forward, limit)
}

/// FNV-1a over keys and versions.
pub(super) fn digest(rows: &[Row]) -> Result<u64, StoreError> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for (key, row) in rows {
        let (header, _) = decode_header(row)?;
        // Without the table's number, which is each region's own.
        add(&key[4..]);
        add(&header.version.time_us.to_be_bytes());
        add(header.version.region.as_str().as_bytes());
        add(&[0]);
    }
    Ok(hash)
}
