//! Replication lag from heartbeats: one clock, two bounds.
//!
//! One region writes ascending numbers to a heartbeat key, every other region reads it. Region B held a number v (or a newer one) from
//! some instant on; a read that missed v began before that instant, a read that saw it ended after. So, all on the harness's clock:
//! *start of the last read that missed v − acknowledgement of v ≤ lag ≤ end of the first read that saw v − start of the write of v*.
//! A heartbeat whose write has no definite outcome is left out.

use std::collections::{BTreeMap, VecDeque};

use super::{LagFigures, LagPoint, percentiles::Distribution};

/// Heartbeats waiting to be seen, per key. What a region does not see within so many is counted as unseen.
const WAITING_MAX: usize = 100_000;

/// A write of a heartbeat.
struct Beat {
    value: i64,
    call_ns: u64,
    state: BeatState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BeatState {
    /// Asked, not answered yet.
    Open,
    /// Acknowledged at this time.
    Acknowledged { return_ns: u64 },
    /// Failed, or nobody knows.
    Void,
}

/// What a region has seen of one key.
#[derive(Default)]
struct Reader {
    /// Number of the next heartbeat that it has not seen.
    next: u64,
    /// The latest start of a read that missed that one.
    missed_call_ns: Option<u64>,
}

/// One heartbeat key.
#[derive(Default)]
struct Beats {
    writer: Option<u8>,
    /// Number of the front of `waiting`.
    first: u64,
    waiting: VecDeque<Beat>,
    readers: BTreeMap<u8, Reader>,
}

/// One ordered pair of regions.
struct Pair {
    lower: Distribution,
    upper: Distribution,
    points: BTreeMap<u64, LagPoint>,
    unseen: u64,
}

impl Pair {
    fn new() -> Self {
        Self {
            lower: Distribution::new(),
            upper: Distribution::new(),
            points: BTreeMap::new(),
            unseen: 0,
        }
    }

    fn record(&mut self, begin_ns: u64, lower_ns: u64, upper_ns: u64) {
        assert!(
            lower_ns <= upper_ns,
            "bounds of one heartbeat: {lower_ns} to {upper_ns} ns"
        );
        self.lower.record(lower_ns);
        self.upper.record(upper_ns);
        let empty = LagPoint {
            begin_ns,
            count: 0,
            lower_max_ns: 0,
            upper_max_ns: 0,
        };
        let point = self.points.entry(begin_ns).or_insert(empty);
        point.count += 1;
        point.lower_max_ns = point.lower_max_ns.max(lower_ns);
        point.upper_max_ns = point.upper_max_ns.max(upper_ns);
    }
}

/// Follows all heartbeat keys of a history.
pub(super) struct LagMeter {
    interval_ns: u64,
    keys: BTreeMap<u64, Beats>,
    pairs: BTreeMap<(u8, u8), Pair>,
}

impl LagMeter {
    pub(super) fn new(interval_ns: u64) -> Self {
        assert!(interval_ns > 0, "an interval has a length");
        Self {
            interval_ns,
            keys: BTreeMap::new(),
            pairs: BTreeMap::new(),
        }
    }

    /// A heartbeat is about to be written.
    pub(super) fn write_called(&mut self, key: u64, region: u8, value: i64, call_ns: u64) {
        let beats = self.keys.entry(key).or_default();
        let ascending = beats.waiting.back().is_none_or(|last| last.value < value);
        if *beats.writer.get_or_insert(region) != region || !ascending {
            return;
        }
        beats.waiting.push_back(Beat {
            value,
            call_ns,
            state: BeatState::Open,
        });
        if beats.waiting.len() > WAITING_MAX {
            beats.drop_front(&mut self.pairs);
        }
    }

    /// A heartbeat's write was acknowledged (`Some`), or was not or may not have been (`None`).
    pub(super) fn write_returned(&mut self, key: u64, value: i64, return_ns: Option<u64>) {
        let beats = self.keys.entry(key).or_default();
        let state = return_ns.map_or(BeatState::Void, |return_ns| BeatState::Acknowledged {
            return_ns,
        });
        let written = beats
            .waiting
            .iter_mut()
            .rev()
            .find(|beat| beat.value == value);
        if let Some(beat) = written {
            beat.state = state;
        }
    }

    /// A read of a heartbeat key succeeded and saw this number, or no item.
    pub(super) fn read(
        &mut self,
        key: u64,
        region: u8,
        seen: Option<i64>,
        call_ns: u64,
        return_ns: u64,
    ) {
        let beats = self.keys.entry(key).or_default();
        if beats.writer == Some(region) {
            return;
        }
        let reader = beats.readers.entry(region).or_default();
        reader.next = reader.next.max(beats.first);
        if let Some(writer) = beats.writer {
            let pair = self.pairs.entry((writer, region)).or_insert_with(Pair::new);
            while let Some(beat) = waiting_at(&beats.waiting, beats.first, reader.next) {
                if seen.is_none_or(|seen| seen < beat.value) {
                    break;
                }
                let upper_ns = return_ns.saturating_sub(beat.call_ns);
                let begin_ns = beat.call_ns - beat.call_ns % self.interval_ns;
                match beat.state {
                    BeatState::Acknowledged { return_ns } => {
                        let lower_ns = reader
                            .missed_call_ns
                            .map_or(0, |at| at.saturating_sub(return_ns));
                        pair.record(begin_ns, lower_ns, upper_ns);
                    }
                    BeatState::Open => pair.record(begin_ns, 0, upper_ns),
                    BeatState::Void => {}
                }
                reader.next += 1;
            }
        }
        reader.missed_call_ns = reader.missed_call_ns.max(Some(call_ns));
        beats.forget_seen();
    }

    /// Names the regions and gives the figures.
    pub(super) fn finish(mut self, region_name: impl Fn(u8) -> String) -> Vec<LagFigures> {
        for beats in self.keys.values_mut() {
            while !beats.waiting.is_empty() {
                beats.drop_front(&mut self.pairs);
            }
        }
        self.pairs
            .into_iter()
            .map(|((from, to), pair)| LagFigures {
                from: region_name(from),
                to: region_name(to),
                unseen: pair.unseen,
                lower: pair.lower.percentiles(),
                upper: pair.upper.percentiles(),
                points: pair.points.into_values().collect(),
            })
            .collect()
    }
}

fn waiting_at(waiting: &VecDeque<Beat>, first: u64, number: u64) -> Option<&Beat> {
    waiting.get(usize::try_from(number - first).ok()?)
}

impl Beats {
    /// Drops what every region has seen.
    fn forget_seen(&mut self) {
        let seen_by_all = self
            .readers
            .values()
            .map(|reader| reader.next)
            .min()
            .unwrap_or(0);
        while self.first < seen_by_all
            && self
                .waiting
                .front()
                .is_some_and(|b| b.state != BeatState::Open)
        {
            self.waiting.pop_front();
            self.first += 1;
        }
    }

    /// Drops the oldest one, and counts it for the regions that have not seen it.
    fn drop_front(&mut self, pairs: &mut BTreeMap<(u8, u8), Pair>) {
        let Some(beat) = self.waiting.pop_front() else {
            return;
        };
        let number = self.first;
        self.first += 1;
        let (Some(writer), BeatState::Acknowledged { .. }) = (self.writer, beat.state) else {
            return;
        };
        for (region, _) in self
            .readers
            .iter()
            .filter(|(_, reader)| reader.next <= number)
        {
            pairs
                .entry((writer, *region))
                .or_insert_with(Pair::new)
                .unseen += 1;
        }
    }
}

#[cfg(test)]
mod tests;
