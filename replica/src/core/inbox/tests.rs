//! What a region takes from peers whose clocks are wrong.

use serde_json::{Value, json};

use crate::core::GlobalTables;
use crate::core::testing::Regions;

fn regions() -> Regions {
    let mut regions = Regions::new(&["eu-west-1", "us-east-1"]);
    for place in 0..2 {
        regions.create_table(place, "NEW_AND_OLD_IMAGES");
    }
    regions
}

fn group() -> Value {
    let group = json!([{"RegionName": "eu-west-1"}, {"RegionName": "us-east-1"}]);
    json!({"GlobalTableName": "tests", "ReplicationGroup": group})
}

fn is_there(regions: &mut Regions, place: usize) -> bool {
    let body = json!({"TableName": "tests", "Key": {"id": {"S": "a"}}});
    !regions.ok(place, "GetItem", body)["Item"].is_null()
}

#[test]
fn a_peer_that_lives_too_far_ahead_is_not_believed_until_time_has_caught_up() {
    let mut regions = regions();
    regions.configure(0, |config| config.max_clock_skew_ms = Some(10_000));
    regions.ok(0, "CreateGlobalTable", group());
    regions.pass(1000);
    regions.skew(1, 60_000);
    let body = json!({"TableName": "tests", "Item": {"id": {"S": "a"}}});
    regions.ok(1, "PutItem", body);
    for _ in 0..40 {
        regions.pass(1000);
    }
    assert!(!is_there(&mut regions, 0));
    let counters = regions.status(0).counters;
    assert!(counters.batches_ahead > 0, "{counters:?}");
    for _ in 0..30 {
        regions.pass(1000);
    }
    assert!(
        is_there(&mut regions, 0),
        "the clock here has come near enough to the stamp"
    );
}

#[test]
fn where_it_is_as_at_aws_today_version_1_cannot_be_created() {
    let mut regions = regions();
    regions.configure(0, |config| config.global_tables = GlobalTables::AwsToday);
    insta::assert_snapshot!(regions.refusal(0, "CreateGlobalTable", group()), @"Validation: One or more parameter values were invalid: DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy).");
    assert_eq!(
        regions.ok(0, "ListGlobalTables", json!({}))["GlobalTables"],
        json!([])
    );
}
