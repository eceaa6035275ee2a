//! `junit.xml` of a suite: a test suite per workload, a case per cell.
//!
//! A violation and a slowdown are failures, a harness failure is an error, what cannot be told or did not run is skipped.

use std::{collections::BTreeMap, time::Duration};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Cell, CellOutcome, SuiteResult};

/// The file's text.
#[must_use]
pub fn junit(suite: &SuiteResult) -> String {
    let mut workloads: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for cell in &suite.cells {
        let workload = cell.id.workload.as_str();
        workloads
            .entry(workload)
            .or_insert_with(|| TestSuite::new(workload))
            .add_test_case(case(cell));
    }
    let mut report = Report::new(suite.name.clone());
    report.add_test_suites(workloads.into_values());
    report
        .to_string()
        .expect("every string is written by quick-junit's own escaping")
}

fn case(cell: &Cell) -> TestCase {
    let non_success = |kind, name: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(name).set_message(cell.told.clone());
        let folder = cell
            .folder
            .as_ref()
            .map_or_else(String::new, |folder| format!("run folder: {folder}\n"));
        status.set_description(format!("{}\n{folder}again: {}", cell.told, cell.reproduce));
        status
    };
    let status = match cell.outcome {
        CellOutcome::Valid | CellOutcome::GatePassed => TestCaseStatus::success(),
        CellOutcome::GateCannotTell | CellOutcome::Unknown | CellOutcome::NotRun => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {}", cell.outcome.word(), cell.told));
            status
        }
        CellOutcome::HarnessFailure => non_success(NonSuccessKind::Error, "harness-failure"),
        CellOutcome::GoalMissed => non_success(NonSuccessKind::Failure, "goal-missed"),
        CellOutcome::GateFailed => non_success(NonSuccessKind::Failure, "slower"),
        CellOutcome::Invalid => non_success(NonSuccessKind::Failure, "violation"),
    };
    let id = &cell.id;
    let name = format!(
        "{}, seed {}, {}, {}",
        id.faults_told(),
        id.seed,
        id.target,
        id.version
    );
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("dateline.{}", id.workload));
    case.set_time(Duration::from_millis(cell.duration_ms));
    case
}
