//! One direction of one connection: reads, holds for as long as the link says, writes, in order.
//!
//! What holds is asked anew at every turn, so a fault that comes or goes concerns bytes that are already held: after a heal they all go at
//! once. An end of stream and a reset travel like bytes: a cut link keeps them too.

use std::{
    collections::VecDeque,
    io,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio::{
    io::AsyncWriteExt,
    net::tcp::{ReadHalf, WriteHalf},
    sync::watch,
};
use workloads::seed::Stream;

use super::{
    fault::{Direction, Effect, Passage, Slice, StallEnd},
    link::{Gauge, Link},
    repeat::Requests,
    state::State,
};

/// Bytes of one direction of one connection that are under way; beyond it the sender feels the pressure, as with a full TCP window.
const WINDOW: usize = 1024 * 1024;
/// Bytes read at once.
const CHUNK: usize = 16 * 1024;
/// A limited link may catch up this much after a late timer.
const BURST: Duration = Duration::from_millis(5);

/// Why a connection ends before both directions have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Close both ends.
    Close,
    /// Reset both ends.
    Reset,
}

/// What is under way.
enum Parcel {
    Bytes(Vec<u8>),
    End,
    Reset,
}

struct Held {
    arrived: Instant,
    /// Where in the jitter it falls, thousandths from -1000 to 1000.
    luck: i64,
    /// How long it is held in a tail of mean 1.
    tail: f64,
    parcel: Parcel,
}

/// One direction of one connection.
pub(super) struct Pump<'a> {
    link: &'a Link,
    direction: Direction,
    connection: u64,
    state: watch::Receiver<State>,
    resets: u64,
    draws: Stream,
    /// Draws of their own, so that what jitter draws stays what it was.
    tails: Stream,
    queue: VecDeque<Held>,
    queued_bytes: usize,
    source: Source,
    passed: u64,
    /// What had passed when a truncation began to count.
    truncated_from: Option<u64>,
    /// When bytes began to stay where they are.
    stalled_from: Option<Instant>,
    /// When the next piece may go, where bytes go in pieces.
    next_piece_at: Option<Instant>,
    /// What has passed of a request that may be repeated; none where nothing is.
    requests: Option<Requests>,
}

/// Whether more can come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Flowing,
    Ended,
}

/// What the head of the queue may do now.
enum Head {
    Go,
    WaitUntil(Instant),
    WaitForChange,
}

impl<'a> Pump<'a> {
    pub(super) fn new(
        link: &'a Link,
        direction: Direction,
        connection: u64,
        resets: u64,
    ) -> Pump<'a> {
        let draws = link.stream(direction, connection);
        Pump {
            link,
            direction,
            connection,
            state: link.state.subscribe(),
            resets,
            tails: draws.beside(1),
            draws,
            queue: VecDeque::new(),
            queued_bytes: 0,
            source: Source::Flowing,
            passed: 0,
            truncated_from: None,
            stalled_from: None,
            next_piece_at: None,
            requests: None,
        }
    }

    /// The same with bytes that were read before it began.
    pub(super) fn holding(mut self, early: Vec<u8>) -> Pump<'a> {
        if !early.is_empty() {
            self.hold(Parcel::Bytes(early));
        }
        self
    }

    /// The same, where requests that pass may be repeated.
    pub(super) fn repeatable(mut self) -> Pump<'a> {
        self.requests = Some(Requests::new(self.draws.beside(2)));
        self
    }

    /// Runs until the end of stream has been passed on, or the writer is gone: the other direction will tell the news.
    pub(super) async fn run(
        mut self,
        from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
    ) -> Result<(), Cut> {
        loop {
            let (effect, resets) = {
                let state = self.state.borrow_and_update();
                let luck = |holder: &str| self.link.luck(holder, self.connection);
                (state.effect_for(self.direction, luck), state.resets)
            };
            if resets > self.resets {
                return Err(Cut::Reset);
            }
            self.count_truncation(&effect)?;
            let ends_at = self.count_stall(&effect)?;
            let head = self.head(&effect);
            let roomy = self.source == Source::Flowing && self.queued_bytes < WINDOW;
            let (due, go) = match head {
                Head::Go => (None, true),
                Head::WaitUntil(instant) => (Some(instant), false),
                Head::WaitForChange => (None, false),
            };
            let until = due.into_iter().chain(ends_at).min();
            if go && self.head_is_mark() {
                return self.pass_mark(&mut to).await;
            }
            tokio::select! {
                changed = self.state.changed() => assert!(changed.is_ok(), "the link outlives its pumps"),
                ready = to.writable(), if go => {
                    if ready.and_then(|()| self.write(&to, &effect)).is_err() {
                        return Ok(());
                    }
                }
                ready = from.readable(), if roomy => match ready {
                    Ok(()) => self.read(&from),
                    Err(_) => self.end(Parcel::Reset),
                },
                () = self.link.alarm.at(until.unwrap_or_else(Instant::now)), if until.is_some() => {}
            }
        }
    }

    fn head(&self, effect: &Effect) -> Head {
        let Some(head) = self.queue.front() else {
            return Head::WaitForChange;
        };
        if effect.passage == Passage::Held || effect.stall.is_some() {
            return Head::WaitForChange;
        }
        let mut due = head.arrived + delay(effect, head);
        match head.parcel {
            Parcel::Bytes(_) => {
                if effect.bytes_per_s.is_some()
                    && let Some(free_at) = *self.pace()
                {
                    due = due.max(free_at);
                }
                if effect.slice.is_some()
                    && let Some(next_at) = self.next_piece_at
                {
                    due = due.max(next_at);
                }
            }
            Parcel::End => due += effect.slow_close,
            Parcel::Reset => {}
        }
        if due <= Instant::now() {
            Head::Go
        } else {
            Head::WaitUntil(due)
        }
    }

    fn head_is_mark(&self) -> bool {
        matches!(
            self.queue.front(),
            Some(Held {
                parcel: Parcel::End | Parcel::Reset,
                ..
            })
        )
    }

    /// Passes on the end of stream or the reset at the head, the last thing this pump does.
    async fn pass_mark(mut self, to: &mut WriteHalf<'_>) -> Result<(), Cut> {
        match self.queue.pop_front().map(|held| held.parcel) {
            Some(Parcel::End) => {
                // It fails only when the other side is gone, and then nobody is left to be told.
                to.shutdown().await.ok();
                Ok(())
            }
            Some(Parcel::Reset) => Err(Cut::Reset),
            Some(Parcel::Bytes(_)) | None => unreachable!("the head was a mark"),
        }
    }

    fn read(&mut self, from: &ReadHalf<'_>) {
        let mut bytes = Vec::with_capacity(CHUNK);
        match from.try_read_buf(&mut bytes) {
            Ok(0) => self.end(Parcel::End),
            Ok(_) => self.hold(Parcel::Bytes(bytes)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.end(Parcel::Reset),
        }
    }

    fn write(&mut self, to: &WriteHalf<'_>, effect: &Effect) -> io::Result<()> {
        let piece = effect.slice.map(|slice| self.piece(slice));
        let Some(Held {
            parcel: Parcel::Bytes(bytes),
            ..
        }) = self.queue.front_mut()
        else {
            unreachable!("only bytes are written");
        };
        let mut count = bytes.len();
        if let Some(rate) = effect.bytes_per_s {
            // A hundredth of a second at a time, so that a narrow link trickles.
            count = count.min(usize::try_from(rate / 100).unwrap_or(CHUNK).max(1));
        }
        if let (Some(limit), Some(from)) = (effect.truncate_after, self.truncated_from) {
            let left = (from + limit).saturating_sub(self.passed);
            count = count.min(usize::try_from(left).unwrap_or(CHUNK));
        }
        if let Some(piece) = piece {
            count = count.min(usize::try_from(piece).unwrap_or(CHUNK));
        }
        let written = match to.try_write(&bytes[..count]) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        match (&mut self.requests, effect.repeat) {
            (Some(requests), Some(repeat)) => {
                if let Some((request, delay)) = requests.see(&bytes[..written], repeat) {
                    self.link.repeat(request, delay);
                }
            }
            (Some(requests), None) => requests.clear(),
            (None, _) => {}
        }
        if written == bytes.len() {
            self.queue.pop_front();
        } else {
            bytes.drain(..written);
        }
        self.queued_bytes -= written;
        self.next_piece_at = effect.slice.map(|slice| Instant::now() + slice.pause);
        self.account(written as u64, effect);
        Ok(())
    }

    fn account(&mut self, written: u64, effect: &Effect) {
        self.passed += written;
        self.gauge().bytes.fetch_add(written, Ordering::Relaxed);
        if let Some(rate) = effect.bytes_per_s {
            let now = Instant::now();
            let mut free_at = self.pace();
            let begin = free_at.map_or(now, |at| at.max(now.checked_sub(BURST).unwrap_or(now)));
            *free_at =
                Some(begin + Duration::from_nanos(written.saturating_mul(1_000_000_000) / rate));
        }
    }

    /// How large the next piece is.
    fn piece(&mut self, slice: Slice) -> u64 {
        slice.bytes - slice.variation + self.draws.below(2 * slice.variation + 1)
    }

    /// When a stalled connection ends, if it does; an error when it is time.
    fn count_stall(&mut self, effect: &Effect) -> Result<Option<Instant>, Cut> {
        let Some(stall) = effect.stall else {
            self.stalled_from = None;
            return Ok(None);
        };
        let from = *self.stalled_from.get_or_insert_with(Instant::now);
        let ends_at = stall.after.map(|after| from + after);
        if ends_at.is_some_and(|at| at <= Instant::now()) {
            return Err(match stall.ends {
                StallEnd::Close => Cut::Close,
                StallEnd::Reset => Cut::Reset,
            });
        }
        Ok(ends_at)
    }

    fn count_truncation(&mut self, effect: &Effect) -> Result<(), Cut> {
        let Some(limit) = effect.truncate_after else {
            self.truncated_from = None;
            return Ok(());
        };
        let from = *self.truncated_from.get_or_insert(self.passed);
        // With a limit of 0 the first byte ends it, not the opening: what goes the other way must arrive.
        let has_begun = limit > 0 || !self.queue.is_empty();
        if has_begun && self.passed >= from + limit {
            Err(Cut::Close)
        } else {
            Ok(())
        }
    }

    fn end(&mut self, mark: Parcel) {
        self.source = Source::Ended;
        self.hold(mark);
    }

    fn hold(&mut self, parcel: Parcel) {
        if let Parcel::Bytes(bytes) = &parcel {
            self.queued_bytes += bytes.len();
            assert!(
                self.queued_bytes < WINDOW + WINDOW,
                "the window bounds what is held"
            );
        }
        let luck = i64::try_from(self.draws.below(2001)).expect("small") - 1000;
        self.queue.push_back(Held {
            arrived: Instant::now(),
            luck,
            tail: self.tails.exponential(),
            parcel,
        });
    }

    fn gauge(&self) -> &'a Gauge {
        self.link.gauge(self.direction)
    }

    fn pace(&self) -> std::sync::MutexGuard<'a, Option<Instant>> {
        self.gauge()
            .free_at
            .lock()
            .expect("no holder of this lock panics")
    }
}

fn delay(effect: &Effect, held: &Held) -> Duration {
    let shift = effect
        .jitter
        .mul_f64(held.luck.unsigned_abs() as f64 / 1000.0);
    let shifted = if held.luck < 0 {
        effect.delay.saturating_sub(shift)
    } else {
        effect.delay + shift
    };
    shifted + effect.tail.mul_f64(held.tail)
}
