//! `dateline list`: what there is.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use reports::run_folder::{FolderError, RunFolder};

use crate::{
    client::errors,
    exit::{Ending, Failure},
    load, nemesis,
    run::TARGETS,
    store,
};

/// `dateline list WHAT`.
#[derive(Debug, Args)]
pub(super) struct ListCommand {
    /// What to list
    what: What,

    /// The folder that holds the runs
    #[arg(long, value_name = "DIRECTORY", default_value = store::DEFAULT_OUT)]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Workloads,
    Targets,
    Checks,
    Faults,
    Defects,
    Errors,
    Runs,
}

impl ListCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let rows = match self.what {
            What::Workloads => workloads::catalogue::WORKLOADS
                .iter()
                .map(|entry| {
                    (
                        entry.name.to_owned(),
                        format!("{} (needs {})", entry.about, entry.needs),
                    )
                })
                .collect(),
            What::Targets => TARGETS
                .iter()
                .map(|(name, about)| ((*name).to_owned(), (*about).to_owned()))
                .collect(),
            What::Checks => checks(),
            What::Faults => nemesis::registry()
                .iter()
                .map(|package| {
                    (
                        package.name().to_owned(),
                        format!("{} (needs {:?})", package.about(), package.needs()),
                    )
                })
                .collect(),
            What::Defects => replica::defects::DEFECTS
                .iter()
                .map(|row| {
                    (
                        row.name.to_owned(),
                        format!("{} (check {})", row.breaks, row.check),
                    )
                })
                .collect(),
            What::Errors => errors(),
            What::Runs => runs(&self.out)?,
        };
        print!("{}", columns(&rows));
        Ok(Ending::Valid)
    }
}

/// Every check with what it needs and proves, then the sets of them.
fn checks() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for info in checker::registry() {
        rows.push((info.id.to_owned(), info.property.to_owned()));
        rows.push((String::new(), format!("needs: {}", info.needs)));
        rows.push((String::new(), format!("proves: {}", info.proves)));
    }
    for set in checker::expectations() {
        rows.push((format!("--expect {}", set.name), set.about.to_owned()));
        rows.push((String::new(), format!("allows: {}", set.allows)));
        rows.push((String::new(), format!("checks: {}", set.checks.join(", "))));
    }
    rows
}

fn errors() -> Vec<(String, String)> {
    let effect = |effect| match effect {
        errors::Effect::Definite => "did not happen",
        errors::Effect::Indefinite => "nobody knows",
    };
    errors::ERRORS
        .iter()
        .map(|row| {
            (
                row.code.to_owned(),
                format!("{:<15}{}", effect(row.effect), row.meaning),
            )
        })
        .collect()
}

fn runs(out: &std::path::Path) -> Result<Vec<(String, String)>, Failure> {
    let folders = store::runs(out).map_err(|error| {
        Failure::Usage(format!(
            "--out {}: {error}; name a folder that holds runs",
            out.display()
        ))
    })?;
    Ok(folders
        .into_iter()
        .map(|folder| {
            let state = state(&RunFolder::at(&folder)).unwrap_or_else(|error| error.to_string());
            (folder.display().to_string(), state)
        })
        .collect())
}

fn state(folder: &RunFolder) -> Result<String, FolderError> {
    if let Some(results) = folder.results()? {
        return Ok(reports::summary::ending_word(results.ending()).to_owned());
    }
    let Some(summary) = folder.load_summary()? else {
        return Ok("not judged".to_owned());
    };
    let word = reports::summary::ending_word(load::ending(&summary));
    let goals = reports::words::counted(summary.goals.len() as u64, "goal");
    Ok(format!("{word} (load, {goals})"))
}

fn columns(rows: &[(String, String)]) -> String {
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .map(|(name, about)| format!("{name:<width$}  {about}\n"))
        .collect()
}
