//! Changes the tables that a workload asks for, one change after the other, each until every region says that it is done.
//!
//! It asks regions past their proxies. A region that is down, or cut off from the others, is asked again until it is there: a change takes as long as it takes. Before a
//! region is removed or added, no request of a client to it may be under way any more; before it is removed, the others must have what it wrote.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task::JoinHandle};
use workloads::{
    chore::{Change, Chore, Done},
    workload::Workload,
};

use super::regions::{POLL, blocking};
use crate::{
    client::{
        Endpoint,
        control::{self, TableSpec, Tables},
        numbered,
    },
    journal::Journal,
    stop::Stop,
    target::Target,
};

/// How long regions that nobody can look into have to tell each other what they wrote.
const UNSEEN: Duration = Duration::from_secs(5);

/// How long a change of a table may take once everything is healed.
const CHANGE_LIMIT: Duration = Duration::from_secs(60);

/// Who changes tables.
pub(super) struct Steward {
    pub(super) target: Arc<dyn Target>,
    /// The regions themselves, past every proxy.
    pub(super) endpoints: Vec<Endpoint>,
    /// The table of the run; those of the workload are alike, with a number after its name.
    pub(super) spec: TableSpec,
    /// How long a request of a client may be under way.
    pub(super) patience: Duration,
}

/// A steward at work.
pub(super) struct Serving {
    task: JoinHandle<()>,
    end: Arc<Notify>,
}

impl Serving {
    /// Lets it end what it has begun; says if it could not.
    pub(super) async fn end(mut self) -> Option<String> {
        self.end.notify_one();
        let ended = tokio::time::timeout(CHANGE_LIMIT, &mut self.task).await;
        ended.is_err().then(|| {
            self.task.abort();
            "a change of a table was not done when the run ended".to_owned()
        })
    }
}

impl Steward {
    /// Sets it to work.
    pub(super) fn start(
        self,
        workload: Arc<Mutex<Box<dyn Workload>>>,
        journal: Arc<Journal>,
        stop: Stop,
    ) -> Serving {
        let end = Arc::new(Notify::new());
        let task = tokio::spawn(self.serve(workload, journal, stop, end.clone()));
        Serving { task, end }
    }

    /// Does what the workload asks for until the run is told to stop or `end` says so; what was begun is done.
    async fn serve(
        self,
        workload: Arc<Mutex<Box<dyn Workload>>>,
        journal: Arc<Journal>,
        stop: Stop,
        end: Arc<Notify>,
    ) {
        let asked = || workload.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let chore = asked().chore(journal.now_ns());
            let Some(chore) = chore else {
                tokio::select! {
                    () = tokio::time::sleep(POLL) => continue,
                    () = end.notified() => return,
                    () = stop.wait() => return,
                }
            };
            tracing::info!(table = chore.table, change = ?chore.change, "begun");
            let Some(done) = self.carry_out(chore, &stop).await else {
                return;
            };
            tracing::info!(table = chore.table, change = ?chore.change, ?done, "ended");
            asked().done(chore, done, journal.now_ns());
        }
    }

    /// `None` when the run was stopped before it was done.
    async fn carry_out(&self, chore: Chore, stop: &Stop) -> Option<Done> {
        let spec = TableSpec {
            name: numbered(&self.spec.name, chore.table),
            ..self.spec.clone()
        };
        if matches!(chore.change, Change::Add(_)) && spec.tables != Tables::Version2019 {
            return Some(Done::Impossible);
        }
        if matches!(chore.change, Change::Remove(_) | Change::Add(_)) {
            tokio::time::sleep(self.patience + POLL).await;
        }
        loop {
            let why = match self.attempt(chore.change, &spec).await {
                Ok(()) => return Some(Done::Yes),
                Err(why) => why,
            };
            tracing::info!(table = spec.name, why, "not yet");
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = stop.wait() => return None,
            }
        }
    }

    async fn attempt(&self, change: Change, spec: &TableSpec) -> Result<(), String> {
        let told = |error: control::ControlError| error.to_string();
        match change {
            Change::Make => control::complete_tables(&self.endpoints, spec)
                .await
                .map_err(told),
            Change::Remove(region) => {
                let region = usize::from(region.0);
                self.wait_until_told(region).await?;
                let left = control::leave_table(&self.endpoints, spec, region).await;
                left.map_err(told)
            }
            Change::Add(region) => {
                let region = usize::from(region.0);
                let joined = control::join_table(&self.endpoints, spec, region).await;
                joined.map_err(told)
            }
            Change::Delete => {
                let left = control::remove_tables(&self.endpoints, spec).await;
                left.into_iter().next().map_or(Ok(()), Err)
            }
        }
    }

    /// Waits until the others have all that a region has written so far.
    async fn wait_until_told(&self, region: usize) -> Result<(), String> {
        let asked = self.target.clone();
        let Some(status) = blocking(move || asked.status(region)).await else {
            tokio::time::sleep(UNSEEN).await;
            return Ok(());
        };
        let head = status.map_err(|error| error.to_string())?.core.feed_head;
        let begun = Instant::now();
        loop {
            let asked = self.target.clone();
            let status = blocking(move || asked.status(region)).await;
            let health = status.ok_or("it says nothing of itself")?;
            let core = health.map_err(|error| error.to_string())?.core;
            let behind = core.peers.iter().find(|(_, peer)| peer.acknowledged < head);
            match behind {
                None => return Ok(()),
                Some((peer, _)) if begun.elapsed() > UNSEEN => {
                    return Err(format!("{peer} has not yet all that it wrote"));
                }
                Some(_) => tokio::time::sleep(POLL).await,
            }
        }
    }
}
