//! Streams as readers see them: global-tables contract §2.3 (records per kind of write) and §5 (the API).

use serde_json::{Value, json};

use crate::core::testing::Regions;

const HOUR_MS: i64 = 3_600_000;

/// Two regions with a global table of version 2017.11.29.
fn global() -> Regions {
    let mut regions = Regions::new(&["eu-west-1", "us-east-1"]);
    for place in 0..2 {
        regions.create_table(place, "NEW_AND_OLD_IMAGES");
    }
    regions.join_tables();
    regions
}

fn alone(view: &str) -> Regions {
    let mut regions = Regions::new(&["eu-west-1"]);
    regions.create_table(0, view);
    regions
}

fn put(regions: &mut Regions, id: &str, v: &str) {
    let body = json!({"TableName": "tests", "Item": {"id": {"S": id}, "v": {"S": v}}});
    regions.ok(0, "PutItem", body);
    regions.pass(600);
}

fn update(regions: &mut Regions, id: &str, v: &str) {
    let body = json!({
        "TableName": "tests", "Key": {"id": {"S": id}}, "UpdateExpression": "SET v = :v",
        "ExpressionAttributeValues": {":v": {"S": v}},
    });
    regions.ok(0, "UpdateItem", body);
    regions.pass(600);
}

fn delete(regions: &mut Regions, id: &str) {
    regions.ok(
        0,
        "DeleteItem",
        json!({"TableName": "tests", "Key": {"id": {"S": id}}}),
    );
    regions.pass(600);
}

fn arn(regions: &mut Regions, place: usize) -> String {
    let table = regions.ok(place, "DescribeTable", json!({"TableName": "tests"}));
    table["Table"]["LatestStreamArn"]
        .as_str()
        .expect("a stream")
        .to_owned()
}

fn shards(regions: &mut Regions, place: usize) -> Vec<Value> {
    let arn = arn(regions, place);
    let stream = regions.ok(place, "DescribeStream", json!({"StreamArn": arn}));
    stream["StreamDescription"]["Shards"]
        .as_array()
        .expect("a list")
        .clone()
}

fn iterator(
    regions: &mut Regions,
    place: usize,
    shard: &str,
    kind: &str,
    at: Option<&str>,
) -> String {
    let mut body =
        json!({"StreamArn": arn(regions, place), "ShardId": shard, "ShardIteratorType": kind});
    if let Some(at) = at {
        body["SequenceNumber"] = at.into();
    }
    let answer = regions.ok(place, "GetShardIterator", body);
    answer["ShardIterator"].as_str().expect("a text").to_owned()
}

/// Every record of a region's newest stream, shard after shard.
fn records(regions: &mut Regions, place: usize) -> Vec<Value> {
    let mut records = Vec::new();
    for shard in shards(regions, place) {
        let id = shard["ShardId"].as_str().expect("a text");
        let mut next = Some(iterator(regions, place, id, "TRIM_HORIZON", None));
        while let Some(iterator) = next {
            let page = regions.ok(
                place,
                "GetRecords",
                json!({"ShardIterator": iterator, "Limit": 3}),
            );
            let found = page["Records"].as_array().expect("a list").clone();
            next = page["NextShardIterator"]
                .as_str()
                .filter(|_| !found.is_empty())
                .map(str::to_owned);
            records.extend(found);
        }
    }
    records
}

/// What a record says, in short: event, then old and new value with the `aws:rep:*` attributes that are there.
fn line(record: &Value) -> String {
    let image = |name: &str| {
        let image = &record["dynamodb"][name];
        if image.is_null() {
            return "-".to_owned();
        }
        let region = image["aws:rep:updateregion"]["S"]
            .as_str()
            .unwrap_or("unstamped");
        let deleting = if image["aws:rep:deleting"]["BOOL"] == true {
            " deleting"
        } else {
            ""
        };
        format!(
            "{} {region}{deleting}",
            image["v"]["S"].as_str().unwrap_or("?")
        )
    };
    let event = record["eventName"].as_str().expect("a text");
    format!("{event}: {} => {}", image("OldImage"), image("NewImage"))
}

fn lines(regions: &mut Regions, place: usize) -> Vec<String> {
    records(regions, place).iter().map(line).collect()
}

#[test]
fn v1_put_shows_twice_at_its_source_and_once_elsewhere() {
    let mut regions = global();
    put(&mut regions, "a", "1");
    put(&mut regions, "a", "2");
    assert_eq!(
        lines(&mut regions, 0),
        [
            "INSERT: - => 1 unstamped",
            "MODIFY: 1 unstamped => 1 eu-west-1",
            "MODIFY: 1 eu-west-1 => 2 unstamped",
            "MODIFY: 2 unstamped => 2 eu-west-1",
        ]
    );
    assert_eq!(
        lines(&mut regions, 1),
        [
            "INSERT: - => 1 eu-west-1",
            "MODIFY: 1 eu-west-1 => 2 eu-west-1"
        ]
    );
}

#[test]
fn v1_update_leaves_the_stamp_it_found_until_the_stamping() {
    let mut regions = global();
    let body = json!({"TableName": "tests", "Item": {"id": {"S": "a"}, "v": {"S": "1"}}});
    regions.ok(1, "PutItem", body);
    regions.pass(600);
    update(&mut regions, "a", "2");
    assert_eq!(
        lines(&mut regions, 0),
        [
            "INSERT: - => 1 us-east-1",
            "MODIFY: 1 us-east-1 => 2 us-east-1",
            "MODIFY: 2 us-east-1 => 2 eu-west-1",
        ]
    );
    update(&mut regions, "a", "2");
    assert_eq!(
        records(&mut regions, 0).len(),
        3,
        "an update that changes nothing leaves no record"
    );
}

#[test]
fn v1_delete_shows_once_at_its_source_and_in_two_phases_elsewhere() {
    let mut regions = global();
    put(&mut regions, "a", "1");
    delete(&mut regions, "a");
    delete(&mut regions, "a");
    assert_eq!(lines(&mut regions, 0)[2..], ["REMOVE: 1 eu-west-1 => -"]);
    assert_eq!(
        lines(&mut regions, 1)[1..],
        [
            "MODIFY: 1 eu-west-1 => 1 eu-west-1 deleting",
            "REMOVE: 1 eu-west-1 deleting => -"
        ]
    );
}

#[test]
fn outside_a_global_table_each_write_that_changes_something_shows_once() {
    let mut regions = alone("NEW_AND_OLD_IMAGES");
    put(&mut regions, "a", "1");
    put(&mut regions, "a", "1");
    update(&mut regions, "a", "1");
    update(&mut regions, "a", "2");
    delete(&mut regions, "a");
    delete(&mut regions, "a");
    assert_eq!(
        lines(&mut regions, 0),
        [
            "INSERT: - => 1 unstamped",
            "MODIFY: 1 unstamped => 2 unstamped",
            "REMOVE: 2 unstamped => -"
        ]
    );
}

#[test]
fn each_view_shows_its_images() {
    for (view, expected) in [
        ("KEYS_ONLY", "MODIFY: - => -"),
        ("NEW_IMAGE", "MODIFY: - => 2 unstamped"),
        ("OLD_IMAGE", "MODIFY: 1 unstamped => -"),
        ("NEW_AND_OLD_IMAGES", "MODIFY: 1 unstamped => 2 unstamped"),
    ] {
        let mut regions = alone(view);
        put(&mut regions, "a", "1");
        put(&mut regions, "a", "2");
        let records = records(&mut regions, 0);
        assert_eq!(line(&records[1]), expected);
        assert_eq!(records[1]["dynamodb"]["Keys"], json!({"id": {"S": "a"}}));
        assert_eq!(records[1]["dynamodb"]["StreamViewType"], view);
        assert_eq!(records[1]["awsRegion"], "eu-west-1");
    }
}

#[test]
fn each_iterator_type_begins_where_it_says() {
    let mut regions = global();
    put(&mut regions, "a", "1");
    put(&mut regions, "b", "1");
    let all = records(&mut regions, 0);
    let numbers: Vec<&str> = all
        .iter()
        .map(|it| it["dynamodb"]["SequenceNumber"].as_str().expect("a text"))
        .collect();
    assert!(
        numbers.windows(2).all(|pair| pair[0] < pair[1]),
        "{numbers:?}"
    );
    let shard = shards(&mut regions, 0)[0]["ShardId"]
        .as_str()
        .expect("a text")
        .to_owned();
    let from = |regions: &mut Regions, kind: &str, at: Option<&str>| {
        let iterator = iterator(regions, 0, &shard, kind, at);
        let page = regions.ok(0, "GetRecords", json!({"ShardIterator": iterator}));
        page["Records"].as_array().expect("a list").clone()
    };
    assert_eq!(
        from(&mut regions, "AT_SEQUENCE_NUMBER", Some(numbers[1])),
        all[1..]
    );
    assert_eq!(
        from(&mut regions, "AFTER_SEQUENCE_NUMBER", Some(numbers[1])),
        all[2..]
    );
    assert_eq!(
        from(&mut regions, "AFTER_SEQUENCE_NUMBER", Some(numbers[3])),
        all[4..]
    );
    assert_eq!(from(&mut regions, "TRIM_HORIZON", None), all);
    assert!(from(&mut regions, "LATEST", None).is_empty());
    let latest = iterator(&mut regions, 0, &shard, "LATEST", None);
    put(&mut regions, "c", "1");
    let page = regions.ok(0, "GetRecords", json!({"ShardIterator": latest}));
    assert_eq!(page["Records"].as_array().map(Vec::len), Some(2));
}

#[test]
fn iterators_expire_after_a_quarter_of_an_hour() {
    let mut regions = alone("KEYS_ONLY");
    let shard = shards(&mut regions, 0)[0]["ShardId"]
        .as_str()
        .expect("a text")
        .to_owned();
    let iterator = iterator(&mut regions, 0, &shard, "LATEST", None);
    regions.pass(15 * 60_000 - 1);
    regions.ok(0, "GetRecords", json!({"ShardIterator": iterator}));
    regions.pass(1);
    let refusal = regions.refusal(0, "GetRecords", json!({"ShardIterator": iterator}));
    assert!(refusal.starts_with("ExpiredIterator: "), "{refusal}");
    let mangled = regions.refusal(
        0,
        "GetRecords",
        json!({"ShardIterator": &iterator[..iterator.len() - 8]}),
    );
    assert_eq!(mangled, "Validation: Invalid ShardIterator");
}

#[test]
fn a_stream_that_was_disabled_can_be_read_for_a_day_and_the_next_one_is_another() {
    let mut regions = alone("KEYS_ONLY");
    put(&mut regions, "a", "1");
    let first = arn(&mut regions, 0);
    let specify = |on: bool| match on {
        true => {
            json!({"TableName": "tests", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}})
        }
        false => json!({"TableName": "tests", "StreamSpecification": {"StreamEnabled": false}}),
    };
    regions.ok(0, "UpdateTable", specify(false));
    put(&mut regions, "a", "2");
    assert_eq!(
        arn(&mut regions, 0),
        first,
        "the newest stream, also when it is disabled"
    );
    assert_eq!(
        records(&mut regions, 0).len(),
        1,
        "nothing is recorded without a stream"
    );
    let described = regions.ok(0, "DescribeStream", json!({"StreamArn": first}));
    assert_eq!(described["StreamDescription"]["StreamStatus"], "DISABLED");
    regions.ok(0, "UpdateTable", specify(true));
    assert_ne!(arn(&mut regions, 0), first);
    put(&mut regions, "a", "3");
    assert_eq!(lines(&mut regions, 0), ["MODIFY: - => 3 unstamped"]);
    let listed = regions.ok(0, "ListStreams", json!({"TableName": "tests"}));
    assert_eq!(listed["Streams"].as_array().map(Vec::len), Some(2));
    regions.pass(24 * HOUR_MS);
    let gone = regions.refusal(0, "DescribeStream", json!({"StreamArn": first}));
    assert!(gone.starts_with("ResourceNotFound: "), "{gone}");
}

#[test]
fn a_replica_of_version_1_keeps_its_stream() {
    let mut regions = global();
    let body = json!({"TableName": "tests", "StreamSpecification": {"StreamEnabled": false}});
    assert_eq!(
        regions.refusal(1, "UpdateTable", body),
        "Validation: One or more parameter values were invalid: Disabling Stream is not allowed for a Global Table replica."
    );
}

#[test]
fn shards_rotate_parents_before_children_and_are_trimmed_after_a_day() {
    let mut regions = alone("NEW_IMAGE");
    for hour in 0..30 {
        put(&mut regions, "a", &hour.to_string());
        regions.pass(HOUR_MS);
    }
    let found = shards(&mut regions, 0);
    assert!(found.len() > 5, "{found:?}");
    for pair in found.windows(2) {
        assert_eq!(pair[1]["ParentShardId"], pair[0]["ShardId"]);
        assert!(pair[0]["SequenceNumberRange"]["EndingSequenceNumber"].is_string());
        let body = json!({"StreamArn": arn(&mut regions, 0), "ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": pair[0]["ShardId"]}});
        let children = regions.ok(0, "DescribeStream", body);
        assert_eq!(children["StreamDescription"]["Shards"][0], pair[1]);
    }
    assert!(found.last().expect("some")["SequenceNumberRange"]["EndingSequenceNumber"].is_null());
    let kept: Vec<String> = lines(&mut regions, 0);
    let expected: Vec<String> = (4..30)
        .map(|hour| format!("MODIFY: - => {hour} unstamped"))
        .collect();
    assert_eq!(
        kept, expected,
        "a day of them and the rest of a shard, in order, over all shards"
    );
    let first = found[0]["ShardId"].as_str().expect("a text").to_owned();
    let start = iterator(&mut regions, 0, &first, "TRIM_HORIZON", None);
    let page = regions.ok(0, "GetRecords", json!({"ShardIterator": start}));
    assert!(
        page["NextShardIterator"].is_null(),
        "a closed shard that is drained ends"
    );
    let arn = arn(&mut regions, 0);
    regions.pass(20 * HOUR_MS);
    let body = json!({"StreamArn": arn, "ShardId": first, "ShardIteratorType": "TRIM_HORIZON"});
    let trimmed = regions.refusal(0, "GetShardIterator", body);
    assert!(trimmed.starts_with("TrimmedDataAccess: "), "{trimmed}");
}

#[test]
fn records_are_kept_for_less_than_a_day_where_that_was_asked_for() {
    let mut regions = alone("NEW_IMAGE");
    regions.configure(0, |config| config.limits.keep_stream_records(60));
    for number in 0..20 {
        put(&mut regions, "a", &number.to_string());
        regions.pass(9_400);
    }
    let kept = lines(&mut regions, 0);
    let expected: Vec<String> = (14..20)
        .map(|number| format!("MODIFY: - => {number} unstamped"))
        .collect();
    assert_eq!(kept, expected, "a minute of them");
}

#[test]
fn records_outlive_a_restart_and_new_ones_follow() {
    let mut regions = global();
    put(&mut regions, "a", "1");
    let before = records(&mut regions, 0);
    regions.restart(0);
    put(&mut regions, "a", "2");
    let after = records(&mut regions, 0);
    assert_eq!(after[..2], before);
    assert_eq!(after.len(), 4);
    assert_eq!(line(&after[3]), "MODIFY: 2 unstamped => 2 eu-west-1");
}

#[test]
fn a_clock_that_jumps_by_days_takes_no_records_and_ends_no_iterators() {
    let mut regions = alone("NEW_IMAGE");
    put(&mut regions, "a", "0");
    let shard = shards(&mut regions, 0)[0]["ShardId"]
        .as_str()
        .expect("a text")
        .to_owned();
    let start = iterator(&mut regions, 0, &shard, "TRIM_HORIZON", None);
    for (place, days) in [1, 0, -1, 40, -40].into_iter().enumerate() {
        regions.skew(0, days * 24 * HOUR_MS);
        put(&mut regions, "a", &(place + 1).to_string());
        regions.restart(0);
        regions.pass(1000);
        let page = regions.ok(0, "GetRecords", json!({"ShardIterator": start}));
        assert_eq!(page["Records"].as_array().map(Vec::len), Some(place + 2));
    }
    assert_eq!(records(&mut regions, 0).len(), 6);
    assert_eq!(shards(&mut regions, 0).len(), 1, "no shard was closed");
}

#[test]
fn a_day_goes_on_over_restarts() {
    let mut regions = alone("NEW_IMAGE");
    for hour in 0..40 {
        put(&mut regions, "a", &hour.to_string());
        regions.pass(HOUR_MS);
        regions.restart(0);
    }
    let kept = records(&mut regions, 0).len();
    assert!((24..=30).contains(&kept), "{kept} hours are kept");
}
