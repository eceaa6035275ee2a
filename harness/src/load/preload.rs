//! Puts every key there before the run, each once, spread over the regions. Nothing here is measured, so it may ask again.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use checker::history::RegionId;
use tokio::task::JoinSet;

use super::{mix::Mix, site::Site, slot::code};
use crate::{client::Client, stop::Stop};

/// How many keys are written at a time.
const WRITERS_PER_REGION: usize = 16;

/// How often a key is tried.
const TRIES: usize = 5;

/// Writes keys `0..keys`.
pub(crate) async fn preload(
    site: &Site,
    regions: usize,
    mix: &Mix,
    keys: u64,
    stop: &Stop,
) -> Result<(), String> {
    let mut tasks = JoinSet::new();
    for region in 0..regions {
        let next = Arc::new(AtomicU64::new(region as u64));
        for _writer in 0..WRITERS_PER_REGION {
            let client = site.client(RegionId(
                u8::try_from(region).expect("at most twelve regions"),
            ));
            let (mix, next, stop) = (mix.clone(), next.clone(), stop.clone());
            tasks.spawn(write(client, mix, next, regions as u64, keys, stop));
        }
    }
    tasks.join_all().await.into_iter().collect()
}

async fn write(
    mut client: Client,
    mix: Mix,
    next: Arc<AtomicU64>,
    step: u64,
    keys: u64,
    stop: Stop,
) -> Result<(), String> {
    loop {
        let number = next.fetch_add(step, Ordering::Relaxed);
        if number >= keys || stop.is_set() {
            return Ok(());
        }
        let (_, op) = mix.preload(number);
        let mut refused = None;
        for _try in 0..TRIES {
            refused = code(&client.attempt(&op).await);
            if refused.is_none() {
                break;
            }
        }
        if let Some(code) = refused {
            return Err(format!(
                "key {number} could not be written before the run, {TRIES} times: {code}; `dateline list errors` says what that means"
            ));
        }
    }
}
