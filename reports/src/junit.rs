//! `junit.xml` for the test pages of build servers: one suite per run, one case per check.
//!
//! A violation is a failure, a check that cannot tell is skipped, a harness failure is an error of a case of its own.

use checker::verdict::{CheckResult, Outcome};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::{results::Results, words};

/// The file's text.
#[must_use]
pub fn junit(results: &Results) -> String {
    let mut suite = TestSuite::new(format!(
        "{} seed {}",
        results.run.workload, results.run.seed
    ));
    suite.add_test_cases(
        results
            .verdict
            .checks
            .iter()
            .map(|check| case(results, check)),
    );
    if results.verdict.checks.is_empty() && results.verdict.outcome == Outcome::Unknown {
        let mut status = TestCaseStatus::skipped();
        status.set_message(
            results
                .verdict
                .reason
                .clone()
                .unwrap_or_else(|| "no check ran".to_owned()),
        );
        suite.add_test_case(TestCase::new("verdict", status));
    }
    if let Some(failure) = &results.harness_failure {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status
            .set_message(failure.clone())
            .set_type("harness-failure");
        status.set_description(format!("again: {}", results.run.reproduce));
        suite.add_test_case(TestCase::new("harness", status));
    }
    let mut report = Report::new("dateline");
    report.add_test_suite(suite);
    report
        .to_string()
        .expect("every string is written by quick-junit's own escaping")
}

fn case(results: &Results, check: &CheckResult) -> TestCase {
    let status = match check.outcome {
        Outcome::Valid => TestCaseStatus::success(),
        Outcome::Unknown => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(check.reason.clone().unwrap_or_default());
            status
        }
        Outcome::Invalid => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let first = check
                .violations
                .first()
                .map_or("", |violation| violation.summary.as_str());
            status.set_type("violation");
            status.set_message(format!(
                "{}: {first}",
                words::counted(check.violation_count, "violation")
            ));
            status.set_description(told(results, check));
            status
        }
    };
    let mut case = TestCase::new(check.check.clone(), status);
    case.set_classname(format!("dateline.{}", results.run.workload));
    case
}

fn told(results: &Results, check: &CheckResult) -> String {
    let mut out = format!("{}\n", check.property);
    for violation in &check.violations {
        out.push_str(&format!("\n{}\n", violation.summary));
        for operation in &violation.operations {
            let at = words::moment(operation.call_ns);
            out.push_str(&format!(
                "  {at} {} ({}), line {}\n",
                operation.text, operation.role, operation.line_invoke
            ));
        }
    }
    out.push_str(&format!("\nagain: {}\n", results.run.reproduce));
    out
}
