//! A suite's file as it is written: TOML, every key checked, nothing resolved.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use toml::Table;

use crate::gate::GateForm;

/// `FILE.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SuiteForm {
    /// What the suite is called.
    pub(super) name: String,
    /// No cell is begun later than this.
    pub(super) time_budget: Option<String>,
    /// Tests that run at once; gates run alone.
    pub(super) parallel: Option<usize>,
    /// The folder that holds all runs.
    pub(super) out: Option<String>,
    /// A line for `sh -c`, told when the suite has ended.
    pub(super) notify: Option<String>,
    /// When to notify.
    #[serde(default)]
    pub(super) notify_when: When,
    /// Other versions of Dateline: what they are called, and where the binary is.
    #[serde(default)]
    pub(super) versions: BTreeMap<String, String>,
    /// Settings of every test, as in `dateline test --set`.
    #[serde(default)]
    pub(super) settings: Table,
    /// What can be tested beside local regions: what it is called, and its settings.
    #[serde(default)]
    pub(super) targets: BTreeMap<String, Table>,
    /// Tests: every workload with all faults, seeds, targets, versions.
    #[serde(default)]
    pub(super) matrix: Vec<MatrixForm>,
    /// Loads.
    #[serde(default)]
    pub(super) load: Vec<LoadForm>,
    /// Gates.
    #[serde(default)]
    pub(super) gate: Vec<GateForm>,
}

/// When somebody is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum When {
    /// At the end of every suite.
    #[default]
    Always,
    /// Only when something has to be looked at.
    Trouble,
}

/// One `[[matrix]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct MatrixForm {
    /// Names of `dateline list workloads`.
    pub(super) workloads: Vec<String>,
    /// Packages of `dateline list faults`, joined by `+`; `none`.
    pub(super) faults: Vec<String>,
    /// A list, or `"1..5"`.
    pub(super) seeds: toml::Value,
    /// `this`, or a name of `[versions]`.
    #[serde(default = "this")]
    pub(super) versions: Vec<String>,
    /// `local`, or a name of `[targets]`.
    #[serde(default = "local")]
    pub(super) targets: Vec<String>,
    /// Planted faults, in every cell of this matrix.
    #[serde(default)]
    pub(super) defects: Vec<String>,
    /// Settings of these tests, over those of the whole suite.
    #[serde(default)]
    pub(super) settings: Table,
}

/// What this binary is called among the versions.
pub(super) const THIS: &str = "this";

fn this() -> Vec<String> {
    vec![THIS.to_owned()]
}

/// What regions that the suite starts itself are called among the targets.
pub(super) const LOCAL: &str = "local";

fn local() -> Vec<String> {
    vec![LOCAL.to_owned()]
}

/// One `[[load]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LoadForm {
    /// What to call it.
    pub(super) name: String,
    /// One of `dateline load run`.
    pub(super) workload: String,
    /// Further words of `dateline load run`: rate, time, goals.
    #[serde(default)]
    pub(super) arguments: Vec<String>,
    /// As of a matrix.
    pub(super) faults: Vec<String>,
    /// A list, or `"1..5"`.
    pub(super) seeds: toml::Value,
}

impl SuiteForm {
    /// Reads the file. The message names the line and the key, and for an unknown key those that there are.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}; name a suite's TOML file", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}
