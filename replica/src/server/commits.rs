//! Group commit: one thread takes every batch that queued while the previous fsync ran and makes them durable with one more.
//!
//! No delay is added to fill a group: alone, a batch goes at once; under load the groups form by themselves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::applied::ApplyLog;
use super::shell::Shell;
use crate::core::Input;
use crate::store::{Batch, Store as _};

/// Batches on their way to the disk. Its length is bounded by the core, which throttles clients before it grows too long.
#[derive(Debug, Default)]
pub(crate) struct CommitQueue {
    state: Mutex<QueueState>,
    changed: Condvar,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    fsyncs: AtomicU64,
    batches: AtomicU64,
    longest_us: AtomicU64,
}

/// What the commit thread has done since the process began.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct CommitCounts {
    /// Groups made durable, with one fsync each.
    pub(crate) fsyncs: u64,
    /// Batches in them.
    pub(crate) batches: u64,
    /// The longest that one group took, from taking it to its rows being readable.
    pub(crate) longest_us: u64,
}

#[derive(Debug, Default)]
struct QueueState {
    batches: Vec<Batch>,
    closed: bool,
    waiting: bool,
}

impl CommitQueue {
    /// Adds a batch.
    pub(crate) fn push(&self, batch: Batch) {
        let mut state = self.lock();
        state.batches.push(batch);
        // A thread that is busy with an fsync looks by itself when it is done: telling it would cost a system call.
        if state.waiting {
            self.changed.notify_one();
        }
    }

    /// Ends the commit thread once everything queued is durable.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// What has been done so far.
    pub(crate) fn counts(&self) -> CommitCounts {
        CommitCounts {
            fsyncs: self.counts.fsyncs.load(Ordering::Relaxed),
            batches: self.counts.batches.load(Ordering::Relaxed),
            longest_us: self.counts.longest_us.load(Ordering::Relaxed),
        }
    }

    /// Waits for batches and swaps them against the empty `group`; false when closed and empty.
    fn take(&self, group: &mut Vec<Batch>) -> bool {
        let mut state = self.lock();
        while state.batches.is_empty() && !state.closed {
            state.waiting = true;
            state = self.changed.wait(state).expect("a panic ends the process");
            state.waiting = false;
        }
        std::mem::swap(group, &mut state.batches);
        !group.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().expect("a panic ends the process")
    }
}

impl Counts {
    fn add(&self, batches: usize, took: Duration) {
        self.fsyncs.fetch_add(1, Ordering::Relaxed);
        self.batches.fetch_add(batches as u64, Ordering::Relaxed);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.longest_us.fetch_max(took_us, Ordering::Relaxed);
    }
}

/// Starts the commit thread, which writes what it did to the log if there is one. It ends when the queue is closed, or after the first failed commit.
pub(crate) fn start(
    shell: Arc<Shell>,
    applied: Option<ApplyLog>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name("commit".to_owned())
        .spawn(move || run(&shell, applied))
}

fn run(shell: &Shell, mut applied: Option<ApplyLog>) {
    let mut group = Vec::new();
    while shell.commits.take(&mut group) {
        let started = Instant::now();
        let met = shell.disk.meet();
        let committed = met.and_then(|()| {
            let committed = shell.store.commit(&group);
            committed.map_err(|error| error.to_string())
        });
        if let Err(reason) = committed {
            shell.fail(&reason);
            return;
        }
        if let Some(applied) = &mut applied {
            applied.add(&group);
        }
        shell.commits.counts.add(group.len(), started.elapsed());
        let through = group.last().expect("a taken group is not empty").commit;
        group.clear();
        shell.tell(Input::Durable { through });
    }
}
