//! The core in its shell: one lock, one step at a time, and whatever each step asks for is carried out before the next.
//!
//! ```text
//!  HTTP task ── request ──┐                        ┌── reply ──> HTTP task
//!  HTTP task ── called ───┤    ┌──────────────┐    ├── answer ─> HTTP task
//!  link task ── answered ─┼──> │ Core::step   │ ───┼── call ───> link task
//!  timer ────── tick ─────┤    └──────────────┘    ├── commit ─> commit thread
//!  commit thread ─ durable┘     under one lock     └── wake ───> timer
//! ```
//!
//! Whoever brings an input runs the step on its own thread: a read costs no hop between threads. Effects leave under the lock, so that batches
//! reach the commit queue in the order of their numbers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::clock::Clock;
use super::commits::CommitQueue;
use super::disk::Disk;
use super::failure::Poison;
use super::peers::{LinkQueue, Outgoing};
use super::timer::Wake;
use crate::core::{
    ApiError, CallId, CallToken, Core, Effect, Effects, ErrorKind, Input, Region, Request,
    RequestId, Response, Status,
};
use crate::store::DiskStore;

/// The answer to a client.
pub(crate) type Answer = Result<Response, ApiError>;

/// The core and everything it acts on.
#[derive(Debug)]
pub(crate) struct Shell {
    state: Mutex<State>,
    pub(crate) store: DiskStore,
    pub(crate) clock: Clock,
    pub(crate) disk: Disk,
    pub(crate) commits: CommitQueue,
    pub(crate) wake: Wake,
    pub(crate) poison: Poison,
    links: BTreeMap<Region, LinkQueue>,
}

/// What the lock guards.
#[derive(Debug)]
struct State {
    core: Core,
    last_id: u64,
    clients: HashMap<RequestId, oneshot::Sender<Answer>>,
    callers: HashMap<CallToken, oneshot::Sender<Vec<u8>>>,
    /// Kept to reuse its memory; empty between steps.
    effects: Effects,
    /// Calls that found no room on their link; the core is told at the end of the step. Empty between steps.
    refused: Vec<(CallId, Region)>,
}

/// Whether an answer is there at once.
#[derive(Debug)]
pub(crate) enum Pending<T> {
    /// It is; `None` when the replica is poisoned and will never answer.
    Now(Option<T>),
    /// It comes when something is durable; never, when the replica is poisoned first.
    Later(oneshot::Receiver<T>),
}

impl Shell {
    /// Puts an opened core into its shell, and carries out what it asked for at opening.
    pub(crate) fn new(
        core: Core,
        opening: Effects,
        store: DiskStore,
        (clock, disk): (Clock, Disk),
        links: BTreeMap<Region, LinkQueue>,
    ) -> Self {
        let state = State {
            core,
            last_id: 0,
            clients: HashMap::new(),
            callers: HashMap::new(),
            effects: opening,
            refused: Vec::new(),
        };
        let shell = Self {
            state: Mutex::new(state),
            store,
            clock,
            disk,
            commits: CommitQueue::default(),
            wake: Wake::default(),
            poison: Poison::default(),
            links,
        };
        shell.carry_out(&mut shell.lock());
        shell
    }

    /// Asks the core for a client.
    pub(crate) fn request(&self, request: Request) -> Pending<Answer> {
        let (tx, rx) = oneshot::channel();
        let mut state = self.lock();
        let id = RequestId(state.next_id());
        state.clients.insert(id, tx);
        self.step(&mut state, Input::Request { id, request });
        drop(state);
        Pending::of(rx)
    }

    /// Hands the core a peer's call.
    pub(crate) fn called(&self, body: Vec<u8>) -> Pending<Vec<u8>> {
        let (tx, rx) = oneshot::channel();
        let mut state = self.lock();
        let token = CallToken(state.next_id());
        state.callers.insert(token, tx);
        self.step(&mut state, Input::Called { token, body });
        drop(state);
        Pending::of(rx)
    }

    /// Tells the core that something happened which nobody waits for.
    pub(crate) fn tell(&self, input: Input) {
        self.step(&mut self.lock(), input);
    }

    /// What the core shows of itself.
    pub(crate) fn status(&self) -> Status {
        let now = self.clock.now();
        self.lock().core.status(now)
    }

    /// Poisons the replica and lets go of everybody who waits for a commit.
    pub(crate) fn fail(&self, reason: &str) {
        self.poison.set(reason);
        let mut state = self.lock();
        state.clients.clear();
        state.callers.clear();
    }

    fn step(&self, state: &mut State, input: Input) {
        if self.poison.reason().is_some() {
            // Nothing that the core could say now may be shown to anybody.
            state.clients.clear();
            state.callers.clear();
            return;
        }
        let mut next = Some(input);
        while let Some(input) = next {
            let State { core, effects, .. } = state;
            core.step(self.clock.now(), input, &self.store, effects);
            self.carry_out(state);
            next = state.refused.pop().map(|(id, from)| {
                let result = Err("too many calls wait for this link".to_owned());
                Input::Answered { id, from, result }
            });
        }
    }

    fn carry_out(&self, state: &mut State) {
        let mut effects = std::mem::take(&mut state.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Reply { to, result } => {
                    let client = state.clients.remove(&to);
                    // The client may have gone; the request is carried out all the same.
                    let _ = client.expect("each request is answered once").send(result);
                }
                Effect::Commit(batch) => self.commits.push(batch),
                Effect::Call {
                    to,
                    id,
                    body,
                    deadline_ms,
                } => {
                    let link = self
                        .links
                        .get(&to)
                        .expect("the core calls configured peers only");
                    if !link.push(Outgoing::new(id, body, deadline_ms)) {
                        state.refused.push((id, to));
                    }
                }
                Effect::Answer { to, body } => {
                    let caller = state.callers.remove(&to);
                    let _ = caller.expect("each call is answered once").send(body);
                }
                Effect::WakeAt { monotonic_ns } => self.wake.set(monotonic_ns),
                Effect::Log(line) => tracing::info!("{line}"),
            }
        }
        state.effects = effects;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a panic ends the process")
    }
}

impl State {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

impl<T> Pending<T> {
    fn of(mut rx: oneshot::Receiver<T>) -> Self {
        match rx.try_recv() {
            Ok(value) => Self::Now(Some(value)),
            Err(TryRecvError::Closed) => Self::Now(None),
            Err(TryRecvError::Empty) => Self::Later(rx),
        }
    }

    /// The value; `None` when the replica was poisoned before it came.
    pub(crate) async fn get(self) -> Option<T> {
        match self {
            Self::Now(value) => value,
            Self::Later(rx) => rx.await.ok(),
        }
    }
}

/// What a poisoned replica answers.
pub(crate) fn poisoned(poison: &Poison) -> ApiError {
    let reason = poison.reason().unwrap_or("its state is unknown");
    ApiError::new(
        ErrorKind::InternalServerError,
        format!(
            "This replica is poisoned: {reason}; what it was asked since may or may not be durable; restart it to find out"
        ),
    )
}
