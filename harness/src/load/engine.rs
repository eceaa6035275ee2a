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
use crate::stop::Stop;

/// What one slot can do.
pub(crate) trait Attempt: Send + 'static {
    /// Does the operation of this number, once. Dropping the future gives it up.
    fn attempt(&mut self, number: u64) -> impl Future<Output = Attempted> + Send;
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempted {
    /// The error code, or `None` when it succeeded.
    pub(crate) error: Option<&'static str>,
}

/// What one lane counted, by kind of operation. Warm-up is what was meant to start before the measured time.
pub(crate) struct Counts {
    /// Measured, since the start.
    pub(crate) total: Vec<Meter>,
    /// Measured operations that found no slot free when they were released.
    pub(crate) waited_for_slot: u64,
    /// What ended since it was last taken by [`Lane::take_interval`].
    interval: Interval,
}

/// What ended within some time, by kind of operation.
pub(crate) struct Interval {
    pub(crate) warm_up: Vec<Meter>,
    pub(crate) measured: Vec<Meter>,
}

impl Interval {
    fn new(kinds: usize) -> Self {
        let meters = || (0..kinds).map(|_| Meter::new()).collect();
        Self {
            warm_up: meters(),
            measured: meters(),
        }
    }
}

/// The times of a lane, nanoseconds since its origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Operations that are meant to start before this are warm-up.
    pub(crate) warm_up_ns: u64,
    /// Nothing is started or waited for after this.
    pub(crate) end_ns: u64,
}

/// One region's queue and what it counted; clones share it.
#[derive(Clone)]
pub(crate) struct Lane {
    queue: Arc<AsyncMutex<UnboundedReceiver<Due>>>,
    counts: Arc<Mutex<Counts>>,
    origin: Instant,
    span: Span,
    kinds: usize,
    stop: Stop,
}

impl Lane {
    /// A lane that takes from this queue until its span ends or somebody wants to stop, counting so many kinds of operations.
    pub(crate) fn new(
        queue: UnboundedReceiver<Due>,
        origin: Instant,
        span: Span,
        kinds: usize,
        stop: Stop,
    ) -> Self {
        let counts = Counts {
            total: (0..kinds).map(|_| Meter::new()).collect(),
            waited_for_slot: 0,
            interval: Interval::new(kinds),
        };
        let queue = Arc::new(AsyncMutex::new(queue));
        Self {
            queue,
            counts: Arc::new(Mutex::new(counts)),
            origin,
            span,
            kinds,
            stop,
        }
    }

    /// Runs the slots until the lane's end, then counts what is left over.
    pub(crate) async fn run<A: Attempt>(&self, slots: Vec<A>) {
        assert!(!slots.is_empty(), "nothing can be sent without a slot");
        let mut tasks = JoinSet::new();
        for slot in slots {
            tasks.spawn(work(self.clone(), slot));
        }
        tasks.join_all().await;
        let mut queue = self.queue.lock().await;
        // Until the pacer has released everything: it may be late itself, and what it was late with counts.
        while let Some(due) = queue.recv().await {
            let sample = Sample {
                intended_ns: due.intended_ns,
                started_ns: None,
                ended_ns: self.span.end_ns,
                ending: Ending::NeverSent,
            };
            self.count(due.kind, Slots::Busy, &sample);
        }
    }

    /// What was counted since the last look.
    pub(crate) fn take_interval(&self) -> Interval {
        // Made before the lock is taken: senders wait for it.
        let fresh = Interval::new(self.kinds);
        std::mem::replace(&mut self.counts().interval, fresh)
    }

    /// What was counted since the start.
    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, kind: usize, slots: Slots, sample: &Sample) {
        let mut counts = self.counts();
        if sample.intended_ns < self.span.warm_up_ns {
            counts.interval.warm_up[kind].count(sample);
            return;
        }
        counts.total[kind].count(sample);
        counts.interval.measured[kind].count(sample);
        counts.waited_for_slot += u64::from(slots == Slots::Busy);
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).expect("a run lasts less than 584 years")
    }

    fn end(&self) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.origin + Duration::from_nanos(self.span.end_ns))
    }
}

/// What an operation found when it was released.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slots {
    /// A slot was free.
    Free,
    /// None was: the in-flight limit bound.
    Busy,
}

async fn work<A: Attempt>(lane: Lane, mut slot: A) {
    // One timer for the whole life of the slot: setting one for each operation costs more than looking at this one.
    let end = tokio::time::sleep_until(lane.end());
    tokio::pin!(end);
    loop {
        let free_since_ns = lane.now_ns();
        // The lock is held while waiting: slots stand in line for the next operation, in the order in which they became free.
        let next = async { lane.queue.lock().await.recv().await };
        let due = tokio::select! {
            biased;
            due = next => due,
            () = &mut end => return,
        };
        let Some(due) = due else {
            return;
        };
        let started_ns = Some(lane.now_ns());
        // Slots take turns, so this one has been free for longest: if it was not when the operation was released, none was.
        let slots = if free_since_ns > due.released_ns {
            Slots::Busy
        } else {
            Slots::Free
        };
        let ending = tokio::select! {
            biased;
            attempted = slot.attempt(due.number) => attempted.error.map_or(Ending::Ok, Ending::Error),
            () = &mut end => Ending::Open,
        };
        lane.count(
            due.kind,
            slots,
            &Sample {
                intended_ns: due.intended_ns,
                started_ns,
                ended_ns: lane.now_ns(),
                ending,
            },
        );
        // A wish to stop leaves what is queued: it is counted as never sent.
        if ending == Ending::Open || lane.stop.is_set() {
            return;
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
    }

    const MS: u64 = 1_000_000;

    fn lane(numbers: std::ops::Range<u64>, span: Span) -> Lane {
        let (send, receive) = unbounded_channel();
        for number in numbers {
            let due = Due {
                number,
                kind: usize::from(number % 2 == 1),
                intended_ns: number * 1000,
                released_ns: number * 1000,
            };
            send.send(due).expect("a receiver");
        }
        Lane::new(receive, Instant::now(), span, 2, Stop::new())
    }

    #[tokio::test]
    async fn every_released_operation_is_counted_once() {
        let span = Span {
            warm_up_ns: 0,
            end_ns: 200 * MS,
        };
        let lane = lane(0..20, span);
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
        let span = Span {
            warm_up_ns: 0,
            end_ns: 20 * MS,
        };
        let lane = lane(7..12, span);
        lane.run(vec![Scripted]).await;
        let counts = lane.counts();
        let never: u64 = counts.total.iter().map(|meter| meter.never_sent).sum();
        assert_eq!((counts.total[1].open.len(), never), (1, 4));
        assert!(counts.waited_for_slot >= 4, "the limit bound");
        drop(counts);
        let taken = |lane: &Lane| -> u64 {
            lane.take_interval()
                .measured
                .iter()
                .map(Meter::scheduled)
                .sum()
        };
        assert_eq!((taken(&lane), taken(&lane)), (5, 0));
    }

    #[tokio::test]
    async fn what_is_released_after_the_end_is_counted() {
        let (send, receive) = unbounded_channel();
        let span = Span {
            warm_up_ns: 0,
            end_ns: MS,
        };
        let past = Instant::now().checked_sub(Duration::from_secs(1));
        let origin = past.expect("the machine has been up for a second");
        let lane = Lane::new(receive, origin, span, 2, Stop::new());
        let running = tokio::spawn({
            let lane = lane.clone();
            async move { lane.run(vec![Scripted]).await }
        });
        // One thread: the slot sees that its time is over.
        for _turn in 0..10 {
            tokio::task::yield_now().await;
        }
        let (number, kind) = (1, 0);
        let (intended_ns, released_ns) = (MS / 2, 5 * MS);
        let due = Due {
            number,
            kind,
            intended_ns,
            released_ns,
        };
        send.send(due).expect("a receiver");
        drop(send);
        running.await.expect("it does not panic");
        assert_eq!(lane.counts().total[0].never_sent, 1);
    }

    #[tokio::test]
    async fn warm_up_is_kept_out_of_the_totals_but_not_of_the_intervals() {
        let span = Span {
            warm_up_ns: 3000,
            end_ns: 100 * MS,
        };
        let lane = lane(0..6, span);
        lane.run(vec![Scripted, Scripted]).await;
        let sum = |meters: &[Meter]| meters.iter().map(Meter::scheduled).sum::<u64>();
        let interval = lane.take_interval();
        assert_eq!(sum(&lane.counts().total), 3);
        assert_eq!((sum(&interval.warm_up), sum(&interval.measured)), (3, 3));
    }
}
