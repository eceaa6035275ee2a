use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::core::testing::Regions;

const NAMES: [&str; 3] = ["eu-west-1", "us-east-1", "us-west-2"];

fn three() -> Regions {
    let mut regions = Regions::new(&NAMES);
    let table = json!({
        "TableName": "tests",
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    for place in 0..3 {
        regions.ok(place, "CreateTable", table.clone());
    }
    let group: Vec<Value> = NAMES
        .iter()
        .map(|name| json!({"RegionName": name}))
        .collect();
    let group = json!({"GlobalTableName": "tests", "ReplicationGroup": group});
    regions.ok(0, "CreateGlobalTable", group);
    passes(&mut regions, 2);
    regions
}

fn passes(regions: &mut Regions, seconds: usize) {
    for _ in 0..10 * seconds {
        regions.pass(100);
    }
}

fn put(regions: &mut Regions, place: usize, key: &str) {
    regions.ok(
        place,
        "PutItem",
        json!({"TableName": "tests", "Item": {"k": {"S": key}}}),
    );
}

fn delete(regions: &mut Regions, place: usize, key: &str) {
    regions.ok(
        place,
        "DeleteItem",
        json!({"TableName": "tests", "Key": {"k": {"S": key}}}),
    );
}

fn keys(regions: &mut Regions, place: usize) -> Vec<String> {
    let page = regions.ok(
        place,
        "Scan",
        json!({"TableName": "tests", "ConsistentRead": true}),
    );
    let items = page["Items"].as_array().expect("a list");
    let mut keys: Vec<String> = items
        .iter()
        .map(|item| item["k"]["S"].as_str().expect("a key").to_owned())
        .collect();
    keys.sort();
    keys
}

#[test]
fn a_region_that_was_rolled_back_gets_back_what_it_lost_and_its_new_writes_reach_all() {
    let mut regions = three();
    for key in ["old-0", "old-1"] {
        put(&mut regions, 0, key);
    }
    put(&mut regions, 1, "deleted-elsewhere");
    passes(&mut regions, 2);
    let copy = regions.last_commit(0);
    // Lost here with the roll-back, but it had reached the others.
    for key in ["lost-0", "lost-1", "lost-2"] {
        put(&mut regions, 0, key);
    }
    put(&mut regions, 2, "from-2");
    delete(&mut regions, 1, "deleted-elsewhere");
    delete(&mut regions, 1, "old-1");
    passes(&mut regions, 20);
    assert_eq!(
        regions.status(1).tombstones,
        0,
        "the tombstones are gone before the roll-back"
    );

    regions.cut(0);
    regions.roll_back(0, copy);
    // Positions that were given before, and read by the others.
    put(&mut regions, 0, "new-0");
    regions.restart(0);
    put(&mut regions, 0, "new-1");
    passes(&mut regions, 2);
    regions.heal();
    passes(&mut regions, 120);

    let expected = [
        "from-2", "lost-0", "lost-1", "lost-2", "new-0", "new-1", "old-0",
    ];
    for (place, name) in NAMES.iter().enumerate() {
        assert_eq!(keys(&mut regions, place), expected, "{name}");
        assert_eq!(regions.status(place).tombstones, 0);
    }
    assert_eq!(regions.status(0).counters.renewals, 1);
    put(&mut regions, 0, "after");
    delete(&mut regions, 2, "lost-1");
    passes(&mut regions, 2);
    for place in 0..3 {
        let held = keys(&mut regions, place);
        assert!(held.contains(&"after".to_owned()) && !held.contains(&"lost-1".to_owned()));
    }
}

#[test]
fn a_region_that_only_forgot_what_it_had_received_gets_it_again() {
    let mut regions = three();
    put(&mut regions, 1, "before");
    passes(&mut regions, 2);
    let copy = regions.last_commit(0);
    put(&mut regions, 1, "after");
    passes(&mut regions, 2);
    regions.roll_back(0, copy);
    assert_eq!(keys(&mut regions, 0), ["before"]);
    passes(&mut regions, 40);
    for place in 0..3 {
        assert_eq!(keys(&mut regions, place), ["after", "before"]);
    }
}

#[test]
fn a_restart_alone_renews_nothing() {
    let mut regions = three();
    put(&mut regions, 0, "a");
    regions.restart(0);
    put(&mut regions, 1, "b");
    regions.cut(2);
    put(&mut regions, 0, "c");
    regions.restart(0);
    regions.heal();
    passes(&mut regions, 40);
    for place in 0..3 {
        assert_eq!(keys(&mut regions, place), ["a", "b", "c"]);
        assert_eq!(regions.status(place).counters.renewals, 0);
    }
}

/// The name of a region's newest stream.
fn stream(regions: &mut Regions, place: usize) -> Value {
    let table = regions.ok(place, "DescribeTable", json!({"TableName": "tests"}));
    table["Table"]["LatestStreamArn"].clone()
}

/// What a reader of a region's newest stream holds who has read it from its beginning. Each record begins where the one before it ended.
fn told(regions: &mut Regions, place: usize) -> Vec<String> {
    let arn = stream(regions, place);
    let described = regions.ok(place, "DescribeStream", json!({"StreamArn": arn}));
    let mut held: BTreeMap<String, Value> = BTreeMap::new();
    for shard in described["StreamDescription"]["Shards"]
        .as_array()
        .expect("a list")
    {
        let body = json!({"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = regions.ok(place, "GetShardIterator", body)["ShardIterator"].clone();
        let page = regions.ok(place, "GetRecords", json!({"ShardIterator": iterator}));
        for record in page["Records"].as_array().expect("a list") {
            let change = &record["dynamodb"];
            let key = change["Keys"]["k"]["S"].as_str().expect("a key").to_owned();
            let before = held.remove(&key).unwrap_or_default();
            assert_eq!(change["OldImage"], before, "{record}");
            if change["NewImage"].is_object() {
                held.insert(key, change["NewImage"].clone());
            }
        }
    }
    held.into_keys().collect()
}

#[test]
fn a_renewed_region_has_another_stream_that_tells_of_every_row() {
    let mut regions = three();
    for key in ["kept-0", "kept-1", "deleted-later"] {
        put(&mut regions, 0, key);
    }
    put(&mut regions, 1, "from-1");
    passes(&mut regions, 2);
    let copy = regions.last_commit(0);
    let former = stream(&mut regions, 0);
    put(&mut regions, 0, "lost");
    passes(&mut regions, 2);
    regions.cut(0);
    regions.roll_back(0, copy);
    put(&mut regions, 0, "new");
    let shards = regions.ok(0, "DescribeStream", json!({"StreamArn": former}));
    let shard = &shards["StreamDescription"]["Shards"][0]["ShardId"];
    let body =
        json!({"StreamArn": former, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let start = regions.ok(0, "GetShardIterator", body)["ShardIterator"].clone();
    let refused = regions.refusal(0, "GetRecords", json!({"ShardIterator": start}));
    assert!(
        refused.starts_with("Throttling: "),
        "it does not know yet what it has told: {refused}"
    );
    regions.heal();
    passes(&mut regions, 2);
    delete(&mut regions, 1, "deleted-later");
    passes(&mut regions, 60);

    assert_eq!(regions.status(0).counters.renewals, 1);
    let expected = ["from-1", "kept-0", "kept-1", "lost", "new"];
    for place in 0..3 {
        assert_eq!(keys(&mut regions, place), expected);
        assert_eq!(told(&mut regions, place), expected);
    }
    assert_ne!(stream(&mut regions, 0), former);
    for (operation, body) in [
        ("DescribeStream", json!({"StreamArn": former})),
        ("GetRecords", json!({"ShardIterator": start})),
    ] {
        let gone = regions.refusal(0, operation, body);
        assert!(gone.starts_with("ResourceNotFound: "), "{gone}");
    }
}

#[test]
fn more_rows_than_one_step_moves_are_kept_and_told() {
    let mut regions = three();
    let all: Vec<String> = (0..110).map(|n| format!("{n:03}")).collect();
    for key in &all {
        put(&mut regions, 0, key);
    }
    passes(&mut regions, 2);
    let copy = regions.last_commit(0);
    put(&mut regions, 0, "lost");
    passes(&mut regions, 2);
    regions.roll_back(0, copy);
    // A few rounds of upkeep, each of which would move twenty rows; the walk goes on by itself. Nothing was pulled yet.
    passes(&mut regions, 1);
    let counters = regions.status(0).counters;
    assert_eq!(counters.renewals, 1);
    let mut held = keys(&mut regions, 0);
    held.retain(|key| key != "lost");
    assert_eq!(held, all);
    assert!(
        counters.versions_pulled <= 1,
        "they are its own: {counters:?}"
    );
    passes(&mut regions, 60);
    assert_eq!(told(&mut regions, 0).len(), 111);
    for place in 1..3 {
        assert_eq!(keys(&mut regions, place).len(), 111);
    }
}
