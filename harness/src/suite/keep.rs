//! A suite's folder: `<out>/suites/<name>/<UTC time>/`, with `suite.json` written again after every cell.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use reports::{
    html,
    run_folder::{FolderError, write_atomically},
    suite::{SuiteResult, junit, markdown},
};

use super::Plan;
use crate::store::{self, StoreError};

/// The folder.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    path: PathBuf,
}

impl Keep {
    /// A new one.
    pub(crate) fn create(plan: &Plan) -> Result<Self, StoreError> {
        let family = format!("suites/{}", plan.name);
        let path = store::create_beside(&plan.out, &family, Timestamp::now())?;
        Ok(Self { path })
    }

    /// The newest one of this suite, with what it holds.
    pub(crate) fn latest(plan: &Plan) -> Result<(Self, SuiteResult), String> {
        let family = plan.out.join("suites").join(&plan.name);
        let path = fs::canonicalize(family.join("latest")).map_err(|error| {
            format!(
                "{}: {error}; there is no suite {} to resume, run it without --resume",
                family.display(),
                plan.name
            )
        })?;
        // The link is resolved, so that a suite that begins meanwhile changes nothing; the name stays as the user knows it.
        let path = family.join(path.file_name().unwrap_or_default());
        let suite =
            SuiteResult::read(&path.join("suite.json")).map_err(|error| error.to_string())?;
        Ok((Self { path }, suite))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `suite.json`.
    pub(super) fn save(&self, suite: &SuiteResult) -> Result<(), FolderError> {
        let text = serde_json::to_string_pretty(suite).expect("a suite is plain data");
        write_atomically(&self.path.join("suite.json"), text.as_bytes())
    }

    /// Writes the pages.
    pub(super) fn publish(&self, suite: &SuiteResult) -> Result<(), FolderError> {
        let put =
            |name: &str, text: String| write_atomically(&self.path.join(name), text.as_bytes());
        put("suite.html", html::suite::page(suite))?;
        put("suite.md", markdown::markdown(suite, None))?;
        put("junit.xml", junit::junit(suite))
    }
}

/// All suites of this name, oldest first.
pub(crate) fn suites_of(plan: &Plan) -> Result<Vec<SuiteResult>, String> {
    let family = plan.out.join("suites").join(&plan.name);
    let entries = fs::read_dir(&family)
        .map_err(|error| format!("{}: {error}; no suite has run yet", family.display()))?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path().join("suite.json"))
        .filter(|path| path.is_file())
        .collect();
    folders.sort();
    let suites = folders.iter().map(|path| SuiteResult::read(path));
    let suites: Result<Vec<_>, _> = suites.collect();
    suites.map_err(|error| error.to_string())
}
