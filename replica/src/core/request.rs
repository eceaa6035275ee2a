//! What a client can ask for, with the shape already checked by `wire`: required members present, enums known, lengths within the model's
//! constraints, expressions parsed, values well formed. What needs the table (key schema, existence) is checked by the core.

use std::collections::BTreeMap;

use super::condition::{Condition, KeyCondition, Projection, Update};
use super::{Item, Region};
use crate::store::Direction;

/// A request of the DynamoDB API. Grows with the API: the core decides every variant by name.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "one variant per API call, named as AWS names it"
)]
pub enum Request {
    CreateTable(TableDefinition),
    DescribeTable {
        table: String,
    },
    ListTables {
        after: Option<String>,
        limit: usize,
    },
    DeleteTable {
        table: String,
    },
    UpdateTable(UpdateTable),
    PutItem(PutItem),
    GetItem(GetItem),
    UpdateItem(UpdateItem),
    DeleteItem(DeleteItem),
    Query(Query),
    Scan(Scan),
    TimeToLive {
        table: String,
        /// `None` only asks.
        change: Option<TimeToLiveChange>,
    },
    Global(GlobalRequest),
    Streams(StreamsRequest),
}

/// What `UpdateTimeToLive` asks for, with the attribute that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it says")]
pub enum TimeToLiveChange {
    Enable(String),
    Disable(String),
}

/// A request of the API of global tables, version 2017.11.29.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub enum GlobalRequest {
    Create {
        name: String,
        regions: Vec<Region>,
    },
    Update {
        name: String,
        updates: Vec<ReplicaUpdate>,
    },
    Describe {
        name: String,
    },
    List {
        after: Option<String>,
        limit: usize,
        region: Option<Region>,
    },
    DescribeSettings {
        name: String,
    },
    UpdateSettings(SettingsUpdate),
}

/// `UpdateGlobalTableSettings`: only what is asked to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsUpdate {
    /// `GlobalTableName`.
    pub name: String,
    /// `GlobalTableBillingMode`: per request, or (by default) provisioned.
    pub is_per_request: bool,
    /// `GlobalTableProvisionedWriteCapacityUnits`.
    pub write: Option<u64>,
    /// Write capacity units of global secondary indexes, by name.
    pub index_writes: BTreeMap<String, u64>,
    /// `ReplicaSettingsUpdate`.
    pub replicas: Vec<ReplicaSettingsUpdate>,
}

/// What is asked to change of one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSettingsUpdate {
    /// Which.
    pub region: Region,
    /// `ReplicaProvisionedReadCapacityUnits`.
    pub read: Option<u64>,
    /// Read capacity units of global secondary indexes, by name.
    pub index_reads: BTreeMap<String, u64>,
}

/// A request of the API of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub enum StreamsRequest {
    ListStreams {
        table: Option<String>,
        after: Option<String>,
        limit: usize,
    },
    DescribeStream {
        arn: String,
        after: Option<String>,
        /// `ShardFilter`: only the children of this shard.
        parent: Option<String>,
        limit: usize,
    },
    GetShardIterator {
        arn: String,
        shard: String,
        start: IteratorStart,
    },
    GetRecords {
        iterator: String,
        limit: usize,
    },
}

/// The type of a key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "AWS's ScalarAttributeType")]
pub enum KeyType {
    S,
    N,
    B,
}

/// A key schema: partition key and, optionally, sort key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeySchema {
    /// Name and type of the partition (`HASH`) key.
    pub partition: (String, KeyType),
    /// Name and type of the sort (`RANGE`) key.
    pub sort: Option<(String, KeyType)>,
}

/// What a stream record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "AWS's StreamViewType")]
pub enum StreamView {
    KeysOnly,
    NewImage,
    OldImage,
    NewAndOldImages,
}

/// How capacity is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Billing {
    /// `PROVISIONED`, with read and write units.
    Provisioned {
        /// `ReadCapacityUnits`.
        read: u64,
        /// `WriteCapacityUnits`.
        write: u64,
    },
    /// `PAY_PER_REQUEST`.
    PayPerRequest,
}

/// A secondary index as defined (kept and compared between replicas; queried when the API has indexes).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IndexDefinition {
    /// Its name.
    pub name: String,
    /// Its keys.
    pub keys: KeySchema,
    /// `ALL`, `KEYS_ONLY` or the listed attributes of `INCLUDE`.
    pub projection: IndexProjection,
    /// Its own capacity, for a global index of a provisioned table.
    pub billing: Option<Billing>,
}

/// What an index copies.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "AWS's ProjectionType")]
pub enum IndexProjection {
    All,
    KeysOnly,
    Include(Vec<String>),
}

/// `CreateTable`, checked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct TableDefinition {
    pub name: String,
    pub keys: KeySchema,
    pub billing: Billing,
    /// `Some` when a stream is enabled.
    pub stream: Option<StreamView>,
    pub global_indexes: Vec<IndexDefinition>,
    pub local_indexes: Vec<IndexDefinition>,
    pub deletion_protection: bool,
}

/// `UpdateTable`: only what is asked to change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct UpdateTable {
    pub table: String,
    pub billing: Option<Billing>,
    /// `Some(None)` disables the stream.
    pub stream: Option<Option<StreamView>>,
    pub deletion_protection: Option<bool>,
    /// `ReplicaUpdates`; asked for alone.
    pub replica: Option<ReplicaUpdate>,
}

/// Which attributes a write returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's ReturnValue")]
pub enum ReturnValues {
    None,
    AllOld,
    UpdatedOld,
    AllNew,
    UpdatedNew,
}

/// How much of the consumed capacity a reply states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's ReturnConsumedCapacity")]
pub enum ReturnCapacity {
    None,
    Total,
    Indexes,
}

/// What every single-item write carries.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteOptions {
    /// `ConditionExpression`.
    pub condition: Option<Condition>,
    /// `ReturnValues`.
    pub return_values: ReturnValues,
    /// `ReturnValuesOnConditionCheckFailure = ALL_OLD`.
    pub return_old_on_failure: bool,
    /// `ReturnConsumedCapacity`.
    pub return_capacity: ReturnCapacity,
}

/// `PutItem`.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct PutItem {
    pub table: String,
    pub item: Item,
    pub options: WriteOptions,
}

/// `GetItem`.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct GetItem {
    pub table: String,
    pub key: Item,
    pub consistent: bool,
    pub projection: Option<Projection>,
    pub return_capacity: ReturnCapacity,
}

/// `UpdateItem`.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct UpdateItem {
    pub table: String,
    pub key: Item,
    /// `None` creates or touches the item without changing attributes.
    pub update: Option<Update>,
    pub options: WriteOptions,
}

/// `DeleteItem`.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct DeleteItem {
    pub table: String,
    pub key: Item,
    pub options: WriteOptions,
}

/// `Query`.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// `KeyConditionExpression`.
    pub key: KeyCondition,
    /// `ScanIndexForward`.
    pub direction: Direction,
    /// What it has in common with `Scan`.
    pub page: Page,
}

/// `Scan`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// `Segment` and `TotalSegments`; the whole table without.
    pub segment: Option<Segment>,
    /// What it has in common with `Query`.
    pub page: Page,
}

/// One of the parts that a table is scanned in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Which, from 0; less than `total`.
    pub number: u32,
    /// Of how many.
    pub total: u32,
}

/// What `Query` and `Scan` have in common.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as AWS names them")]
pub struct Page {
    pub table: String,
    pub index: Option<String>,
    pub consistent: bool,
    pub limit: Option<usize>,
    /// `ExclusiveStartKey`.
    pub after: Option<Item>,
    pub select: Select,
    pub filter: Option<Condition>,
    pub return_capacity: ReturnCapacity,
}

/// What a page shows of its items.
#[derive(Clone, Debug, PartialEq)]
pub enum Select {
    /// All of them.
    Whole,
    /// These parts.
    Parts(Projection),
    /// Only how many they are.
    Count,
}

/// Where a shard iterator begins. Sequence numbers are as the reader gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's ShardIteratorType")]
pub enum IteratorStart {
    TrimHorizon,
    Latest,
    At(String),
    After(String),
}

/// One step of `UpdateGlobalTable`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaUpdate {
    /// Add a replica.
    Create(Region),
    /// Remove a replica.
    Delete(Region),
    /// Change a replica of version 2019.11.21: `OnDemandThroughputOverride.MaxReadRequestUnits`, with -1 for none.
    Update(Region, i64),
}
