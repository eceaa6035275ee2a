//! How far the clock of this share's machine is from those of the other shares', as far as a table that all of them write can tell.
//!
//! Every heartbeat holds the wall clock of its writer at the moment at which its write was begun. Who reads it later, by a strong read in the same region, knows:
//! *own clock when the read ended − number that was read* is at least what the own clock is ahead by. The least such difference of a run is the bound; with the
//! other share's bound it has two sides, as NTP's. No share need know where the others run.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use checker::history::{EventKind, Op, Reply, Strength, Value};
use workloads::arrival::Share;

use super::heartbeat;
use crate::client::Client;

/// One other share is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// By how many microseconds the clock here is ahead of other shares' at most, by their numbers from 1; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clocks(Arc<Mutex<BTreeMap<u32, i64>>>);

impl Clocks {
    /// What was found.
    pub(crate) fn found(&self) -> BTreeMap<u32, i64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, share: u32, ahead_us: i64) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bound = found.entry(share).or_insert(ahead_us);
        *bound = ahead_us.min(*bound);
    }
}

/// The wall clock, microseconds since 1970.
pub(crate) fn wall_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Reads the heartbeats of all other shares in the client's region, the first, in turns, until it is dropped.
pub(crate) async fn compare(mut client: Client, own: u32, of: u32, clocks: Clocks) {
    for share in (1..=of).filter(|share| *share != own).cycle() {
        tokio::time::sleep(LOOK_EVERY).await;
        let op = Op::Read {
            key: heartbeat::key(share, 0),
            strength: Strength::Strong,
        };
        if let EventKind::Ok(Reply::Read(observed)) = client.attempt(&op).await
            && let Value::Int(written_us) = observed.value
        {
            clocks.note(share, wall_us() - written_us);
        }
    }
}

/// The number of a share of a schedule, from 1, and of how many; a whole schedule is its own only share.
pub(crate) fn place(share: Option<(u32, u32, Share)>) -> (u32, u32) {
    share.map_or((1, 1), |(index, of, _)| (index, of))
}
