use super::*;
use crate::load_summary::{Share, tests::summary};

fn shares(of: u32) -> Vec<LoadSummary> {
    (1..=of)
        .map(|index| LoadSummary {
            share: Some(Share { index, of }),
            ..summary()
        })
        .collect()
}

#[test]
fn shares_add_up_in_any_order() {
    let mut parts = shares(3);
    parts[1].rows[0].response.record(999_000_000_000);
    parts[1].rows[0].scheduled += 1;
    let whole = merge(&parts).expect("all are there");
    assert_eq!(whole.check(), Ok(()));
    assert_eq!(whole.share, None);
    assert_eq!(whole.rows[1].scheduled, 3 * summary().rows[1].scheduled);
    assert_eq!(
        whole.rows[1].response.percentiles().p99_ns,
        summary().rows[1].response.percentiles().p99_ns
    );
    assert!(whole.rows[0].response.percentiles().max_ns >= 998_000_000_000);
    assert_eq!(
        (whole.lanes[0].in_flight_limit, whole.client.threads),
        (192, 6)
    );
    parts.reverse();
    assert_eq!(merge(&parts).expect("all are there"), whole);
}

#[test]
fn a_kind_that_one_share_alone_had_is_kept() {
    let mut parts = shares(2);
    let gone = parts[0].rows.remove(0);
    let whole = merge(&parts).expect("all are there");
    assert_eq!(whole.rows[0], gone);
}

#[test]
fn what_is_not_one_schedule_is_refused() {
    let refused = |change: fn(&mut Vec<LoadSummary>)| {
        let mut parts = shares(4);
        change(&mut parts);
        merge(&parts)
            .expect_err("it is not one schedule")
            .to_string()
    };
    let told = [
        refused(Vec::clear),
        refused(|parts| parts[2].share = None),
        refused(|parts| drop(parts.remove(1))),
        refused(|parts| drop(parts.drain(1..3))),
        refused(|parts| parts[3].share = parts[0].share),
        refused(|parts| parts[3].share = Some(Share { index: 9, of: 4 })),
        refused(|parts| parts[1].share = Some(Share { index: 2, of: 5 })),
        refused(|parts| parts[2].run.seed = 8),
        refused(|parts| parts[2].plan.warm_up_ns = 0),
        refused(|parts| drop(parts[1].run.options.remove("rate"))),
        refused(|parts| drop(parts[1].run.options.insert("keys".into(), 5.into()))),
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
    nothing to merge; name the run folders of all shares
    run 3 of those named took the whole schedule, it is no share; leave it out
    share 2 is missing of 4: a part of the run would be left out; name the folders of all shares
    shares 2, 3 are missing of 4: a part of the run would be left out; name the folders of all shares
    share 1/4 is there more than once; name the folder of each share once
    share 9/4 does not exist; name the folder of each share once
    share 2: `share` is one of 5, in the first one it is one of 4; only shares of one schedule can be merged
    share 3: `seed` is 8, in the first one it is 7; only shares of one schedule can be merged
    share 3: `warm_up_ns` is 0, in the first one it is 5000000000; only shares of one schedule can be merged
    share 2: `options.rate` is not set, in the first one it is 200; only shares of one schedule can be merged
    share 2: `options.keys` is 5, in the first one it is not set; only shares of one schedule can be merged
    "#);
}
