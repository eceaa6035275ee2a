//! Every cell of a suite's file, resolved and checked before anything is run.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use reports::suite::CellId;
use toml::{Table, Value};

use super::form::{MatrixForm, SuiteForm, THIS, When};
use crate::{
    cli::TestFlags,
    gate::{self, GateForm},
    run, store,
};

/// Settings that are not settings in a suite, and what they are instead.
const ELSEWHERE: [(&str, &str); 4] = [
    ("seed", "`seeds` of the matrix"),
    ("faults", "`faults` of the matrix"),
    ("defect", "`defects` of the matrix"),
    ("out", "`out` of the suite"),
];

/// Most cells of one suite: a night has 86,400 seconds.
const CELLS_MAX: usize = 10_000;

/// What a test may take beside its time under faults and its time to settle.
const AROUND_A_TEST: Duration = Duration::from_secs(120);

/// A suite, ready to be run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: String,
    /// The file, as the user named it.
    pub(crate) file: PathBuf,
    pub(crate) out: PathBuf,
    pub(super) budget: Option<Duration>,
    pub(super) parallel: usize,
    pub(super) notify: Option<String>,
    pub(super) notify_when: When,
    pub(super) cells: Vec<PlannedCell>,
}

/// One cell and how to run it.
#[derive(Clone, Debug)]
pub(super) struct PlannedCell {
    pub(super) id: CellId,
    pub(super) work: Work,
}

/// What a cell runs.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// `dateline test`.
    Test {
        /// Of this binary (`None`) or another one.
        binary: Option<PathBuf>,
        /// For `--set`.
        settings: Table,
        /// For `--defect`.
        defects: Vec<String>,
        /// The longest that it may take.
        limit: Duration,
    },
    /// `dateline gate`.
    Gate(GateForm),
}

impl Plan {
    /// Reads a suite's file and checks all of it.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let form = SuiteForm::read(path)?;
        resolve(path, form).map_err(|wrong| format!("{}: {wrong}", path.display()))
    }
}

fn resolve(path: &Path, form: SuiteForm) -> Result<Plan, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if form.name.is_empty() || form.name.starts_with('.') || !form.name.chars().all(is_plain) {
        return Err(format!(
            "`name` {:?}: it is a folder's name: letters, digits, hyphens",
            form.name
        ));
    }
    let parallel = form.parallel.unwrap_or(1);
    if !(1..=64).contains(&parallel) {
        return Err(format!("`parallel` {parallel}: it must be 1 to 64"));
    }
    let budget = gate::duration("time-budget", form.time_budget.as_deref());
    let budget = budget.map_err(|error| error.to_string())?;
    let mut cells = Vec::new();
    for (number, matrix) in form.matrix.iter().enumerate() {
        let of_matrix = tests(&form, matrix);
        cells.extend(of_matrix.map_err(|wrong| format!("matrix {}: {wrong}", number + 1))?);
    }
    for gate in &form.gate {
        let settings = gate::Settings::resolve(gate);
        let settings = settings.map_err(|error| format!("gate {:?}: {error}", gate.name))?;
        cells.push(PlannedCell {
            id: CellId {
                workload: format!("gate {}", gate.name),
                faults: Vec::new(),
                seed: settings.seed,
                target: "local".to_owned(),
                version: crate::VERSION.to_owned(),
            },
            work: Work::Gate(gate.clone()),
        });
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = cells.iter().find(|cell| !seen.insert(&cell.id)) {
        return Err(format!("the cell {} is there twice", twice.id.told()));
    }
    if cells.is_empty() || cells.len() > CELLS_MAX {
        return Err(format!(
            "it has {} cells; write 1 to {CELLS_MAX}, by [[matrix]] and [[gate]]",
            cells.len()
        ));
    }
    Ok(Plan {
        name: form.name,
        file: path.to_owned(),
        out: PathBuf::from(form.out.unwrap_or_else(|| store::DEFAULT_OUT.to_owned())),
        budget,
        parallel,
        notify: form.notify,
        notify_when: form.notify_when,
        cells,
    })
}

/// The cells of a matrix: seeds change fastest, so that a night that ends early has seen every fault of a workload once.
fn tests(form: &SuiteForm, matrix: &MatrixForm) -> Result<Vec<PlannedCell>, String> {
    let settings = settings(form, matrix)?;
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
                let names: Vec<String> = faults
                    .split('+')
                    .map(|name| name.trim().to_owned())
                    .collect();
                for seed in seeds(&matrix.seeds)? {
                    let flags = TestFlags {
                        seed: Some(seed),
                        faults: Some(names.clone()),
                        defect: Some(matrix.defects.clone()),
                        ..base.clone()
                    };
                    let resolved = run::Settings::resolve(entry, flags, None)
                        .map_err(|error| error.to_string())?;
                    cells.push(PlannedCell {
                        id: id(workload, &names, seed, version, &matrix.defects),
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
    if cells.is_empty() {
        return Err(
            "it has no cell; `workloads`, `faults`, `seeds` and `versions` each need an entry"
                .to_owned(),
        );
    }
    Ok(cells)
}

fn id(workload: &str, faults: &[String], seed: u64, version: &str, defects: &[String]) -> CellId {
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
        faults: faults
            .iter()
            .filter(|name| *name != "none")
            .cloned()
            .collect(),
        seed,
        target: "local".to_owned(),
        version,
    }
}

/// The settings of the suite, and over them those of the matrix.
fn settings(form: &SuiteForm, matrix: &MatrixForm) -> Result<Table, String> {
    let mut settings = form.settings.clone();
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
fn seeds(value: &Value) -> Result<Vec<u64>, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
name = "nightly"
time-budget = "20m"
[settings]
time-limit = 5
[[matrix]]
workloads = ["register"]
faults = ["none", "partition+kill"]
seeds = "1..2"
[[matrix]]
workloads = ["register"]
faults = ["none"]
seeds = [1]
defects = ["stale-strong-read"]
settings = { rate = 50 }
[[gate]]
name = "the shell"
base = "true"
candidate = "sh -c true"
"#;

    fn plan(text: &str) -> Result<Plan, String> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("suite.toml");
        std::fs::write(&path, text).expect("writable");
        Plan::read(&path)
    }

    #[test]
    fn every_cell_is_there_once() {
        let plan = plan(SOUND).expect("well formed");
        let told: Vec<String> = plan
            .cells
            .iter()
            .map(|cell| cell.id.told().replace(crate::VERSION, "V"))
            .collect();
        assert_eq!(
            told,
            [
                "register, no faults, seed 1, local, V",
                "register, no faults, seed 2, local, V",
                "register, partition+kill, seed 1, local, V",
                "register, partition+kill, seed 2, local, V",
                "register, no faults, seed 1, local, V, with stale-strong-read",
                "gate the shell, no faults, seed 0, local, V",
            ]
        );
        assert_eq!(plan.budget, Some(Duration::from_secs(1200)));
        let Work::Test {
            settings, limit, ..
        } = &plan.cells[4].work
        else {
            panic!("a test");
        };
        assert_eq!(settings.to_string(), "rate = 50\ntime-limit = 5\n");
        assert_eq!(*limit, Duration::from_secs(145));
    }

    #[test]
    fn the_examples_are_sound() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        for (file, cells) in [("nightly.toml", 14), ("planted.toml", 3)] {
            let plan = Plan::read(&examples.join(file)).expect(file);
            assert_eq!(plan.cells.len(), cells, "{file}");
        }
    }

    #[test]
    fn what_cannot_be_names_its_field() {
        let edits = [
            ("name = \"nightly\"", "name = \"../up\"", "`name`"),
            ("name = \"nightly\"", "", "missing field `name`"),
            ("time-budget", "time-bugdet", "unknown field `time-bugdet`"),
            ("\"20m\"", "\"soon\"", "`time-budget` \"soon\""),
            (
                "[\"register\"]\nfaults = [\"none\", ",
                "[\"registr\"]\nfaults = [\"none\", ",
                "matrix 1: `workloads` \"registr\"",
            ),
            (
                "partition+kill",
                "partition+earthquake",
                "matrix 1: --faults: there is no fault",
            ),
            ("\"1..2\"", "\"2..1\"", "matrix 1: `seeds` \"2..1\""),
            ("seeds = [1]", "seeds = [-1]", "matrix 2: `seeds`"),
            (
                "stale-strong-read",
                "earthquake",
                "matrix 2: --defect earthquake",
            ),
            (
                "rate = 50",
                "rte = 50",
                "matrix 2: `settings`: unknown field `rte`",
            ),
            ("rate = 50", "rate = 0", "matrix 2: --rate 0"),
            (
                "rate = 50",
                "seed = 7",
                "matrix 2: `settings.seed`: write `seeds`",
            ),
            ("seeds = [1]", "seeds = [1, 1]", "there twice"),
            ("seeds = [1]", "seeds = []", "matrix 2: it has no cell"),
            (
                "seeds = [1]",
                "seeds = [1]\nversions = [\"old\"]",
                "matrix 2: `versions` \"old\"",
            ),
            (
                "\"true\"",
                "\"no-such-program\"",
                "gate \"the shell\": `base`",
            ),
        ];
        for (sound, wrong, part) in edits {
            assert!(SOUND.contains(sound), "{sound}");
            let told = plan(&SOUND.replace(sound, wrong))
                .map(|_| ())
                .expect_err(part);
            assert!(told.contains(part), "no {part:?} in {told}");
        }
    }
}
