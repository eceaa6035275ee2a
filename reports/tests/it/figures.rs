//! The figures of the made-up run are what was made up, and a cut run gives what is there.

use std::{fs, path::Path};

use reports::{
    figures::{Figures, Kind},
    html,
    results::{Ending, Results},
    run_folder::write_atomically,
};

use crate::synthetic;

fn row(figures: &Figures, region: &str, kind: Kind) -> reports::figures::OperationFigures {
    let found = figures
        .operations
        .iter()
        .find(|row| row.region == region && row.kind == kind);
    found.expect("each region wrote").clone()
}

#[test]
fn counts_faults_phases_and_lag_are_those_made_up() {
    let (results, examination) = synthetic::finished();
    let figures = &results.figures;
    let [asia, america, europe] =
        synthetic::REGIONS.map(|region| row(figures, region, Kind::Write));
    assert_eq!((asia.fail, asia.info), (0, 0));
    assert!(
        america.errors["timeout"] > 0 && america.fail == 0,
        "{america:?}"
    );
    assert_eq!(europe.errors["connection-refused"], europe.fail);
    assert_eq!(figures.phases.len(), 7);
    assert_eq!(figures.faults.len(), 6);
    assert_eq!(figures.measured_from_ns, 5_000_000_000);
    assert_eq!(figures.lag.len(), 6);
    let isolated = figures
        .lag
        .iter()
        .find(|lag| lag.from == "us-east-1" && lag.to == "eu-west-1")
        .unwrap();
    // Written just after the partition began, readable when it ended: 10.5 s and the link's 10 ms.
    assert!(
        isolated.upper.max_ns.abs_diff(10_520_000_000) < 30_000_000,
        "{isolated:?}"
    );
    assert!(
        isolated.lower.max_ns.abs_diff(10_500_000_000) < 30_000_000,
        "{isolated:?}"
    );
    assert!(isolated.upper.p50_ns < 40_000_000, "{isolated:?}");
    let drawn: u64 = examination
        .sample
        .regions
        .iter()
        .map(|region| region.of)
        .sum();
    let counted: u64 = figures
        .operations
        .iter()
        .filter(|row| row.kind.is_workload())
        .map(|row| row.ok + row.fail + row.info)
        .sum();
    let in_series: u64 = figures
        .series
        .iter()
        .flat_map(|s| &s.points)
        .map(|p| p.ok + p.fail + p.info)
        .sum();
    assert_eq!((drawn, in_series), (counted, counted));
    assert_eq!(examination.missing.len(), 2);
}

#[test]
fn a_killed_run_is_examined_as_far_as_it_goes() {
    let place = tempfile::tempdir().unwrap();
    let folder = synthetic::write_folder(place.path());
    for name in ["history.jsonl", "timeline.jsonl"] {
        let whole = fs::read(place.path().join(name)).unwrap();
        // In the middle of a line, about half way.
        let half = whole.len() / 2;
        let end = half
            + whole[half..]
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap()
            - 5;
        fs::write(place.path().join(name), &whole[..end]).unwrap();
    }
    let examination = folder.examine().unwrap();
    assert_eq!(examination.missing.len(), 4, "{:?}", examination.missing);
    let results = Results::unfinished(&examination);
    assert_eq!(
        (results.ending(), results.warnings.len()),
        (Ending::Unknown, 3)
    );
    let page = html::report(&results, &examination.sample);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unfinished.html");
    write_atomically(&kept, page.as_bytes()).unwrap();
    let open: u64 = examination
        .figures
        .operations
        .iter()
        .map(|row| row.open)
        .sum();
    assert!(open > 0, "operations in flight at the cut are open");
    assert!(examination.figures.duration_ns < 40_000_000_000);
    let never_healed = examination
        .figures
        .faults
        .iter()
        .filter(|fault| fault.end_ns.is_none());
    assert!(never_healed.count() <= 2);
}
