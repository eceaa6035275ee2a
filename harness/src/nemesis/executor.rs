//! Walks through a plan: each action at its time, verified, journalled; and in the end everything healed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use reports::run_folder::{FaultAction, FaultResult, Moment};

use super::{
    absence::Absences,
    habits::{Clients, Habits},
    hold::{Field, Outcome},
    packets::Unheard,
    plan::{Plan, Planned},
    storm::Storms,
};
use crate::{proxy::Network, target::Target};

/// How often a waiting executor asks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(20);
/// How often healing is tried before it is given up.
const HEALING_TRIES: usize = 3;
/// How often it is asked whether a stop that takes a while has taken hold.
const LATE_GLANCE: Duration = Duration::from_millis(200);
/// How long such a stop may take once everything else is healed.
const LATE_LIMIT: Duration = Duration::from_secs(45);

/// Does what a plan says to a target and its network. Shared: one thread runs it, another ends it.
pub(crate) struct Nemesis {
    field: Field,
    run_began: Instant,
    /// Starts whose stops have not taken hold, by number.
    pub(super) open: Mutex<BTreeMap<u64, Planned>>,
    /// Starts that could not be made yet, by number.
    waiting: Mutex<BTreeMap<u64, Waiting>>,
    /// Stops that are under way, by number: when each was begun, and what it waits for.
    late: Mutex<BTreeMap<u64, (u64, String)>>,
}

/// A start that is tried again until the fault would end.
struct Waiting {
    planned: Planned,
    /// When it was first tried.
    begun: u64,
    /// What it waits for.
    why: String,
}

impl Nemesis {
    /// One for this target. Moments are counted from when the run began, as in the history.
    pub(crate) fn new(
        target: Arc<dyn Target>,
        network: Arc<Network>,
        clients: Arc<dyn Clients>,
        run_began: Instant,
    ) -> Arc<Nemesis> {
        Arc::new(Nemesis {
            field: Field {
                target,
                network,
                storms: Storms::default(),
                unheard: Unheard::default(),
                absences: Absences::default(),
                clients,
                habits: Habits::default(),
            },
            run_began,
            open: Mutex::default(),
            waiting: Mutex::default(),
            late: Mutex::default(),
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
            self.wait(sink, &|| match stop() {
                true => Duration::ZERO,
                false => due.saturating_duration_since(Instant::now()),
            });
            if stop() {
                return;
            }
            match planned.action {
                FaultAction::Start => self.start(planned, sink),
                FaultAction::Stop => self.stop(planned, sink),
            }
        }
        self.give_up_waiting(sink);
        self.wait(sink, &|| match self.late().is_empty() || stop() {
            true => Duration::ZERO,
            false => GLANCE,
        });
    }

    /// Waits until no time is left, and asks meanwhile whether what is late has taken hold.
    fn wait(&self, sink: &mut dyn FnMut(Moment), left: &dyn Fn() -> Duration) {
        let mut asked = Instant::now();
        loop {
            let left = left();
            if left.is_zero() {
                return;
            }
            if asked.elapsed() >= LATE_GLANCE {
                self.start_waiting(sink);
                self.stop_late(sink);
                asked = Instant::now();
            }
            std::thread::sleep(GLANCE.min(left));
        }
    }

    /// Tries stops that are under way once more.
    fn stop_late(&self, sink: &mut dyn FnMut(Moment)) {
        let ids: Vec<u64> = self.late().keys().copied().collect();
        for id in ids {
            let planned = self.open().get(&id).cloned();
            self.stop(&planned.expect("what is late is open"), sink);
        }
    }

    /// Undoes every fault that is still open and takes every fault from every link. Says what could not be healed; the second time there is
    /// nothing left to do.
    pub(crate) fn heal_everything(&self, sink: &mut dyn FnMut(Moment)) -> Vec<String> {
        self.give_up_waiting(sink);
        for _ in 0..HEALING_TRIES {
            let mut left: Vec<Planned> = self.open().values().cloned().collect();
            left.reverse();
            for planned in &left {
                self.stop(planned, sink);
            }
        }
        let begun = Instant::now();
        self.wait(sink, &|| match self.late().is_empty() {
            true => Duration::ZERO,
            false => LATE_LIMIT.saturating_sub(begun.elapsed()),
        });
        self.give_up_late(sink);
        let processes = self.open();
        let mut unhealed: Vec<String> = processes
            .values()
            .map(|planned| format!("{} (fault {}, {})", planned.what, planned.id, planned.fault))
            .collect();
        unhealed.extend(self.field.heal_links());
        unhealed
    }

    /// What is late stays undone: that is journalled with the last reason.
    fn give_up_late(&self, sink: &mut dyn FnMut(Moment)) {
        let late = std::mem::take(&mut *self.late());
        for (id, (begun, why)) in late {
            let planned = self.open().get(&id).cloned();
            let planned = planned.expect("what is late is open");
            let outcome = Outcome::Indeterminate(why);
            sink(self.moment(&planned, FaultAction::Stop, begun, outcome));
        }
    }

    fn start(&self, planned: &Planned, sink: &mut dyn FnMut(Moment)) {
        self.try_to_start(planned, (self.now(), None), sink);
    }

    /// Starts it, or lets it wait; `before` is what it has waited for.
    fn try_to_start(
        &self,
        planned: &Planned,
        (begun, before): (u64, Option<String>),
        sink: &mut dyn FnMut(Moment),
    ) {
        // Open before it is tried: an attempt that fails half-way has to be undone as well.
        self.open().insert(planned.id, planned.clone());
        let outcome = match (self.field.begin(&planned.deed, &holder(planned)), before) {
            (Outcome::NotYet(why), _) => {
                self.open().remove(&planned.id);
                let planned = planned.clone();
                let waiting = Waiting {
                    begun,
                    why,
                    planned,
                };
                self.waiting().insert(waiting.planned.id, waiting);
                return;
            }
            (Outcome::Installed, Some(before)) => {
                Outcome::InstalledBut(format!("it began late: before, {before}"))
            }
            (outcome, _) => outcome,
        };
        if matches!(outcome, Outcome::Skipped(_)) {
            self.open().remove(&planned.id);
        }
        sink(self.moment(planned, FaultAction::Start, begun, outcome));
    }

    /// Tries starts that wait once more, as soon as what they wait for may have passed.
    fn start_waiting(&self, sink: &mut dyn FnMut(Moment)) {
        let ids: Vec<u64> = self.waiting().keys().copied().collect();
        for id in ids {
            let waiting = self.waiting().remove(&id).expect("it waited just now");
            match self.field.is_ready(&waiting.planned.deed) {
                Ok(()) => {
                    let since = (waiting.begun, Some(waiting.why));
                    self.try_to_start(&waiting.planned, since, sink);
                }
                Err(why) => drop(self.waiting().insert(id, Waiting { why, ..waiting })),
            }
        }
    }

    /// What has waited in vain is skipped: that is journalled with the last reason.
    fn give_up_waiting(&self, sink: &mut dyn FnMut(Moment)) {
        let waiting = std::mem::take(&mut *self.waiting());
        for waiting in waiting.into_values() {
            sink(self.skipped(waiting));
        }
    }

    fn skipped(&self, waiting: Waiting) -> Moment {
        let outcome = Outcome::Skipped(waiting.why);
        self.moment(&waiting.planned, FaultAction::Start, waiting.begun, outcome)
    }

    fn stop(&self, planned: &Planned, sink: &mut dyn FnMut(Moment)) {
        let waited = self.waiting().remove(&planned.id);
        if let Some(waiting) = waited {
            sink(self.skipped(waiting));
        }
        let begun = self.late().remove(&planned.id);
        let begun = begun.map_or_else(|| self.now(), |(begun, _)| begun);
        let outcome = if self.open().contains_key(&planned.id) {
            self.field.end(&planned.deed, &holder(planned))
        } else {
            Outcome::Skipped("it was not active".to_owned())
        };
        match outcome {
            Outcome::NotYet(why) => {
                self.late().insert(planned.id, (begun, why));
                return;
            }
            Outcome::Indeterminate(_) => {}
            Outcome::Installed | Outcome::InstalledBut(_) | Outcome::Skipped(_) => {
                self.open().remove(&planned.id);
            }
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
            Outcome::Indeterminate(why) | Outcome::NotYet(why) => {
                (FaultResult::Indeterminate, Some(why))
            }
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

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, Waiting>> {
        self.waiting.lock().expect("no holder of this lock panics")
    }

    fn late(&self) -> MutexGuard<'_, BTreeMap<u64, (u64, String)>> {
        self.late.lock().expect("no holder of this lock panics")
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Planned>> {
        self.open.lock().expect("no holder of this lock panics")
    }
}

fn holder(planned: &Planned) -> String {
    format!("fault {}", planned.id)
}
