//! Time to live by each version's rules (contract §2.5).

use serde_json::{Value, json};

use crate::core::testing::{Regions, START_MS};

/// So many regions with a table of the same name, joined when there are several.
fn regions(names: &[&str]) -> Regions {
    let mut regions = Regions::new(names);
    for place in 0..names.len() {
        regions.create_table(place, "NEW_AND_OLD_IMAGES");
    }
    if names.len() > 1 {
        regions.join_tables();
    }
    regions
}

fn specify(regions: &mut Regions, place: usize, enabled: bool) -> Value {
    let specification = json!({"AttributeName": "expires", "Enabled": enabled});
    let body = json!({"TableName": "tests", "TimeToLiveSpecification": specification});
    regions.ok(place, "UpdateTimeToLive", body)
}

fn put(regions: &mut Regions, place: usize, id: &str, expires: &Value) {
    let body = json!({"TableName": "tests", "Item": {"id": {"S": id}, "expires": expires}});
    regions.ok(place, "PutItem", body);
}

fn has(regions: &mut Regions, place: usize, id: &str) -> bool {
    let body = json!({"TableName": "tests", "Key": {"id": {"S": id}}});
    !regions.ok(place, "GetItem", body)["Item"].is_null()
}

fn in_seconds(seconds: i64) -> Value {
    json!({"N": (START_MS / 1000 + seconds).to_string()})
}

/// The last record of a region's stream.
fn last_record(regions: &mut Regions, place: usize) -> Value {
    let table = regions.ok(place, "DescribeTable", json!({"TableName": "tests"}));
    let arn = table["Table"]["LatestStreamArn"].clone();
    let stream = regions.ok(place, "DescribeStream", json!({"StreamArn": arn}));
    let shard = stream["StreamDescription"]["Shards"][0]["ShardId"].clone();
    let body = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = regions.ok(place, "GetShardIterator", body)["ShardIterator"].clone();
    let page = regions.ok(place, "GetRecords", json!({"ShardIterator": iterator}));
    page["Records"]
        .as_array()
        .expect("a list")
        .last()
        .expect("one")
        .clone()
}

fn pass_seconds(regions: &mut Regions, seconds: u32) {
    for _ in 0..seconds {
        regions.pass(1000);
    }
}

#[test]
fn only_what_has_expired_goes_and_the_record_names_the_service() {
    let mut regions = regions(&["eu-west-1"]);
    assert_eq!(
        specify(&mut regions, 0, true),
        json!({"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true}})
    );
    for (id, expires) in [
        ("soon", in_seconds(3)),
        ("later", in_seconds(100)),
        ("text", json!({"S": "1"})),
        ("long-ago", json!({"N": "1"})),
    ] {
        put(&mut regions, 0, id, &expires);
    }
    assert!(has(&mut regions, 0, "soon"));
    pass_seconds(&mut regions, 6);
    let left = ["soon", "later", "text", "long-ago"].map(|id| has(&mut regions, 0, id));
    assert_eq!(left, [false, true, true, true]);
    let record = last_record(&mut regions, 0);
    assert_eq!(record["eventName"], "REMOVE");
    assert_eq!(
        record["userIdentity"],
        json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"})
    );
}

#[test]
fn the_setting_is_told_and_cannot_be_made_twice() {
    let mut regions = regions(&["eu-west-1"]);
    let described = |regions: &mut Regions| {
        regions.ok(0, "DescribeTimeToLive", json!({"TableName": "tests"}))["TimeToLiveDescription"]
            .clone()
    };
    assert_eq!(
        described(&mut regions),
        json!({"TimeToLiveStatus": "DISABLED"})
    );
    specify(&mut regions, 0, true);
    assert_eq!(
        described(&mut regions),
        json!({"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"})
    );
    let refused = |regions: &mut Regions, name: &str, enabled: bool| {
        let specification = json!({"AttributeName": name, "Enabled": enabled});
        let body = json!({"TableName": "tests", "TimeToLiveSpecification": specification});
        regions.refusal(0, "UpdateTimeToLive", body)
    };
    assert_eq!(
        refused(&mut regions, "expires", true),
        "Validation: TimeToLive is already enabled"
    );
    assert_eq!(
        refused(&mut regions, "other", false),
        "Validation: TimeToLive is active on a different AttributeName: current AttributeName is expires"
    );
    regions.restart(0);
    specify(&mut regions, 0, false);
    assert_eq!(
        refused(&mut regions, "expires", false),
        "Validation: TimeToLive is already disabled"
    );
}

#[test]
fn v1_neither_synchronises_the_setting_nor_replicates_the_deletion() {
    let mut regions = regions(&["eu-west-1", "us-east-1"]);
    specify(&mut regions, 0, true);
    let told = regions.ok(1, "DescribeTimeToLive", json!({"TableName": "tests"}));
    assert_eq!(
        told["TimeToLiveDescription"]["TimeToLiveStatus"],
        "DISABLED"
    );
    put(&mut regions, 0, "own", &in_seconds(2));
    put(&mut regions, 1, "theirs", &in_seconds(2));
    pass_seconds(&mut regions, 10);
    for id in ["own", "theirs"] {
        assert!(
            !has(&mut regions, 0, id),
            "{id} has expired where it is enabled"
        );
        assert!(has(&mut regions, 1, id), "{id} stays where it is not");
    }
    assert!(last_record(&mut regions, 0)["userIdentity"].is_object());
    assert_ne!(last_record(&mut regions, 1)["eventName"], "REMOVE");
    pass_seconds(&mut regions, 20);
    assert_eq!(
        regions.status(0).tombstones,
        0,
        "what stood for the expired items is forgotten"
    );
    put(&mut regions, 1, "own", &in_seconds(1000));
    pass_seconds(&mut regions, 1);
    assert!(
        has(&mut regions, 0, "own"),
        "a later write brings the item to all replicas"
    );
}

#[test]
fn v1_waits_with_the_deletion_until_every_peer_has_the_item() {
    let mut regions = regions(&["eu-west-1", "us-east-1"]);
    specify(&mut regions, 0, true);
    regions.cut(1);
    put(&mut regions, 0, "own", &in_seconds(1));
    pass_seconds(&mut regions, 5);
    assert!(has(&mut regions, 0, "own"), "it could not be sent any more");
    regions.heal();
    pass_seconds(&mut regions, 10);
    assert!(!has(&mut regions, 0, "own"));
    assert!(has(&mut regions, 1, "own"));
}
