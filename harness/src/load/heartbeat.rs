//! Heartbeats: one writer per region, one reader per region that looks at all the others. What they find out is in [`LagBook`].

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use checker::history::{EventKind, Key, Op, RegionId, Reply, Strength, Value};
use tokio::task::JoinSet;

use super::lag::{LagBook, Seen};
use crate::client::Client;

/// A region beats this often.
const BEAT_EVERY: Duration = Duration::from_millis(100);

/// A reader looks at each other region this often, while there are few …
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// … and never more often than this altogether.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(15);

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

impl Heartbeats {
    /// Begins them in every region. Values go on from what the wall clock says, so that those of an earlier run on the same table are smaller.
    pub(crate) fn start(
        regions: usize,
        client_of: impl Fn(RegionId) -> Client,
        book: &SharedBook,
        origin: Instant,
    ) -> Self {
        let first_value = jiff::Timestamp::now().as_microsecond();
        let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
        for region in 0..regions {
            let client = || client_of(id(region));
            writers.spawn(write(client(), region, book.clone(), origin, first_value));
            readers.spawn(read(client(), region, regions, book.clone(), origin));
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

async fn write(mut client: Client, region: usize, book: SharedBook, origin: Instant, first: i64) {
    let mut due = tokio::time::Instant::now();
    for value in first.. {
        tokio::time::sleep_until(due).await;
        due = (due + BEAT_EVERY).max(tokio::time::Instant::now());
        let op = Op::Write {
            key: key(region),
            value: Value::Int(value),
        };
        locked(&book).write_called(region, value, since(origin));
        let outcome = client.attempt(&op).await;
        let acknowledged = matches!(outcome, EventKind::Ok(_)).then(|| since(origin));
        locked(&book).write_returned(region, acknowledged);
    }
}

async fn read(
    mut client: Client,
    region: usize,
    regions: usize,
    book: SharedBook,
    origin: Instant,
) {
    let others: Vec<usize> = (0..regions).filter(|other| *other != region).collect();
    let every = (LOOK_EVERY / u32::try_from(others.len()).expect("regions are few"))
        .max(LOOK_AT_MOST_EVERY);
    for from in others.into_iter().cycle() {
        tokio::time::sleep(every).await;
        let op = Op::Read {
            key: key(from),
            strength: Strength::Strong,
        };
        let call_ns = since(origin);
        let EventKind::Ok(Reply::Read(observed)) = client.attempt(&op).await else {
            continue;
        };
        let value = match observed.value {
            Value::Int(value) => Some(value),
            Value::Absent | Value::List(_) => None,
        };
        let return_ns = since(origin);
        let seen = Seen {
            value,
            call_ns,
            return_ns,
        };
        locked(&book).read(from, region, seen);
    }
}

fn key(region: usize) -> Key {
    Key(Key::FIRST_HEARTBEAT.0 + region as u64)
}

fn id(region: usize) -> RegionId {
    RegionId(u8::try_from(region).expect("at most twelve regions"))
}

fn since(origin: Instant) -> u64 {
    u64::try_from(origin.elapsed().as_nanos()).expect("a run lasts less than 584 years")
}
