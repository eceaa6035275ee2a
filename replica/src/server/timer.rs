//! The one timer: `Effect::WakeAt` in, `Input::Tick` out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use super::shell::Shell;
use crate::core::Input;

/// No tick is asked for.
const NEVER: u64 = u64::MAX;

/// When the core wants to be woken.
#[derive(Debug)]
pub(crate) struct Wake {
    at_ns: AtomicU64,
    sleeping_until_ns: AtomicU64,
    sooner: Notify,
}

impl Default for Wake {
    fn default() -> Self {
        Self {
            at_ns: AtomicU64::new(NEVER),
            sleeping_until_ns: AtomicU64::new(0),
            sooner: Notify::new(),
        }
    }
}

impl Wake {
    /// Wakes at this monotonic time instead of any asked for before. Costs two stores unless the timer must be woken for it.
    pub(crate) fn set(&self, at_ns: u64) {
        self.at_ns.store(at_ns, Ordering::SeqCst);
        if at_ns < self.sleeping_until_ns.load(Ordering::SeqCst) {
            self.sooner.notify_one();
        }
    }
}

/// Ticks until it is dropped.
pub(crate) async fn run(shell: Arc<Shell>) {
    let wake = &shell.wake;
    loop {
        let at_ns = wake.at_ns.load(Ordering::SeqCst);
        if at_ns <= shell.clock.monotonic_ns() {
            wake.at_ns.store(NEVER, Ordering::SeqCst);
            shell.tell(Input::Tick);
            // A core that asks for the past at every tick must not keep the thread from serving requests.
            tokio::task::yield_now().await;
            continue;
        }
        wake.sleeping_until_ns.store(at_ns, Ordering::SeqCst);
        // What was set between the two lines above has not been told to anybody.
        if wake.at_ns.load(Ordering::SeqCst) < at_ns {
            continue;
        }
        if at_ns == NEVER {
            wake.sooner.notified().await;
        } else {
            let at = shell.clock.instant(at_ns).into();
            // Either way the loop looks again; a deadline that moved away is then slept for anew.
            let _ = tokio::time::timeout_at(at, wake.sooner.notified()).await;
        }
    }
}
