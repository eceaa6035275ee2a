//! Runs from set-up to verdict.

use std::fs;

use reports::{results::Results, run_folder::RunFolder};

use crate::dateline::Place;

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
