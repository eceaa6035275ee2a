//! Version 2019.11.21, by the contract §4.

use serde_json::{Value, json};

use crate::core::testing::{Regions, START_MS};

const NAMES: [&str; 3] = ["ap-southeast-1", "eu-west-1", "us-east-1"];

/// Three regions, and a table without a stream in the first.
fn regions() -> Regions {
    let mut regions = Regions::new(&NAMES);
    let body = json!({
        "TableName": "tests",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    regions.ok(0, "CreateTable", body);
    regions
}

fn step(kind: &str, region: &str) -> Value {
    json!({"TableName": "tests", "ReplicaUpdates": [{kind: {"RegionName": region}}]})
}

fn put(regions: &mut Regions, place: usize, id: &str, v: &str) {
    let body = json!({"TableName": "tests", "Item": {"id": {"S": id}, "v": {"S": v}}});
    regions.ok(place, "PutItem", body);
}

fn get(regions: &mut Regions, place: usize, id: &str) -> Value {
    let body = json!({"TableName": "tests", "Key": {"id": {"S": id}}});
    regions.ok(place, "GetItem", body)["Item"].clone()
}

fn table(regions: &mut Regions, place: usize) -> Value {
    regions.ok(place, "DescribeTable", json!({"TableName": "tests"}))["Table"].clone()
}

fn settle(regions: &mut Regions) {
    for _ in 0..40 {
        regions.pass(1000);
    }
}

/// The records of a region's stream: event and whether the service did it.
fn events(regions: &mut Regions, place: usize) -> Vec<String> {
    let arn = table(regions, place)["LatestStreamArn"].clone();
    let stream = regions.ok(place, "DescribeStream", json!({"StreamArn": arn}));
    let shard = stream["StreamDescription"]["Shards"][0]["ShardId"].clone();
    let body = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = regions.ok(place, "GetShardIterator", body)["ShardIterator"].clone();
    let page = regions.ok(place, "GetRecords", json!({"ShardIterator": iterator}));
    let line = |record: &Value| {
        let id = record["dynamodb"]["Keys"]["id"]["S"]
            .as_str()
            .expect("a text");
        let by = if record["userIdentity"].is_null() {
            ""
        } else {
            " by the service"
        };
        format!("{} {id}{by}", record["eventName"].as_str().expect("a text"))
    };
    page["Records"]
        .as_array()
        .expect("a list")
        .iter()
        .map(line)
        .collect()
}

#[test]
fn a_table_with_data_gets_a_replica_while_writes_go_on() {
    let mut regions = regions();
    for id in 0..150 {
        put(&mut regions, 0, &id.to_string(), "before");
    }
    let answer = regions.ok(0, "UpdateTable", step("Create", NAMES[1]));
    assert_eq!(answer["TableDescription"]["TableStatus"], "UPDATING");
    assert_eq!(
        answer["TableDescription"]["Replicas"],
        json!([{"RegionName": NAMES[1], "ReplicaStatus": "CREATING"}])
    );
    put(&mut regions, 0, "7", "while");
    settle(&mut regions);
    put(&mut regions, 1, "8", "while, there");
    put(&mut regions, 1, "new", "there");
    regions.pass(1000);
    let described = table(&mut regions, 0);
    assert_eq!(described["GlobalTableVersion"], "2019.11.21");
    assert_eq!(
        described["Replicas"],
        json!([{"RegionName": NAMES[1], "ReplicaStatus": "ACTIVE"}])
    );
    assert_eq!(
        described["StreamSpecification"]["StreamViewType"],
        "NEW_AND_OLD_IMAGES"
    );
    for (id, v) in [
        ("0", "before"),
        ("149", "before"),
        ("7", "while"),
        ("8", "while, there"),
        ("new", "there"),
    ] {
        for place in 0..2 {
            let item = get(&mut regions, place, id);
            assert_eq!(
                item,
                json!({"id": {"S": id}, "v": {"S": v}}),
                "nothing of replication shows"
            );
        }
    }
    regions.ok(1, "UpdateTable", step("Create", NAMES[2]));
    settle(&mut regions);
    assert_eq!(regions.status(2).tables["tests"].items, 151);
    assert_eq!(
        table(&mut regions, 2)["Replicas"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn a_replica_is_not_there_for_its_clients_until_it_is_whole() {
    let mut regions = regions();
    regions.ok(0, "UpdateTable", step("Create", NAMES[1]));
    settle(&mut regions);
    for id in 0..50 {
        put(&mut regions, id % 2, &id.to_string(), "before");
    }
    regions.pass(1000);
    regions.ok(0, "UpdateTable", step("Create", NAMES[2]));
    regions.cut(1);
    settle(&mut regions);
    assert_eq!(table(&mut regions, 2)["TableStatus"], "CREATING");
    assert!(
        regions.status(2).tables["tests"].items >= 25,
        "one of two has fed its rows"
    );
    let replica = |regions: &mut Regions| table(regions, 0)["Replicas"][1].clone();
    assert_eq!(
        replica(&mut regions),
        json!({"RegionName": NAMES[2], "ReplicaStatus": "CREATING"})
    );
    let key = json!({"TableName": "tests", "Key": {"id": {"S": "0"}}});
    let item = json!({"TableName": "tests", "Item": {"id": {"S": "0"}}});
    for (operation, body) in [
        ("GetItem", key),
        ("PutItem", item),
        ("Scan", json!({"TableName": "tests"})),
    ] {
        let refused = regions.refusal(2, operation, body);
        assert_eq!(refused, "ResourceNotFound: Requested resource not found");
    }
    let refused = regions.refusal(2, "UpdateTable", step("Delete", NAMES[0]));
    assert!(refused.starts_with("ResourceInUse: "), "{refused}");
    regions.restart(2);
    settle(&mut regions);
    assert_eq!(table(&mut regions, 2)["TableStatus"], "CREATING");
    regions.heal();
    settle(&mut regions);
    assert_eq!(table(&mut regions, 2)["TableStatus"], "ACTIVE");
    assert_eq!(replica(&mut regions)["ReplicaStatus"], "ACTIVE");
    let page = regions.ok(2, "Scan", json!({"TableName": "tests"}));
    assert_eq!(page["Count"], 50);
}

#[test]
fn every_applied_write_shows_as_one_record() {
    let mut regions = regions();
    regions.ok(0, "UpdateTable", step("Create", NAMES[1]));
    settle(&mut regions);
    put(&mut regions, 0, "a", "1");
    regions.pass(1000);
    put(&mut regions, 1, "a", "2");
    regions.pass(1000);
    put(&mut regions, 1, "a", "2");
    regions.pass(1000);
    regions.ok(
        0,
        "DeleteItem",
        json!({"TableName": "tests", "Key": {"id": {"S": "a"}}}),
    );
    regions.pass(1000);
    for place in 0..2 {
        assert_eq!(
            events(&mut regions, place),
            ["INSERT a", "MODIFY a", "REMOVE a"]
        );
    }
}

#[test]
fn a_removed_replica_is_deleted_and_the_last_one_is_a_table_like_any_other() {
    let mut regions = regions();
    put(&mut regions, 0, "a", "1");
    regions.ok(0, "UpdateTable", step("Create", NAMES[1]));
    settle(&mut regions);
    let off = json!({"TableName": "tests", "StreamSpecification": {"StreamEnabled": false}});
    let refusal = regions.refusal(0, "UpdateTable", off.clone());
    assert!(
        refusal.contains("Disabling Stream is not allowed for a Global Table replica"),
        "{refusal}"
    );
    regions.ok(0, "UpdateTable", step("Delete", NAMES[1]));
    regions.pass(1000);
    let gone = regions.refusal(1, "DescribeTable", json!({"TableName": "tests"}));
    assert!(gone.starts_with("ResourceNotFound"), "{gone}");
    let left = table(&mut regions, 0);
    assert!(
        left["Replicas"].is_null() && left["GlobalTableVersion"].is_null(),
        "{left}"
    );
    assert_eq!(
        left["StreamSpecification"]["StreamEnabled"], true,
        "the stream stays on"
    );
    regions.ok(0, "UpdateTable", off);
    assert!(table(&mut regions, 0)["LatestStreamArn"].is_string());

    put(&mut regions, 0, "b", "1");
    regions.ok(0, "UpdateTable", step("Create", NAMES[1]));
    settle(&mut regions);
    assert_eq!(
        get(&mut regions, 1, "b")["v"]["S"],
        "1",
        "it can come back, and gets everything"
    );
    assert_eq!(get(&mut regions, 1, "a")["v"]["S"], "1");
}

#[test]
fn what_a_region_wrote_in_a_former_membership_is_refused() {
    let mut regions = regions();
    regions.ok(0, "UpdateTable", step("Create", NAMES[1]));
    settle(&mut regions);
    regions.cut(1);
    put(&mut regions, 1, "lost", "1");
    regions.ok(0, "UpdateTable", step("Delete", NAMES[1]));
    regions.heal();
    settle(&mut regions);
    regions.ok(0, "UpdateTable", step("Create", NAMES[1]));
    settle(&mut regions);
    for place in 0..2 {
        assert!(get(&mut regions, place, "lost").is_null(), "region {place}");
    }
    put(&mut regions, 1, "kept", "1");
    regions.pass(1000);
    assert_eq!(get(&mut regions, 0, "kept")["v"]["S"], "1");
}

#[test]
fn refusals_are_aws_s() {
    let mut regions = regions();
    insta::assert_snapshot!(regions.refusal(0, "UpdateTable", step("Create", NAMES[0])), @"Validation: Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required.");
    insta::assert_snapshot!(regions.refusal(0, "UpdateTable", step("Delete", NAMES[1])), @"Validation: Replica specified in the Replica Update or Replica Delete action of the request was not found.");
    let provisioned = json!({"TableName": "tests", "BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}});
    regions.ok(0, "UpdateTable", provisioned);
    insta::assert_snapshot!(regions.refusal(0, "UpdateTable", step("Create", NAMES[1])), @"Validation: Table write capacity should either be Pay-Per-Request or AutoScaled.");
    regions.ok(
        0,
        "UpdateTable",
        json!({"TableName": "tests", "BillingMode": "PAY_PER_REQUEST"}),
    );
    let other = json!({
        "TableName": "tests", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    });
    regions.ok(1, "CreateTable", other);
    insta::assert_snapshot!(regions.refusal(0, "UpdateTable", step("Create", NAMES[1])), @"Validation: Failed to create a the new replica of table with name: 'tests' because one or more replicas already existed as tables.");
    insta::assert_snapshot!(regions.refusal(0, "UpdateTable", step("Create", "mars-1")), @"Validation: One or more parameter values were invalid: 1 validation error detected: Value 'mars-1' at 'replicaUpdates.1.member.create.regionName' failed to satisfy constraint: Member must satisfy enum value set: [ap-southeast-1, eu-west-1, us-east-1]");
}

#[test]
fn the_two_versions_do_not_mix() {
    let mut regions = regions();
    regions.ok(0, "UpdateTable", step("Create", NAMES[1]));
    settle(&mut regions);
    let name = json!({"GlobalTableName": "tests"});
    insta::assert_snapshot!(regions.refusal(0, "DescribeGlobalTable", name), @"GlobalTableNotFound: Global table with name 'tests' does not exist.");
    assert_eq!(
        regions.ok(0, "ListGlobalTables", json!({}))["GlobalTables"],
        json!([])
    );
    let group = json!({"GlobalTableName": "tests", "ReplicationGroup": [{"RegionName": NAMES[0]}]});
    let refusal = regions.refusal(0, "CreateGlobalTable", group);
    assert!(refusal.starts_with("GlobalTableAlreadyExists"), "{refusal}");

    let legacy = json!({
        "TableName": "legacy", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    regions.ok(0, "CreateTable", legacy);
    regions.ok(
        0,
        "CreateGlobalTable",
        json!({"GlobalTableName": "legacy", "ReplicationGroup": [{"RegionName": NAMES[0]}]}),
    );
    let update =
        json!({"TableName": "legacy", "ReplicaUpdates": [{"Create": {"RegionName": NAMES[1]}}]});
    let refusal = regions.refusal(0, "UpdateTable", update);
    assert!(
        refusal.contains("of version 2017.11.29: change its replicas with UpdateGlobalTable"),
        "{refusal}"
    );
}

#[test]
fn time_to_live_is_shared_and_its_deletions_are_replicated() {
    let mut regions = regions();
    regions.ok(0, "UpdateTable", step("Create", NAMES[1]));
    settle(&mut regions);
    let specification = json!({"AttributeName": "expires", "Enabled": true});
    regions.ok(
        1,
        "UpdateTimeToLive",
        json!({"TableName": "tests", "TimeToLiveSpecification": specification}),
    );
    regions.pass(1000);
    let told = regions.ok(0, "DescribeTimeToLive", json!({"TableName": "tests"}));
    assert_eq!(told["TimeToLiveDescription"]["AttributeName"], "expires");
    let expires = json!({"N": (START_MS / 1000 + 60).to_string()});
    regions.ok(
        1,
        "PutItem",
        json!({"TableName": "tests", "Item": {"id": {"S": "a"}, "expires": expires}}),
    );
    settle(&mut regions);
    assert_eq!(events(&mut regions, 0), ["INSERT a", "REMOVE a"]);
    assert_eq!(
        events(&mut regions, 1),
        ["INSERT a", "REMOVE a by the service"]
    );
    settle(&mut regions);
    for place in 0..2 {
        assert_eq!(regions.status(place).tombstones, 0, "region {place}");
    }
}
