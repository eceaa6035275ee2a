use serde_json::{Value, json};

use crate::core::testing::Regions;

const NAMES: [&str; 3] = ["eu-west-1", "us-east-1", "us-west-2"];

fn provisioned() -> Regions {
    let mut regions = Regions::new(&NAMES);
    for (place, read) in [(0, 5), (1, 7)] {
        let table = json!({
            "TableName": "tests",
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": 6},
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3},
            }],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        regions.ok(place, "CreateTable", table);
    }
    let group = json!({"GlobalTableName": "tests", "ReplicationGroup": [{"RegionName": NAMES[0]}, {"RegionName": NAMES[1]}]});
    regions.ok(0, "CreateGlobalTable", group);
    pass(&mut regions);
    regions
}

fn pass(regions: &mut Regions) {
    for _ in 0..30 {
        regions.pass(100);
    }
}

/// Region, read and write units of each replica, as a region describes them.
fn described(regions: &mut Regions, place: usize) -> Vec<(String, u64, u64)> {
    let asked = json!({"GlobalTableName": "tests"});
    let answer = regions.ok(place, "DescribeGlobalTableSettings", asked);
    let replicas = answer["ReplicaSettings"].as_array().expect("a list");
    let units = |it: &Value, name: &str| it[name].as_u64().expect("a number");
    replicas
        .iter()
        .map(|it| {
            let region = it["RegionName"].as_str().expect("a name").to_owned();
            let read = units(it, "ReplicaProvisionedReadCapacityUnits");
            (
                region,
                read,
                units(it, "ReplicaProvisionedWriteCapacityUnits"),
            )
        })
        .collect()
}

fn throughput(regions: &mut Regions, place: usize) -> Value {
    let table = regions.ok(place, "DescribeTable", json!({"TableName": "tests"}));
    table["Table"]["ProvisionedThroughput"].clone()
}

#[test]
fn settings_reach_every_replica_also_one_that_was_cut_off() {
    let mut regions = provisioned();
    let both = |write| {
        vec![
            (NAMES[0].to_owned(), 5, write),
            (NAMES[1].to_owned(), 7, write),
        ]
    };
    assert_eq!(described(&mut regions, 0), both(6));
    assert_eq!(described(&mut regions, 1), both(6));

    regions.cut(1);
    let update = json!({"GlobalTableName": "tests", "GlobalTableProvisionedWriteCapacityUnits": 9});
    regions.ok(0, "UpdateGlobalTableSettings", update);
    assert_eq!(throughput(&mut regions, 0)["WriteCapacityUnits"], 9);
    assert_eq!(throughput(&mut regions, 1)["WriteCapacityUnits"], 6);
    regions.heal();
    pass(&mut regions);
    assert_eq!(throughput(&mut regions, 1)["WriteCapacityUnits"], 9);
    assert_eq!(throughput(&mut regions, 1)["ReadCapacityUnits"], 7);
    assert_eq!(described(&mut regions, 1), both(9));

    // What is changed of one replica's table is known to the others.
    let update = json!({"TableName": "tests", "ProvisionedThroughput": {"ReadCapacityUnits": 8, "WriteCapacityUnits": 9}});
    regions.ok(1, "UpdateTable", update);
    pass(&mut regions);
    assert_eq!(described(&mut regions, 0)[1], (NAMES[1].to_owned(), 8, 9));
}

#[test]
fn what_does_not_exist_is_refused() {
    let mut regions = provisioned();
    let mut refusal = |update: Value| {
        let mut asked = json!({"GlobalTableName": "tests"});
        let members = asked.as_object_mut().expect("an object");
        members.extend(update.as_object().expect("an object").clone());
        regions.refusal(0, "UpdateGlobalTableSettings", asked)
    };
    let stranger = json!({"ReplicaSettingsUpdate": [{"RegionName": NAMES[2], "ReplicaProvisionedReadCapacityUnits": 1}]});
    insta::assert_snapshot!(refusal(stranger), @"ReplicaNotFound: Replica in region 'us-west-2' is not part of global table 'tests'");
    let index = json!({"GlobalTableGlobalSecondaryIndexSettingsUpdate": [{"IndexName": "by-h", "ProvisionedWriteCapacityUnits": 1}]});
    insta::assert_snapshot!(refusal(index), @"IndexNotFound: Global table 'tests' has no global secondary index 'by-h'");
    let both = json!({"GlobalTableBillingMode": "PAY_PER_REQUEST", "GlobalTableProvisionedWriteCapacityUnits": 1});
    insta::assert_snapshot!(refusal(both), @"Validation: One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    let scaled = json!({"GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate": {}});
    insta::assert_snapshot!(refusal(scaled), @"Validation: One or more parameter values were invalid: auto scaling and table classes are not supported by this server");
}
