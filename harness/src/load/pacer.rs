//! Releases operations at their intended times, in real time.
//!
//! The runtime's timers count in milliseconds, which is too coarse at thousands of operations a second. So one thread of its own sleeps until the next
//! intended start (the kernel's timer is good to some 60 us) and releases all that are due by then. It never waits for
//! anybody: while no slot is free, released operations queue, each with its intended start, and the queue holds numbers and times only.

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::stop::Stop;

/// An operation that is due: its number in the schedule and its intended start in nanoseconds since the schedule began.
pub(crate) type Due = (u64, u64);

/// Operations closer together than this are released together: waking up for each would cost more than it is worth.
const GRAIN_NS: u64 = 100_000;

/// How long the thread sleeps at most, so that it notices a stop soon.
const NAP: Duration = Duration::from_millis(50);

/// Starts releasing the schedule's operations that lie before `end_ns`. `origin` is the schedule's zero.
pub(crate) fn start(
    schedule: impl Iterator<Item = Due> + Send + 'static,
    origin: Instant,
    end_ns: u64,
    stop: Stop,
) -> std::io::Result<UnboundedReceiver<Due>> {
    let (send, receive) = unbounded_channel();
    thread::Builder::new().name("pacer".into()).spawn(move || {
        release(
            schedule.take_while(|due| due.1 < end_ns),
            origin,
            &stop,
            &send,
        );
    })?;
    Ok(receive)
}

fn release(
    schedule: impl Iterator<Item = Due>,
    origin: Instant,
    stop: &Stop,
    send: &UnboundedSender<Due>,
) {
    let mut elapsed_ns = 0;
    for due in schedule {
        while due.1 > elapsed_ns + GRAIN_NS / 2 {
            if stop.is_set() {
                return;
            }
            thread::sleep(Duration::from_nanos(due.1 - elapsed_ns).min(NAP));
            elapsed_ns = since(origin);
        }
        // The receiver is gone when the run ended early.
        if send.send(due).is_err() {
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
    fn every_operation_comes_once_in_order_and_not_before_its_time() {
        let schedule = (0..200_u64).map(|number| (number, number * 250_000));
        let origin = Instant::now();
        let mut due = start(schedule, origin, 40_000_000, Stop::new()).expect("a thread");
        let mut numbers = Vec::new();
        while let Some((number, intended_ns)) = due.blocking_recv() {
            assert!(
                since(origin) + GRAIN_NS >= intended_ns,
                "number {number} came too early"
            );
            numbers.push(number);
        }
        assert_eq!(
            numbers,
            (0..160).collect::<Vec<_>>(),
            "those before the end, and no others"
        );
    }

    #[test]
    fn a_stop_ends_it() {
        let stop = Stop::new();
        stop.set("enough");
        let schedule = (1..).map(|number| (number, number * 1_000_000_000));
        let mut due = start(schedule, Instant::now(), u64::MAX, stop).expect("a thread");
        assert_eq!(due.blocking_recv(), None);
    }
}
