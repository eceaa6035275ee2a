//! Every cell of a suite's file, resolved and checked before anything is run.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use reports::suite::CellId;
use toml::Table;

use super::{
    form::{LOCAL, SuiteForm, When},
    load::loads,
    matrix::tests,
};
use crate::{
    gate::{self, GateForm},
    store,
};

/// Most cells of one suite: a night has 86,400 seconds.
pub(super) const CELLS_MAX: usize = 10_000;

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
    /// `dateline load run`.
    Load {
        /// All words after the program's name, but where its run is kept.
        words: Vec<String>,
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
    for load in &form.load {
        let of_load = loads(load);
        cells.extend(of_load.map_err(|wrong| format!("load {:?}: {wrong}", load.name))?);
    }
    for gate in &form.gate {
        let settings = gate::Settings::resolve(gate);
        let settings = settings.map_err(|error| format!("gate {:?}: {error}", gate.name))?;
        cells.push(PlannedCell {
            id: CellId {
                workload: format!("gate {}", gate.name),
                faults: Vec::new(),
                seed: settings.seed,
                target: LOCAL.to_owned(),
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
            "it has {} cells; write 1 to {CELLS_MAX}, by [[matrix]], [[load]] and [[gate]]",
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

#[cfg(test)]
mod tests;
