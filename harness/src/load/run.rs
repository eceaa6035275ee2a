//! A load from set-up to goals: its phases in order.
//!
//! ```text
//!   set up ─ preload ─ one stage, or several ─ tear down ─ goals
//! ```

use std::{sync::Arc, time::Duration};

use super::{
    LoadSettings,
    evidence::{Evidence, say},
    preload,
    site::Site,
    stage::Stage,
};
use crate::{
    exit::{Ending, Failure},
    stop::Stop,
};

/// How often the state of regions that were started here is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// Runs one stage of load and holds it against its goals.
pub(crate) fn run(settings: &LoadSettings) -> Result<Ending, Failure> {
    on_site(settings, async |evidence, site, stop| {
        let stage = Stage {
            settings,
            evidence,
            site,
            stop,
            first: 0,
        };
        let measured = stage.measure().await?;
        let (summary, ending) = evidence.summarise(settings, measured, stop)?;
        say(settings, evidence.folder(), &summary);
        Ok(ending)
    })
}

/// Sets up, puts every item there, does it, and tears down whatever happened.
pub(super) fn on_site(
    settings: &LoadSettings,
    act: impl AsyncFnOnce(&Evidence, &Site, &Stop) -> Result<Ending, String>,
) -> Result<Ending, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::harness)?;
    runtime.block_on(async {
        let stop = Stop::new();
        stop.listen().map_err(Failure::harness)?;
        let evidence = Evidence::begin(settings).map_err(Failure::Usage)?;
        evidence.phase("set-up");
        let site = Site::set_up(settings, evidence.folder(), &stop).await;
        let site = Arc::new(site.map_err(|error| evidence.failure(error))?);
        let watch = tokio::spawn(watch(site.clone(), stop.clone()));
        let acted = preload_and(settings, &evidence, &site, &stop, act).await;
        watch.abort();
        let site_failure = site.failure();
        evidence.phase("tear-down");
        site.tear_down().await;
        evidence.phase("end");
        // A region that died explains what else went wrong.
        match site_failure {
            Some(failure) => Err(evidence.failure(failure)),
            None => acted.map_err(|error| evidence.failure(error)),
        }
    })
}

async fn preload_and(
    settings: &LoadSettings,
    evidence: &Evidence,
    site: &Site,
    stop: &Stop,
    act: impl AsyncFnOnce(&Evidence, &Site, &Stop) -> Result<Ending, String>,
) -> Result<Ending, String> {
    evidence.phase("preload");
    let operations = Arc::new(settings.operations());
    preload::preload(site, settings, &operations, evidence.recording(), stop).await?;
    act(evidence, site, stop).await
}

/// Ends the load when a region that was started here has died by itself.
async fn watch(site: Arc<Site>, stop: Stop) {
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        if let Some(failure) = site.failure() {
            stop.fail(failure);
            return;
        }
    }
}
