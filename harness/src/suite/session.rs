//! Runs the cells within the budget, and keeps `suite.json` after every one, so that a suite that was killed can be resumed.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use reports::{
    suite::{
        Cell, CellId, SuiteResult,
        resume::{Again, joined, still_to_run},
    },
    text,
};

use super::{
    Keep, Plan, cell,
    line::{self, gate_budget},
    notify,
    plan::{PlannedCell, Work},
};
use crate::{
    exit::{Ending, Failure},
    run::style,
    stop::Stop,
};

/// How a suite begins.
#[derive(Debug)]
pub(crate) enum Begin {
    /// Anew.
    New(Keep),
    /// With what an earlier one has left.
    Resume(Keep, SuiteResult, Again),
}

/// What all workers share.
struct Shared {
    plan: Plan,
    keep: Keep,
    stop: Stop,
    begun: Instant,
    state: Mutex<State>,
}

/// What changes as cells are run.
struct State {
    queue: VecDeque<usize>,
    suite: SuiteResult,
    /// Why a page could not be written.
    unsaved: Option<String>,
}

/// Runs a suite to its end.
pub(crate) fn run(plan: Plan, begin: Begin) -> Result<(Keep, SuiteResult, Ending), Failure> {
    // Children are forked by this thread, which lives to the end.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::harness)?;
    let shared = Arc::new(Shared::new(plan, begin));
    shared.lock().save(&shared.keep);
    runtime.block_on(all(&shared))?;
    let (suite, unsaved) = {
        let state = shared.lock();
        (state.suite.clone(), state.unsaved.clone())
    };
    shared.keep.publish(&suite).map_err(Failure::harness)?;
    if let Some(unsaved) = unsaved {
        return Err(Failure::Harness(unsaved));
    }
    let ending = suite.worst().ending();
    let ending = match notify::notify(&shared.plan, shared.keep.path(), &suite) {
        Ok(()) => ending,
        Err(told) => {
            eprintln!("harness failure: {told}");
            ending.max(Ending::HarnessFailure)
        }
    };
    Ok((shared.keep.clone(), suite, ending))
}

/// Tests side by side, then loads and gates, each alone: whatever runs beside one would be measured with it.
async fn all(shared: &Arc<Shared>) -> Result<(), Failure> {
    shared.stop.listen().map_err(Failure::harness)?;
    let measuring: VecDeque<usize> = {
        let mut state = shared.lock();
        let (tests, measuring) = state
            .queue
            .iter()
            .partition(|at| matches!(shared.plan.cells[**at].work, Work::Test { .. }));
        state.queue = tests;
        measuring
    };
    let workers: Vec<_> = (0..shared.plan.parallel)
        .map(|_| tokio::spawn(worker(shared.clone())))
        .collect();
    for worker in workers {
        worker.await.map_err(Failure::harness)?;
    }
    shared.lock().queue = measuring;
    worker(shared.clone()).await;
    Ok(())
}

async fn worker(shared: Arc<Shared>) {
    while let Some(at) = shared.next() {
        let planned = &shared.plan.cells[at];
        let budget = match &planned.work {
            Work::Gate(form) => gate_budget(form).into_iter().chain(shared.left()).min(),
            Work::Test { .. } | Work::Load { .. } => None,
        };
        let cell = cell::run(planned, at + 1, shared.keep.path(), budget, &shared.stop).await;
        eprint!("{}", text::suite::cell(&cell, style()));
        let mut state = shared.lock();
        state.suite.cells[at] = cell;
        state.save(&shared.keep);
    }
}

impl Shared {
    fn new(plan: Plan, begin: Begin) -> Self {
        let ids: Vec<CellId> = plan.cells.iter().map(|cell| cell.id.clone()).collect();
        let (keep, earlier, due) = match begin {
            Begin::New(keep) => (keep, None, ids.clone()),
            Begin::Resume(keep, earlier, again) => {
                let due = still_to_run(&ids, &earlier, again);
                (keep, Some(earlier), due)
            }
        };
        let due: BTreeSet<CellId> = due.into_iter().collect();
        let taken: Vec<Cell> = earlier
            .iter()
            .flat_map(|earlier| &earlier.cells)
            .filter(|cell| !due.contains(&cell.id))
            .cloned()
            .collect();
        let suite = SuiteResult {
            schema: SuiteResult::SCHEMA.to_owned(),
            name: plan.name.clone(),
            started: earlier.map_or_else(|| Timestamp::now().to_string(), |one| one.started),
            version: crate::VERSION.to_owned(),
            reproduce: format!("dateline suite {}", plan.file.display()),
            cells: joined(&ids, &taken, &[], |id| reproduce(&plan.cells, id)),
        };
        let queue = (0..ids.len()).filter(|at| due.contains(&ids[*at]));
        Self {
            state: Mutex::new(State {
                queue: queue.collect(),
                suite,
                unsaved: None,
            }),
            plan,
            keep,
            stop: Stop::new(),
            begun: Instant::now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nobody panics while the state is locked")
    }

    /// What is left of the budget.
    fn left(&self) -> Option<Duration> {
        let budget = self.plan.budget?;
        Some(budget.saturating_sub(self.begun.elapsed()))
    }

    /// The next cell; what is not begun says why.
    fn next(&self) -> Option<usize> {
        let mut state = self.lock();
        let is_spent = self.left().is_some_and(|left| left.is_zero());
        let why = match (self.stop.reason(), is_spent) {
            (Some(reason), _) => format!("the suite was {reason}"),
            (None, true) => "the time budget was spent".to_owned(),
            (None, false) => return state.queue.pop_front(),
        };
        let left: Vec<usize> = state.queue.drain(..).collect();
        for at in left {
            state.suite.cells[at].told.clone_from(&why);
        }
        state.save(&self.keep);
        None
    }
}

impl State {
    /// A full disk is told at the end; the cells go on, since their run folders may still be written.
    fn save(&mut self, keep: &Keep) {
        self.unsaved = keep.save(&self.suite).err().map(|error| error.to_string());
    }
}

fn reproduce(cells: &[PlannedCell], id: &CellId) -> String {
    let planned = cells.iter().find(|planned| planned.id == *id);
    planned.map(line::reproduce).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use reports::suite::CellOutcome;

    use super::*;

    const SUITE: &str = "name = \"s\"\n[[matrix]]\nworkloads = [\"register\"]\nfaults = [\"none\"]\nseeds = \"1..3\"\n";

    fn plan(folder: &std::path::Path) -> Plan {
        let path = folder.join("suite.toml");
        let text =
            format!("{SUITE}\n").replace("name", &format!("out = {:?}\nname", folder.join("out")));
        std::fs::write(&path, text).expect("writable");
        Plan::read(&path).expect("well formed")
    }

    #[test]
    fn a_suite_that_was_killed_goes_on_where_it_was() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let plan = plan(folder.path());
        let keep = Keep::create(&plan).expect("writable");
        let shared = Shared::new(plan.clone(), Begin::New(keep));
        let told = |shared: &Shared| -> Vec<CellOutcome> {
            let state = shared.lock();
            state.suite.cells.iter().map(|cell| cell.outcome).collect()
        };
        assert_eq!(told(&shared), [CellOutcome::NotRun; 3]);
        let at = shared.next().expect("nothing has run yet");
        {
            let mut state = shared.lock();
            state.suite.cells[at].outcome = CellOutcome::Invalid;
            state.save(&shared.keep);
        }
        // Here it is killed.
        for (again, left) in [
            (Again::Unfinished, vec![1, 2]),
            (Again::Failed, vec![0, 1, 2]),
        ] {
            let (keep, earlier) = Keep::latest(&plan).expect("it was saved");
            let resumed = Shared::new(plan.clone(), Begin::Resume(keep, earlier, again));
            assert_eq!(resumed.lock().queue, left);
            let first = told(&resumed)[0];
            assert_eq!(first == CellOutcome::Invalid, again == Again::Unfinished);
        }
    }

    #[test]
    fn nothing_is_begun_after_the_budget_or_a_wish_to_stop() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for (budget, reason, told) in [
            (Some(Duration::ZERO), None, "the time budget was spent"),
            (
                None,
                Some("stopped by Ctrl-C"),
                "the suite was stopped by Ctrl-C",
            ),
        ] {
            let plan = Plan {
                budget,
                ..plan(folder.path())
            };
            let keep = Keep::create(&plan).expect("writable");
            let shared = Shared::new(plan, Begin::New(keep));
            reason
                .into_iter()
                .for_each(|reason| shared.stop.set(reason));
            assert_eq!(shared.next(), None);
            let state = shared.lock();
            assert!(state.suite.cells.iter().all(|cell| cell.told == told));
            assert_eq!(state.suite.exit_code(), 2);
        }
    }
}
