use std::sync::Arc;

use bytes::Bytes;
use checker::history::{
    Condition, EventKind, Key, Observed, Op, RegionId, Reply, Stamp, Strength, Value,
};

use super::{Consumer, Copy, Reader, outcome, request};
use crate::client::{Dialect, FailedCondition, connection::Answer, errors};

fn dialect() -> Dialect {
    Dialect {
        table: "dateline".into(),
        regions: vec!["ap-southeast-1".into(), "us-east-1".into()],
        failed_condition: FailedCondition::ProvesAbsence,
        forgery: Arc::default(),
        lifetimes: crate::client::Lifetimes::default(),
        locations: crate::client::Locations::default(),
    }
}

#[test]
fn a_forged_version_is_named_in_writes_while_asked_for_and_counted() {
    let dialect = dialect();
    let write = Op::Write {
        key: Key(17),
        value: Value::Int(3),
    };
    let text = || {
        let body = request(&write, &dialect, &unpadded).body;
        let body: serde_json::Value = serde_json::from_slice(&body).expect("requests are JSON");
        body.to_string()
    };
    assert!(!text().contains("aws:rep"));
    dialect.forgery.begin();
    assert!(text().contains("#time = :time") && text().contains("nowhere-1"));
    dialect.forgery.end();
    assert!(!text().contains("aws:rep"));
    assert_eq!(dialect.forgery.count(), 1 + 1);
}

fn unpadded(_: Key) -> usize {
    0
}

fn body(op: &Op) -> serde_json::Value {
    serde_json::from_slice(&request(op, &dialect(), &unpadded).body).expect("requests are JSON")
}

fn answered(op: &Op, status: u16, body: &str) -> EventKind {
    let answer = Answer {
        status,
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    outcome(op, &answer, &dialect(), &unpadded)
}

fn read() -> Op {
    Op::Read {
        key: Key(17),
        strength: Strength::Strong,
    }
}

fn cas(expected: Value, value: Value) -> Op {
    Op::Cas {
        key: Key(17),
        condition: Condition::Equals(expected),
        value,
    }
}

#[test]
fn every_kind_of_operation_is_one_well_formed_request() {
    let key = Key(17);
    let operations = [
        (read(), "GetItem"),
        (
            Op::Write {
                key,
                value: Value::Int(5),
            },
            "UpdateItem",
        ),
        (cas(Value::Absent, Value::Int(5)), "UpdateItem"),
        (cas(Value::Int(4), Value::Int(5)), "UpdateItem"),
        (cas(Value::Int(4), Value::Absent), "DeleteItem"),
        (
            Op::Cas {
                key,
                condition: Condition::Exists,
                value: Value::Absent,
            },
            "DeleteItem",
        ),
        (Op::Delete { key }, "DeleteItem"),
        (Op::AddToSet { key, element: 3 }, "UpdateItem"),
        (Op::Increment { key, delta: -3 }, "UpdateItem"),
        (Op::Append { key, element: 3 }, "UpdateItem"),
    ];
    for (op, operation) in operations {
        assert_eq!(request(&op, &dialect(), &unpadded).operation, operation);
        let body = body(&op);
        assert_eq!(body["TableName"], "dateline");
        assert_eq!(body["Key"]["pk"]["S"], "k17");
        let is_read = matches!(op, Op::Read { .. });
        assert_eq!(body["ReturnValues"] == "ALL_OLD", !is_read, "{body}");
        let is_conditional = matches!(op, Op::Cas { .. });
        assert_eq!(
            body.get("ConditionExpression").is_some(),
            is_conditional,
            "{body}"
        );
    }
}

#[test]
fn a_conditional_write_names_what_it_expects() {
    let body = body(&cas(Value::Int(4), Value::Int(5)));
    assert_eq!(body["ConditionExpression"], "v = :expected");
    assert_eq!(body["ExpressionAttributeValues"][":expected"]["N"], "4");
    assert_eq!(body["ExpressionAttributeValues"][":new"]["N"], "5");
    assert_eq!(body["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
}

#[test]
fn an_item_is_read_with_its_stamp_and_what_it_replaced() {
    let body = r#"{"Item":{"pk":{"S":"k17"},"v":{"N":"30001"},"prev":{"N":"0"},"other":{"BOOL":true},
        "aws:rep:deleting":{"BOOL":false},"aws:rep:updatetime":{"N":"1519085870.8460"},
        "aws:rep:updateregion":{"S":"us-east-1"}}}"#;
    let seen = Observed {
        value: Value::Int(30001),
        stamp: Some(Stamp {
            time_us: 1_519_085_870_846_000,
            region: RegionId(1),
        }),
        previous: Some(Value::Absent),
    };
    assert_eq!(
        answered(&read(), 200, body),
        EventKind::Ok(Reply::Read(seen))
    );
    let nothing = Observed {
        value: Value::Absent,
        stamp: None,
        previous: None,
    };
    assert_eq!(
        answered(&read(), 200, "{}"),
        EventKind::Ok(Reply::Read(nothing))
    );
}

#[test]
fn a_write_shows_what_it_replaced() {
    let body = r#"{"Attributes":{"v":{"N":"7"},"prev":{"N":"6"}}}"#;
    let old = Observed {
        value: Value::Int(7),
        stamp: None,
        previous: Some(Value::Int(6)),
    };
    let write = Op::Write {
        key: Key(1),
        value: Value::Int(8),
    };
    assert_eq!(
        answered(&write, 200, body),
        EventKind::Ok(Reply::Done { old: Some(old) })
    );
}

#[test]
fn a_failed_condition_is_definite_and_shows_the_item() {
    let op = cas(Value::Int(4), Value::Int(5));
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message":"The conditional request failed","Item":{"v":{"N":"9"}}}"#;
    let EventKind::Fail {
        error,
        seen: Some(seen),
    } = answered(&op, 400, body)
    else {
        panic!("a failure with an item")
    };
    assert_eq!(
        (error.as_str(), seen.value),
        (errors::CONDITION_FAILED, Value::Int(9))
    );
    let bare = r#"{"__type":"ConditionalCheckFailedException"}"#;
    let EventKind::Fail {
        seen: Some(seen), ..
    } = answered(&op, 400, bare)
    else {
        panic!("a failure that proves absence")
    };
    assert_eq!(seen.value, Value::Absent);
}

#[test]
fn doubt_is_never_called_a_failure() {
    for (status, body, code) in [
        (
            500,
            r#"{"__type":"x#InternalServerError"}"#,
            "InternalServerError",
        ),
        (
            500,
            r#"{"__type":"x#ValidationException"}"#,
            errors::HTTP_5XX,
        ),
        (503, "", errors::HTTP_5XX),
        (
            400,
            r#"{"__type":"x#NeverHeardOfException"}"#,
            errors::UNREGISTERED,
        ),
        (400, "not json", errors::BAD_REPLY),
        (200, "not json", errors::BAD_REPLY),
        (302, "{}", errors::BAD_REPLY),
        (200, r#"{"Item":{"v":{"S":"text"}}}"#, errors::BAD_REPLY),
        (
            200,
            r#"{"Item":{"v":{"N":"1"},"aws:rep:updatetime":{"N":"1.0000001"},
            "aws:rep:updateregion":{"S":"us-east-1"}}}"#,
            errors::BAD_REPLY,
        ),
        (
            200,
            r#"{"Item":{"v":{"N":"1"},"aws:rep:updatetime":{"N":"1"},
            "aws:rep:updateregion":{"S":"mars-1"}}}"#,
            errors::BAD_REPLY,
        ),
    ] {
        assert_eq!(
            answered(&read(), status, body),
            EventKind::Info {
                error: code.to_owned()
            },
            "{status} {body}"
        );
    }
}

#[test]
fn an_item_whose_padding_is_not_its_own_is_one_that_nobody_wrote() {
    let sizes = |key: Key| if key == Key(17) { 20 } else { 0 };
    let write = Op::Write {
        key: Key(17),
        value: Value::Int(5),
    };
    let sent = request(&write, &dialect(), &sizes);
    let body: serde_json::Value = serde_json::from_slice(&sent.body).expect("JSON");
    let values = &body["ExpressionAttributeValues"];
    let padding = values[":padding"]["S"].as_str().expect("it is padded");
    assert_eq!(padding.len(), 20);
    assert_eq!(
        body["UpdateExpression"],
        "SET prev = if_not_exists(v, :none), v = :new, padding = :padding"
    );
    let reading = |id: i64, padding: &str| {
        let pad = match padding {
            "" => String::new(),
            text => format!(r#","padding":{{"S":"{text}"}}"#),
        };
        let body = format!(r#"{{"Item":{{"v":{{"N":"{id}"}},"prev":{{"N":"0"}}{pad}}}}}"#);
        let answer = Answer {
            status: 200,
            body: body.into(),
        };
        outcome(&read(), &answer, &dialect(), &sizes)
    };
    assert!(matches!(reading(5, padding), EventKind::Ok(_)));
    for (id, padding) in [(6, padding), (5, ""), (5, &padding[..19])] {
        let EventKind::Ok(Reply::Read(seen)) = reading(id, padding) else {
            panic!("an item came")
        };
        assert_eq!(seen.value, Value::Int(-id), "{id} {padding}");
    }
}

#[test]
fn a_copy_is_put_together_from_pages_and_one_bad_page_spoils_it() {
    let page = |text: &str| Answer {
        status: 200,
        body: Bytes::copy_from_slice(text.as_bytes()),
    };
    let first =
        page(r#"{"Items":[{"pk":{"S":"k9"},"v":{"N":"7"}}],"LastEvaluatedKey":{"pk":{"S":"k9"}}}"#);
    let last = page(r#"{"Items":[{"pk":{"S":"k2"},"v":{"N":"3"}}],"Count":1}"#);
    let mut copy = Copy::default();
    assert_eq!(copy.request(&dialect()).operation, "Scan");
    assert_eq!(copy.add(&first, &dialect(), &unpadded), None);
    let asked: serde_json::Value =
        serde_json::from_slice(&copy.request(&dialect()).body).expect("JSON");
    assert_eq!(asked["ExclusiveStartKey"]["pk"]["S"], "k9");
    let Some(EventKind::Ok(Reply::Scan(items))) = copy.add(&last, &dialect(), &unpadded) else {
        panic!("a whole copy")
    };
    let keys: Vec<u64> = items.iter().map(|(key, _)| key.0).collect();
    assert_eq!(keys, [2, 9], "in the order of their keys");

    let bad_reply = Some(EventKind::Info {
        error: errors::BAD_REPLY.to_owned(),
    });
    for bad in ["{}", r#"{"Items":[{"pk":{"S":"x"},"v":{"N":"1"}}]}"#] {
        let spoilt = Copy::default().add(&page(bad), &dialect(), &unpadded);
        assert_eq!(spoilt, bad_reply, "{bad}");
    }
    let mut stuck = Copy::default();
    assert_eq!(stuck.add(&first, &dialect(), &unpadded), None);
    assert_eq!(
        stuck.add(&first, &dialect(), &unpadded),
        bad_reply,
        "a page that ends where it began"
    );
}

/// What a consumer asks, and what it makes of these answers; the outcome of the fetch.
fn fetch(consumer: &mut Consumer, answers: &[(&str, u16, &str)]) -> EventKind {
    let dialect = dialect();
    let reader = Reader {
        dialect: &dialect,
        sizes: &unpadded,
    };
    consumer.begin();
    for (asked, status, body) in answers {
        let request = consumer.request(&dialect).expect("it asks for more");
        let told = format!(
            "{} {}",
            request.operation,
            String::from_utf8_lossy(&request.body)
        );
        assert!(told.starts_with(asked), "{told} instead of {asked}");
        let answer = Answer {
            status: *status,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        if let Some(outcome) = consumer.take(&answer, &reader) {
            return outcome;
        }
    }
    assert!(consumer.request(&dialect).is_none(), "it asks for nothing");
    consumer.finish()
}

fn record(sequence: u64, new: i64, old: &str) -> String {
    format!(
        r#"{{"dynamodb":{{"Keys":{{"pk":{{"S":"k17"}}}},"NewImage":{{"v":{{"N":"{new}"}},"prev":{{"N":"0"}}}}{old},"SequenceNumber":"{sequence}"}}}}"#
    )
}

fn changes(outcome: &EventKind) -> Vec<i64> {
    let EventKind::Ok(Reply::Stream(records)) = outcome else {
        panic!("no fetch that ended well: {outcome:?}");
    };
    let new = records.iter().map(|(_, new, _)| match new.value {
        Value::Int(number) => number,
        Value::Absent | Value::List(_) => panic!("a number"),
    });
    new.collect()
}

/// One that got a record of its first shard before a request failed.
fn interrupted() -> Consumer {
    let mut consumer = Consumer::default();
    let first = format!(
        r#"{{"Records":[{}],"NextShardIterator":"b"}}"#,
        record(1, 5, "")
    );
    let shards = r#"{"StreamDescription":{"Shards":[{"ShardId":"s2","ParentShardId":"s1"},{"ShardId":"s1","ParentShardId":"s0"}]}}"#;
    let outcome = fetch(
        &mut consumer,
        &[
            (
                "DescribeTable",
                200,
                r#"{"Table":{"LatestStreamArn":"arn"}}"#,
            ),
            ("DescribeStream", 200, shards),
            (
                r#"GetShardIterator {"ShardId":"s1","ShardIteratorType":"TRIM_HORIZON","StreamArn":"arn"}"#,
                200,
                r#"{"ShardIterator":"a"}"#,
            ),
            (r#"GetRecords {"ShardIterator":"a"}"#, 200, &first),
            (r#"GetRecords {"ShardIterator":"b"}"#, 500, "{}"),
        ],
    );
    assert!(matches!(outcome, EventKind::Info { .. }), "{outcome:?}");
    consumer
}

#[test]
fn a_consumer_reads_shard_after_shard_and_goes_on_where_it_was() {
    let mut consumer = interrupted();
    let second = format!(
        r#"{{"Records":[{}]}}"#,
        record(2, 6, r#","OldImage":{"v":{"N":"5"},"prev":{"N":"0"}}"#)
    );
    let expired = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ExpiredIteratorException"}"#;
    let outcome = fetch(
        &mut consumer,
        &[
            (r#"GetRecords {"ShardIterator":"b"}"#, 400, expired),
            (
                r#"GetShardIterator {"SequenceNumber":"1","ShardId":"s1","ShardIteratorType":"AFTER_SEQUENCE_NUMBER""#,
                200,
                r#"{"ShardIterator":"c"}"#,
            ),
            (r#"GetRecords {"ShardIterator":"c"}"#, 200, &second),
            (
                "DescribeStream",
                200,
                r#"{"StreamDescription":{"Shards":[]}}"#,
            ),
            (
                r#"GetShardIterator {"ShardId":"s2","ShardIteratorType":"TRIM_HORIZON""#,
                200,
                r#"{"ShardIterator":"d"}"#,
            ),
            (
                r#"GetRecords {"ShardIterator":"d"}"#,
                200,
                r#"{"Records":[],"NextShardIterator":"e"}"#,
            ),
        ],
    );
    assert_eq!(changes(&outcome), [5, 6], "nothing that came is lost");
    let third = format!(
        r#"{{"Records":[{}],"NextShardIterator":"f"}}"#,
        record(3, 7, "")
    );
    let outcome = fetch(
        &mut consumer,
        &[
            (r#"GetRecords {"ShardIterator":"e"}"#, 200, &third),
            (
                r#"GetRecords {"ShardIterator":"f"}"#,
                200,
                r#"{"Records":[],"NextShardIterator":"g"}"#,
            ),
        ],
    );
    assert_eq!(changes(&outcome), [7]);
}

const STREAM_IS_GONE: &str =
    r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}"#;
const FORMER_STREAM: &str = r#"{"Table":{"LatestStreamArn":"arn"}}"#;
const OTHER_STREAM: &str = r#"{"Table":{"LatestStreamArn":"brn"}}"#;

/// A fetch that finds another stream than before, with one record.
fn fetch_anew(consumer: &mut Consumer, found_out: (&str, u16, &str)) -> EventKind {
    let page = format!(
        r#"{{"Records":[{}],"NextShardIterator":"h"}}"#,
        record(1, 9, "")
    );
    let shard = r#"{"StreamDescription":{"Shards":[{"ShardId":"s2"}]}}"#;
    let from =
        r#"GetShardIterator {"ShardId":"s2","ShardIteratorType":"TRIM_HORIZON","StreamArn":"brn"}"#;
    let end = r#"{"Records":[],"NextShardIterator":"i"}"#;
    fetch(
        consumer,
        &[
            found_out,
            ("DescribeTable", 200, OTHER_STREAM),
            (r#"DescribeStream {"StreamArn":"brn"}"#, 200, shard),
            (from, 200, r#"{"ShardIterator":"g"}"#),
            (r#"GetRecords {"ShardIterator":"g"}"#, 200, &page),
            (r#"GetRecords {"ShardIterator":"h"}"#, 200, end),
        ],
    )
}

#[test]
fn a_stream_in_the_place_of_another_is_read_from_its_beginning_and_told_as_that() {
    let mut consumer = interrupted();
    let gone = (r#"GetRecords {"ShardIterator":"b"}"#, 400, STREAM_IS_GONE);
    let outcome = fetch(
        &mut consumer,
        &[gone, ("DescribeTable", 200, FORMER_STREAM)],
    );
    assert_eq!(errors::of(&outcome), Some(errors::NOT_FOUND));
    let EventKind::Ok(Reply::StreamAnew(records)) = fetch_anew(&mut consumer, gone) else {
        panic!("it says that it began anew");
    };
    assert_eq!(records.len(), 1, "what came of the former is dropped");
}

#[test]
fn a_stream_that_ends_is_followed_by_the_one_that_takes_its_place() {
    let mut consumer = interrupted();
    // It ends, as when its table is deleted, and has no successor yet; then it has one.
    let none = (
        "DescribeStream",
        200,
        r#"{"StreamDescription":{"Shards":[]}}"#,
    );
    let last = r#"{"Records":[]}"#;
    let ended = [
        (r#"GetRecords {"ShardIterator":"b"}"#, 200, last),
        none,
        ("GetShardIterator", 200, r#"{"ShardIterator":"c"}"#),
        (r#"GetRecords {"ShardIterator":"c"}"#, 200, last),
        none,
        ("DescribeTable", 200, FORMER_STREAM),
    ];
    fetch(&mut consumer, &ended);
    let outcome = fetch_anew(&mut consumer, none);
    assert!(
        matches!(outcome, EventKind::Ok(Reply::StreamAnew(_))),
        "{outcome:?}"
    );
}
