//! Sends what the pacer releases: a fixed number of slots per lane, one operation in flight each, every operation counted once.
//!
//! A lane is a region. All slots of a lane take from one queue, first come first served; a slot that is free waits for the next operation, an operation that
//! finds no slot free waits in the queue and its waiting counts as response time. When the schedule ends, nothing more is started: what is
//! still open is counted with its age and its connection dropped, what is still queued is counted as never sent.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::{Ending, Sample, meter::Meter, pacer::Due};

/// What one slot can do.
pub(crate) trait Attempt: Send + 'static {
    /// Does the operation of this number, once. Dropping the future gives it up.
    fn attempt(&mut self, number: u64) -> impl Future<Output = Attempted> + Send;

    /// Which kind of operation this number is, as an index below the count that its lane was made with: known without doing it.
    fn kind(&self, number: u64) -> usize;
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempted {
    /// The error code, or `None` when it succeeded.
    pub(crate) error: Option<&'static str>,
}

/// What one lane counted, by kind of operation: since the start, and since the last look.
pub(crate) struct Counts {
    /// Since the start.
    pub(crate) total: Vec<Meter>,
    /// Since it was last taken by [`Lane::take_interval`].
    interval: Vec<Meter>,
}

/// One region's queue and what it counted; clones share it.
#[derive(Clone)]
pub(crate) struct Lane {
    queue: Arc<AsyncMutex<UnboundedReceiver<Due>>>,
    counts: Arc<Mutex<Counts>>,
    origin: Instant,
    end_ns: u64,
}

impl Lane {
    /// A lane that takes from this queue until `end_ns` after `origin`, counting so many kinds of operations.
    pub(crate) fn new(
        queue: UnboundedReceiver<Due>,
        origin: Instant,
        end_ns: u64,
        kinds: usize,
    ) -> Self {
        let meters = || (0..kinds).map(|_| Meter::new()).collect();
        let counts = Counts {
            total: meters(),
            interval: meters(),
        };
        let queue = Arc::new(AsyncMutex::new(queue));
        Self {
            queue,
            counts: Arc::new(Mutex::new(counts)),
            origin,
            end_ns,
        }
    }

    /// Runs the slots until the lane's end, then counts what is left over.
    pub(crate) async fn run<A: Attempt>(&self, slots: Vec<A>) {
        assert!(!slots.is_empty(), "nothing can be sent without a slot");
        let mut tasks = JoinSet::new();
        for slot in slots {
            tasks.spawn(work(self.clone(), slot));
        }
        let mut last = None;
        for slot in tasks.join_all().await {
            last = Some(slot);
        }
        let slot = last.expect("there was a slot");
        let mut queue = self.queue.lock().await;
        while let Ok((number, intended_ns)) = queue.try_recv() {
            let (started_ns, ended_ns) = (None, self.end_ns);
            let sample = Sample {
                intended_ns,
                started_ns,
                ended_ns,
                ending: Ending::NeverSent,
            };
            self.count(slot.kind(number), &sample);
        }
    }

    /// What was counted since the last look, by kind.
    pub(crate) fn take_interval(&self) -> Vec<Meter> {
        let mut counts = self.counts();
        let kinds = counts.interval.len();
        std::mem::replace(
            &mut counts.interval,
            (0..kinds).map(|_| Meter::new()).collect(),
        )
    }

    /// What was counted since the start.
    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, kind: usize, sample: &Sample) {
        let mut counts = self.counts();
        counts.total[kind].count(sample);
        counts.interval[kind].count(sample);
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).expect("a run lasts less than 584 years")
    }

    fn end(&self) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.origin + Duration::from_nanos(self.end_ns))
    }
}

async fn work<A: Attempt>(lane: Lane, mut slot: A) -> A {
    loop {
        // The lock is held while waiting: slots stand in line for the next operation, in the order in which they became free.
        let next = async { lane.queue.lock().await.recv().await };
        let Ok(Some((number, intended_ns))) = tokio::time::timeout_at(lane.end(), next).await
        else {
            return slot;
        };
        let started_ns = Some(lane.now_ns());
        let kind = slot.kind(number);
        let ended = tokio::time::timeout_at(lane.end(), slot.attempt(number)).await;
        let ending = match ended {
            Ok(Attempted { error: None }) => Ending::Ok,
            Ok(Attempted { error: Some(code) }) => Ending::Error(code),
            Err(_) => Ending::Open,
        };
        lane.count(
            kind,
            &Sample {
                intended_ns,
                started_ns,
                ended_ns: lane.now_ns(),
                ending,
            },
        );
        if ending == Ending::Open {
            return slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    /// Succeeds at once, but fails every fifth and never answers number 7.
    struct Scripted;

    impl Attempt for Scripted {
        async fn attempt(&mut self, number: u64) -> Attempted {
            if number == 7 {
                std::future::pending::<()>().await;
            }
            Attempted {
                error: (number % 5 == 4).then_some("timeout"),
            }
        }

        fn kind(&self, number: u64) -> usize {
            usize::from(number % 2 == 1)
        }
    }

    #[tokio::test]
    async fn every_released_operation_is_counted_once() {
        let (send, receive) = unbounded_channel();
        (0..20).for_each(|number| send.send((number, number * 1000)).expect("a receiver"));
        drop(send);
        let lane = Lane::new(receive, Instant::now(), 200_000_000, 2);
        lane.run(vec![Scripted, Scripted]).await;
        let counts = lane.counts();
        let scheduled: u64 = counts.total.iter().map(Meter::scheduled).sum();
        assert_eq!(scheduled, 20);
        assert_eq!(counts.total[1].open.len(), 1, "number 7 was still open");
        assert_eq!(counts.total[0].errors["timeout"].len(), 2, "4 and 14");
        assert_eq!(counts.total[1].errors["timeout"].len(), 2, "9 and 19");
    }

    #[tokio::test]
    async fn what_no_slot_was_free_for_is_never_sent() {
        let (send, receive) = unbounded_channel();
        (7..12).for_each(|number| send.send((number, 0)).expect("a receiver"));
        let lane = Lane::new(receive, Instant::now(), 20_000_000, 2);
        lane.run(vec![Scripted]).await;
        let counts = lane.counts();
        let never: u64 = counts.total.iter().map(|meter| meter.never_sent).sum();
        assert_eq!((counts.total[1].open.len(), never), (1, 4));
        drop(counts);
        let interval: u64 = lane.take_interval().iter().map(Meter::scheduled).sum();
        let later: u64 = lane.take_interval().iter().map(Meter::scheduled).sum();
        assert_eq!((interval, later), (5, 0));
    }
}
