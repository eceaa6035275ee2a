//! The cells of a `[[load]]`: `dateline load run` at one rate, judged by its goals.

use std::time::Duration;

use reports::suite::CellId;

use super::{
    form::{LOCAL, LoadForm},
    matrix::{faults_of, seeds, told},
    plan::{PlannedCell, Work},
};
use crate::cli;

/// What a load may take beside its warm-up and its measured time: regions start, items are written, operations end.
const AROUND_A_LOAD: Duration = Duration::from_secs(180);

/// Those of one load.
pub(super) fn loads(form: &LoadForm) -> Result<Vec<PlannedCell>, String> {
    let mut cells = Vec::new();
    for faults in &form.faults {
        for seed in seeds(&form.seeds)? {
            cells.push(cell(form, &faults_of(faults), seed)?);
        }
    }
    if cells.is_empty() {
        return Err("it has no cell; `faults` and `seeds` each need an entry".to_owned());
    }
    Ok(cells)
}

fn cell(form: &LoadForm, faults: &[String], seed: u64) -> Result<PlannedCell, String> {
    let own = [
        form.workload.clone(),
        "--seed".to_owned(),
        seed.to_string(),
        "--faults".to_owned(),
        faults.join(","),
    ];
    let words: Vec<String> = own.into_iter().chain(form.arguments.clone()).collect();
    let settings = cli::load_settings(&words)?;
    Ok(PlannedCell {
        id: CellId {
            workload: format!("load {}", form.name),
            faults: told(faults),
            seed,
            target: match settings.elsewhere {
                None => LOCAL.to_owned(),
                Some(_) => settings.regions.join("+"),
            },
            version: crate::VERSION.to_owned(),
        },
        work: Work::Load {
            words: ["load".to_owned(), "run".to_owned()]
                .into_iter()
                .chain(words)
                .collect(),
            limit: settings.course.warm_up + settings.course.measured + AROUND_A_LOAD,
        },
    })
}
