//! One cell: `dateline test`, `dateline load` or `dateline gate` as a process, and what it left.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    line::{of_gate, of_test, reproduce},
    plan::{PlannedCell, Work},
};
use crate::{
    gate::{
        child::{self, Done, Order},
        measure::Ended,
    },
    load,
    stop::Stop,
    store,
};
use reports::{
    gate::Answer,
    load_summary::{LoadSummary, goal::GoalOutcome},
    results::{Ending, Results},
    run_folder::RunFolder,
    suite::{Cell, CellOutcome},
    summary::Summary,
};

/// The longest that a gate may take which has no budget.
const GATE_LIMIT: Duration = Duration::from_secs(6 * 3600);

/// What a gate may take beside its budget: a last round.
const AROUND_A_GATE: Duration = Duration::from_secs(3600);

/// What came of running a cell, before it is told as a [`Cell`].
struct Found {
    outcome: CellOutcome,
    told: String,
    folder: Option<PathBuf>,
    reproduce: Option<String>,
}

/// Runs one.
pub(super) async fn run(
    planned: &PlannedCell,
    number: usize,
    suite: &Path,
    budget: Option<Duration>,
    stop: &Stop,
) -> Cell {
    let begun = Instant::now();
    let folder = suite.join("cells").join(name(planned, number));
    let found = match act(planned, &folder, budget, stop).await {
        Ok(found) => found,
        Err(error) => Found {
            outcome: CellOutcome::HarnessFailure,
            told: error.to_string(),
            folder: None,
            reproduce: None,
        },
    };
    let folder = found.folder.unwrap_or(folder);
    let relative = folder.strip_prefix(suite).unwrap_or(&folder);
    Cell {
        id: planned.id.clone(),
        outcome: found.outcome,
        told: found.told,
        folder: Some(relative.to_string_lossy().into_owned()),
        reproduce: found.reproduce.unwrap_or_else(|| reproduce(planned)),
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// A folder's name: `007-register-partition+kill-seed7`.
fn name(planned: &PlannedCell, number: usize) -> String {
    let id = &planned.id;
    let faults = match id.faults.as_slice() {
        [] => String::new(),
        faults => format!("-{}", faults.join("+")),
    };
    let workload = id
        .workload
        .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    format!("{number:03}-{workload}{faults}-seed{}", id.seed)
}

async fn act(
    planned: &PlannedCell,
    folder: &Path,
    budget: Option<Duration>,
    stop: &Stop,
) -> io::Result<Found> {
    fs::create_dir_all(folder)?;
    let own = std::env::current_exe()?;
    let settings_file = folder.join("settings.toml");
    if let Work::Test { settings, .. } = &planned.work {
        fs::write(&settings_file, settings.to_string())?;
    }
    let (program, limit) = match &planned.work {
        Work::Test { binary, limit, .. } => (binary.as_ref().unwrap_or(&own), *limit),
        Work::Load { limit, .. } => (&own, *limit),
        Work::Gate(_) => (
            &own,
            budget.map_or(GATE_LIMIT, |budget| budget + AROUND_A_GATE),
        ),
    };
    let out = ["--out".to_owned(), folder.to_string_lossy().into_owned()];
    let quiet = ["--output".to_owned(), "quiet".to_owned()];
    let of_cell = match &planned.work {
        Work::Test { defects, .. } => {
            let set = [
                "--set".to_owned(),
                settings_file.to_string_lossy().into_owned(),
            ];
            of_test(planned, defects)
                .into_iter()
                .chain(set)
                .chain(out)
                .collect()
        }
        Work::Load { words, .. } => words.iter().cloned().chain(quiet).chain(out).collect(),
        Work::Gate(form) => of_gate(planned, form, budget, quiet.into_iter().chain(out)),
    };
    let program = program.to_string_lossy().into_owned();
    let words: Vec<String> = [program].into_iter().chain(of_cell).collect();
    // The folder may hold what an earlier attempt has left.
    let before: BTreeSet<PathBuf> = store::runs(folder)?.into_iter().collect();
    let latest_gate = folder.join("gate/latest");
    let gate_before = fs::read_link(&latest_gate).ok();
    let order = Order {
        words,
        folder: folder.to_owned(),
        environment: Vec::new(),
        limit,
        processor: None,
    };
    let done = child::run(&own, &order, stop).await?;
    let new_run = || -> io::Result<Option<PathBuf>> {
        let mut runs = store::runs(folder)?;
        runs.retain(|run| !before.contains(run));
        Ok(runs.pop())
    };
    Ok(match &planned.work {
        Work::Test { .. } => left_by_test(new_run()?, &done),
        Work::Load { .. } => left_by_load(new_run()?, &done),
        Work::Gate(_) => {
            let gate = fs::read_link(&latest_gate).ok();
            let gate = gate.filter(|gate| gate_before.as_ref() != Some(gate));
            left_by_gate(gate.map(|gate| folder.join("gate").join(gate)), &done)
        }
    })
}

fn left_by_test(run: Option<PathBuf>, done: &Done) -> Found {
    let results = run.as_ref().map(|run| {
        RunFolder::at(run)
            .results()
            .map_err(|error| error.to_string())
    });
    let (outcome, told, reproduce) = match results {
        Some(Ok(Some(results))) => judged(&results, done),
        Some(Err(error)) => (CellOutcome::HarnessFailure, error, None),
        Some(Ok(None)) | None => unjudged(done),
    };
    Found {
        outcome,
        told,
        folder: run,
        reproduce,
    }
}

fn judged(results: &Results, done: &Done) -> (CellOutcome, String, Option<String>) {
    let reproduce = Some(results.run.reproduce.clone());
    let (ending, sentence) = (results.ending(), Summary::of(results).sentence);
    match (ending, done.cost.ended) {
        // A violation is one, whatever else happened.
        (Ending::Invalid, _) => (CellOutcome::Invalid, sentence, reproduce),
        // What was judged is not the run that was planned.
        (Ending::Valid | Ending::Unknown | Ending::HarnessFailure, Ended::Stopped) => {
            let told = "the suite was stopped in the middle of it".to_owned();
            (CellOutcome::NotRun, told, reproduce)
        }
        (Ending::Valid | Ending::Unknown | Ending::HarnessFailure, Ended::TimedOut) => {
            (CellOutcome::HarnessFailure, trouble(done), reproduce)
        }
        (Ending::Valid, Ended::ByItself) => (CellOutcome::Valid, String::new(), reproduce),
        (Ending::Unknown | Ending::HarnessFailure, Ended::ByItself) => {
            (ending.into(), sentence, reproduce)
        }
    }
}

fn unjudged(done: &Done) -> (CellOutcome, String, Option<String>) {
    match done.cost.ended {
        Ended::Stopped => (
            CellOutcome::NotRun,
            "the suite was stopped in the middle of it".to_owned(),
            None,
        ),
        Ended::ByItself | Ended::TimedOut => (CellOutcome::HarnessFailure, trouble(done), None),
    }
}

fn left_by_load(run: Option<PathBuf>, done: &Done) -> Found {
    let summary = run.as_ref().map(|run| RunFolder::at(run).load_summary());
    let (outcome, told, reproduce) = match (summary, done.cost.ended) {
        (Some(Ok(Some(summary))), Ended::ByItself) => {
            let (outcome, told) = of_goals(&summary);
            (outcome, told, Some(summary.run.reproduce))
        }
        (Some(Err(error)), Ended::ByItself | Ended::TimedOut) => {
            (CellOutcome::HarnessFailure, error.to_string(), None)
        }
        (Some(_) | None, _) => unjudged(done),
    };
    Found {
        outcome,
        told,
        folder: run,
        reproduce,
    }
}

/// What a load's reads and goals come to.
fn of_goals(summary: &LoadSummary) -> (CellOutcome, String) {
    if load::is_corrupt(summary) {
        return (CellOutcome::Invalid, summary.warnings.join("; "));
    }
    let outcome = match load::ending(summary) {
        Ending::Valid => return (CellOutcome::Valid, String::new()),
        Ending::Invalid => CellOutcome::GoalMissed,
        Ending::Unknown => CellOutcome::Unknown,
        Ending::HarnessFailure => CellOutcome::HarnessFailure,
    };
    let goals = summary.goals.iter();
    let missed = goals.filter(|goal| goal.outcome != GoalOutcome::Kept);
    let missed: Vec<String> = missed
        .map(|goal| format!("{}: {}", goal.goal, goal.told))
        .collect();
    let told = match missed.as_slice() {
        [] => "no operation was answered".to_owned(),
        missed => missed.join("; "),
    };
    (outcome, told)
}

fn left_by_gate(folder: Option<PathBuf>, done: &Done) -> Found {
    let answer = folder
        .as_ref()
        .map(|folder| Answer::read(&folder.join("gate.json")));
    let (outcome, told, reproduce) = match (answer, done.cost.ended) {
        (Some(Ok(answer)), Ended::ByItself) => {
            let outcome = CellOutcome::from(answer.judgement);
            let told = if outcome.is_good() {
                String::new()
            } else {
                answer.sentence
            };
            (outcome, told, None)
        }
        (Some(_) | None, _) => unjudged(done),
    };
    Found {
        outcome,
        told,
        folder,
        reproduce,
    }
}

fn trouble(done: &Done) -> String {
    let told = done.trouble();
    told.unwrap_or_else(|| format!("it left no result; see {}", done.log.display()))
}

#[cfg(test)]
mod tests {
    use reports::suite::CellId;

    use super::*;
    use crate::gate::GateForm;

    #[test]
    fn folders_are_named_for_people() {
        let mut planned = PlannedCell {
            id: CellId {
                workload: "register".into(),
                faults: vec!["kill".into(), "clock".into()],
                seed: 7,
                target: "local".into(),
                version: "V".into(),
            },
            work: Work::Gate(GateForm::default()),
        };
        assert_eq!(name(&planned, 12), "012-register-kill+clock-seed7");
        planned.id.faults.clear();
        planned.id.workload = "gate the shell".into();
        assert_eq!(name(&planned, 7), "007-gate-the-shell-seed7");
    }
}
