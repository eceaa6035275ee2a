//! `dateline merge` on shares of one load.

use std::{collections::BTreeMap, fs};

use reports::{
    load_summary::{
        Client, Counted, Lane, LoadPlan, LoadRow, LoadSummary, Share, ShareClock, Times,
        goal::{GoalOutcome, GoalResult},
        interval_log::{IntervalLog, read_into},
    },
    run_folder::{Run, RunFolder},
};

use crate::dateline::Place;

fn times(from_ms: u64) -> Times {
    let mut times = Times::default();
    (0..100).for_each(|number| times.record((from_ms + number) * 1_000_000));
    times
}

/// The `index`th share of two; its answers take `from_ms` and a little more.
fn share(index: u32, from_ms: u64) -> LoadSummary {
    let region = "eu-west-1".to_owned();
    let counted = Counted {
        region: region.clone(),
        kind: "read".into(),
        response: times(from_ms),
        service: times(from_ms),
        schedule_error: times(0),
        ..Counted::default()
    };
    LoadSummary {
        schema: LoadSummary::SCHEMA.into(),
        run: Run {
            schema: Run::SCHEMA.into(),
            reproduce: format!("dateline load run mixed --share {index}/2"),
            version: "0.1.0".into(),
            started: "2026-11-21T10:00:00Z".into(),
            workload: "mixed".into(),
            seed: 7,
            target: "endpoints".into(),
            regions: vec![region.clone()],
            options: BTreeMap::from([("share".to_owned(), format!("{index}/2").into())]),
            links: Vec::new(),
        },
        plan: LoadPlan {
            arrival: "constant".into(),
            rate_per_s: 200.0,
            warm_up_ns: 0,
            measured_ns: 1_000_000_000,
            late_after_ns: 1_000_000,
            faults: Vec::new(),
        },
        share: Some(Share { index, of: 2 }),
        clock: None,
        lanes: vec![Lane {
            region,
            rate_asked_per_s: 100.0,
            in_flight_limit: 64,
            waited_for_slot: 0,
        }],
        rows: vec![LoadRow::of(counted, 1_000_000_000)],
        lag: Vec::new(),
        goals: vec![GoalResult {
            goal: "read.p99<150ms".into(),
            outcome: GoalOutcome::Kept,
            measured: None,
            told: String::new(),
        }],
        client: Client::default(),
        warnings: Vec::new(),
        environment: BTreeMap::new(),
    }
}

fn write(place: &Place, name: &str, summary: &LoadSummary) {
    let folder = place.path().join(name);
    fs::create_dir(&folder).expect("it is new");
    let text = serde_json::to_string(summary).expect("it is plain data");
    fs::write(folder.join("summary.json"), text).expect("writable");
    let mut log = IntervalLog::begin(Vec::new(), 0).expect("memory takes all");
    log.write(
        "read.eu-west-1.response",
        0,
        1_000_000_000,
        &summary.rows[0].response,
    )
    .expect("memory takes all");
    fs::write(folder.join("latency.hdr"), log.into_inner()).expect("writable");
}

#[test]
fn shares_become_one_run_and_goals_are_judged_again() {
    let place = Place::new();
    write(&place, "one", &share(1, 10));
    write(&place, "two", &share(2, 110));
    // Each share alone keeps the goal or does not; the whole has a slower half.
    let ended = place.run("merge one two");
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("read.p99<150ms"), "{}", ended.out);
    let folder = RunFolder::at(place.latest());
    let whole = folder
        .load_summary()
        .expect("readable")
        .expect("it is there");
    assert_eq!(whole.share, None);
    assert_eq!(whole.rows[0].answered(), 200);
    assert_eq!(whole.goals[0].outcome, GoalOutcome::Broken);
    let log = fs::read(place.latest().join("latency.hdr")).expect("it is there");
    let mut intervals = BTreeMap::new();
    read_into(&mut intervals, &log).expect("it is a log");
    assert_eq!(intervals.values().map(Times::len).sum::<u64>(), 200);
    let ended = place.run("merge one");
    assert_eq!(ended.code, 64, "{}", ended.err);
    assert!(ended.err.contains("share 2 is missing"), "{}", ended.err);
    let ended = place.run("merge one one");
    assert_eq!(ended.code, 64, "{}", ended.err);
    let ended = place.run("merge one nowhere");
    assert_eq!(ended.code, 64, "{}", ended.err);
    assert!(ended.err.contains("nowhere"), "{}", ended.err);
}

#[test]
fn histories_are_joined_when_all_are_there_and_clocks_are_known() {
    const HEADER: &str = r#"{"schema":"dateline/history/1","regions":["eu-west-1"],"workload":"mixed","seed":7,"stamps_visible":false,"key_names":{}}"#;
    let clock = |ahead_us_max: &[(u32, i64)]| {
        Some(ShareClock {
            began_us: 1_000_000,
            recorded_from_us: Some(1_000_000),
            ahead_us_max: ahead_us_max.iter().copied().collect(),
        })
    };
    let place = Place::new();
    let (mut first, mut second) = (share(1, 1), share(2, 1));
    (first.clock, second.clock) = (clock(&[(2, 1000)]), clock(&[(1, 1000)]));
    write(&place, "one", &first);
    write(&place, "two", &second);
    let put = |name: &str| {
        let path = place.path().join(name).join("history.jsonl");
        fs::write(path, format!("{HEADER}\n")).expect("it is a folder");
    };
    put("one");
    let ended = place.run("merge one two");
    assert_eq!(ended.code, 64, "{}{}", ended.out, ended.err);
    for part in ["two/history.jsonl", "--record"] {
        assert!(ended.err.contains(part), "no {part:?} in {}", ended.err);
    }
    put("two");
    let ended = place.run("merge one two");
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(
        place.latest().join("history.jsonl").is_file(),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("dateline check"), "{}", ended.out);

    second.clock = clock(&[]);
    let text = serde_json::to_string(&second).expect("it is plain data");
    fs::write(place.path().join("two/summary.json"), text).expect("it is a folder");
    let ended = place.run("merge one two");
    assert!(
        ended.out.contains("the histories are not joined"),
        "{}",
        ended.out
    );
    assert!(!place.latest().join("history.jsonl").exists());
}
