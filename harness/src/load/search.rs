//! The highest rate at which the goals are kept: which rate to try next, from the trials so far. Pure; [`super::ladder`] does the trials.
//!
//! The rate is doubled until a goal is missed, then the gap between the highest rate that kept and the lowest that missed is halved (on a log
//! scale) until it is as narrow as the precision. A single trial may be unlucky: a miss counts when most of up to three trials
//! at that rate miss; in the end what was found must keep in most of three trials and the miss above it stand in most of five, else the search goes on.

/// Trials at one rate that decide.
const ENOUGH: usize = 3;

/// Trials of the miss on which the answer rests: one false miss would hide every rate above it.
const ENOUGH_OF_A_MISS: usize = 5;

/// No search takes more trials.
const TRIALS_MAX: usize = 80;

/// Between which rates, and how precisely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    from: f64,
    to: f64,
    /// The least quotient of two rates that are told apart.
    step: f64,
}

/// Bounds that make no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum BoundsError {
    #[error("--from {from} --to {to}: write two rates from 1 to 10M, the lower one first")]
    Rates { from: f64, to: f64 },
    #[error("--precision {0}: it must be 0.1 to 50 percent")]
    Precision(f64),
}

/// One trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trial {
    pub(crate) rate: f64,
    /// Whether all goals were kept.
    pub(crate) kept: bool,
}

/// What a search has found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Found {
    /// This rate was kept, the other one missed.
    Between { kept: f64, missed: f64 },
    /// Even the highest rate was kept.
    AtLeast(f64),
    /// Even the lowest rate missed.
    Below(f64),
}

/// A search under way.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    bounds: Bounds,
    trials: Vec<Trial>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Kept,
    Missed,
    /// It missed, but may have been unlucky.
    Doubtful,
}

impl Bounds {
    pub(crate) fn new(from: f64, to: f64, precision_percent: f64) -> Result<Self, BoundsError> {
        if !(1.0..=1e7).contains(&from) || !(1.0..=1e7).contains(&to) || from >= to {
            return Err(BoundsError::Rates { from, to });
        }
        if !(0.1..=50.0).contains(&precision_percent) {
            return Err(BoundsError::Precision(precision_percent));
        }
        Ok(Self {
            from,
            to,
            step: 1.0 + precision_percent / 100.0,
        })
    }
}

impl Search {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            trials: Vec::new(),
        }
    }

    /// The rate to try next; `None`: it is decided.
    pub(crate) fn next(&self) -> Option<f64> {
        if self.trials.len() >= TRIALS_MAX {
            return None;
        }
        let (kept, missed) = (self.kept(), self.missed());
        if let Some(doubtful) = self.rates(Standing::Doubtful).next() {
            return Some(doubtful);
        }
        match (kept, missed) {
            (None, None) => Some(self.bounds.from),
            // The lowest rate is tried first: there is nothing below.
            (None, Some(_)) => None,
            (Some(kept), None) if kept < self.bounds.to => Some((2.0 * kept).min(self.bounds.to)),
            (Some(kept), None) => self.confirmation(kept),
            (Some(kept), Some(missed)) => {
                let middle = (kept * missed).sqrt().round();
                let is_narrow = missed / kept <= self.bounds.step;
                // Rates are whole: there may be none between.
                if is_narrow || middle <= kept || middle >= missed {
                    let stands = || (self.tally(missed).1 < ENOUGH_OF_A_MISS).then_some(missed);
                    return self.confirmation(kept).or_else(stands);
                }
                Some(middle)
            }
        }
    }

    /// What came of a trial.
    pub(crate) fn record(&mut self, trial: Trial) {
        self.trials.push(trial);
    }

    /// Trials at this rate: how many kept, of how many.
    pub(crate) fn tally(&self, rate: f64) -> (usize, usize) {
        let here = || self.trials.iter().filter(|trial| is_same(trial.rate, rate));
        (here().filter(|trial| trial.kept).count(), here().count())
    }

    /// What is known so far; `None`: nothing.
    pub(crate) fn found(&self) -> Option<Found> {
        match (self.kept(), self.missed()) {
            (Some(kept), Some(missed)) => Some(Found::Between { kept, missed }),
            (Some(kept), None) => Some(Found::AtLeast(kept)),
            (None, Some(missed)) => Some(Found::Below(missed)),
            (None, None) => None,
        }
    }

    /// Another trial of what was found, unless there were enough.
    fn confirmation(&self, kept: f64) -> Option<f64> {
        (self.tally(kept).1 < ENOUGH).then_some(kept)
    }

    fn standing(&self, rate: f64) -> Standing {
        let (kept, asked) = self.tally(rate);
        let missed = asked - kept;
        match kept.cmp(&missed) {
            std::cmp::Ordering::Greater => Standing::Kept,
            std::cmp::Ordering::Less if missed * 2 > ENOUGH => Standing::Missed,
            std::cmp::Ordering::Less | std::cmp::Ordering::Equal => Standing::Doubtful,
        }
    }

    fn rates(&self, standing: Standing) -> impl Iterator<Item = f64> {
        let all = self.trials.iter().map(|trial| trial.rate);
        all.filter(move |rate| self.standing(*rate) == standing)
    }

    /// The lowest rate that missed.
    fn missed(&self) -> Option<f64> {
        self.rates(Standing::Missed).reduce(f64::min)
    }

    /// The highest rate below every miss that kept.
    fn kept(&self) -> Option<f64> {
        let missed = self.missed().unwrap_or(f64::INFINITY);
        self.rates(Standing::Kept)
            .filter(|rate| *rate < missed)
            .reduce(f64::max)
    }
}

/// Rates come from here and are compared as they are.
fn is_same(one: f64, other: f64) -> bool {
    one.to_bits() == other.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Ending, Sample, virtual_time::play};
    use workloads::seed::Seed;

    const MS: u64 = 1_000_000;

    fn search(bounds: Bounds, mut keeps: impl FnMut(f64) -> bool) -> Search {
        let mut search = Search::new(bounds);
        while let Some(rate) = search.next() {
            assert_eq!(rate.fract(), 0.0, "{rate}");
            let kept = keeps(rate);
            search.record(Trial { rate, kept });
        }
        search
    }

    fn bounds(from: f64, to: f64) -> Bounds {
        Bounds::new(from, to, 2.0).expect("they make sense")
    }

    /// 8 requests at a time, 4 ms each: 2,000/s. Ten seconds of load; the goal is p99 < 50 ms.
    fn has_capacity(rate: f64) -> bool {
        let whole: u64 = format!("{rate}").parse().expect("rates are whole");
        let schedule = (0_u32..).map(|number| u64::from(number) * 1_000 * MS / whole);
        let samples = play(schedule, 8, 10_000 * MS, |start| start + 4 * MS);
        let mut responses: Vec<u64> = samples.iter().map(Sample::response_ns).collect();
        responses.sort_unstable();
        let is_all_sent = samples.iter().all(|one| one.ending != Ending::NeverSent);
        is_all_sent && responses[responses.len() * 99 / 100] < 50 * MS
    }

    #[test]
    fn a_known_capacity_is_found_within_the_precision() {
        let search = search(bounds(100.0, 1e5), has_capacity);
        let Some(Found::Between { kept, missed }) = search.found() else {
            panic!("{:?}", search.found())
        };
        assert!((1960.0..=2040.0).contains(&kept), "{kept}");
        assert!(missed / kept <= 1.02, "{kept} {missed}");
        assert_eq!((search.tally(kept), search.tally(missed)), ((3, 3), (0, 5)));
        assert!(search.trials.len() < 30, "{:?}", search.trials);
    }

    #[test]
    fn one_trial_in_twenty_may_be_unlucky() {
        let is_found = |seed: &u64| {
            let mut stream = Seed(*seed).stream("luck");
            let search = search(bounds(100.0, 1e5), |rate| {
                rate <= 2000.0 && !stream.chance(50)
            });
            match search.found() {
                Some(Found::Between { kept, .. }) => (1900.0..=2000.0).contains(&kept),
                Some(Found::AtLeast(_) | Found::Below(_)) | None => false,
            }
        };
        let found = (0..100).filter(is_found).count();
        assert!(found >= 98, "{found} of 100");
    }

    #[test]
    fn ends_that_are_no_capacity_are_told() {
        let always = search(bounds(100.0, 1000.0), |_| true);
        assert_eq!(always.found(), Some(Found::AtLeast(1000.0)));
        let never = search(bounds(100.0, 1000.0), |_| false);
        assert_eq!(never.found(), Some(Found::Below(100.0)));
        assert_eq!(never.trials.len(), 2);
        assert_eq!(Search::new(bounds(1.0, 2.0)).found(), None);
    }

    #[test]
    fn whatever_happens_it_ends() {
        for seed in 0..100 {
            let mut stream = Seed(seed).stream("chaos");
            let search = search(bounds(100.0, 1e5), |_| stream.chance(500));
            assert!(search.trials.len() <= TRIALS_MAX);
        }
    }

    #[test]
    fn bounds_that_make_no_sense_are_refused() {
        let told = |from, to, precision| {
            let error = Bounds::new(from, to, precision).expect_err("no sense");
            error.to_string()
        };
        assert!(told(5.0, 5.0, 2.0).contains("the lower one first"));
        assert!(told(0.0, 5.0, 2.0).contains("--from 0 --to 5"));
        assert!(told(1.0, 5.0, f64::NAN).contains("--precision NaN"));
    }
}
