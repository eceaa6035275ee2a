//! Tests that what is written is what the published schemas say, and that the schemas refuse what is not so.

use serde::Serialize;
use serde_json::Value;

fn complaints(schema: &str, file: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    validator
        .iter_errors(file)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect()
}

/// Checks that the file satisfies its schema, and that each of these edits is refused.
fn holds(schema: &str, file: &impl Serialize, edits: &[(&str, Value)]) {
    let written = serde_json::to_value(file).expect("it is plain data");
    assert_eq!(complaints(schema, &written), Vec::<String>::new());
    for (pointer, wrong) in edits {
        let mut edited = written.clone();
        *edited.pointer_mut(pointer).expect(pointer) = wrong.clone();
        assert!(
            !complaints(schema, &edited).is_empty(),
            "{pointer} may be {wrong}"
        );
    }
}

#[test]
fn load() {
    let mut summary = crate::load_summary::tests::summary();
    let schema = include_str!("../schema/load-1.json");
    let edits = [
        ("/rows/0/response/p99_ns", "fast".into()),
        ("/schema", "dateline/load/2".into()),
        ("/share", 3.into()),
        ("/rows/0", serde_json::json!({})),
    ];
    holds(schema, &summary, &edits);
    summary.share = Some(crate::load_summary::Share { index: 3, of: 16 });
    summary.goals = vec![crate::load_summary::goal::GoalResult {
        goal: "p99<1s".into(),
        outcome: crate::load_summary::goal::GoalOutcome::CannotTell,
        measured: None,
        told: "nothing was measured".into(),
    }];
    holds(
        schema,
        &summary,
        &[
            ("/share/index", 0.into()),
            ("/goals/0/outcome", "good".into()),
        ],
    );
}

#[test]
fn compare() {
    let compared = crate::compare::compare(
        &crate::compare::tests::pair(),
        crate::compare::Incomparable::Refuse,
    );
    let edits = [
        ("/differences/0/weight", "heavy".into()),
        ("/figures/0/values/0", "many".into()),
        (
            "/figures/0/within_run_noise",
            serde_json::json!({"p": 0.01}),
        ),
    ];
    holds(
        include_str!("../schema/compare-1.json"),
        &compared.expect("they compare"),
        &edits,
    );
}

#[test]
fn nights() {
    let mut nights: Vec<_> = (0..40)
        .map(|number| crate::nights::tests::night(number, if number < 20 { 40.0 } else { 44.0 }))
        .collect();
    nights[39].acknowledged.push(crate::nights::Acknowledged {
        metric: "operations_per_s".into(),
        commit: "c0020".into(),
        why: "checksums".into(),
    });
    let edits = [
        ("/metrics/operations_per_s", "fast".into()),
        ("/acknowledged/0", serde_json::json!({})),
    ];
    holds(include_str!("../schema/night-1.json"), &nights[39], &edits);
    let analysis = crate::nights::analysis::analyse(&nights);
    let edits = [
        ("/changes/0/direction", "sideways".into()),
        ("/metrics/0/level", Value::Null),
    ];
    holds(include_str!("../schema/nights-1.json"), &analysis, &edits);
}

#[test]
fn suite() {
    let edits = [
        ("/cells/0/outcome", "fine".into()),
        ("/cells/0/seed", (-1).into()),
    ];
    holds(
        include_str!("../schema/suite-1.json"),
        &crate::suite::tests::suite(),
        &edits,
    );
}

#[test]
fn gate() {
    let mut answer = crate::text::gate::tests::failed();
    let edits = [
        ("/judgement", "slow".into()),
        ("/metrics/0/worse_by", serde_json::json!({"mean": 0.05})),
        ("/metrics/0/medians", serde_json::json!([40.0])),
    ];
    let schema = include_str!("../schema/gate-1.json");
    holds(schema, &answer, &edits);
    answer.metrics[0].worse_by = None;
    answer.metrics[0].control = None;
    answer.metrics[0].medians = None;
    holds(schema, &answer, &[]);
}

#[test]
fn every_schema_of_a_run_describes_the_same_run() {
    let mut run: Value = serde_json::from_str(include_str!("../schema/run-1.json")).expect("JSON");
    let load: Value = serde_json::from_str(include_str!("../schema/load-1.json")).expect("JSON");
    let run = run.as_object_mut().expect("an object");
    run.remove("$schema");
    run.remove("title");
    assert_eq!(Value::Object(run.clone()), load["$defs"]["run"]);
}
