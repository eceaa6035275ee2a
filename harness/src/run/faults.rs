//! The nemesis of a run: started when the time of faults begins, ended with everything healed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::regions::{Regions, blocking};
use crate::{
    interpreter::Crowd,
    journal::Journal,
    nemesis::{Nemesis, Plan},
};

/// Faults under way.
pub(super) struct Faults {
    nemesis: Arc<Nemesis>,
    journal: Arc<Journal>,
    is_over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Faults {
    /// Begins the plan, on a thread of its own.
    pub(super) fn start(
        plan: &Plan,
        regions: &Regions,
        journal: &Arc<Journal>,
        crowd: Crowd,
    ) -> std::io::Result<Self> {
        let target = regions.target.clone();
        let nemesis = Nemesis::new(
            target,
            regions.network.clone(),
            Arc::new(crowd),
            journal.instant(0),
        );
        let is_over = Arc::new(AtomicBool::new(false));
        let (sink, over) = (journal.clone(), is_over.clone());
        let thread = nemesis.spawn(
            plan.clone(),
            move |moment| sink.moment(&moment),
            move || over.load(Ordering::Relaxed),
        )?;
        Ok(Self {
            nemesis,
            journal: journal.clone(),
            is_over,
            thread,
        })
    }

    /// Ends the plan and heals everything. Says what could not be healed.
    pub(super) async fn end(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        blocking(move || {
            let panicked = self.thread.join().is_err();
            let mut unhealed = self
                .nemesis
                .heal_everything(&mut |moment| self.journal.moment(&moment));
            if panicked {
                unhealed.push("the thread of the nemesis panicked; see logs/harness.log".into());
            }
            unhealed
        })
        .await
    }
}
