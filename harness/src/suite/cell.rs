//! One cell: `dateline test` or `dateline gate` as a process, and what it left.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use reports::{
    gate::Answer,
    results::{Ending, Results},
    run_folder::RunFolder,
    suite::{Cell, CellOutcome},
    summary::Summary,
};
use toml::Value;

use super::plan::{PlannedCell, Work};
use crate::{
    gate::{
        GateForm,
        child::{self, Done, Order},
        measure::Ended,
    },
    stop::Stop,
    store,
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
        Work::Gate(_) => (
            &own,
            budget.map_or(GATE_LIMIT, |budget| budget + AROUND_A_GATE),
        ),
    };
    let out = ["--out".to_owned(), folder.to_string_lossy().into_owned()];
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
        Work::Gate(form) => {
            let quiet = ["--output".to_owned(), "quiet".to_owned()];
            of_gate(planned, form, budget, quiet.into_iter().chain(out))
        }
    };
    let program = program.to_string_lossy().into_owned();
    let words: Vec<String> = [program].into_iter().chain(of_cell).collect();
    let before: BTreeSet<PathBuf> = store::runs(folder)?.into_iter().collect();
    let order = Order {
        words,
        folder: folder.to_owned(),
        environment: Vec::new(),
        limit,
    };
    let done = child::run(&own, &order, stop).await?;
    Ok(match &planned.work {
        Work::Test { .. } => {
            let mut runs = store::runs(folder)?;
            runs.retain(|run| !before.contains(run));
            left_by_test(runs.pop(), &done)
        }
        Work::Gate(_) => left_by_gate(&folder.join("gate/latest"), &done),
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

fn left_by_gate(folder: &Path, done: &Done) -> Found {
    // The link is resolved, so that what is told stays true when the cell is run again.
    let folder = fs::canonicalize(folder)
        .ok()
        .and_then(|real| Some(folder.parent()?.join(real.file_name()?)));
    let answer = folder
        .as_ref()
        .map(|folder| Answer::read(&folder.join("gate.json")));
    let (outcome, told) = match (answer, done.cost.ended) {
        (_, Ended::Stopped) => {
            let told = "the suite was stopped in the middle of it".to_owned();
            (CellOutcome::NotRun, told)
        }
        (Some(Ok(answer)), Ended::ByItself) => {
            let outcome = CellOutcome::from(answer.judgement);
            let is_good = outcome.is_good();
            (
                outcome,
                if is_good {
                    String::new()
                } else {
                    answer.sentence
                },
            )
        }
        (Some(Ok(_) | Err(_)) | None, Ended::ByItself | Ended::TimedOut) => {
            (CellOutcome::HarnessFailure, trouble(done))
        }
    };
    Found {
        outcome,
        told,
        folder,
        reproduce: None,
    }
}

fn trouble(done: &Done) -> String {
    let told = done.trouble();
    told.unwrap_or_else(|| format!("it left no result; see {}", done.log.display()))
}

/// `test WORKLOAD`, and what tells this cell from others.
fn of_test(planned: &PlannedCell, defects: &[String]) -> Vec<String> {
    let id = &planned.id;
    let faults = match id.faults.as_slice() {
        [] => "none".to_owned(),
        faults => faults.join(","),
    };
    let mut words = vec!["test".to_owned(), id.workload.clone()];
    words.extend(["--seed".to_owned(), id.seed.to_string()]);
    words.extend(["--faults".to_owned(), faults]);
    if !defects.is_empty() {
        words.extend(["--defect".to_owned(), defects.join(",")]);
    }
    words
}

/// `gate BASE CANDIDATE` with its flags and `more`, and the commands' own arguments last.
fn of_gate(
    planned: &PlannedCell,
    form: &GateForm,
    budget: Option<Duration>,
    more: impl Iterator<Item = String>,
) -> Vec<String> {
    let metrics = (!form.metrics.is_empty()).then(|| form.metrics.join(","));
    let flags = [
        ("--metric", metrics),
        ("--tolerate", form.tolerate.clone()),
        ("--rounds", form.rounds.clone()),
        ("--run-limit", form.run_limit.clone()),
        (
            "--budget",
            budget.map(|budget| format!("{}s", budget.as_secs().max(1))),
        ),
        ("--seed", Some(planned.id.seed.to_string())),
    ];
    let mut words = vec!["gate".to_owned(), form.base.clone(), form.candidate.clone()];
    for (flag, value) in flags {
        words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    words.extend(more);
    if !form.arguments.is_empty() {
        words.push("--".to_owned());
        words.extend(form.arguments.iter().cloned());
    }
    words
}

/// One line that runs the cell again, when the run itself has not left one.
pub(super) fn reproduce(planned: &PlannedCell) -> String {
    let own = Path::new("dateline");
    let (program, words) = match &planned.work {
        Work::Test {
            binary,
            settings,
            defects,
            ..
        } => {
            let mut words = of_test(planned, defects);
            words.extend(
                settings
                    .iter()
                    .flat_map(|(name, value)| [format!("--{name}"), as_flag(value)]),
            );
            (binary.as_deref().unwrap_or(own), words)
        }
        Work::Gate(form) => {
            let budget = gate_budget(form);
            (own, of_gate(planned, form, budget, std::iter::empty()))
        }
    };
    let program = program.to_string_lossy();
    let words = words.iter().map(|word| quoted(word));
    let words = [quoted(&program)].into_iter().chain(words);
    words.collect::<Vec<_>>().join(" ")
}

/// A setting's value as its flag takes it. Links as data have no flag: the suite's file has them.
fn as_flag(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(as_flag).collect::<Vec<_>>().join(","),
        Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Table(_) => value.to_string(),
    }
}

/// The gate's own budget; it was checked when the plan was read.
pub(super) fn gate_budget(form: &GateForm) -> Option<Duration> {
    crate::gate::duration("budget", form.budget.as_deref())
        .ok()
        .flatten()
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.,/=+%:@".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use reports::suite::CellId;

    use super::*;

    #[test]
    fn a_gate_is_repeated_by_one_line() {
        let form = GateForm {
            name: "the shell".into(),
            base: "true".into(),
            candidate: "sh -c 'exit 0'".into(),
            arguments: vec!["a b".into()],
            metrics: vec!["cpu_us".into(), "wall_ms".into()],
            budget: Some("1m".into()),
            ..GateForm::default()
        };
        let planned = PlannedCell {
            id: CellId {
                workload: "gate the shell".into(),
                faults: Vec::new(),
                seed: 7,
                target: "local".into(),
                version: "V".into(),
            },
            work: Work::Gate(form),
        };
        assert_eq!(
            reproduce(&planned),
            r"dateline gate true 'sh -c '\''exit 0'\''' --metric cpu_us,wall_ms --budget 60s --seed 7 -- 'a b'"
        );
        assert_eq!(name(&planned, 7), "007-gate-the-shell-seed7");
    }

    #[test]
    fn a_test_that_did_not_run_is_repeated_by_flags() {
        let settings: toml::Table = "regions = ['a', 'b']\nrtt-scale = 0.5\ntime-limit = 2"
            .parse()
            .expect("it is TOML");
        let planned = PlannedCell {
            id: CellId {
                workload: "register".into(),
                faults: vec!["kill".into(), "clock".into()],
                seed: 7,
                target: "local".into(),
                version: "V".into(),
            },
            work: Work::Test {
                binary: None,
                settings,
                defects: vec!["lww-by-arrival".into()],
                limit: Duration::from_secs(1),
            },
        };
        assert_eq!(
            reproduce(&planned),
            "dateline test register --seed 7 --faults kill,clock --defect lww-by-arrival --regions a,b --rtt-scale 0.5 --time-limit 2"
        );
        assert_eq!(name(&planned, 12), "012-register-kill+clock-seed7");
    }
}
