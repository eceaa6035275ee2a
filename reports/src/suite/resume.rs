//! Which cells are still to run, from what an earlier suite has left.

use std::collections::BTreeMap;

use super::{Cell, CellId, CellOutcome, SuiteResult};

/// Which cells of an earlier suite are run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Those that did not run: the suite was killed, or out of time.
    Unfinished,
    /// Those, and those whose outcome somebody would have to look at.
    Failed,
}

/// The cells of the plan that are to run, in its order. A cell that the earlier suite did not have is to run; one that the plan no longer has is not.
#[must_use]
pub fn still_to_run(plan: &[CellId], earlier: &SuiteResult, again: Again) -> Vec<CellId> {
    let outcomes: BTreeMap<&CellId, CellOutcome> = earlier
        .cells
        .iter()
        .map(|cell| (&cell.id, cell.outcome))
        .collect();
    let is_due = |id: &&CellId| match (outcomes.get(id), again) {
        (None | Some(CellOutcome::NotRun), _) => true,
        (Some(outcome), Again::Failed) => !outcome.is_good(),
        (Some(_), Again::Unfinished) => false,
    };
    plan.iter().filter(is_due).cloned().collect()
}

/// The cells of the plan, each with its newest outcome: from `newer`, else from `earlier`, else not run.
#[must_use]
pub fn joined(
    plan: &[CellId],
    earlier: &[Cell],
    newer: &[Cell],
    reproduce: impl Fn(&CellId) -> String,
) -> Vec<Cell> {
    let known: BTreeMap<&CellId, &Cell> = earlier
        .iter()
        .chain(newer)
        .map(|cell| (&cell.id, cell))
        .collect();
    let cell = |id: &CellId| match known.get(id) {
        Some(cell) => (*cell).clone(),
        None => Cell {
            id: id.clone(),
            outcome: CellOutcome::NotRun,
            told: "the suite ended before it".to_owned(),
            folder: None,
            reproduce: reproduce(id),
            duration_ms: 0,
        },
    };
    plan.iter().map(cell).collect()
}
