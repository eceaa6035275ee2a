//! Walks through a plan: each action at its time, verified, journalled; and in the end everything healed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use reports::run_folder::{FaultAction, FaultResult, Moment};

use super::{
    hold::{Field, Outcome},
    plan::{Plan, Planned},
    storm::Storms,
};
use crate::{proxy::Network, target::Target};

/// How often a waiting executor asks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(20);
/// How often healing is tried before it is given up.
const HEALING_TRIES: usize = 3;

/// Does what a plan says to a target and its network. Shared: one thread runs it, another ends it.
pub(crate) struct Nemesis {
    field: Field,
    run_began: Instant,
    /// Starts whose stops have not taken hold, by number.
    pub(super) open: Mutex<BTreeMap<u64, Planned>>,
}

impl Nemesis {
    /// One for this target. Moments are counted from when the run began, as in the history.
    pub(crate) fn new(
        target: Arc<dyn Target>,
        network: Arc<Network>,
        run_began: Instant,
    ) -> Arc<Nemesis> {
        Arc::new(Nemesis {
            field: Field {
                target,
                network,
                storms: Storms::default(),
            },
            run_began,
            open: Mutex::default(),
        })
    }

    /// [`Nemesis::run`] on a thread of its own.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(crate) fn spawn(
        self: &Arc<Nemesis>,
        plan: Plan,
        mut sink: impl FnMut(Moment) + Send + 'static,
        stop: impl Fn() -> bool + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let nemesis = Arc::clone(self);
        std::thread::Builder::new()
            .name("nemesis".to_owned())
            .spawn(move || nemesis.run(&plan, &mut sink, &stop))
    }

    /// Does every action of the plan at its time, counted from now, until the last or until `stop` says so. What is still open then
    /// is for [`Nemesis::heal_everything`].
    pub(crate) fn run(&self, plan: &Plan, sink: &mut dyn FnMut(Moment), stop: &dyn Fn() -> bool) {
        let began = Instant::now();
        for planned in &plan.actions {
            let due = began + Duration::from_millis(planned.at_ms);
            while Instant::now() < due && !stop() {
                std::thread::sleep(GLANCE.min(due.saturating_duration_since(Instant::now())));
            }
            if stop() {
                return;
            }
            match planned.action {
                FaultAction::Start => self.start(planned, sink),
                FaultAction::Stop => self.stop(planned, sink),
            }
        }
    }

    /// Undoes every fault that is still open and takes every fault from every link. Says what could not be healed; the second time there is
    /// nothing left to do.
    pub(crate) fn heal_everything(&self, sink: &mut dyn FnMut(Moment)) -> Vec<String> {
        for _ in 0..HEALING_TRIES {
            let mut left: Vec<Planned> = self.open().values().cloned().collect();
            left.reverse();
            for planned in &left {
                self.stop(planned, sink);
            }
        }
        let processes = self.open();
        let mut unhealed: Vec<String> = processes
            .values()
            .map(|planned| format!("{} (fault {}, {})", planned.what, planned.id, planned.fault))
            .collect();
        unhealed.extend(self.field.heal_links());
        unhealed
    }

    fn start(&self, planned: &Planned, sink: &mut dyn FnMut(Moment)) {
        let begun = self.now();
        // Open before it is tried: an attempt that fails half-way has to be undone as well.
        self.open().insert(planned.id, planned.clone());
        let outcome = self.field.begin(&planned.deed, &holder(planned));
        if matches!(outcome, Outcome::Skipped(_)) {
            self.open().remove(&planned.id);
        }
        sink(self.moment(planned, FaultAction::Start, begun, outcome));
    }

    fn stop(&self, planned: &Planned, sink: &mut dyn FnMut(Moment)) {
        let begun = self.now();
        let outcome = if self.open().contains_key(&planned.id) {
            self.field.end(&planned.deed, &holder(planned))
        } else {
            Outcome::Skipped("it was not active".to_owned())
        };
        if !matches!(outcome, Outcome::Indeterminate(_)) {
            self.open().remove(&planned.id);
        }
        sink(self.moment(planned, FaultAction::Stop, begun, outcome));
    }

    fn moment(
        &self,
        planned: &Planned,
        action: FaultAction,
        begun: u64,
        outcome: Outcome,
    ) -> Moment {
        let (result, why) = match outcome {
            Outcome::Installed => (FaultResult::Installed, None),
            Outcome::InstalledBut(why) => (FaultResult::Installed, Some(why)),
            Outcome::Skipped(why) => (FaultResult::Skipped, Some(why)),
            Outcome::Indeterminate(why) => (FaultResult::Indeterminate, Some(why)),
        };
        let names = self.field.target.regions();
        Moment::Fault {
            t: self.now(),
            begun,
            id: planned.id,
            fault: planned.fault.clone(),
            action,
            what: planned.what.clone(),
            regions: planned
                .regions
                .iter()
                .map(|&region| names[region].clone())
                .collect(),
            result,
            why,
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.run_began.elapsed().as_nanos()).expect("a run ends within 584 years")
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Planned>> {
        self.open.lock().expect("no holder of this lock panics")
    }
}

fn holder(planned: &Planned) -> String {
    format!("fault {}", planned.id)
}
