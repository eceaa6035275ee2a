//! Puts every item there before the run, each once, spread over the regions. Nothing here is measured, so it may ask again.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use checker::history::RegionId;
use tokio::task::JoinSet;

use super::{
    LoadSettings,
    mix::Operations,
    recording::{Recorded, Recording},
    site::Site,
};
use crate::{client::errors, stop::Stop};

/// How many items are written at a time.
const WRITERS_PER_REGION: usize = 16;

/// How often an item is tried.
const TRIES: usize = 5;

/// Writes items `0..keys`.
pub(crate) async fn preload(
    site: &Site,
    settings: &LoadSettings,
    operations: &Arc<Operations>,
    recording: Option<&Arc<Recording>>,
    stop: &Stop,
) -> Result<(), String> {
    let (regions, keys) = (settings.regions.len(), settings.choice.keys);
    let mut tasks = JoinSet::new();
    for region in 0..regions {
        let next = Arc::new(AtomicU64::new(region as u64));
        for _writer in 0..WRITERS_PER_REGION {
            let region = RegionId(u8::try_from(region).expect("at most twelve regions"));
            let client = site.client(region).padded(settings.padding());
            let writer = Writer {
                client: Recorded::new(client, region, recording),
                operations: operations.clone(),
                next: next.clone(),
                regions: regions as u64,
                keys,
                stop: stop.clone(),
            };
            tasks.spawn(writer.write());
        }
    }
    tasks.join_all().await.into_iter().collect()
}

struct Writer {
    client: Recorded,
    operations: Arc<Operations>,
    /// The next item of its region.
    next: Arc<AtomicU64>,
    regions: u64,
    keys: u64,
    stop: Stop,
}

impl Writer {
    async fn write(mut self) -> Result<(), String> {
        loop {
            let number = self.next.fetch_add(self.regions, Ordering::Relaxed);
            if number >= self.keys || self.stop.is_set() {
                return Ok(());
            }
            let Some((_, op)) = self.operations.record(number, self.regions) else {
                return Ok(());
            };
            let mut refused = None;
            for _try in 0..TRIES {
                refused = errors::of(&self.client.attempt(&op).await);
                if refused.is_none() {
                    break;
                }
            }
            if let Some(code) = refused {
                return Err(format!(
                    "item {number} could not be written before the run, {TRIES} times: {code}; `dateline list errors` says what that means"
                ));
            }
        }
    }
}
