//! Carries out what the workload asks for: one task per slot, one operation in flight each, every attempt recorded.
//!
//! After an outcome that nobody knows, the slot goes on as a new process (old number + number of slots), because the old one may
//! still be at work: it never acts again. This is Jepsen's rule. A slot waits for the moment that its workload names and never
//! catches up by hurrying: in a test of correctness the pauses between operations matter, the rate does not.

use std::sync::{Arc, Mutex, PoisonError};

use checker::history::{EventKind, Key, Op, Phase, ProcessId, RegionId, Reply, Strength};
use tokio::task::JoinSet;
use workloads::{
    demand::Demand,
    workload::{Step, Workload},
};

use crate::{
    client::{Client, Forgery, Padding, errors, outcome_of},
    journal::Journal,
    nemesis::Clients,
    stop::Stop,
};

/// How often a final read is asked again when it brought no answer. Each attempt is recorded.
const FINAL_READ_ATTEMPTS: usize = 5;

/// Why a run with a budget stops.
pub(crate) const BUDGET_SPENT: &str = "the budget of operations is spent";

/// How many final reads a region answers at a time.
const FINAL_READERS: usize = 4;

/// The slots of one run, with what they share.
pub(crate) struct Interpreter {
    workload: Arc<Mutex<Box<dyn Workload>>>,
    journal: Arc<Journal>,
    stop: Stop,
    slots: Vec<SlotState>,
    /// Operations after which no new work begins.
    budget: u64,
}

/// What a slot keeps between operations.
struct SlotState {
    number: usize,
    /// How many slots there are: the step from one process to its successor.
    step: u32,
    region: RegionId,
    process: ProcessId,
    client: Client,
    journal: Arc<Journal>,
}

impl Interpreter {
    /// One slot for each that the workload wants; `client_of` opens nothing yet.
    pub(crate) fn new(
        workload: Box<dyn Workload>,
        journal: Arc<Journal>,
        stop: Stop,
        mut client_of: impl FnMut(RegionId) -> Client,
    ) -> Self {
        let wanted = workload.slots().to_vec();
        let step = number_of(wanted.len());
        let workload = Arc::new(Mutex::new(workload));
        let sized = workload.clone();
        let padding: Padding = Arc::new(move |key| locked(&sized).padding_bytes(key));
        let slots = wanted
            .iter()
            .enumerate()
            .map(|(number, slot)| SlotState {
                number,
                step,
                region: slot.region,
                process: ProcessId(number_of(number)),
                client: client_of(slot.region).padded(padding.clone()),
                journal: journal.clone(),
            })
            .collect();
        Self {
            workload,
            journal,
            stop,
            slots,
            budget: u64::MAX,
        }
    }

    /// No new work after so many operations.
    pub(crate) fn limit(&mut self, budget: u64) {
        self.budget = budget;
    }

    /// Runs every slot until `until_ns` or until the run is told to stop; returns when the last operation has ended.
    pub(crate) async fn work(&mut self, until_ns: u64) {
        let mut tasks = JoinSet::new();
        for slot in self.slots.drain(..) {
            tasks.spawn(work(
                slot,
                self.workload.clone(),
                self.stop.clone(),
                until_ns,
                self.budget,
            ));
        }
        self.slots = tasks.join_all().await;
        self.slots.sort_by_key(|slot| slot.number);
    }

    /// Reads every key of the workload in every region, strongly, and lets each slot do what it does last. Returns how much of it brought no answer.
    pub(crate) async fn final_reads(&mut self) -> u64 {
        let mut tasks = JoinSet::new();
        for (slot, ops) in self.final_work() {
            tasks.spawn(do_all(slot, ops, self.stop.clone()));
        }
        let mut missing = 0;
        for (slot, unanswered) in tasks.join_all().await {
            missing += unanswered;
            self.slots.push(slot);
        }
        self.slots.sort_by_key(|slot| slot.number);
        self.journal.flush();
        missing
    }

    /// The workload, for whoever does what it asks for beside its operations.
    pub(crate) fn workload(&self) -> Arc<Mutex<Box<dyn Workload>>> {
        self.workload.clone()
    }

    /// Until when the store does things by itself, in the time of the run; 0 if it does not.
    pub(crate) fn rests_ns(&self) -> u64 {
        locked(&self.workload).rests_ns()
    }

    /// Records what the store may do by itself since work was ended in the midst of something.
    pub(crate) fn foretell_rest(&mut self) {
        let unsettled = locked(&self.workload).unsettled();
        for op in unsettled {
            let slot = self.slots.first_mut().expect("a workload has slots");
            slot.foretell(&op);
        }
    }

    /// Records as done what the store has done by itself.
    pub(crate) fn keep_promises(&mut self) {
        let mut regions = Vec::new();
        for slot in &mut self.slots {
            if regions.contains(&slot.region) {
                continue;
            }
            regions.push(slot.region);
            for op in locked(&self.workload).promised(slot.region) {
                slot.record(EventKind::Invoke(op), Phase::Main);
                slot.record(EventKind::Ok(Reply::Done { old: None }), Phase::Main);
            }
        }
    }

    /// All slots with what each does at the end: the first few of every region share its reads.
    fn final_work(&mut self) -> Vec<(SlotState, Vec<Op>)> {
        let workload = locked(&self.workload);
        let keys = workload.final_reads();
        let regions: Vec<RegionId> = self.slots.iter().map(|slot| slot.region).collect();
        let of_region = |region, slots: &[RegionId]| slots.iter().filter(|r| **r == region).count();
        let work = self.slots.drain(..).enumerate().map(|(index, slot)| {
            let share = of_region(slot.region, &regions[..index]);
            let readers = of_region(slot.region, &regions).min(FINAL_READERS);
            let mine = keys.iter().skip(share).step_by(readers);
            let mine = mine.take(if share < readers { keys.len() } else { 0 });
            let is_here = |key: &Key| workload.is_final_in(*key, slot.region);
            let (here, away): (Vec<Key>, Vec<Key>) = mine.partition(|key| is_here(key));
            for key in away {
                slot.record(EventKind::Invoke(strong_read(key)), Phase::Final);
                slot.record(outcome_of(errors::NO_REPLICA), Phase::Final);
            }
            let reads = here.into_iter().map(strong_read);
            let ops = reads.chain(workload.last(slot.number)).collect();
            (slot, ops)
        });
        work.collect()
    }

    /// Where everything is recorded.
    pub(crate) fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// The clients, for whoever tells them to do something differently.
    pub(crate) fn crowd(&self, forgery: Option<Arc<Forgery>>) -> Crowd {
        Crowd {
            workload: self.workload.clone(),
            journal: self.journal.clone(),
            forgery,
        }
    }

    /// The checks that judge this workload.
    pub(crate) fn checks(&self) -> &'static [&'static str] {
        locked(&self.workload).checks()
    }
}

/// All clients of a run.
pub(crate) struct Crowd {
    workload: Arc<Mutex<Box<dyn Workload>>>,
    journal: Arc<Journal>,
    forgery: Option<Arc<Forgery>>,
}

impl Clients for Crowd {
    fn demand(&self, demand: Demand) -> usize {
        locked(&self.workload).demand(demand)
    }

    fn begun_count(&self) -> u64 {
        self.journal.counts().invoked
    }

    fn forgery(&self) -> Option<&Forgery> {
        self.forgery.as_deref()
    }
}

impl SlotState {
    /// One attempt, recorded at both ends.
    async fn attempt(&mut self, op: &Op, phase: Phase) -> EventKind {
        self.record(EventKind::Invoke(op.clone()), phase);
        let outcome = self.client.attempt(op).await;
        self.end(outcome, phase)
    }

    /// What the store will do by itself, recorded at both ends: from now on it may have been done.
    fn foretell(&mut self, op: &Op) -> EventKind {
        self.record(EventKind::Invoke(op.clone()), Phase::Main);
        self.end(outcome_of(errors::FORETOLD), Phase::Main)
    }

    fn end(&mut self, outcome: EventKind, phase: Phase) -> EventKind {
        self.record(outcome.clone(), phase);
        if matches!(outcome, EventKind::Info { .. }) {
            let next = self.process.0.checked_add(self.step);
            self.process = ProcessId(next.expect("four billion processes outlast any run"));
        }
        outcome
    }

    fn record(&self, kind: EventKind, phase: Phase) {
        self.journal.record(self.process, self.region, phase, kind);
    }
}

async fn work(
    mut slot: SlotState,
    workload: Arc<Mutex<Box<dyn Workload>>>,
    stop: Stop,
    until_ns: u64,
    budget: u64,
) -> SlotState {
    loop {
        let now_ns = slot.journal.now_ns();
        let asked = next(&mut **locked(&workload), slot.number, now_ns);
        let Some((step, is_foretold)) = asked else {
            return slot;
        };
        if step.at_ns >= until_ns {
            wait(&slot.journal, until_ns, &stop).await;
            return slot;
        }
        wait(&slot.journal, step.at_ns, &stop).await;
        if budget != u64::MAX && slot.journal.counts().invoked >= budget {
            stop.set(BUDGET_SPENT);
        }
        if stop.is_set() {
            return slot;
        }
        let outcome = if is_foretold {
            slot.foretell(&step.op)
        } else {
            slot.attempt(&step.op, Phase::Main).await
        };
        locked(&workload).observe(slot.number, &step.op, &outcome);
    }
}

/// A client's next step, and whether it is the store that does it.
fn next(workload: &mut dyn Workload, slot: usize, now_ns: u64) -> Option<(Step, bool)> {
    let step = workload.next(slot, now_ns)?;
    let is_foretold = workload.foretells(&step.op);
    Some((step, is_foretold))
}

/// Waits until a moment of the run, or until the run is told to stop.
pub(crate) async fn wait(journal: &Journal, at_ns: u64, stop: &Stop) {
    if at_ns > journal.now_ns() {
        let instant = tokio::time::Instant::from_std(journal.instant(at_ns));
        tokio::select! {
            () = tokio::time::sleep_until(instant) => {}
            () = stop.wait() => {}
        }
    }
}

async fn do_all(mut slot: SlotState, ops: Vec<Op>, stop: Stop) -> (SlotState, u64) {
    let mut unanswered = 0;
    for op in ops {
        let mut is_answered = false;
        for _ in 0..FINAL_READ_ATTEMPTS {
            if stop.is_forced() {
                return (slot, unanswered + 1);
            }
            is_answered = matches!(slot.attempt(&op, Phase::Final).await, EventKind::Ok(_));
            if is_answered {
                break;
            }
        }
        unanswered += u64::from(!is_answered);
    }
    (slot, unanswered)
}

fn strong_read(key: Key) -> Op {
    let strength = Strength::Strong;
    Op::Read { key, strength }
}

fn number_of(count: usize) -> u32 {
    u32::try_from(count).expect("slots are few")
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
