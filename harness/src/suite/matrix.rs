//! The cells of a `[[matrix]]`: tests.

use std::{path::PathBuf, time::Duration};

use reports::suite::CellId;
use toml::{Table, Value};

use super::{
    form::{LOCAL, MatrixForm, SuiteForm, THIS},
    plan::{CELLS_MAX, PlannedCell, Work},
};
use crate::{cli::TestFlags, run};

/// Settings that are not settings in a suite, and what they are instead.
const ELSEWHERE: [(&str, &str); 4] = [
    ("seed", "`seeds` of the matrix"),
    ("faults", "`faults` of the matrix"),
    ("defect", "`defects` of the matrix"),
    ("out", "`out` of the suite"),
];

/// What a test may take beside its time under faults and its time to settle.
const AROUND_A_TEST: Duration = Duration::from_secs(120);

/// The cells of a matrix: seeds change fastest, so that a night that ends early has seen every fault of a workload once.
pub(super) fn tests(form: &SuiteForm, matrix: &MatrixForm) -> Result<Vec<PlannedCell>, String> {
    let mut cells = Vec::new();
    for target in &matrix.targets {
        cells.extend(tests_of(form, matrix, target)?);
    }
    if cells.is_empty() {
        return Err(
            "it has no cell; `workloads`, `faults`, `seeds`, `targets` and `versions` each need an entry"
                .to_owned(),
        );
    }
    Ok(cells)
}

fn tests_of(
    form: &SuiteForm,
    matrix: &MatrixForm,
    target: &str,
) -> Result<Vec<PlannedCell>, String> {
    let settings = settings(form, matrix, target)?;
    let base: TestFlags = settings
        .clone()
        .try_into()
        .map_err(|error| format!("`settings`: {error}"))?;
    let mut cells = Vec::new();
    for version in &matrix.versions {
        let binary = binary(form, version)?;
        for workload in &matrix.workloads {
            let known = workloads::catalogue::WORKLOADS;
            let entry = workloads::catalogue::named(workload).ok_or_else(|| {
                let names: Vec<&str> = known.iter().map(|entry| entry.name).collect();
                format!(
                    "`workloads` {workload:?}: there is no such workload; there are {}",
                    names.join(", ")
                )
            })?;
            for faults in &matrix.faults {
                let names = faults_of(faults);
                for seed in seeds(&matrix.seeds)? {
                    let flags = TestFlags {
                        seed: Some(seed),
                        faults: Some(names.clone()),
                        defect: (!matrix.defects.is_empty()).then(|| matrix.defects.clone()),
                        ..base.clone()
                    };
                    let resolved = run::Settings::resolve(entry, flags, None)
                        .map_err(|error| error.to_string())?;
                    cells.push(PlannedCell {
                        id: id(workload, &names, seed, target, version, &matrix.defects),
                        work: Work::Test {
                            binary: binary.clone(),
                            settings: settings.clone(),
                            defects: matrix.defects.clone(),
                            limit: resolved.time_limit + resolved.settle_limit + AROUND_A_TEST,
                        },
                    });
                }
            }
        }
    }
    Ok(cells)
}

fn id(
    workload: &str,
    faults: &[String],
    seed: u64,
    target: &str,
    version: &str,
    defects: &[String],
) -> CellId {
    let version = match version {
        THIS => crate::VERSION,
        other => other,
    };
    let version = match defects {
        [] => version.to_owned(),
        defects => format!("{version}, with {}", defects.join(" and ")),
    };
    CellId {
        workload: workload.to_owned(),
        faults: told(faults),
        seed,
        target: target.to_owned(),
        version,
    }
}

/// `partition+kill`.
pub(super) fn faults_of(text: &str) -> Vec<String> {
    text.split('+').map(|name| name.trim().to_owned()).collect()
}

/// Faults as a cell names them.
pub(super) fn told(faults: &[String]) -> Vec<String> {
    let faults = faults.iter().filter(|name| *name != "none");
    faults.cloned().collect()
}

/// The settings of the suite, over them those of the target, and over these those of the matrix.
fn settings(form: &SuiteForm, matrix: &MatrixForm, target: &str) -> Result<Table, String> {
    let mut settings = form.settings.clone();
    match form.targets.get(target) {
        Some(of_target) => settings.extend(of_target.clone()),
        None if target == LOCAL => {}
        None => {
            let known: Vec<&str> = form.targets.keys().map(String::as_str).collect();
            return Err(format!(
                "`targets` {target:?}: there is no such target; there are {LOCAL} and those of [targets]: {}",
                known.join(", ")
            ));
        }
    }
    settings.extend(matrix.settings.clone());
    match ELSEWHERE
        .iter()
        .find(|(name, _)| settings.contains_key(*name))
    {
        Some((name, instead)) => Err(format!("`settings.{name}`: write {instead} instead")),
        None => Ok(settings),
    }
}

fn binary(form: &SuiteForm, version: &str) -> Result<Option<PathBuf>, String> {
    if version == THIS {
        return Ok(None);
    }
    let path = form.versions.get(version).ok_or_else(|| {
        let known: Vec<&str> = form.versions.keys().map(String::as_str).collect();
        format!(
            "`versions` {version:?}: there is no such version; there are {THIS} and those of [versions]: {}",
            known.join(", ")
        )
    })?;
    let path = PathBuf::from(path);
    if !path.is_file() {
        return Err(format!(
            "`versions.{version}` {}: there is no such file",
            path.display()
        ));
    }
    // A process is started elsewhere by an absolute path only.
    path.canonicalize()
        .map(Some)
        .map_err(|error| format!("`versions.{version}`: {error}"))
}

/// `[1, 2, 7]` or `"1..5"`, both ends among them.
pub(super) fn seeds(value: &Value) -> Result<Vec<u64>, String> {
    let wrong = || format!("`seeds` {value}: write a list such as [1, 2, 7], or \"1..5\"");
    let number = |value: &Value| value.as_integer().and_then(|seed| u64::try_from(seed).ok());
    if let Some(list) = value.as_array() {
        let seeds: Option<Vec<u64>> = list.iter().map(number).collect();
        return seeds.ok_or_else(wrong);
    }
    let ends = value.as_str().and_then(|text| text.split_once(".."));
    let end = |text: &str| text.trim().parse::<u64>().ok();
    let (first, last) = ends
        .and_then(|(first, last)| end(first).zip(end(last)))
        .filter(|(first, last)| first <= last && last - first < CELLS_MAX as u64)
        .ok_or_else(wrong)?;
    Ok((first..=last).collect())
}
