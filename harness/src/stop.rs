//! The wish to stop: set by Ctrl-C, by `SIGTERM` or by the first harness failure, seen by everybody.
//!
//! The first signal stops new work; the run heals, keeps its evidence, judges what there is and tears down. A second signal
//! gives up whatever is still being waited for.

use std::sync::{Arc, OnceLock};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// How urgent it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// Go on.
    None,
    /// No new work.
    Stop,
    /// Wait for nothing.
    Force,
}

/// A handle on the wish; clones share it.
#[derive(Clone)]
pub(crate) struct Stop {
    urgency: watch::Sender<Urgency>,
    reason: Arc<OnceLock<String>>,
    failure: Arc<OnceLock<String>>,
}

impl Stop {
    pub(crate) fn new() -> Self {
        Self {
            urgency: watch::Sender::new(Urgency::None),
            reason: Arc::default(),
            failure: Arc::default(),
        }
    }

    /// Asks everybody to stop, for no fault of ours. The first reason is kept.
    pub(crate) fn set(&self, reason: impl Into<String>) {
        let _ = self.reason.set(reason.into());
        self.urgency
            .send_modify(|urgency| *urgency = (*urgency).max(Urgency::Stop));
    }

    /// Asks everybody to stop because the harness cannot do its job. The first failure is kept.
    pub(crate) fn fail(&self, failure: impl Into<String>) {
        let _ = self.failure.set(failure.into());
        self.urgency
            .send_modify(|urgency| *urgency = (*urgency).max(Urgency::Stop));
    }

    /// What kept the harness from doing its job, if anything did.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Why, if anybody asked.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.urgency.borrow() >= Urgency::Stop
    }

    pub(crate) fn is_forced(&self) -> bool {
        *self.urgency.borrow() >= Urgency::Force
    }

    /// Returns when somebody asks.
    pub(crate) async fn wait(&self) {
        let mut receiver = self.urgency.subscribe();
        // The sender lives as long as this handle, so this cannot fail.
        let _ = receiver.wait_for(|urgency| *urgency >= Urgency::Stop).await;
    }

    /// Returns when somebody insists.
    pub(crate) async fn wait_forced(&self) {
        let mut receiver = self.urgency.subscribe();
        // The sender lives as long as this handle, so this cannot fail.
        let _ = receiver
            .wait_for(|urgency| *urgency >= Urgency::Force)
            .await;
    }

    /// Listens to Ctrl-C and `SIGTERM` from now on, on the current runtime.
    pub(crate) fn listen(&self) -> std::io::Result<()> {
        for (kind, name) in [
            (SignalKind::interrupt(), "Ctrl-C"),
            (SignalKind::terminate(), "SIGTERM"),
        ] {
            let mut signals = signal(kind)?;
            let stop = self.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    if stop.is_set() {
                        stop.urgency
                            .send_modify(|urgency| *urgency = Urgency::Force);
                    }
                    stop.set(format!("stopped by {name}"));
                }
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_is_kept_and_all_clones_see_it() {
        let stop = Stop::new();
        let other = stop.clone();
        assert!(!other.is_set());
        stop.set("first");
        other.set("second");
        assert_eq!(
            (other.is_set(), other.is_forced(), stop.reason()),
            (true, false, Some("first"))
        );
    }
}
