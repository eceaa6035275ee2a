//! Jobs that measure the load generator, and hold what it says against what is known.
//!
//! Each starts real processes in a folder of its own, prints its figures, and says whether they are within what is promised.

mod desk;
mod gate;
mod generator;
mod lag;
mod latency;
mod stall;

use std::path::Path;
use std::time::Instant;

use crate::step;
use desk::Desk;

/// One of them.
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    measure: fn(&Desk) -> anyhow::Result<bool>,
}

/// All of them.
pub(super) const MEASURES: [Measure; 5] = [
    Measure {
        name: "stall",
        what: "a stall of 2 s is told within 5 % of theory, beside what oha and wrk say of it",
        measure: stall::measure,
    },
    Measure {
        name: "latency",
        what: "distributions that the proxy injects come out within 2 % at four percentiles",
        measure: latency::measure,
    },
    Measure {
        name: "lag",
        what: "bounds of the lag hold what replicas wrote down in 99.9 % of the samples",
        measure: lag::measure,
    },
    Measure {
        name: "generator",
        what: "40,000/s on one core with 64 in flight, and a schedule error below 1 ms at half of that",
        measure: generator::measure,
    },
    Measure {
        name: "gate",
        what: "of 20 gates of a slower command (5 %) and 20 of the same 19 are right and none wrong; of 100 of the same one may fail",
        measure: gate::measure,
    },
];

impl Measure {
    /// Measures, and says whether it holds.
    pub(super) fn holds(&self, dateline: &Path) -> anyhow::Result<bool> {
        let begun = Instant::now();
        let base = step::root().join("target/nightly");
        let desk = Desk::new(dateline, &base, self.name)?;
        let holds = (self.measure)(&desk)?;
        let word = if holds { "holds" } else { "does not hold" };
        let took_s = begun.elapsed().as_secs_f64();
        println!(
            "nightly: {}: {word}: {}, {took_s:.0} s",
            self.name, self.what
        );
        Ok(holds)
    }
}
