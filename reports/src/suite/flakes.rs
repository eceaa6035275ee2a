//! Cells that end now so and now so, over many suites.
//!
//! A cell is the same here when workload, faults, seed and target are. Different outcomes *within one version* are a flake: nothing but chance
//! changed, and a seed does not pin down real processes. Different outcomes only *between* versions are a change of behaviour, told apart from flakes.
//! Cells that did not run say nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Cell, CellId, CellOutcome, SuiteResult};

/// A cell with different outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flake {
    /// Which one; its version is empty.
    pub id: CellId,
    /// Whether outcomes differ within one version.
    pub nature: Nature,
    /// The outcomes, in the order of the suites.
    pub seen: Vec<Seen>,
}

/// One outcome of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When its suite began.
    pub started: String,
    /// What was tested.
    pub version: String,
    /// What came of it.
    pub outcome: CellOutcome,
    /// The run folder, if there is one.
    pub folder: Option<String>,
}

/// Why outcomes differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nature {
    /// One version, different outcomes: chance.
    Flaky,
    /// Each version has one outcome: its behaviour changed.
    Changed,
}

/// The cells whose outcomes differ, flakes first. Suites are given in the order of time.
#[must_use]
pub fn flakes(suites: &[SuiteResult]) -> Vec<Flake> {
    let mut seen: BTreeMap<CellId, Vec<Seen>> = BTreeMap::new();
    for suite in suites {
        let ran = suite
            .cells
            .iter()
            .filter(|cell| cell.outcome != CellOutcome::NotRun);
        for cell in ran {
            let id = CellId {
                version: String::new(),
                ..cell.id.clone()
            };
            seen.entry(id).or_default().push(one(suite, cell));
        }
    }
    let mut flakes: Vec<Flake> = seen
        .into_iter()
        .filter_map(|(id, seen)| nature(&seen).map(|nature| Flake { id, nature, seen }))
        .collect();
    flakes.sort_by_key(|flake| flake.nature);
    flakes
}

fn one(suite: &SuiteResult, cell: &Cell) -> Seen {
    Seen {
        started: suite.started.clone(),
        version: cell.id.version.clone(),
        outcome: cell.outcome,
        folder: cell.folder.clone(),
    }
}

fn nature(seen: &[Seen]) -> Option<Nature> {
    let mut by_version: BTreeMap<&str, BTreeSet<CellOutcome>> = BTreeMap::new();
    for one in seen {
        by_version
            .entry(&one.version)
            .or_default()
            .insert(one.outcome);
    }
    let all: BTreeSet<CellOutcome> = seen.iter().map(|one| one.outcome).collect();
    if by_version.values().any(|outcomes| outcomes.len() > 1) {
        Some(Nature::Flaky)
    } else if all.len() > 1 {
        Some(Nature::Changed)
    } else {
        None
    }
}

/// The flakes as Markdown.
#[must_use]
pub fn markdown(flakes: &[Flake], suites: usize) -> String {
    use crate::markdown::escaped;
    let mut out = format!(
        "### Dateline: {} over {}\n",
        crate::words::counted(flakes.len() as u64, "unsteady cell"),
        crate::words::counted(suites as u64, "suite")
    );
    if flakes.is_empty() {
        return out;
    }
    out.push_str("\n| cell | | outcomes, oldest first |\n|---|---|---|\n");
    for flake in flakes {
        let nature = match flake.nature {
            Nature::Flaky => "**flaky**",
            Nature::Changed => "changed",
        };
        let id = &flake.id;
        let name = format!(
            "{}, {}, seed {}, {}",
            id.workload,
            id.faults_told(),
            id.seed,
            id.target
        );
        let seen = flake
            .seen
            .iter()
            .map(|one| format!("{} ({})", one.outcome.word(), one.version));
        let seen = seen.collect::<Vec<_>>().join(", ");
        out.push_str(&format!(
            "| {} | {nature} | {} |\n",
            escaped(&name),
            escaped(&seen)
        ));
    }
    out
}
