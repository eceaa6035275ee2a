//! Group commit: one thread takes every batch that queued while the previous fsync ran and makes them durable with one more.
//!
//! No delay is added to fill a group: alone, a batch goes at once; under load the groups form by themselves.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::shell::Shell;
use crate::core::Input;
use crate::store::{Batch, Store as _};

/// Batches on their way to the disk. Its length is bounded by the core, which throttles clients before it grows too long.
#[derive(Debug, Default)]
pub(crate) struct CommitQueue {
    state: Mutex<QueueState>,
    changed: Condvar,
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

/// Starts the commit thread. It ends when the queue is closed, or after the first failed commit.
pub(crate) fn start(shell: Arc<Shell>) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name("commit".to_owned())
        .spawn(move || run(&shell))
}

fn run(shell: &Shell) {
    let mut group = Vec::new();
    while shell.commits.take(&mut group) {
        if let Err(error) = shell.store.commit(&group) {
            shell.fail(&error.to_string());
            return;
        }
        let through = group.last().expect("a taken group is not empty").commit;
        group.clear();
        shell.tell(Input::Durable { through });
    }
}
