//! What can be wrong with a link, and what several wrongs come to together.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::repeat::Repeat;
use crate::topology::Weather;

/// One of the two ways that bytes go on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// From whoever opened the connection: requests.
    Forward,
    /// Back to whoever opened it: replies.
    Backward,
}

/// Both, in order.
pub(crate) const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Backward];

/// One thing wrong with one direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum LinkFault {
    /// More delay than the weather has.
    Latency {
        /// On top of the topology's delay.
        delay_ms: u64,
        /// At most this much more or less.
        jitter_ms: u64,
    },
    /// Each piece of up to 16 KiB comes later by a time of its own, drawn from an exponential distribution: most a little, a few a lot. A request or
    /// an answer that is sent at once and alone on its connection is one piece.
    Tail {
        /// The mean of these times; one in a hundred is 4.6 times as long, one in a thousand 6.9 times.
        mean_ms: u64,
    },
    /// Less bandwidth; the least of several counts.
    Bandwidth {
        /// Shared by all connections of the link. At least 1.
        bytes_per_s: u64,
    },
    /// Nothing passes: bytes are held until it heals, new connections go nowhere.
    Blackhole {
        /// What becomes of the connections that were there.
        after: AfterHeal,
    },
    /// An end of stream is passed on late.
    SlowClose {
        /// How late.
        delay_ms: u64,
    },
    /// Each connection is closed after this many more bytes.
    Truncate {
        /// Counted from when the fault was installed or the connection opened.
        bytes: u64,
    },
    /// Bytes stay where they are, while connections can still be opened; each connection is ended after so long.
    Stall {
        /// How each connection ends.
        ends: StallEnd,
        /// When, counted from when the fault was installed or the connection opened; 0: never.
        after_ms: u64,
    },
    /// Bytes go on in small pieces.
    Slice {
        /// How large a piece is on average. At least 1.
        bytes: u64,
        /// At most this much more or less; less than `bytes`.
        variation: u64,
        /// The pause after each.
        pause_us: u64,
    },
    /// HTTP requests arrive again, on a connection of their own. Concerns requests, so the forward direction.
    Repeat {
        /// So many of a thousand.
        per_mille: u64,
        /// A copy goes at most so much later than its original.
        delay_ms: u64,
    },
    /// Nobody listens: connections are refused, those that exist stay. Concerns the link, whichever direction is named.
    Refuse,
}

/// What becomes of existing connections when a cut heals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AfterHeal {
    /// Held bytes go on their way, as when routes come back.
    Continue,
    /// They are reset, as by a firewall that lost its state.
    Reset,
}

/// How a connection that is stalled ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StallEnd {
    /// Its ends are closed.
    Close,
    /// Its ends are reset.
    Reset,
}

/// What a pump has to do: the weather and all faults of one direction together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    /// The mean of the exponentially distributed delay.
    pub(super) tail: Duration,
    pub(super) bytes_per_s: Option<u64>,
    pub(super) passage: Passage,
    pub(super) slow_close: Duration,
    pub(super) truncate_after: Option<u64>,
    pub(super) stall: Option<Stall>,
    pub(super) slice: Option<Slice>,
    pub(super) repeat: Option<Repeat>,
}

/// Bytes stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stall {
    pub(super) ends: StallEnd,
    /// `None`: never.
    pub(super) after: Option<Duration>,
}

/// Bytes go on in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) bytes: u64,
    pub(super) variation: u64,
    pub(super) pause: Duration,
}

/// Whether bytes pass at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Open,
    Held,
}

impl Effect {
    pub(super) fn of_weather(weather: Weather) -> Effect {
        Effect {
            delay: weather.delay,
            jitter: weather.jitter,
            tail: Duration::ZERO,
            bytes_per_s: weather.bandwidth,
            passage: Passage::Open,
            slow_close: Duration::ZERO,
            truncate_after: None,
            stall: None,
            slice: None,
            repeat: None,
        }
    }

    /// This and one fault more.
    pub(super) fn with(mut self, fault: LinkFault) -> Effect {
        let least = |a: Option<u64>, b: u64| Some(a.map_or(b, |a| a.min(b)));
        match fault {
            LinkFault::Latency {
                delay_ms,
                jitter_ms,
            } => {
                self.delay += Duration::from_millis(delay_ms);
                self.jitter += Duration::from_millis(jitter_ms);
            }
            LinkFault::Tail { mean_ms } => self.tail += Duration::from_millis(mean_ms),
            LinkFault::Bandwidth { bytes_per_s } => {
                self.bytes_per_s = least(self.bytes_per_s, bytes_per_s.max(1));
            }
            LinkFault::Blackhole { .. } => self.passage = Passage::Held,
            LinkFault::SlowClose { delay_ms } => {
                self.slow_close += Duration::from_millis(delay_ms);
            }
            LinkFault::Truncate { bytes } => {
                self.truncate_after = least(self.truncate_after, bytes);
            }
            LinkFault::Stall { ends, after_ms } => {
                let after = (after_ms > 0).then(|| Duration::from_millis(after_ms));
                // Of several, the one that ends connections first.
                let first = |stall: &Stall| stall.after.unwrap_or(Duration::MAX);
                let new = Stall { ends, after };
                let old = self.stall.filter(|old| first(old) <= first(&new));
                self.stall = Some(old.unwrap_or(new));
            }
            LinkFault::Slice {
                bytes,
                variation,
                pause_us,
            } => {
                let new = Slice {
                    bytes: bytes.max(1),
                    variation: variation.min(bytes.saturating_sub(1)),
                    pause: Duration::from_micros(pause_us),
                };
                // Of several, the one with the smallest pieces.
                let old = self.slice.filter(|old| old.bytes <= new.bytes);
                self.slice = Some(old.unwrap_or(new));
            }
            LinkFault::Repeat {
                per_mille,
                delay_ms,
            } => {
                let new = Repeat {
                    per_mille,
                    delay_max: Duration::from_millis(delay_ms),
                };
                // Of several, the one that repeats most.
                let old = self.repeat.filter(|old| old.per_mille >= new.per_mille);
                self.repeat = Some(old.unwrap_or(new));
            }
            LinkFault::Refuse => {}
        }
        self
    }
}
