//! What a region does by itself must keep up with what it is asked to do, for as long as it runs.

use serde_json::json;

use crate::core::testing::Regions;

const REGIONS: [&str; 3] = ["ap-southeast-1", "us-east-1", "eu-west-1"];
const MINUTE_MS: i64 = 60_000;
const KEYS: usize = 30;

/// A global table of version 2017.11.29.
fn global() -> Regions {
    let mut regions = Regions::new(&REGIONS);
    for place in 0..REGIONS.len() {
        // An epoch of the feed goes as a whole: small ones, so that this shows.
        regions.configure(place, |config| config.limits.epoch_rows = 16);
        regions.restart(place);
        regions.create_table(place, "NEW_AND_OLD_IMAGES");
    }
    regions.join_tables();
    regions
}

/// Half an hour: each region puts an item and deletes another, and looks after itself every five minutes.
fn churn(regions: &mut Regions, round: usize) {
    for place in 0..REGIONS.len() {
        let put = format!("key-{}", (7 * round + place) % KEYS);
        let gone = format!("key-{}", (11 * round + 5 * place) % KEYS);
        let item = json!({"id": {"S": put}, "v": {"N": round.to_string()}});
        regions.ok(
            place,
            "PutItem",
            json!({"TableName": "tests", "Item": item}),
        );
        let key = json!({"id": {"S": gone}});
        regions.ok(
            place,
            "DeleteItem",
            json!({"TableName": "tests", "Key": key}),
        );
    }
    for _look in 0..6 {
        regions.pass(5 * MINUTE_MS);
    }
}

#[test]
fn seventy_two_hours_of_churn_do_not_add_up() {
    let mut regions = global();
    let mut rows = Vec::new();
    for round in 0..72 * 2 {
        churn(&mut regions, round);
        if round % 24 == 23 {
            rows.push(
                (0..REGIONS.len())
                    .map(|place| regions.row_count(place))
                    .max(),
            );
        }
    }
    // Every twelve hours; streams are full when a day is over, and epochs go some hours later.
    let (full, last) = (
        rows[2].expect("three regions"),
        rows[5].expect("three regions"),
    );
    assert!(full > 200, "the churn is none: {rows:?}");
    assert!(last <= full + full / 10, "{rows:?}");

    for _hour in 0..40 {
        regions.pass(60 * MINUTE_MS);
    }
    for (place, region) in REGIONS.iter().enumerate() {
        let status = regions.status(place);
        let collected = status.counters.tombstones_collected;
        assert_eq!(status.tombstones, 0, "{status:?}");
        assert!(collected > 50, "only {collected} were ever collected");
        let left = regions.row_count(place);
        assert!(left < KEYS + 60, "{left} rows are left in {region}");
    }
}
