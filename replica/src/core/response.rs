//! What a client is answered, before `wire` renders it as JSON.

use super::{Billing, Item, KeySchema, Region, StreamView, TableDefinition, TimeToLiveChange};

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
    ListStreams {
        /// ARN, table, label.
        streams: Vec<(String, String, String)>,
        last: Option<String>,
    },
    Stream(StreamDescription),
    ShardIterator(String),
    Records(RecordPage),
    /// `UpdateTimeToLive` answers what was asked for.
    TimeToLiveChanged(TimeToLiveChange),
    /// `DescribeTimeToLive`: the attribute, when it is enabled.
    TimeToLive(Option<String>),
    GlobalTable(GlobalTableDescription),
    GlobalTableSettings {
        name: String,
        replicas: Vec<ReplicaSettings>,
    },
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

/// `StreamDescription`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct StreamDescription {
    pub arn: String,
    pub label: String,
    pub is_enabled: bool,
    pub view: StreamView,
    pub created_ms: i64,
    pub table: String,
    pub keys: KeySchema,
    pub shards: Vec<Shard>,
    /// `LastEvaluatedShardId`.
    pub last: Option<String>,
}

/// A shard of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct Shard {
    pub id: String,
    pub parent: Option<String>,
    pub starting: u64,
    /// `None` while it is open.
    pub ending: Option<u64>,
}

/// What `GetRecords` answers.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct RecordPage {
    pub region: Region,
    pub records: Vec<StreamRecord>,
    /// `NextShardIterator`; `None` when the shard is closed and drained.
    pub next: Option<String>,
}

/// What happened to an item, for a reader of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's OperationType")]
pub enum StreamEvent {
    Insert,
    Modify,
    Remove,
}

/// A record of a stream.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct StreamRecord {
    /// `eventID`.
    pub id: String,
    pub event: StreamEvent,
    pub created_ms: i64,
    pub keys: Item,
    pub new: Option<Item>,
    pub old: Option<Item>,
    pub sequence: String,
    pub size_bytes: usize,
    pub view: StreamView,
    /// Whether it carries the `userIdentity` of the service: the item's time to live had passed.
    pub expired: bool,
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
    /// Of a global table of version 2019.11.21: the other replicas.
    pub replicas: Vec<ReplicaDescription>,
}

/// `ReplicaDescription` of version 2019.11.21.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct ReplicaDescription {
    pub region: Region,
    pub status: ReplicaStatus,
    /// `OnDemandThroughputOverride.MaxReadRequestUnits`.
    pub max_read_units: Option<i64>,
}

/// `ReplicaSettingsDescription` of version 2017.11.29.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct ReplicaSettings {
    pub region: Region,
    pub status: ReplicaStatus,
    /// When the settings were decided.
    pub decided_ms: i64,
    pub billing: Billing,
    /// Global secondary indexes, by name.
    pub indexes: Vec<(String, Option<Billing>)>,
}

/// A replica's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "AWS's ReplicaStatus, as far as it is reached here"
)]
pub enum ReplicaStatus {
    Creating,
    Updating,
    Active,
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
