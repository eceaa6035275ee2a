//! Heartbeats: one writer per region, one reader per region that looks at all the others. What they find out is in [`LagBook`].
//!
//! Each share of a schedule has heartbeats of its own. Their numbers are the wall clock in microseconds, so that those of an earlier run on the same table are
//! smaller, and so that other shares can tell how far the clocks are apart ([`super::clocks`]).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use checker::history::{EventKind, Key, Op, RegionId, Reply, Strength, Value};
use tokio::task::JoinSet;

use super::{
    clocks::{Clocks, compare, wall_us},
    lag::{LagBook, Seen},
};
use crate::client::Client;

/// A region beats this often.
const BEAT_EVERY: Duration = Duration::from_millis(100);

/// A reader looks at each other region this often, while there are few …
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// … and never more often than this altogether.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(15);

/// Keys that each share has for its regions' heartbeats.
const KEYS_PER_SHARE: u64 = 16;

/// The book, shared.
pub(crate) type SharedBook = Arc<Mutex<LagBook>>;

/// The book, for a moment.
pub(crate) fn locked(book: &SharedBook) -> MutexGuard<'_, LagBook> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Heartbeats under way; they end when this is dropped.
pub(crate) struct Heartbeats {
    writers: JoinSet<()>,
    _readers: JoinSet<()>,
}

/// What heartbeats are told.
pub(crate) struct Beating {
    pub(crate) regions: usize,
    /// The number of this share, from 1, and of how many.
    pub(crate) share: (u32, u32),
    pub(crate) book: SharedBook,
    pub(crate) clocks: Clocks,
    pub(crate) origin: Instant,
}

impl Heartbeats {
    /// Begins them in every region.
    pub(crate) fn start(beating: Beating, client_of: impl Fn(RegionId) -> Client) -> Self {
        let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
        let beating = Arc::new(beating);
        let (own, of) = beating.share;
        for region in 0..beating.regions {
            let client = || client_of(id(region));
            writers.spawn(write(client(), region, beating.clone()));
            if beating.regions > 1 {
                readers.spawn(read(client(), region, beating.clone()));
            }
        }
        if of > 1 {
            let clocks = beating.clocks.clone();
            readers.spawn(compare(client_of(id(0)), own, of, clocks));
        }
        Self {
            writers,
            _readers: readers,
        }
    }

    /// Writes no more, and waits until every region has seen what was written, or for this long.
    pub(crate) async fn drain(mut self, book: &SharedBook, limit: Duration) {
        self.writers.shutdown().await;
        let begun = Instant::now();
        while !locked(book).is_drained() && begun.elapsed() < limit {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn write(mut client: Client, region: usize, beating: Arc<Beating>) {
    let Beating { book, origin, .. } = &*beating;
    // Before its origin a run has no times.
    let mut due = tokio::time::Instant::from_std(*origin);
    let mut value = 0;
    loop {
        tokio::time::sleep_until(due).await;
        due = (due + BEAT_EVERY).max(tokio::time::Instant::now());
        // It ascends also when the clock is set back.
        value = wall_us().max(value + 1);
        let op = Op::Write {
            key: key(beating.share.0, region),
            value: Value::Int(value),
        };
        locked(book).write_called(region, value, since(*origin));
        let outcome = client.attempt(&op).await;
        let acknowledged = matches!(outcome, EventKind::Ok(_)).then(|| since(*origin));
        locked(book).write_returned(region, acknowledged);
    }
}

async fn read(mut client: Client, region: usize, beating: Arc<Beating>) {
    let Beating { book, origin, .. } = &*beating;
    tokio::time::sleep_until((*origin).into()).await;
    let others: Vec<usize> = (0..beating.regions)
        .filter(|other| *other != region)
        .collect();
    let every = (LOOK_EVERY / u32::try_from(others.len()).expect("regions are few"))
        .max(LOOK_AT_MOST_EVERY);
    for from in others.into_iter().cycle() {
        tokio::time::sleep(every).await;
        let op = Op::Read {
            key: key(beating.share.0, from),
            strength: Strength::Strong,
        };
        let call_ns = since(*origin);
        let EventKind::Ok(Reply::Read(observed)) = client.attempt(&op).await else {
            continue;
        };
        let value = match observed.value {
            Value::Int(value) => Some(value),
            Value::Absent | Value::List(_) => None,
        };
        let return_ns = since(*origin);
        let seen = Seen {
            value,
            call_ns,
            return_ns,
        };
        locked(book).read(from, region, seen);
    }
}

/// The item of a region's heartbeats of one share, which counts from 1.
pub(crate) fn key(share: u32, region: usize) -> Key {
    Key(Key::FIRST_HEARTBEAT.0 + u64::from(share - 1) * KEYS_PER_SHARE + region as u64)
}

fn id(region: usize) -> RegionId {
    RegionId(u8::try_from(region).expect("at most twelve regions"))
}

fn since(origin: Instant) -> u64 {
    u64::try_from(origin.elapsed().as_nanos()).expect("a run lasts less than 584 years")
}
