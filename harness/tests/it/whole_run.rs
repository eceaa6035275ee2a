//! Runs from set-up to verdict.

use std::fs;

use checker::verdict::Outcome;
use reports::{results::Results, run_folder::RunFolder};

use crate::dateline::{Place, starts};

const SHORT: &str = "test register --seed 7 --time-limit 6 --rtt-scale 0.1 --rate 100";

fn results(place: &Place) -> Results {
    RunFolder::at(place.latest())
        .results()
        .expect("readable")
        .expect("the run was judged")
}

#[test]
fn a_short_run_under_all_faults_is_valid_and_leaves_everything() {
    let place = Place::new();
    let ended = place.run(SHORT);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("VALID"), "{}", ended.out);
    let results = results(&place);
    assert!(
        results.verdict.operations["ok"] > 500,
        "{:?}",
        results.verdict.operations
    );
    assert!(
        results
            .overhead
            .harness_cpu_us_per_operation
            .is_some_and(|cost| cost > 0.0)
    );
    for file in [
        "run.json",
        "plan.json",
        "timeline.jsonl",
        "report.html",
        "logs/us-east-1.log",
    ] {
        let length = fs::metadata(place.latest().join(file)).map(|data| data.len());
        assert!(length.is_ok_and(|length| length > 0), "{file}");
    }
    assert!(
        !place.latest().join("data").exists(),
        "data is kept only when asked for"
    );
    assert_eq!(place.orphans(), Vec::<String>::new());

    let again = place.run("check dateline-runs/latest");
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    let list = place.run("list runs");
    assert!(list.out.contains("VALID"), "{}", list.out);
}

#[test]
fn a_planted_fault_is_invalid_and_its_check_is_named() {
    let place = Place::new();
    let ended = place.run(&format!("{SHORT} --faults none --defect stale-strong-read"));
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("read-your-writes"), "{}", ended.out);
    assert!(
        ended.out.contains("--defect stale-strong-read"),
        "it says how to repeat it"
    );
    assert_eq!(place.run("check dateline-runs/latest").code, 1);
}

/// The start and the stop of each of these are among those that were told, as installed.
fn take_hold_and_are_healed(names: &[&str], told: &[[String; 4]]) {
    for name in names {
        for action in ["start", "stop"] {
            let wanted = [*name, action, "installed"];
            let is_told = told.iter().any(|it| it[..3] == wanted);
            assert!(is_told, "{wanted:?} is not in {told:?}");
        }
    }
}

#[test]
fn faults_of_processes_and_links_take_hold_of_real_regions_and_a_saved_plan_repeats_them() {
    let place = Place::new();
    let names = [
        "client-link",
        "lost-replies",
        "slow-clients",
        "slow-links",
        "flapping",
        "restart",
        "rolling-restart",
    ];
    let short = "test register --seed 11 --time-limit 9 --rtt-scale 0.1 --rate 100";
    let ended = place.run(&format!("{short} --faults {}", names.join(",")));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let first = place.faults();
    take_hold_and_are_healed(&names, &first);
    // At a loaded moment a stop may take two attempts; a start must not.
    let first = starts(first);
    assert!(
        first.iter().all(|[_, _, result]| result == "installed"),
        "{first:?}"
    );

    let plan = place.path().join("saved.json");
    fs::copy(place.latest().join("plan.json"), &plan).expect("there is a plan");
    let again = place.run("test register --plan saved.json --rtt-scale 0.1 --rate 100");
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(again.out.contains("--seed 11") && again.out.contains("--plan saved.json"));
    let repeated = starts(place.faults());
    assert_eq!(repeated, first, "the same faults in the same order");
    let written = fs::read(place.latest().join("plan.json")).expect("readable");
    assert_eq!(written, fs::read(&plan).expect("readable"), "byte for byte");
}

/// Every other fault takes hold of real regions and is healed; each line is a run of its own, so that what cuts links is not in the way of what needs them.
#[test]
fn the_other_faults_take_hold_of_real_regions_and_are_healed() {
    let place = Place::new();
    for (names, more) in [
        ("partition,kill,pause,clock,clock-extremes", ""),
        ("poor-links,connection-storm,repeated-requests", ""),
        ("slow-fsync,disk-full,burst,hot-key,forged-stamps", ""),
        ("roll-back", ""),
        ("membership", "--global-tables 2019.11.21"),
        ("lose", "--global-tables 2019.11.21"),
    ] {
        let line = format!(
            "test register --seed 11 --time-limit 9 --rtt-scale 0.1 --rate 100 --faults {names} {more}"
        );
        let ended = place.run(&line);
        assert_eq!(ended.code, 0, "{line}: {}{}", ended.out, ended.err);
        let names: Vec<&str> = names.split(',').collect();
        take_hold_and_are_healed(&names, &place.faults());
    }
    assert_eq!(place.orphans(), Vec::<String>::new());
}

#[test]
fn several_runs_stop_at_the_first_violation() {
    let place = Place::new();
    let line = "test register --seed 7 --time-limit 60 --rtt-scale 0.1 --rate 100 --faults none \
                --defect stale-strong-read --test-count 3 --stop-at-first-violation";
    let ended = place.run(line);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("stopped at the first violation"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("seed 7: invalid"), "{}", ended.out);
    assert!(!ended.out.contains("seed 8"), "the first was enough");
}

#[test]
fn a_bound_on_delivery_is_judged_with_the_run() {
    let place = Place::new();
    let line = "test register --seed 7 --time-limit 4 --rate 100 --faults none";
    let outcome = |results: &Results| {
        let mut checks = results.verdict.checks.iter();
        let delivery = checks.find(|check| check.check == "delivery");
        delivery.map(|check| check.outcome)
    };
    let ended = place.run(&format!("{line} --rtt-scale 0.1 --delivery-bound 1s"));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(outcome(&results(&place)), Some(Outcome::Valid));
    // No link between regions is that fast.
    let ended = place.run(&format!("{line} --delivery-bound 1ms"));
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    let results = results(&place);
    assert_eq!(outcome(&results), Some(Outcome::Invalid));
    let reproduce = &results.run.reproduce;
    assert!(reproduce.contains("--delivery-bound 1ms"), "{reproduce}");
}

#[test]
fn an_adapter_speaks_for_any_store() {
    let place = Place::new();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/sqlite.toml");
    for workload in ["register", "set", "counter", "list-append", "scan"] {
        let ended = place.run(&format!(
            "test {workload} --target adapter --config {examples} --seed 7 --time-limit 1"
        ));
        assert_eq!(ended.code, 0, "{workload}: {}{}", ended.out, ended.err);
        assert!(results(&place).verdict.operations["ok"] > 100, "{workload}");
    }
    assert_eq!(place.orphans(), Vec::<String>::new());
}

#[test]
fn a_budget_ends_the_work_and_the_rest_goes_on_as_usual() {
    let place = Place::new();
    let ended = place.run(
        "test register --seed 7 --time-limit 60 --rtt-scale 0 --faults none --budget 150 --regions eu-west-1,us-east-1",
    );
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let results = results(&place);
    let warned = results
        .warnings
        .iter()
        .any(|why| why.contains("budget of operations is spent"));
    assert!(warned, "{:?}", results.warnings);
    let asked: u64 = results.verdict.operations.values().sum();
    // Final reads are not limited: without them it could not be judged.
    assert!(
        (100..2_000).contains(&asked),
        "{:?}",
        results.verdict.operations
    );
    assert!(
        ended.out.contains("of CPU on each operation"),
        "{}",
        ended.out
    );
}
