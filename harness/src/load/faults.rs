//! The nemesis of a load: the same plans as a test's, on the clock of the measured time.

use std::sync::{
    Arc, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use reports::run_folder::{FaultAction, FaultResult, Moment};

use super::{
    LoadSettings,
    evidence::{Evidence, Timeline},
    recorder::Weather,
    site::Site,
};
use crate::{
    nemesis::{Nemesis, NoClients},
    run::blocking,
};

/// The nemesis of a load.
pub(crate) struct Faults {
    nemesis: Arc<Nemesis>,
    thread: std::thread::JoinHandle<()>,
    is_over: Arc<AtomicBool>,
    timeline: Timeline,
}

impl Faults {
    /// Begins the plan, if there is anything to go wrong.
    pub(crate) fn start(
        settings: &LoadSettings,
        evidence: &Evidence,
        site: &Site,
        weather: &Weather,
    ) -> Result<Option<Self>, String> {
        let regions = match site {
            Site::Local(regions) if !settings.common.faults.is_empty() => regions,
            Site::Local(_) | Site::Elsewhere { .. } => return Ok(None),
        };
        let nemesis = Nemesis::new(
            regions.target.clone(),
            regions.network.clone(),
            Arc::new(NoClients),
            evidence.begun(),
        );
        let is_over = Arc::new(AtomicBool::new(false));
        let (timeline, over, shown) = (evidence.timeline(), is_over.clone(), weather.clone());
        let thread = nemesis
            .spawn(
                evidence.plan().clone(),
                move |moment| {
                    show(&shown, &moment);
                    timeline.write(&moment);
                },
                move || over.load(Ordering::Relaxed),
            )
            .map_err(|error| format!("the nemesis cannot be started: {error}"))?;
        Ok(Some(Self {
            nemesis,
            thread,
            is_over,
            timeline: evidence.timeline(),
        }))
    }

    /// Ends the plan and heals everything. Says what could not be healed.
    pub(crate) async fn end(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        blocking(move || {
            let panicked = self.thread.join().is_err();
            let mut unhealed = self
                .nemesis
                .heal_everything(&mut |moment| self.timeline.write(&moment));
            if panicked {
                unhealed.push("the thread of the nemesis panicked; see logs/harness.log".into());
            }
            unhealed
        })
        .await
    }
}

/// Keeps the list of what holds now.
fn show(weather: &Weather, moment: &Moment) {
    let Moment::Fault {
        id,
        what,
        action,
        result,
        ..
    } = moment
    else {
        return;
    };
    let mut weather = weather.lock().unwrap_or_else(PoisonError::into_inner);
    match action {
        FaultAction::Start if *result != FaultResult::Skipped => weather.push((*id, what.clone())),
        FaultAction::Start => {}
        FaultAction::Stop => weather.retain(|(active, _)| active != id),
    }
}
