//! Replication lag from heartbeats, on one clock: what was seen when, and the bounds that follow.
//!
//! A region holds heartbeat `v` from some instant on; a read there that missed `v` began before that instant, a read that saw it ended after. So
//! *start of the last read that missed v − acknowledgement of v ≤ lag ≤ end of the first read that saw v − start of the write of v*, with no second
//! clock in it. A write that was refused or whose outcome nobody knows gives no bounds. [`super::heartbeat`] sends; this only keeps the book.

use reports::load_summary::{LoadLag, Times};

/// One written heartbeat.
#[derive(Clone, Copy, Debug)]
struct Beat {
    value: i64,
    call_ns: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Asked, not answered yet.
    Open,
    /// Acknowledged at this time.
    Acknowledged(u64),
    /// Failed, or nobody knows.
    Void,
}

/// What one region has seen of another's heartbeats.
#[derive(Clone, Debug, Default)]
struct Pair {
    /// The first heartbeat that it has not seen.
    next: usize,
    missed_call_ns: Option<u64>,
    lower: Times,
    upper: Times,
    interval: Times,
}

/// A heartbeat read that succeeded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// The number that was there, if any.
    pub(crate) value: Option<i64>,
    /// When the read began.
    pub(crate) call_ns: u64,
    /// When it ended.
    pub(crate) return_ns: u64,
}

/// What was found out about one heartbeat between two regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The region that wrote it.
    pub(crate) from: usize,
    /// The region that showed it.
    pub(crate) to: usize,
    /// Its number.
    pub(crate) value: i64,
    /// When its write began.
    pub(crate) call_ns: u64,
    /// The lag was at least this …
    pub(crate) lower_ns: u64,
    /// … and at most this.
    pub(crate) upper_ns: u64,
}

/// All heartbeats of a run.
#[derive(Debug)]
pub(crate) struct LagBook {
    beats: Vec<Vec<Beat>>,
    /// `[from][to]`.
    pairs: Vec<Vec<Pair>>,
    /// Found since the last look.
    found: Vec<Bounds>,
    /// Heartbeats begun before this are warm-up.
    warm_up_ns: u64,
}

impl LagBook {
    pub(crate) fn new(regions: usize, warm_up_ns: u64) -> Self {
        Self {
            beats: vec![Vec::new(); regions],
            pairs: vec![vec![Pair::default(); regions]; regions],
            found: Vec::new(),
            warm_up_ns,
        }
    }

    /// A heartbeat is about to be written. Values ascend.
    pub(crate) fn write_called(&mut self, from: usize, value: i64, call_ns: u64) {
        let beats = &mut self.beats[from];
        assert!(
            beats.last().is_none_or(|last| last.value < value),
            "heartbeats ascend"
        );
        let state = State::Open;
        beats.push(Beat {
            value,
            call_ns,
            state,
        });
    }

    /// The last one was acknowledged (`Some`), or was not or may not have been (`None`).
    pub(crate) fn write_returned(&mut self, from: usize, return_ns: Option<u64>) {
        let last = self.beats[from].last_mut();
        last.expect("it was called").state = return_ns.map_or(State::Void, State::Acknowledged);
    }

    /// `to` was read and held this of `from`.
    pub(crate) fn read(&mut self, from: usize, to: usize, seen: Seen) {
        let pair = &mut self.pairs[from][to];
        while let Some(beat) = self.beats[from].get(pair.next) {
            if seen.value.is_none_or(|value| value < beat.value) {
                break;
            }
            let lower_ns = match beat.state {
                State::Acknowledged(return_ns) => Some(
                    pair.missed_call_ns
                        .map_or(0, |missed| missed.saturating_sub(return_ns)),
                ),
                State::Open => Some(0),
                State::Void => None,
            };
            if let Some(lower_ns) = lower_ns.filter(|_| beat.call_ns >= self.warm_up_ns) {
                let upper_ns = seen.return_ns.saturating_sub(beat.call_ns);
                assert!(lower_ns <= upper_ns, "bounds: {lower_ns} to {upper_ns} ns");
                pair.lower.record(lower_ns);
                pair.upper.record(upper_ns);
                pair.interval.record(upper_ns);
                self.found.push(Bounds {
                    from,
                    to,
                    value: beat.value,
                    call_ns: beat.call_ns,
                    lower_ns,
                    upper_ns,
                });
            }
            pair.next += 1;
        }
        pair.missed_call_ns = pair.missed_call_ns.max(Some(seen.call_ns));
    }

    /// Acknowledged heartbeats that `to` has not seen.
    fn unseen(&self, from: usize, to: usize) -> u64 {
        let is_unseen = |beat: &&Beat| {
            matches!(beat.state, State::Acknowledged(_)) && beat.call_ns >= self.warm_up_ns
        };
        self.beats[from][self.pairs[from][to].next..]
            .iter()
            .filter(is_unseen)
            .count() as u64
    }

    /// Whether every region has seen all of the others.
    pub(crate) fn is_drained(&self) -> bool {
        self.ordered_pairs()
            .all(|(from, to)| self.unseen(from, to) == 0)
    }

    /// Upper bounds found since the last look, by pair.
    pub(crate) fn take_interval(&mut self) -> Vec<(usize, usize, Times)> {
        let pairs: Vec<(usize, usize)> = self.ordered_pairs().collect();
        let take = |(from, to): (usize, usize)| {
            (from, to, std::mem::take(&mut self.pairs[from][to].interval))
        };
        pairs.into_iter().map(take).collect()
    }

    /// Each heartbeat's bounds found since the last look, in the order in which they were found.
    pub(crate) fn take_found(&mut self) -> Vec<Bounds> {
        std::mem::take(&mut self.found)
    }

    /// The figures by pair.
    pub(crate) fn figures(&self, names: &[String]) -> Vec<LoadLag> {
        self.ordered_pairs()
            .map(|(from, to)| LoadLag {
                from: names[from].clone(),
                to: names[to].clone(),
                unseen: self.unseen(from, to),
                lower: self.pairs[from][to].lower.clone(),
                upper: self.pairs[from][to].upper.clone(),
            })
            .collect()
    }

    fn ordered_pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let count = self.beats.len();
        (0..count)
            .flat_map(move |from| (0..count).map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
    }
}

#[cfg(test)]
mod tests {
    use workloads::seed::Seed;

    use super::*;

    const MS: u64 = 1_000_000;

    fn seen(value: Option<i64>, call_ms: u64, return_ms: u64) -> Seen {
        Seen {
            value,
            call_ns: call_ms * MS,
            return_ns: return_ms * MS,
        }
    }

    #[test]
    fn the_bounds_hold_the_lag() {
        let mut book = LagBook::new(2, 0);
        book.write_called(0, 10, 100 * MS);
        book.write_returned(0, Some(105 * MS));
        book.read(0, 1, seen(None, 110, 112));
        book.read(0, 1, seen(None, 160, 162));
        assert!(!book.is_drained());
        book.read(0, 1, seen(Some(10), 210, 212));
        assert!(book.is_drained());
        let lag = &book.figures(&["a".into(), "b".into()])[0];
        assert_eq!((lag.upper.percentiles().max_ns / MS, lag.unseen), (112, 0));
        assert_eq!(
            lag.lower.percentiles().max_ns / MS,
            55,
            "missed at 160, acknowledged at 105"
        );
    }

    /// A heartbeat takes hold somewhere within its write, and arrives some time later; reads look somewhere within their time. The bounds must hold the
    /// true lag, whatever all of these are.
    #[test]
    fn the_bounds_hold_any_lag() {
        for seed in 0..300 {
            let mut stream = Seed(seed).stream("lag");
            let call = 1000 * MS + stream.below(100 * MS);
            let took_hold = call + stream.below(50 * MS);
            let returned = took_hold + stream.below(50 * MS);
            let arrived = took_hold + stream.below(400 * MS);
            let mut book = LagBook::new(2, 0);
            let (mut is_called, mut has_returned) = (false, false);
            let mut now = 900 * MS;
            while book.pairs[0][1].next == 0 {
                let call_ns = now + stream.below(60 * MS);
                let looked = call_ns + stream.below(30 * MS);
                let return_ns = looked + stream.below(30 * MS);
                // The book is told in the order in which things end.
                if !is_called && call <= return_ns {
                    book.write_called(0, 10, call);
                    is_called = true;
                }
                if !has_returned && returned <= return_ns {
                    book.write_returned(0, Some(returned));
                    has_returned = true;
                }
                let value = Some(if looked >= arrived { 10 } else { 9 });
                let seen = Seen {
                    value,
                    call_ns,
                    return_ns,
                };
                book.read(0, 1, seen);
                now = return_ns;
            }
            let lag = &book.figures(&["a".into(), "b".into()])[0];
            let (lower, upper) = (
                lag.lower.percentiles().max_ns,
                lag.upper.percentiles().max_ns,
            );
            let truth = arrived - took_hold;
            // Histograms keep three digits.
            assert!(
                lower <= truth + truth / 500 && truth <= upper + upper / 500,
                "seed {seed}: {lower} {truth} {upper}"
            );
        }
    }

    #[test]
    fn warm_up_and_doubtful_writes_give_no_bounds() {
        let mut book = LagBook::new(2, 1000 * MS);
        for (value, call_ms, state) in [
            (1, 10, Some(11 * MS)),
            (2, 1100, None),
            (3, 1200, Some(1201 * MS)),
        ] {
            book.write_called(0, value, call_ms * MS);
            book.write_returned(0, state);
        }
        book.read(0, 1, seen(Some(2), 1300, 1301));
        assert_eq!(book.figures(&["a".into(), "b".into()])[0].unseen, 1);
        book.read(0, 1, seen(Some(3), 1310, 1311));
        let lag = &book.figures(&["a".into(), "b".into()])[0];
        assert_eq!((lag.upper.len(), lag.unseen), (1, 0));
        assert_eq!(book.take_interval()[0].2.len(), 1);
        assert_eq!(book.take_interval()[0].2.len(), 0);
    }
}
