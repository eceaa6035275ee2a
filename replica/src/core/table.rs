//! A table as a region keeps it: definition, number, floor, counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    ApiError, ErrorKind, TableDefinition,
    group::{GlobalVersion, Group},
    rows::{self, Origin, named},
};
use crate::store::Write;

/// What is durable of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableRow {
    /// Prefix of its rows. A table that was deleted and created again gets another, so that old rows are never taken for new ones.
    pub(super) number: u32,
    pub(super) definition: TableDefinition,
    pub(super) created_ms: i64,
    pub(super) id: String,
    /// Label of the newest stream, also after it was disabled.
    pub(super) stream_label: Option<String>,
    /// The attribute that says when an item expires, when time to live is enabled.
    pub(super) ttl: Option<String>,
    /// Capacity decreases on `decreased_day` (days since the epoch).
    pub(super) decreases: u64,
    pub(super) decreased_day: i64,
    /// Whether its own rows must go through the feed again, since a region joined.
    pub(super) refeed: bool,
    /// Whether a replica has just been made here and not everything has come yet.
    pub(super) is_filling: bool,
}

/// Live items and their bytes. Saved now and then, so an estimate after a crash, as AWS's own figures are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Count {
    pub(super) items: i64,
    pub(super) bytes: i64,
}

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) row: TableRow,
    /// New items get stamps above this: what was collected lies below.
    pub(super) floor_us: i64,
    pub(super) count: Count,
    pub(super) saved_count: Count,
    /// The commit of its newest definition.
    pub(super) commit: u64,
    /// Whether this region is a member of the global table of its name.
    pub(super) replicated: bool,
    /// By which rules, if so.
    pub(super) version: Option<GlobalVersion>,
    /// Whether another region is, too.
    pub(super) fed: bool,
    /// Nothing is collected before this monotonic time: a region may be joining.
    pub(super) hold_until_ns: u64,
    /// Its stream, when one is enabled.
    pub(super) stream: Option<u32>,
    /// Where the feed ended when re-feeding was done: who has consumed that far has everything.
    pub(super) refed_through: u64,
    /// The commit of the last row of a departed life, or of the last change of membership.
    pub(super) foreign_commit: u64,
    /// Whether every row of departed lives has been here, and everybody else has had those of here.
    pub(super) has_settled_departed: bool,
    /// The commit by which the rows that a renewed region keeps have moved.
    pub(super) moved_by: u64,
    /// Who has fed all of its own rows to a replica that has just been made here, and where its feed ended then.
    pub(super) fed_by: BTreeMap<Origin, u64>,
    /// Re-feeding goes on after this row.
    pub(super) refeed_after: Option<Vec<u8>>,
}

impl Table {
    /// A table of this row, outside any global table until told otherwise.
    pub(super) fn new(row: TableRow) -> Self {
        Self {
            row,
            floor_us: 0,
            count: Count::default(),
            saved_count: Count::default(),
            commit: 0,
            replicated: false,
            version: None,
            fed: false,
            hold_until_ns: 0,
            stream: None,
            refed_through: 0,
            foreign_commit: 0,
            has_settled_departed: false,
            moved_by: 0,
            fed_by: BTreeMap::new(),
            refeed_after: None,
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.row.definition.name
    }

    /// Whether writes are stamped visibly: a replica of version 2017.11.29.
    pub(super) fn is_stamping(&self) -> bool {
        self.version == Some(GlobalVersion::Legacy)
    }

    /// Refuses to change a table that is being created.
    pub(super) fn check_created(&self) -> Result<(), ApiError> {
        if !self.row.is_filling {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorKind::ResourceInUse,
            format!(
                "Attempt to change a resource which is still in use: Table is being created: {}",
                self.name()
            ),
        ))
    }

    /// Whether it is a replica that may not be deleted or lose its stream. The last one of version 2019.11.21 is a table like any other.
    pub(super) fn is_bound(&self) -> bool {
        self.is_stamping() || self.fed
    }

    /// Takes its membership from the record of the global table of its name.
    pub(super) fn belong(&mut self, group: Option<&Group>, me: &Origin) {
        let group = group.filter(|group| group.has(me));
        self.replicated = group.is_some();
        self.fed = group.is_some_and(|group| group.present().count() > 1);
        self.version = group.map(|group| group.version);
    }

    /// The key of an item's row.
    pub(super) fn row_key(&self, item_key: &[u8]) -> Vec<u8> {
        row_key(self.row.number, item_key)
    }

    /// Writes the definition.
    pub(super) fn save(&self) -> Write {
        rows::put(named(rows::TABLE, self.name()), &self.row)
    }

    /// Raises the floor; writes it when it rose.
    pub(super) fn raise_floor(&mut self, floor_us: i64, writes: &mut Vec<Write>) {
        if floor_us > self.floor_us {
            self.floor_us = floor_us;
            writes.push(rows::put(named(rows::FLOOR, self.name()), &floor_us));
        }
    }
}

/// The key of an item's row: the table's number, then the item's key.
pub(super) fn row_key(table: u32, item_key: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(4 + item_key.len());
    key.extend_from_slice(&table.to_be_bytes());
    key.extend_from_slice(item_key);
    key
}

/// Takes a row's key apart.
pub(super) fn split_row_key(key: &[u8]) -> Option<(u32, &[u8])> {
    let (number, item_key) = key.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), item_key))
}

/// The data plane's answer for a table that is not there.
pub(super) fn no_such_table() -> ApiError {
    ApiError::new(ErrorKind::ResourceNotFound, "Requested resource not found")
}

/// The control plane's answer for a table that is not there.
pub(super) fn no_such_table_named(name: &str) -> ApiError {
    ApiError::new(
        ErrorKind::ResourceNotFound,
        format!("Requested resource not found: Table: {name} not found"),
    )
}
