//! Pages of `Query` and `Scan`: every item once, in order, whatever the limit; segments are a partition.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::core::testing::Regions;

/// A table with a numeric sort key, in one region.
fn region() -> Regions {
    let mut regions = Regions::new(&["eu-west-1"]);
    regions.ok(
        0,
        "CreateTable",
        json!({"TableName":"table","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},{"AttributeName":"s","AttributeType":"N"}],
            "KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"s","KeyType":"RANGE"}]}),
    );
    regions
}

fn put(regions: &mut Regions, partition: &str, sort: i64) {
    let item = json!({"p":{"S":partition},"s":{"N":sort.to_string()},"v":{"S":format!("{partition}{sort}")}});
    regions.ok(0, "PutItem", json!({"TableName":"table","Item":item}));
}

fn identity(item: &Value) -> (String, i64) {
    let sort = item["s"]["N"].as_str().and_then(|text| text.parse().ok());
    (
        item["p"]["S"].as_str().expect("text").to_owned(),
        sort.expect("a number"),
    )
}

/// All pages, one after the other.
fn pages(regions: &mut Regions, operation: &str, mut body: Value) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for _ in 0..1_000 {
        let page = regions.ok(0, operation, body.clone());
        let items = page["Items"].as_array().expect("a list");
        assert_eq!(page["Count"], items.len());
        assert!(page["ScannedCount"].as_u64() >= page["Count"].as_u64());
        found.extend(items.iter().map(identity));
        match page.get("LastEvaluatedKey") {
            Some(key) => body["ExclusiveStartKey"] = key.clone(),
            None => return found,
        }
    }
    panic!("the pages do not end");
}

fn query(condition: &str, values: Value) -> Value {
    json!({"TableName":"table","KeyConditionExpression":condition,"ExpressionAttributeValues":values})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_limit_gives_each_item_once_in_order(
        keys in proptest::collection::btree_set((0_u8..4, -20_i64..20), 0..40),
        gone in proptest::collection::vec((0_u8..4, -20_i64..20), 0..8),
        limit in 1_usize..12,
        total in 1_u32..6,
    ) {
        let mut regions = region();
        let name = |partition: u8| "abcd"[partition.into()..].chars().take(1).collect::<String>();
        for (partition, sort) in &keys {
            put(&mut regions, &name(*partition), *sort);
        }
        let mut left: BTreeSet<(String, i64)> =
            keys.iter().map(|(partition, sort)| (name(*partition), *sort)).collect();
        for (partition, sort) in gone {
            let key = json!({"p":{"S":name(partition)},"s":{"N":sort.to_string()}});
            regions.ok(0, "DeleteItem", json!({"TableName":"table","Key":key}));
            left.remove(&(name(partition), sort));
        }
        let all: Vec<_> = left.iter().cloned().collect();
        prop_assert_eq!(&pages(&mut regions, "Scan", json!({"TableName":"table","Limit":limit})), &all);

        let of_a: Vec<_> = left.iter().filter(|(partition, _)| partition == "a").cloned().collect();
        let mut body = query("p = :p", json!({":p":{"S":"a"}}));
        body["Limit"] = json!(limit);
        prop_assert_eq!(&pages(&mut regions, "Query", body.clone()), &of_a);
        body["ScanIndexForward"] = json!(false);
        let backwards: Vec<_> = of_a.into_iter().rev().collect();
        prop_assert_eq!(&pages(&mut regions, "Query", body), &backwards);

        let mut together = Vec::new();
        for segment in 0..total {
            let body = json!({"TableName":"table","Limit":limit,"Segment":segment,"TotalSegments":total});
            together.extend(pages(&mut regions, "Scan", body));
        }
        together.sort();
        prop_assert_eq!(together, all);
    }
}

#[test]
fn sort_keys_are_bounded_as_asked() {
    let mut regions = region();
    for sort in [-10, -1, 0, 1, 2, 10, 100] {
        put(&mut regions, "a", sort);
        put(&mut regions, "b", sort);
    }
    for (condition, expected) in [
        ("p = :p AND s = :x", vec![1]),
        ("s < :x AND p = :p", vec![-10, -1, 0]),
        ("p = :p AND s <= :x", vec![-10, -1, 0, 1]),
        ("p = :p AND s > :x", vec![2, 10, 100]),
        ("p = :p AND :x <= s", vec![1, 2, 10, 100]),
        ("p = :p AND s BETWEEN :x AND :y", vec![1, 2, 10]),
    ] {
        let mut values = json!({":p":{"S":"a"},":x":{"N":"1"}});
        if condition.contains(":y") {
            values[":y"] = json!({"N":"10"});
        }
        for limit in 1..9 {
            let mut body = query(condition, values.clone());
            body["Limit"] = json!(limit);
            let sorts: Vec<i64> = pages(&mut regions, "Query", body)
                .into_iter()
                .map(|(partition, sort)| {
                    assert_eq!(partition, "a");
                    sort
                })
                .collect();
            assert_eq!(sorts, expected, "{condition}");
        }
    }
}

#[test]
fn filters_counts_projections_and_capacity() {
    let mut regions = region();
    for sort in 0..10 {
        put(&mut regions, "a", sort);
    }
    let mut body = query("p = :p", json!({":p":{"S":"a"},":v":{"S":"a7"}}));
    body["FilterExpression"] = json!("v >= :v");
    body["ReturnConsumedCapacity"] = json!("TOTAL");
    body["ProjectionExpression"] = json!("v");
    let page = regions.ok(0, "Query", body.clone());
    insta::assert_snapshot!(page, @r#"{"ConsumedCapacity":{"CapacityUnits":0.5,"TableName":"table"},"Count":3,"Items":[{"v":{"S":"a7"}},{"v":{"S":"a8"}},{"v":{"S":"a9"}}],"ScannedCount":10}"#);
    body.as_object_mut()
        .expect("an object")
        .remove("ProjectionExpression");
    body["Select"] = json!("COUNT");
    body["ConsistentRead"] = json!(true);
    body["Limit"] = json!(8);
    let page = regions.ok(0, "Query", body);
    insta::assert_snapshot!(page, @r#"{"ConsumedCapacity":{"CapacityUnits":1.0,"TableName":"table"},"Count":1,"LastEvaluatedKey":{"p":{"S":"a"},"s":{"N":"7"}},"ScannedCount":8}"#);
}

#[test]
fn a_page_holds_a_megabyte() {
    let mut regions = region();
    for sort in 0..5 {
        let item = json!({"p":{"S":"a"},"s":{"N":sort.to_string()},"v":{"S":"x".repeat(300_000)}});
        regions.ok(0, "PutItem", json!({"TableName":"table","Item":item}));
    }
    let page = regions.ok(0, "Scan", json!({"TableName":"table"}));
    assert_eq!(page["Count"], 3);
    let found = pages(&mut regions, "Scan", json!({"TableName":"table"}));
    assert_eq!(found.len(), 5);
}

#[test]
fn refusals() {
    let mut regions = region();
    let p = || json!({":p":{"S":"a"}});
    let mut refused = |operation: &str, body: Value| regions.refusal(0, operation, body);
    insta::assert_snapshot!(refused("Query", json!({"TableName":"table"})), @"Validation: Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
    insta::assert_snapshot!(refused("Query", json!({"TableName":"absent","KeyConditionExpression":"p = :p","ExpressionAttributeValues":p()})), @"ResourceNotFound: Requested resource not found");
    insta::assert_snapshot!(refused("Query", query("s = :p", p())), @"Validation: Query condition missed key schema element: p");
    insta::assert_snapshot!(refused("Query", query("p = :p AND v = :p", p())), @"Validation: Query condition missed key schema element: s");
    insta::assert_snapshot!(refused("Query", query("p > :p", p())), @"Validation: Query key condition not supported");
    insta::assert_snapshot!(refused("Query", query("p = :p OR s = :p", p())), @"Validation: Invalid operator used in KeyConditionExpression: OR");
    insta::assert_snapshot!(refused("Query", query("p = :p AND p = :p", p())), @"Validation: KeyConditionExpressions must only contain one condition per key");
    insta::assert_snapshot!(refused("Query", query("p = :p AND s = :p", p())), @"Validation: One or more parameter values were invalid: Condition parameter type does not match schema type");
    insta::assert_snapshot!(refused("Query", query("p.q = :p", p())), @"Validation: KeyConditionExpressions cannot have conditions on nested attributes");
    let mut body = query("p = :p", p());
    body["FilterExpression"] = json!("s = :p");
    insta::assert_snapshot!(refused("Query", body), @"Validation: Filter Expression can only contain non-primary key attributes: Primary key attribute: s");
    let mut body = query("p = :p", p());
    body["ExclusiveStartKey"] = json!({"p":{"S":"b"},"s":{"N":"1"}});
    insta::assert_snapshot!(refused("Query", body.clone()), @"Validation: The provided starting key is outside query boundaries based on provided conditions");
    body["ExclusiveStartKey"] = json!({"p":{"S":"b"}});
    insta::assert_snapshot!(refused("Query", body), @"Validation: The provided starting key is invalid: The provided key element does not match the schema");
    let mut body = query("p = :p AND s > :s", json!({":p":{"S":"a"},":s":{"N":"5"}}));
    body["ExclusiveStartKey"] = json!({"p":{"S":"a"},"s":{"N":"1"}});
    insta::assert_snapshot!(refused("Query", body), @"Validation: The provided starting key does not match the range key predicate");
    insta::assert_snapshot!(refused("Scan", json!({"TableName":"table","Segment":1})), @"Validation: The TotalSegments parameter is required but was not present in the request when Segment parameter is present");
    insta::assert_snapshot!(refused("Scan", json!({"TableName":"table","Segment":2,"TotalSegments":2})), @"Validation: The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2");
    insta::assert_snapshot!(refused("Scan", json!({"TableName":"table","IndexName":"absent"})), @"Validation: The table does not have the specified index: absent");
    insta::assert_snapshot!(refused("Scan", json!({"TableName":"table","Limit":0,"Select":"X"})), @"Validation: 2 validation errors detected: Value 'X' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]; Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1");
    insta::assert_snapshot!(refused("Scan", json!({"TableName":"table","ScanFilter":{}})), @"Validation: ScanFilter is not served here: use expressions, which replaced it");
}
