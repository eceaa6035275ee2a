use std::fmt::Write as _;

use checker::{
    history::{Key, Op, Value},
    verdict::Outcome,
};

use super::*;
use crate::{
    options::options_for_tests,
    seed::digest,
    stage::{Act, Stage},
};

fn play(entry: &Entry, seed: u64, seconds: u64) -> Vec<Act> {
    let options = options_for_tests(seed);
    Stage::new(&options).play(entry.make(&options), seconds)
}

fn as_text(acts: &[Act]) -> String {
    acts.iter().fold(String::new(), |mut text, act| {
        writeln!(text, "{} {:?}", act.slot, act.step).expect("strings take writes");
        text
    })
}

#[test]
fn every_workload_is_found_by_its_name() {
    for entry in WORKLOADS {
        assert_eq!(
            named(entry.name).map(|found| found.about),
            Some(entry.about)
        );
    }
    assert!(named("no-such").is_none());
    for core in &CORE {
        let entry = named(core.name).expect("all six are listed");
        let acts = play(entry, 1, 5);
        let scans = acts.iter().any(|act| act.step.op == Op::Scan);
        assert_eq!(scans, core.mix.scans > 0, "{}", core.name);
    }
}

#[test]
fn every_check_that_is_named_exists() {
    for entry in WORKLOADS {
        assert!(!entry.checks.is_empty());
        for id in entry.checks {
            let exists = checker::registry().iter().any(|info| info.id == *id);
            assert!(
                exists,
                "{} names the check {id}, which there is not",
                entry.name
            );
        }
        assert_eq!(entry.make(&options_for_tests(1)).checks(), entry.checks);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_they_are_pinned() {
    let mut pinned = String::new();
    for entry in WORKLOADS {
        let once = as_text(&play(entry, 7, 10));
        assert!(once == as_text(&play(entry, 7, 10)), "{}", entry.name);
        assert!(once != as_text(&play(entry, 8, 10)), "{}", entry.name);
        write!(pinned, "{} {} ", entry.name, digest(&once)).expect("strings take writes");
    }
    insta::assert_snapshot!(pinned.trim_end(), @"register 566e0eece08ad555 conditional b495055ef6ef854f delete-churn d8f5976757f646c1 set 4d5f7ac817f79206 counter c866160f0e3c9544 list-append 9958683df8c2eb3d session 03274e8518e00171 single-writer-region 18368dc2f8c2f79f home-region-per-item 7e1540e24d9d7754 big-items f9968e934fb24c43 scan a6eb75b587cf9736 streams 092ed96f4b312939 ttl 14dfc8618c458eeb lifecycle aa13ec1d66fbb2a6 ycsb-a baf4f6ae67a44b4e ycsb-b 16a8e5c1144efce8 ycsb-c c1708e57b461b3a1 ycsb-d 3198a79b1872fc11 ycsb-e e159b07ee8029b8f ycsb-f ea0417ffef6286c1");
}

#[test]
fn needs_match_what_is_asked() {
    for entry in WORKLOADS {
        let acts = play(entry, 3, 20);
        let asks = |wanted: fn(&Op) -> bool| acts.iter().any(|act| wanted(&act.step.op));
        let needs = entry.needs;
        let name = entry.name;
        assert_eq!(
            asks(|op| matches!(op, Op::Cas { .. })),
            needs.conditions,
            "{name}"
        );
        assert_eq!(
            asks(|op| matches!(op, Op::AddToSet { .. })),
            needs.sets,
            "{name}"
        );
        assert_eq!(
            asks(|op| matches!(op, Op::Increment { .. })),
            needs.numbers,
            "{name}"
        );
        assert_eq!(
            asks(|op| matches!(op, Op::Append { .. })),
            needs.lists,
            "{name}"
        );
        assert_eq!(asks(|op| matches!(op, Op::Scan)), needs.scans, "{name}");
        assert_eq!(asks(|op| matches!(op, Op::Stream)), needs.streams, "{name}");
        let workload = entry.make(&options_for_tests(3));
        assert!((0..1000).all(|key| workload.padding_bytes(Key(key)) <= needs.item_bytes));
    }
}

#[test]
fn every_workload_keeps_the_rate_and_all_its_regions_busy() {
    for entry in WORKLOADS {
        let acts = play(entry, 4, 20);
        let is_client = |act: &&Act| ["mix", "stay", "move"].contains(&act.role);
        let clients = acts.iter().filter(is_client).count();
        assert!(
            (1300..3100).contains(&clients),
            "{}: {clients} operations in 20 s at 100 per second",
            entry.name
        );
        for region in 0..3 {
            let here = acts
                .iter()
                .filter(is_client)
                .filter(|act| act.region.0 == region);
            assert!(here.count() > 400, "{} in region {region}", entry.name);
        }
    }
}

#[test]
fn no_write_id_is_used_twice_and_final_reads_hold_every_key() {
    for entry in WORKLOADS {
        let options = options_for_tests(5);
        let mut workload = entry.make(&options);
        let mut written = std::collections::BTreeSet::new();
        let mut keys = std::collections::BTreeSet::new();
        let slots = workload.slots().len();
        for turn in 0..2000u64 {
            let slot = usize::try_from(turn).expect("small") % slots;
            let step = workload
                .next(slot, turn * 10_000_000)
                .expect("it never ends");
            keys.extend(step.op.key());
            // What was not carried out may be asked for again.
            let error = "timeout".to_owned();
            workload.observe(slot, &step.op, &checker::history::EventKind::Info { error });
            if let Op::Write { value, .. } | Op::Cas { value, .. } = step.op
                && value != Value::Absent
            {
                assert!(written.insert(value), "{}", entry.name);
            }
        }
        let finals = workload.final_reads().into_iter().collect();
        assert!(keys.is_subset(&finals), "{}", entry.name);
    }
}

#[test]
fn one_region_alone_is_enough_where_the_needs_say_so() {
    for entry in WORKLOADS
        .iter()
        .filter(|entry| entry.needs.regions_at_least == 1)
    {
        let mut options = options_for_tests(6);
        options.regions = 1;
        options.concurrency = 1;
        options.keys = 1;
        let acts = Stage::new(&options).play(entry.make(&options), 5);
        assert!(acts.len() > 100, "{}", entry.name);
    }
}

#[test]
fn a_store_without_faults_is_judged_valid_by_every_workload() {
    for entry in WORKLOADS {
        let options = options_for_tests(9);
        let history = Stage::new(&options).history(entry.make(&options), 20);
        let verdict = checker::check(&history, entry.checks);
        let text = checker::verdict::text(&verdict, &history.header);
        assert_eq!(verdict.outcome, Outcome::Valid, "{}: {text}", entry.name);
    }
}

#[test]
fn a_store_that_loses_acknowledged_writes_is_caught_by_every_workload() {
    for entry in WORKLOADS {
        let options = options_for_tests(9);
        let stage = Stage::new(&options).losing_one_in(50);
        let verdict = checker::check(&stage.history(entry.make(&options), 20), entry.checks);
        assert_eq!(verdict.outcome, Outcome::Invalid, "{}", entry.name);
    }
}
