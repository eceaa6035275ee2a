use super::*;
use crate::run_folder::{FaultAction, FaultResult};

const RUN: &str = r#"{"schema":"dateline/run/1","reproduce":"dateline test register --seed 7","version":"0.1.0",
"started":"2026-11-21T10:00:00Z","workload":"register","seed":7,"target":"local","regions":["a","b"],
"options":{"rate":50},"links":[{"from":"a","to":"b","delay_ms":1.5,"jitter_ms":0.25}]}"#;

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, RunFolder) {
    let place = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(place.path().join(name), text).unwrap();
    }
    let folder = RunFolder::at(place.path());
    (place, folder)
}

fn told(place: &tempfile::TempDir, error: &FolderError) -> String {
    error
        .to_string()
        .replace(&place.path().display().to_string(), "RUN")
}

#[test]
fn the_first_version_still_loads() {
    let (_place, folder) = folder(&[("run.json", RUN)]);
    let run = folder.run().unwrap();
    assert_eq!(
        (run.seed, run.regions.len(), run.links[0].delay_ms),
        (7, 2, 1.5)
    );
}

#[test]
fn an_unfinished_run_is_readable_and_says_what_is_missing() {
    let timeline = concat!(
        r#"{"type":"phase","t":0,"name":"set-up"}"#,
        "\n",
        r#"{"type":"fault","t":9,"begun":7,"id":1,"fault":"kill","action":"start","what":"kill a","regions":["a"],"result":"installed","why":null}"#,
        "\n",
        r#"{"type":"fau"#
    );
    let (_place, folder) = folder(&[("run.json", RUN), ("timeline.jsonl", timeline)]);
    let read = folder.timeline().unwrap();
    assert_eq!(read.cut_line, Some(3));
    assert_eq!(read.moments.len(), 2);
    let Moment::Fault { action, result, .. } = &read.moments[1] else {
        panic!("a fault")
    };
    assert_eq!(
        (*action, *result),
        (FaultAction::Start, FaultResult::Installed)
    );
    assert!(folder.results().unwrap().is_none());
    insta::assert_snapshot!(folder.missing().join("\n"), @r"
    results.json is missing: the run ended before it was judged; `dateline check` judges its history
    report.html is missing: `dateline report` writes it
    history.jsonl is missing: no operation was recorded
    ");
}

#[test]
fn messages_name_file_line_field_and_what_to_do() {
    let (place, nothing) = folder(&[]);
    insta::assert_snapshot!(told(&place, &nothing.run().unwrap_err()), @"RUN/run.json: no such file; is this a run folder? `dateline list runs` names those that are");

    let (place, newer) = folder(&[("run.json", r#"{"schema":"dateline/run/2"}"#)]);
    insta::assert_snapshot!(told(&place, &newer.run().unwrap_err()), @"RUN/run.json: field `schema` is `dateline/run/2`, this version reads `dateline/run/1`; use the version of Dateline that wrote the run (run.json names it in `version`)");

    let (place, lacking) = folder(&[("run.json", &RUN.replace("\"seed\":7,", ""))]);
    insta::assert_snapshot!(told(&place, &lacking.run().unwrap_err()), @"RUN/run.json:3: missing field `seed`; docs/run-folder.md names the fields; restore the file or run again");

    let (place, broken) = folder(&[(
        "timeline.jsonl",
        "{\"type\":\"phase\",\"name\":\"heal\"}\n{}",
    )]);
    insta::assert_snapshot!(told(&place, &broken.timeline().unwrap_err()), @"RUN/timeline.jsonl:1: missing field `t`; each line is one moment as in docs/run-folder.md; restore the file or remove the line");
}
