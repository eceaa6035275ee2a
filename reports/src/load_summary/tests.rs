//! A made-up load run: two regions, reads and writes, a few errors, a slow tail. The same numbers each time.

use super::*;
use crate::run_folder::Link;

pub(crate) const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
pub(crate) const KINDS: [&str; 3] = ["read", "write", "scan"];
const MS: u64 = 1_000_000;

pub(crate) fn run() -> Run {
    let options = [
        ("rate", serde_json::json!(200)),
        ("warm_up_s", serde_json::json!(5)),
        ("in_flight", serde_json::json!(64)),
        ("faults", serde_json::json!(["partition"])),
    ];
    Run {
        schema: Run::SCHEMA.into(),
        reproduce: "dateline load run ycsb-a --rate 200 --seed 7".into(),
        version: "0.1.0 (1aa67e0)".into(),
        started: "2026-11-21T10:00:00Z".into(),
        workload: "ycsb-a".into(),
        seed: 7,
        target: "local".into(),
        regions: REGIONS.map(str::to_owned).into(),
        options: options.map(|(name, value)| (name.to_owned(), value)).into(),
        links: vec![Link {
            from: "eu-west-1".into(),
            to: "us-east-1".into(),
            delay_ms: 40.0,
            jitter_ms: 1.0,
        }],
    }
}

fn times(values_ns: impl IntoIterator<Item = u64>) -> Times {
    let mut times = Times::default();
    values_ns.into_iter().for_each(|value| times.record(value));
    times
}

fn row(region: &str, kind: &str, slow_ms: u64) -> LoadRow {
    let counted = Counted {
        region: region.into(),
        kind: kind.into(),
        response: times((1..=1000).map(|n| {
            if n > 985 {
                slow_ms * MS
            } else {
                n * MS / 100 + MS
            }
        })),
        service: times((1..=1000).map(|n| n * MS / 100 + MS)),
        errors: [("throttled".to_owned(), times([2 * MS, 3 * MS]))].into(),
        open: times([700 * MS]),
        schedule_error: times((1..=1003).map(|n| n * 500)),
        late: 0,
        never_sent: 0,
    };
    LoadRow::of(counted, 10_000 * MS)
}

pub(crate) fn summary() -> LoadSummary {
    let lane = |region: &str| Lane {
        region: region.into(),
        rate_asked_per_s: 100.0,
        in_flight_limit: 64,
        waited_for_slot: 0,
    };
    LoadSummary {
        schema: LoadSummary::SCHEMA.into(),
        run: run(),
        plan: LoadPlan {
            arrival: "constant".into(),
            rate_per_s: 200.0,
            warm_up_ns: 5_000 * MS,
            measured_ns: 10_000 * MS,
            late_after_ns: MS,
            faults: vec!["partition".into()],
        },
        share: None,
        clock: None,
        lanes: REGIONS.map(lane).into(),
        rows: vec![
            row("eu-west-1", "read", 15),
            row("eu-west-1", "write", 30),
            row("us-east-1", "read", 18),
            row("us-east-1", "write", 40),
        ],
        lag: vec![LoadLag {
            from: "us-east-1".into(),
            to: "eu-west-1".into(),
            unseen: 1,
            lower: times((1..=200).map(|n| (40 + n / 20) * MS)),
            upper: times((1..=200).map(|n| (45 + n / 20) * MS)),
        }],
        goals: Vec::new(),
        client: Client {
            threads: 2,
            cpu_busy_ratio: Some(0.31),
            cpu_wait_ratio: Some(0.02),
            cpu_stolen_ratio: Some(0.004),
        },
        warnings: Vec::new(),
        environment: [("os".to_owned(), "linux".to_owned())].into(),
    }
}

#[test]
fn json_keeps_all_and_check_finds_what_is_lost() {
    let text = serde_json::to_string(&summary()).expect("it is plain data");
    let mut read: LoadSummary = serde_json::from_str(&text).expect("it was just written");
    assert_eq!(read, summary());
    assert_eq!(read.check(), Ok(()));
    read.rows[1].scheduled += 1;
    insta::assert_snapshot!(read.check().expect_err("one is lost"), @"rows: eu-west-1 write has 1004 operations scheduled but 1003 accounted for; the file is damaged, run again");
}
