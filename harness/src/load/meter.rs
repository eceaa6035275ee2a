//! Counts what a load run did: histograms of both times, errors by code, and what did not start when it should have.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{Ending, Sample};

/// Starts later than this are counted as late: more than the pacer's own error.
pub(crate) const LATE_NS: u64 = 1_000_000;

/// The longest time that is told apart, one hour; longer ones count as that.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// What was measured of one kind of operation in one region.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    /// Response times of operations that succeeded, nanoseconds.
    pub(crate) response: Histogram<u64>,
    /// Service times of the same, nanoseconds.
    pub(crate) service: Histogram<u64>,
    /// Response times of those that failed, by error code. A timeout counts with its full time.
    pub(crate) errors: BTreeMap<&'static str, Histogram<u64>>,
    /// How late operations started, nanoseconds: the generator's own error while slots are free.
    pub(crate) lateness: Histogram<u64>,
    /// Operations that started later than [`LATE_NS`] after they should have.
    pub(crate) late: u64,
    /// Operations that no slot was free for.
    pub(crate) never_sent: u64,
    /// Ages of the operations still open at the end, nanoseconds.
    pub(crate) open: Histogram<u64>,
}

impl Meter {
    /// One that has seen nothing.
    pub(crate) fn new() -> Self {
        Self {
            response: histogram(),
            service: histogram(),
            errors: BTreeMap::new(),
            lateness: histogram(),
            late: 0,
            never_sent: 0,
            open: histogram(),
        }
    }

    /// Counts one operation.
    pub(crate) fn count(&mut self, sample: &Sample) {
        if sample.started_ns.is_some() {
            self.lateness.saturating_record(sample.late_ns());
            self.late += u64::from(sample.late_ns() > LATE_NS);
        }
        match sample.ending {
            Ending::Ok => {
                self.response.saturating_record(sample.response_ns());
                self.service
                    .saturating_record(sample.service_ns().expect("what succeeded was sent"));
            }
            Ending::Error(code) => {
                let errors = self.errors.entry(code).or_insert_with(histogram);
                errors.saturating_record(sample.response_ns());
            }
            Ending::Open => self.open.saturating_record(sample.response_ns()),
            Ending::NeverSent => self.never_sent += 1,
        }
    }

    /// Adds what another meter counted. Histograms add without loss.
    pub(crate) fn add(&mut self, other: &Self) {
        const SAME: &str = "all meters have histograms of one shape";
        self.response.add(&other.response).expect(SAME);
        self.service.add(&other.service).expect(SAME);
        self.lateness.add(&other.lateness).expect(SAME);
        self.open.add(&other.open).expect(SAME);
        for (code, errors) in &other.errors {
            self.errors
                .entry(code)
                .or_insert_with(histogram)
                .add(errors)
                .expect(SAME);
        }
        self.late += other.late;
        self.never_sent += other.never_sent;
    }

    /// How many operations were scheduled: every one ends up in exactly one place.
    pub(crate) fn scheduled(&self) -> u64 {
        let errors: u64 = self.errors.values().map(Histogram::len).sum();
        self.response.len() + errors + self.open.len() + self.never_sent
    }
}

/// Three significant digits, up to an hour.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("bounds and digits are constants that hold")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::virtual_time::play;

    const MS: u64 = 1_000_000;

    fn sample(intended_ms: u64, started_ms: Option<u64>, ended_ms: u64, ending: Ending) -> Sample {
        Sample {
            intended_ns: intended_ms * MS,
            started_ns: started_ms.map(|started| started * MS),
            ended_ns: ended_ms * MS,
            ending,
        }
    }

    #[test]
    fn every_operation_ends_up_in_one_place() {
        let mut meter = Meter::new();
        meter.count(&sample(0, Some(0), 2, Ending::Ok));
        meter.count(&sample(0, Some(5), 7, Ending::Ok));
        meter.count(&sample(1, Some(1), 1001, Ending::Error("timeout")));
        meter.count(&sample(2, Some(2), 900, Ending::Open));
        meter.count(&sample(3, None, 900, Ending::NeverSent));
        assert_eq!(meter.scheduled(), 5);
        assert_eq!((meter.late, meter.never_sent, meter.open.len()), (1, 1, 1));
        assert_eq!(
            meter.response.max() / MS,
            7,
            "response counts from the intended start"
        );
        assert_eq!(meter.service.max() / MS, 2, "service from the real one");
        assert_eq!(meter.errors["timeout"].max() / MS, 1000);
    }

    #[test]
    fn shares_add_up_without_loss() {
        let whole: Vec<Sample> = play((0..1000).map(|n| n * MS), 2, 900 * MS, |start| {
            start + 3 * MS
        });
        let mut meter = Meter::new();
        whole.iter().for_each(|one| meter.count(one));
        let mut joined = Meter::new();
        for share in 0..3 {
            let mut part = Meter::new();
            whole
                .iter()
                .skip(share)
                .step_by(3)
                .for_each(|one| part.count(one));
            joined.add(&part);
        }
        assert_eq!(joined.scheduled(), meter.scheduled());
        assert_eq!(joined.response, meter.response);
        assert_eq!(joined.late, meter.late);
    }
}
