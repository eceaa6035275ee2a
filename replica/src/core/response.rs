//! What a client is answered, before `wire` renders it as JSON.

use super::{Item, Region, TableDefinition};

/// The answer to a [`Request`](super::Request).
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "one variant per API call or shared shape, named as AWS names it"
)]
pub enum Response {
    /// `CreateTable`, `DeleteTable`, `UpdateTable` answer `TableDescription`.
    TableDescription(TableDescription),
    /// `DescribeTable` answers `Table`.
    Table(TableDescription),
    ListTables {
        names: Vec<String>,
        last: Option<String>,
    },
    /// `PutItem`, `UpdateItem`, `DeleteItem`.
    Write {
        attributes: Option<Item>,
        capacity: Option<Capacity>,
    },
    GetItem {
        item: Option<Item>,
        capacity: Option<Capacity>,
    },
    /// `Query` and `Scan`.
    Page(ItemPage),
    GlobalTable(GlobalTableDescription),
    ListGlobalTables {
        tables: Vec<(String, Vec<Region>)>,
        last: Option<String>,
    },
}

/// One page of a `Query` or a `Scan`.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct ItemPage {
    /// `None` when only the count was asked for.
    pub items: Option<Vec<Item>>,
    pub count: usize,
    pub scanned: usize,
    /// `LastEvaluatedKey`.
    pub last: Option<Item>,
    pub capacity: Option<Capacity>,
}

/// `ConsumedCapacity`, in half units.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct Capacity {
    pub table: String,
    pub half_units: u64,
    /// Whether the reply breaks it down (`INDEXES`).
    pub with_indexes: bool,
}

/// A table's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "AWS's TableStatus")]
pub enum TableStatus {
    Creating,
    Updating,
    Deleting,
    Active,
}

/// `TableDescription`.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct TableDescription {
    pub definition: TableDefinition,
    pub status: TableStatus,
    pub created_ms: i64,
    /// The 36-character `TableId`.
    pub id: String,
    pub arn: String,
    pub item_count: u64,
    pub size_bytes: u64,
    /// The stream's ARN and label, also after it was disabled.
    pub stream: Option<(String, String)>,
    pub decreases_today: u64,
}

/// `GlobalTableDescription`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct GlobalTableDescription {
    pub name: String,
    pub arn: String,
    pub created_ms: i64,
    pub status: GlobalTableStatus,
    pub replicas: Vec<Region>,
}

/// A global table's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "AWS's GlobalTableStatus")]
pub enum GlobalTableStatus {
    Creating,
    Active,
    Deleting,
    Updating,
}
