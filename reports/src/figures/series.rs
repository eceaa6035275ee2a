//! Throughput and latency over time, one interval open at once.

use super::{SeriesPoint, percentiles::Distribution};

/// More points than this are neither drawn nor read by anybody: longer runs get longer intervals.
const POINTS_MAX: u64 = 1_200;

/// The length of an interval for a run of this length: the shortest of a few round ones that keeps the series small.
pub(super) fn interval_ns(duration_ns: u64) -> u64 {
    const SECOND_NS: u64 = 1_000_000_000;
    [1, 2, 5, 10, 30, 60, 300, 600]
        .map(|seconds| seconds * SECOND_NS)
        .into_iter()
        .find(|interval_ns| duration_ns / interval_ns <= POINTS_MAX)
        .unwrap_or(3_600 * SECOND_NS)
}

/// How an operation ended, for counting and colouring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// It succeeded.
    Ok,
    /// It definitely did not happen.
    Fail,
    /// Nobody knows.
    Info,
}

/// Builds one region's series from completions in time order. One that comes late (an imported history may be unordered) is counted in
/// the interval that is open.
pub(super) struct SeriesMeter {
    interval_ns: u64,
    points: Vec<SeriesPoint>,
    latency: Distribution,
}

impl SeriesMeter {
    pub(super) fn new(interval_ns: u64) -> Self {
        assert!(interval_ns > 0, "an interval has a length");
        Self {
            interval_ns,
            points: Vec::new(),
            latency: Distribution::new(),
        }
    }

    pub(super) fn completed(&mut self, at_ns: u64, ending: Ending, latency_ns: u64) {
        let begin_ns = at_ns - at_ns % self.interval_ns;
        if self
            .points
            .last()
            .is_none_or(|point| point.begin_ns < begin_ns)
        {
            self.seal();
            self.points.push(SeriesPoint {
                begin_ns,
                ok: 0,
                fail: 0,
                info: 0,
                p50_ns: 0,
                p99_ns: 0,
                max_ns: 0,
            });
        }
        let point = self
            .points
            .last_mut()
            .expect("a point was pushed if there was none");
        match ending {
            Ending::Ok => {
                point.ok += 1;
                self.latency.record(latency_ns);
            }
            Ending::Fail => point.fail += 1,
            Ending::Info => point.info += 1,
        }
    }

    fn seal(&mut self) {
        if let Some(point) = self.points.last_mut() {
            let latency = self.latency.percentiles();
            point.p50_ns = latency.p50_ns;
            point.p99_ns = latency.p99_ns;
            point.max_ns = latency.max_ns;
        }
        self.latency.reset();
    }

    pub(super) fn finish(mut self) -> Vec<SeriesPoint> {
        self.seal();
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_with_the_run() {
        let second = 1_000_000_000;
        assert_eq!(interval_ns(60 * second), second);
        assert_eq!(interval_ns(3_600 * second), 5 * second);
        assert_eq!(interval_ns(86_400 * second), 300 * second);
    }

    #[test]
    fn each_interval_has_its_own_percentiles() {
        let mut meter = SeriesMeter::new(100);
        meter.completed(10, Ending::Ok, 5);
        meter.completed(20, Ending::Ok, 7);
        meter.completed(350, Ending::Info, 300);
        meter.completed(360, Ending::Ok, 9);
        let points = meter.finish();
        let seen: Vec<_> = points
            .iter()
            .map(|p| (p.begin_ns, p.ok, p.info, p.max_ns))
            .collect();
        assert_eq!(seen, [(0, 2, 0, 7), (300, 1, 1, 9)]);
    }
}
