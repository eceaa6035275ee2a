//! The sentences that every face of the report begins with, said once.

use checker::verdict::{CheckResult, Outcome};

use crate::{
    results::{Ending, Results},
    run_folder::FaultResult,
    words,
};

/// What there is to say about a run before any table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// The verdict in one word or two, capitals: `INVALID`.
    pub word: &'static str,
    /// One sentence that says what that means here.
    pub sentence: String,
    /// What was run: workload, seed, target, regions, length, operations, faults.
    pub facts: Vec<(&'static str, String)>,
}

/// The verdict as a word, in capitals.
#[must_use]
pub fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Valid => "VALID",
        Ending::Invalid => "INVALID",
        Ending::Unknown => "UNKNOWN",
        Ending::HarnessFailure => "HARNESS FAILURE",
    }
}

/// An outcome as a word.
#[must_use]
pub fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Valid => "valid",
        Outcome::Unknown => "unknown",
        Outcome::Invalid => "invalid",
    }
}

/// What a check found, in a few words: `2 violations`, or why it cannot tell.
#[must_use]
pub fn finding(check: &CheckResult) -> String {
    match check.outcome {
        Outcome::Valid => String::new(),
        Outcome::Unknown => check
            .reason
            .clone()
            .unwrap_or_else(|| "no reason given".to_owned()),
        Outcome::Invalid => words::counted(check.violation_count, "violation"),
    }
}

/// The options with their defaults resolved, as text.
#[must_use]
pub fn option_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(values) => values
            .iter()
            .map(option_text)
            .collect::<Vec<_>>()
            .join(", "),
        serde_json::Value::Null => "none".to_owned(),
        serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Object(_) => value.to_string(),
    }
}

impl Summary {
    /// Says it.
    #[must_use]
    pub fn of(results: &Results) -> Self {
        let ending = results.ending();
        Self {
            ending,
            word: ending_word(ending),
            sentence: sentence(results),
            facts: facts(results),
        }
    }
}

fn names<'a>(checks: impl Iterator<Item = &'a CheckResult>) -> String {
    checks
        .map(|check| check.check.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn sentence(results: &Results) -> String {
    let checks = &results.verdict.checks;
    let with = |outcome| checks.iter().filter(move |check| check.outcome == outcome);
    let of = words::counted(checks.len() as u64, "check");
    let found = match results.verdict.outcome {
        Outcome::Valid => format!("{of} found nothing that the contract forbids"),
        Outcome::Invalid => format!(
            "{} of {of} found what the contract forbids: {}",
            with(Outcome::Invalid).count(),
            names(with(Outcome::Invalid)),
        ),
        Outcome::Unknown => match &results.verdict.reason {
            Some(reason) => format!("It cannot be told: {reason}"),
            None => format!(
                "{} of {of} cannot tell: {}; nothing forbidden was seen",
                with(Outcome::Unknown).count(),
                names(with(Outcome::Unknown)),
            ),
        },
    };
    match &results.harness_failure {
        Some(failure) => format!("The harness could not do its job: {failure}. {found}"),
        None => found,
    }
}

fn facts(results: &Results) -> Vec<(&'static str, String)> {
    let run = &results.run;
    let figures = &results.figures;
    let workload = figures
        .operations
        .iter()
        .filter(|row| row.kind.is_workload());
    let [ok, fail, info] = workload.fold([0, 0, 0], |sum, row| {
        [sum[0] + row.ok, sum[1] + row.fail, sum[2] + row.info]
    });
    vec![
        ("workload", run.workload.clone()),
        ("seed", run.seed.to_string()),
        ("target", run.target.clone()),
        ("regions", run.regions.join(", ")),
        ("length", words::duration(figures.duration_ns)),
        (
            "operations",
            format!(
                "{}: {} ok, {} fail, {} info",
                words::count(ok + fail + info),
                words::count(ok),
                words::count(fail),
                words::count(info)
            ),
        ),
        ("faults", fault_fact(results)),
    ]
}

/// `2 partition, 1 kill, 1 skipped`.
fn fault_fact(results: &Results) -> String {
    let mut kinds: Vec<(&str, u64)> = Vec::new();
    for fault in &results.figures.faults {
        let kind = match fault.result {
            FaultResult::Installed | FaultResult::Indeterminate => fault.fault.as_str(),
            FaultResult::Skipped => "skipped",
        };
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    if kinds.is_empty() {
        return "none".to_owned();
    }
    let told = kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
    told.collect::<Vec<_>>().join(", ")
}
