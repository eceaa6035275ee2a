//! Run folders of tests and loads side by side, as the command reads them.

use reports::{
    compare::{CompareError, Incomparable, Subject, compare},
    load_summary::LoadSummary,
    run_folder::{FolderError, RunFolder, write_atomically},
};

use crate::synthetic;

#[test]
fn a_finished_and_a_killed_test_run_are_compared() {
    let place = tempfile::tempdir().unwrap();
    let killed = synthetic::write_folder(place.path());
    let (results, _) = synthetic::finished();
    let b = Subject::of_folder("killed", &killed).unwrap();
    let a = Subject::of_results("finished", &results);
    let compared = compare(&[a, b], Incomparable::Refuse).unwrap();
    let rates = compared
        .figures
        .iter()
        .filter(|figure| figure.name.ends_with(" rate"));
    assert_eq!(rates.clone().count(), 3);
    for rate in rates {
        assert_eq!(rate.ratio, Some(1.0), "{}", rate.sentence);
        let noise = rate.within_run_noise.unwrap();
        assert!(noise.low < 1.0 && 1.0 < noise.high, "{noise:?}");
    }
    let lag = compared
        .figures
        .iter()
        .find(|figure| figure.name.starts_with("lag"));
    assert!(lag.is_some_and(|figure| figure.values.iter().all(Option::is_some)));
}

#[test]
fn another_rate_is_refused_by_name() {
    let (results, _) = synthetic::finished();
    let a = Subject::of_results("a", &results);
    let mut b = a.clone();
    b.run.options.insert("rate".into(), 240.into());
    let refused = compare(&[a, b], Incomparable::Refuse).unwrap_err();
    assert!(matches!(refused, CompareError::Incomparable { .. }));
    assert!(
        refused.to_string().contains("option rate is 120 and 240"),
        "{refused}"
    );
}

#[test]
fn a_summary_of_another_version_or_damaged_is_told() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(place.path());
    assert_eq!(folder.load_summary().unwrap(), None::<LoadSummary>);
    let path = place.path().join("summary.json");
    write_atomically(&path, br#"{"schema": "dateline/load/7"}"#).unwrap();
    assert!(matches!(
        folder.load_summary().unwrap_err(),
        FolderError::Schema { .. }
    ));
    write_atomically(&path, br#"{"schema": "dateline/load/1"}"#).unwrap();
    let told = folder.load_summary().unwrap_err().to_string();
    assert!(told.contains("missing field `run`"), "{told}");
    write_atomically(&place.path().join("series.csv"), b"a,b\n").unwrap();
    let told = folder.seconds().unwrap_err().to_string();
    assert!(told.contains("series.csv:1:"), "{told}");
}
