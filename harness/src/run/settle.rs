//! Waiting until the regions have come to rest: everything healed, so everything pending must flow by itself within a deadline.
//!
//! At rest means: every region answers, nothing is on its way to a disk, no link has anything pending, and no feed grows, three looks
//! in a row. A region that does not get there breaks the promise of liveness; that is the store's failure, not the harness's.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::regions::{POLL, blocking};
use crate::{stop::Stop, target::Target};

/// How many looks in a row must show the same rest.
const QUIET_LOOKS: u32 = 3;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// At rest after this long.
    AtRest(Duration),
    /// Still moving at the deadline: where, in words.
    StillMoving { limit: Duration, what: String },
    /// Nobody can look into these regions; they were given this long.
    Unseen(Duration),
    /// The user did not want to wait.
    Interrupted,
}

/// Waits for rest, or for the limit.
pub(super) async fn wait(target: &Arc<dyn Target>, limit: Duration, stop: &Stop) -> Settled {
    let asked = target.clone();
    if blocking(move || asked.status(0).is_none()).await {
        return wait_blindly(target.regions().len(), limit, stop).await;
    }
    let begun = Instant::now();
    let mut quiet = 0;
    let mut heads = Vec::new();
    loop {
        let asked = target.clone();
        let look = blocking(move || look(&asked)).await;
        let what = match look {
            Ok(new_heads) if new_heads == heads => {
                quiet += 1;
                String::from("nothing pending")
            }
            Ok(new_heads) => {
                quiet = 0;
                heads = new_heads;
                String::from("feeds were still growing")
            }
            Err(moving) => {
                quiet = 0;
                moving
            }
        };
        if quiet >= QUIET_LOOKS {
            return Settled::AtRest(begun.elapsed());
        }
        if begun.elapsed() > limit {
            return Settled::StillMoving { limit, what };
        }
        if stop.is_forced() {
            return Settled::Interrupted;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Gives regions that nobody can look into the whole time; a single one has nothing to catch up with.
async fn wait_blindly(region_count: usize, limit: Duration, stop: &Stop) -> Settled {
    let begun = Instant::now();
    while region_count > 1 && begun.elapsed() < limit {
        if stop.is_forced() {
            return Settled::Interrupted;
        }
        tokio::time::sleep(POLL).await;
    }
    Settled::Unseen(begun.elapsed())
}

/// The heads of all feeds if nothing is pending anywhere, else what is.
fn look(target: &Arc<dyn Target>) -> Result<Vec<u64>, String> {
    let mut heads = Vec::new();
    for (region, name) in target.regions().iter().enumerate() {
        let health = target
            .status(region)
            .ok_or_else(|| format!("{name} says nothing of itself"))?
            .map_err(|error| format!("{name} does not answer: {error}"))?;
        let core = health.core;
        if core.undurable_batches > 0 || core.waiting_answers > 0 {
            return Err(format!("{name} was still writing to its disk"));
        }
        if let Some((peer, link)) = core.peers.iter().find(|(_, link)| link.pending > 0) {
            return Err(format!(
                "{name} still had {} versions pending for {peer}",
                link.pending
            ));
        }
        heads.push(core.feed_head);
    }
    Ok(heads)
}
