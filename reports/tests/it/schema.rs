//! Files that we write are what their schema says, and old files still load.

use reports::results::{Ending, Results};
use serde_json::Value;

use crate::synthetic;

const RUN: &str = include_str!("../../schema/run-1.json");
const RESULTS: &str = include_str!("../../schema/results-1.json");
const FIXTURE: &str = include_str!("../fixtures/results-1.json");

fn complaints(schema: &str, file: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator
        .iter_errors(file)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect()
}

#[test]
fn what_is_written_is_what_the_schemas_say() {
    let (results, examination) = synthetic::finished();
    let run = serde_json::to_value(&examination.run).unwrap();
    assert_eq!(complaints(RUN, &run), Vec::<String>::new());
    let written = serde_json::to_value(&results).unwrap();
    assert_eq!(complaints(RESULTS, &written), Vec::<String>::new());
    let read: Results = serde_json::from_value(written).unwrap();
    assert_eq!(read, results);
}

#[test]
fn the_schemas_refuse_what_is_not_so() {
    let (results, _) = synthetic::finished();
    let mut written = serde_json::to_value(&results).unwrap();
    written["verdict"]["outcome"] = "perhaps".into();
    written["figures"]["operations"][0]["kind"] = "guess".into();
    written["figures"]["series"][0]["points"][0]["p95_ns"] = 1.into();
    assert_eq!(complaints(RESULTS, &written).len(), 3);
}

#[test]
fn both_schemas_describe_the_same_run() {
    let mut run: Value = serde_json::from_str(RUN).unwrap();
    let results: Value = serde_json::from_str(RESULTS).unwrap();
    let run = run.as_object_mut().unwrap();
    run.remove("$schema");
    run.remove("title");
    assert_eq!(Value::Object(run.clone()), results["$defs"]["run"]);
}

#[test]
fn the_first_version_of_results_still_loads() {
    let file: Value = serde_json::from_str(FIXTURE).unwrap();
    assert_eq!(complaints(RESULTS, &file), Vec::<String>::new());
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("results.json"), FIXTURE).unwrap();
    let results = reports::run_folder::RunFolder::at(place.path())
        .results()
        .unwrap()
        .unwrap();
    assert_eq!(results.ending(), Ending::Invalid);
    assert_eq!(results.figures.lag[0].upper.p99_ns, 9_000_000);
}

#[test]
fn a_violation_dominates_a_harness_failure_and_that_every_other_ending() {
    use checker::verdict::Outcome;
    let (mut results, _) = synthetic::finished();
    let codes = [
        (Outcome::Invalid, true, 1),
        (Outcome::Unknown, true, 3),
        (Outcome::Valid, true, 3),
        (Outcome::Invalid, false, 1),
        (Outcome::Unknown, false, 2),
        (Outcome::Valid, false, 0),
    ];
    for (outcome, harness_failed, code) in codes {
        results.verdict.outcome = outcome;
        results.harness_failure = harness_failed.then(|| "a region did not start".to_owned());
        assert_eq!(
            results.ending().exit_code(),
            code,
            "{outcome:?} {harness_failed}"
        );
    }
}
