//! Wakes what waits for an instant as exactly as the kernel can.
//!
//! The runtime's own timers count in milliseconds and round up twice, the instant and then the nap: a delay of a link would come out a
//! millisecond longer than it was asked for. One timer of the kernel's serves a whole link; it is set for the first that waits.

use std::{
    collections::BTreeMap,
    future::Future,
    io,
    os::fd::AsFd as _,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use tokio::{net::unix::pipe::Receiver, task::AbortHandle};

/// The alarm of one link. Nobody is woken any more once it is dropped.
pub(super) struct Alarm {
    waiting: Arc<Mutex<Waiting>>,
    ringing: AbortHandle,
}

impl Alarm {
    /// An alarm that rings on this runtime. Must be called inside one.
    ///
    /// # Errors
    /// When file descriptors run out.
    pub(super) fn new() -> io::Result<Alarm> {
        let timer = TimerFd::new(
            ClockId::CLOCK_MONOTONIC,
            TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC,
        )?;
        // A timer is read as a pipe is, and what the runtime has for pipes takes any descriptor without unsafe code.
        let rings = Receiver::from_owned_fd_unchecked(timer.as_fd().try_clone_to_owned()?)?;
        let waiting = Arc::new(Mutex::new(Waiting {
            timer,
            set_for: None,
            wakers: BTreeMap::new(),
            numbers: 0,
        }));
        let ringing = tokio::spawn(ring(rings, Arc::clone(&waiting))).abort_handle();
        Ok(Alarm { waiting, ringing })
    }

    /// Ends at this instant, not before.
    pub(super) fn at(&self, due: Instant) -> Wait<'_> {
        Wait {
            alarm: self,
            due,
            number: None,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.ringing.abort();
    }
}

/// Wakes those who are due whenever the timer rings.
async fn ring(rings: Receiver, waiting: Arc<Mutex<Waiting>>) {
    let mut count = [0; size_of::<u64>()];
    loop {
        rings
            .readable()
            .await
            .expect("the runtime outlives its tasks");
        // It fails when it has not rung since it was last looked at.
        if rings.try_read(&mut count).is_ok() {
            let due = lock(&waiting).take_due();
            due.into_iter().for_each(Waker::wake);
        }
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().expect("no holder of this lock panics")
}

/// Those who wait, and the timer that is set for the first of them or for an earlier instant.
struct Waiting {
    timer: TimerFd,
    set_for: Option<Instant>,
    /// By when they are due; numbers tell those of one instant apart.
    wakers: BTreeMap<(Instant, u64), Waker>,
    numbers: u64,
}

impl Waiting {
    fn add(&mut self, due: Instant, waker: &Waker) -> u64 {
        self.numbers += 1;
        self.wakers.insert((due, self.numbers), waker.clone());
        if self.set_for.is_none_or(|set_for| due < set_for) {
            self.set(due);
        }
        self.numbers
    }

    /// Takes those who are due, and sets the timer for the first of the others.
    fn take_due(&mut self) -> Vec<Waker> {
        let now = Instant::now();
        let mut due = Vec::new();
        self.set_for = None;
        while let Some(first) = self.wakers.first_entry() {
            let &(instant, _) = first.key();
            if instant > now {
                self.set(instant);
                break;
            }
            due.push(first.remove());
        }
        due
    }

    fn set(&mut self, due: Instant) {
        let nap = due.saturating_duration_since(Instant::now());
        // A nap of nothing would take the timer back.
        let nap = TimeSpec::from_duration(nap.max(Duration::from_nanos(1)));
        self.timer
            .set(Expiration::OneShot(nap), TimerSetTimeFlags::empty())
            .expect("a timer can be set for any time to come");
        self.set_for = Some(due);
    }
}

/// One who waits.
pub(super) struct Wait<'a> {
    alarm: &'a Alarm,
    due: Instant,
    /// Under which it is on the list.
    number: Option<u64>,
}

impl Wait<'_> {
    fn leave(&mut self) {
        if let Some(number) = self.number.take() {
            self.alarm.waiting().wakers.remove(&(self.due, number));
        }
    }
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.leave();
        if self.due <= Instant::now() {
            return Poll::Ready(());
        }
        let number = self.alarm.waiting().add(self.due, context.waker());
        self.number = Some(number);
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(5);

    #[tokio::test]
    async fn everyone_is_woken_in_turn_and_none_too_early() {
        let alarm = Alarm::new().expect("a timer");
        let begun = Instant::now();
        let wait = async |steps: u32| {
            alarm.at(begun + STEP * steps).await;
            (steps, begun.elapsed())
        };
        let mut woken = Vec::new();
        let (three, one, two, now) = tokio::join!(wait(3), wait(1), wait(2), wait(0));
        woken.extend([now, one, two, three]);
        assert!(woken.is_sorted_by_key(|(_, elapsed)| *elapsed), "{woken:?}");
        for (steps, elapsed) in woken {
            assert!(elapsed >= STEP * steps, "step {steps} after {elapsed:?}");
        }
    }

    #[tokio::test]
    async fn the_timer_is_set_for_whoever_is_due_first() {
        let alarm = Alarm::new().expect("a timer");
        let begun = Instant::now();
        for (hours, set_for) in [(3, 3), (1, 1), (2, 1)] {
            let due = |hours: u64| begun + Duration::from_secs(hours * 3600);
            tokio::select! {
                biased;
                () = alarm.at(due(hours)) => unreachable!("it is not time yet"),
                () = std::future::ready(()) => {}
            }
            assert_eq!(alarm.waiting().set_for, Some(due(set_for)));
        }
    }

    #[tokio::test]
    async fn whoever_no_longer_waits_is_forgotten_and_the_others_are_not() {
        let alarm = Alarm::new().expect("a timer");
        let begun = Instant::now();
        let later = alarm.at(begun + STEP * 3);
        tokio::select! {
            biased;
            () = alarm.at(begun + STEP * 2) => unreachable!("it is not time yet"),
            () = std::future::ready(()) => {}
        }
        assert!(alarm.waiting().wakers.is_empty());
        later.await;
        assert!(begun.elapsed() >= STEP * 3);
        assert!(alarm.waiting().wakers.is_empty());
    }
}
