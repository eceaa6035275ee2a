//! Releases operations at their intended times, in real time.
//!
//! The runtime's timers count in milliseconds, which is too coarse at thousands of operations a second. So one thread of its own sleeps until the next
//! intended start (the kernel's timer is good to some 60 us) and releases all that are due by then. It never waits for
//! anybody: while no slot is free, released operations queue, each with its intended start, and the queue holds numbers and times only.

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::stop::Stop;

/// An operation that is due. Times are nanoseconds since the schedule began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// Its number in the schedule.
    pub(crate) number: u64,
    /// Which kind of operation it is, as an index.
    pub(crate) kind: usize,
    /// When it is meant to start.
    pub(crate) intended_ns: u64,
    /// When it was released: the difference is the pacer's own error.
    pub(crate) released_ns: u64,
}

/// Operations closer together than this are released together: waking up for each would cost more than it is worth.
const GRAIN_NS: u64 = 100_000;

/// How long the thread sleeps at most, so that it notices a stop soon.
const NAP: Duration = Duration::from_millis(50);

/// Starts releasing the operations of `schedule` (numbers and intended starts), each to the lane and with the kind that `route` gives for its
/// number. `origin` is the schedule's zero. The receivers end with the schedule.
pub(crate) fn start(
    schedule: impl Iterator<Item = (u64, u64)> + Send + 'static,
    lanes: usize,
    route: impl Fn(u64) -> (usize, usize) + Send + 'static,
    origin: Instant,
    stop: Stop,
) -> std::io::Result<Vec<UnboundedReceiver<Due>>> {
    let (sends, receives): (Vec<_>, Vec<_>) = (0..lanes).map(|_| unbounded_channel()).unzip();
    thread::Builder::new()
        .name("pacer".into())
        .spawn(move || release(schedule, route, origin, &stop, &sends))?;
    Ok(receives)
}

fn release(
    schedule: impl Iterator<Item = (u64, u64)>,
    route: impl Fn(u64) -> (usize, usize),
    origin: Instant,
    stop: &Stop,
    sends: &[UnboundedSender<Due>],
) {
    let mut elapsed_ns = 0;
    for (number, intended_ns) in schedule {
        while intended_ns > elapsed_ns + GRAIN_NS / 2 {
            if stop.is_set() {
                return;
            }
            thread::sleep(Duration::from_nanos(intended_ns.saturating_sub(elapsed_ns)).min(NAP));
            elapsed_ns = since(origin);
        }
        let (lane, kind) = route(number);
        let due = Due {
            number,
            kind,
            intended_ns,
            released_ns: elapsed_ns.max(intended_ns),
        };
        // The receiver is gone when the run ended early.
        if sends[lane].send(due).is_err() {
            return;
        }
    }
}

fn since(origin: Instant) -> u64 {
    u64::try_from(origin.elapsed().as_nanos()).expect("a run lasts less than 584 years")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_comes_once_in_order_to_its_lane_and_not_before_its_time() {
        let schedule = (0..160_u64).map(|number| (number, number * 250_000));
        let origin = Instant::now();
        let by_parity = |number| (usize::from(number % 2 == 1), 0);
        let lanes = start(schedule, 2, by_parity, origin, Stop::new()).expect("a thread");
        for (parity, mut lane) in (0_u64..).zip(lanes) {
            let mut numbers = Vec::new();
            while let Some(due) = lane.blocking_recv() {
                let Due {
                    number,
                    intended_ns,
                    ..
                } = due;
                assert!(
                    since(origin) + GRAIN_NS >= intended_ns,
                    "number {number} came too early"
                );
                assert!(due.released_ns >= intended_ns);
                numbers.push(number);
            }
            let expected: Vec<u64> = (0..160).filter(|number| number % 2 == parity).collect();
            assert_eq!(numbers, expected);
        }
    }

    #[test]
    fn a_stop_ends_it() {
        let stop = Stop::new();
        stop.set("enough");
        let schedule = (1..).map(|number| (number, number * 1_000_000_000));
        let mut lanes = start(schedule, 1, |_| (0, 0), Instant::now(), stop).expect("a thread");
        assert_eq!(lanes[0].blocking_recv(), None);
    }
}
