//! The line that runs a cell: as words for a process, and as one line for a person.

use std::{path::Path, time::Duration};

use toml::Value;

use super::plan::{PlannedCell, Work};
use crate::gate::{self, GateForm};

/// `test WORKLOAD`, and what tells this cell from others.
pub(super) fn of_test(planned: &PlannedCell, defects: &[String]) -> Vec<String> {
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
pub(super) fn of_gate(
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
        ("--runs", form.runs.map(|runs| runs.name().to_owned())),
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
        Work::Load { words, .. } => (own, words.clone()),
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
    gate::duration("budget", form.budget.as_deref())
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
    }
}
