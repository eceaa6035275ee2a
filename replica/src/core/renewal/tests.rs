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
    for place in 0..3 {
        assert_eq!(keys(&mut regions, place), expected, "{}", NAMES[place]);
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
