//! Answers on the wire.

use std::collections::BTreeMap;

use super::json::{self, Object};
use super::{settings, stream, time_to_live};
use crate::core::{
    Billing, Capacity, GlobalTableDescription, GlobalTableStatus, IndexDefinition, IndexProjection,
    Item, ItemPage, KeySchema, Region, Response, StreamView, TableDefinition, TableDescription,
    TableStatus,
};

/// The body of a successful answer.
#[must_use]
pub fn render(response: &Response) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut body = Object::open(&mut out);
    match response {
        Response::TableDescription(table) => {
            body.object("TableDescription", |object| describe(object, table));
        }
        Response::Table(table) => body.object("Table", |object| describe(object, table)),
        Response::ListTables { names, last } => {
            body.list("TableNames", names, |out, name| json::string(out, name));
            if let Some(last) = last {
                body.text("LastEvaluatedTableName", last);
            }
        }
        Response::Write {
            attributes,
            capacity,
        } => {
            answer_item(&mut body, "Attributes", attributes.as_ref());
            answer_capacity(&mut body, capacity.as_ref());
        }
        Response::GetItem { item, capacity } => {
            answer_item(&mut body, "Item", item.as_ref());
            answer_capacity(&mut body, capacity.as_ref());
        }
        Response::Page(page) => answer_page(&mut body, page),
        Response::ListStreams { streams, last } => {
            stream::answer_list(&mut body, streams, last.as_deref());
        }
        Response::Stream(described) => {
            body.object("StreamDescription", |object| {
                stream::answer_description(object, described);
            });
        }
        Response::ShardIterator(iterator) => body.text("ShardIterator", iterator),
        Response::Records(page) => stream::answer_records(&mut body, page),
        Response::TimeToLiveChanged(change) => {
            body.object("TimeToLiveSpecification", |object| {
                time_to_live::answer_specification(object, change);
            });
        }
        Response::TimeToLive(attribute) => body.object("TimeToLiveDescription", |object| {
            time_to_live::answer_description(object, attribute.as_deref());
        }),
        Response::GlobalTable(table) => {
            body.object("GlobalTableDescription", |object| {
                describe_global(object, table)
            });
        }
        Response::GlobalTableSettings { name, replicas } => {
            settings::answer(&mut body, name, replicas);
        }
        Response::ListGlobalTables { tables, last } => {
            body.list("GlobalTables", tables, |out, (name, regions)| {
                let mut table = Object::open(out);
                table.text("GlobalTableName", name);
                replication_group(&mut table, regions);
                table.close();
            });
            if let Some(last) = last {
                body.text("LastEvaluatedGlobalTableName", last);
            }
        }
    }
    body.close();
    out
}

fn answer_item(body: &mut Object<'_>, name: &str, item: Option<&Item>) {
    if let Some(item) = item {
        json::item(body.member(name), item);
    }
}

fn answer_page(body: &mut Object<'_>, page: &ItemPage) {
    if let Some(items) = &page.items {
        body.list("Items", items, json::item);
    }
    body.bare("Count", page.count);
    body.bare("ScannedCount", page.scanned);
    answer_item(body, "LastEvaluatedKey", page.last.as_ref());
    answer_capacity(body, page.capacity.as_ref());
}

fn answer_capacity(body: &mut Object<'_>, capacity: Option<&Capacity>) {
    let Some(capacity) = capacity else {
        return;
    };
    body.object("ConsumedCapacity", |object| {
        object.text("TableName", &capacity.table);
        object.bare("CapacityUnits", units(capacity));
        if capacity.with_indexes {
            object.object("Table", |table| {
                table.bare("CapacityUnits", units(capacity))
            });
        }
    });
}

/// Half units as units: `1.0`, `0.5`.
fn units(capacity: &Capacity) -> String {
    let half = if capacity.half_units % 2 == 1 { 5 } else { 0 };
    format!("{}.{half}", capacity.half_units / 2)
}

/// Epoch seconds with a fraction, as AWS writes times.
pub(super) fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}

fn describe(object: &mut Object<'_>, table: &TableDescription) {
    let definition = &table.definition;
    object.list(
        "AttributeDefinitions",
        attribute_types(definition),
        |out, (name, kind)| {
            let mut object = Object::open(out);
            object.text("AttributeName", name);
            object.text("AttributeType", kind);
            object.close();
        },
    );
    object.text("TableName", &definition.name);
    key_schema(object, &definition.keys);
    object.text("TableStatus", table_status(table.status));
    object.bare("CreationDateTime", seconds(table.created_ms));
    throughput(
        object,
        Some(definition.billing),
        Some(table.decreases_today),
    );
    object.bare("TableSizeBytes", table.size_bytes);
    object.bare("ItemCount", table.item_count);
    object.text("TableArn", &table.arn);
    object.text("TableId", &table.id);
    if definition.billing == Billing::PayPerRequest {
        object.object("BillingModeSummary", |summary| {
            summary.text("BillingMode", "PAY_PER_REQUEST");
            summary.bare(
                "LastUpdateToPayPerRequestDateTime",
                seconds(table.created_ms),
            );
        });
    }
    indexes(
        object,
        "LocalSecondaryIndexes",
        &definition.local_indexes,
        table,
        IndexKind::Local,
    );
    indexes(
        object,
        "GlobalSecondaryIndexes",
        &definition.global_indexes,
        table,
        IndexKind::Global,
    );
    if let Some(view) = definition.stream {
        object.object("StreamSpecification", |stream| {
            stream.bare("StreamEnabled", true);
            stream.text("StreamViewType", stream_view(view));
        });
    }
    if let Some((arn, label)) = &table.stream {
        object.text("LatestStreamLabel", label);
        object.text("LatestStreamArn", arn);
    }
    replicas(object, table);
    object.bare("DeletionProtectionEnabled", definition.deletion_protection);
}

/// What version 2019.11.21 shows of the other replicas.
fn replicas(object: &mut Object<'_>, table: &TableDescription) {
    if !table.replicas.is_empty() {
        object.text("GlobalTableVersion", "2019.11.21");
        object.list("Replicas", &table.replicas, |out, described| {
            let mut replica = Object::open(out);
            replica.text("RegionName", described.region.as_str());
            replica.text("ReplicaStatus", settings::replica_status(described.status));
            if let Some(units) = described.max_read_units {
                replica.object("OnDemandThroughputOverride", |object| {
                    object.bare("MaxReadRequestUnits", units);
                });
            }
            replica.close();
        });
    }
}

/// The types of all key attributes, by name.
fn attribute_types(definition: &TableDefinition) -> BTreeMap<&str, &'static str> {
    let indexes = definition
        .local_indexes
        .iter()
        .chain(&definition.global_indexes);
    std::iter::once(&definition.keys)
        .chain(indexes.map(|index| &index.keys))
        .flat_map(|keys| std::iter::once(&keys.partition).chain(&keys.sort))
        .map(|(name, kind)| (name.as_str(), kind.name()))
        .collect()
}

pub(super) fn key_schema(object: &mut Object<'_>, keys: &KeySchema) {
    let elements = keys.names().zip(["HASH", "RANGE"]);
    object.list("KeySchema", elements, |out, (name, kind)| {
        let mut element = Object::open(out);
        element.text("AttributeName", name);
        element.text("KeyType", kind);
        element.close();
    });
}

/// `ProvisionedThroughput`, with zeros when nothing is provisioned.
fn throughput(object: &mut Object<'_>, billing: Option<Billing>, decreases_today: Option<u64>) {
    let (read, write) = match billing {
        Some(Billing::Provisioned { read, write }) => (read, write),
        Some(Billing::PayPerRequest) | None => (0, 0),
    };
    object.object("ProvisionedThroughput", |object| {
        if let Some(decreases) = decreases_today {
            object.bare("NumberOfDecreasesToday", decreases);
        }
        object.bare("ReadCapacityUnits", read);
        object.bare("WriteCapacityUnits", write);
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IndexKind {
    Local,
    Global,
}

fn indexes(
    object: &mut Object<'_>,
    member: &str,
    indexes: &[IndexDefinition],
    table: &TableDescription,
    kind: IndexKind,
) {
    if indexes.is_empty() {
        return;
    }
    object.list(member, indexes, |out, index| {
        let mut object = Object::open(out);
        object.text("IndexName", &index.name);
        key_schema(&mut object, &index.keys);
        object.object("Projection", |object| projection(object, &index.projection));
        if kind == IndexKind::Global {
            object.text("IndexStatus", table_status(table.status));
            throughput(&mut object, index.billing, Some(0));
        }
        object.bare("IndexSizeBytes", 0);
        object.bare("ItemCount", 0);
        object.text("IndexArn", &format!("{}/index/{}", table.arn, index.name));
        object.close();
    });
}

fn projection(object: &mut Object<'_>, projection: &IndexProjection) {
    let kind = match projection {
        IndexProjection::All => "ALL",
        IndexProjection::KeysOnly => "KEYS_ONLY",
        IndexProjection::Include(_) => "INCLUDE",
    };
    object.text("ProjectionType", kind);
    if let IndexProjection::Include(names) = projection {
        object.list("NonKeyAttributes", names, |out, name| {
            json::string(out, name)
        });
    }
}

fn describe_global(object: &mut Object<'_>, table: &GlobalTableDescription) {
    replication_group(object, &table.replicas);
    object.text("GlobalTableArn", &table.arn);
    object.bare("CreationDateTime", seconds(table.created_ms));
    object.text("GlobalTableStatus", global_table_status(table.status));
    object.text("GlobalTableName", &table.name);
}

/// Version 2017.11.29 shows no more of a replica than its region.
fn replication_group(object: &mut Object<'_>, regions: &[Region]) {
    object.list("ReplicationGroup", regions, |out, region| {
        let mut replica = Object::open(out);
        replica.text("RegionName", region.as_str());
        replica.close();
    });
}

fn table_status(status: TableStatus) -> &'static str {
    match status {
        TableStatus::Creating => "CREATING",
        TableStatus::Updating => "UPDATING",
        TableStatus::Deleting => "DELETING",
        TableStatus::Active => "ACTIVE",
    }
}

fn global_table_status(status: GlobalTableStatus) -> &'static str {
    match status {
        GlobalTableStatus::Creating => "CREATING",
        GlobalTableStatus::Active => "ACTIVE",
        GlobalTableStatus::Deleting => "DELETING",
        GlobalTableStatus::Updating => "UPDATING",
    }
}

pub(super) fn stream_view(view: StreamView) -> &'static str {
    match view {
        StreamView::KeysOnly => "KEYS_ONLY",
        StreamView::NewImage => "NEW_IMAGE",
        StreamView::OldImage => "OLD_IMAGE",
        StreamView::NewAndOldImages => "NEW_AND_OLD_IMAGES",
    }
}
