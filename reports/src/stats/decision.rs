//! Pass, fail or cannot tell.
//!
//! A candidate *fails* when the whole interval lies beyond the change that is tolerated, *passes* when the whole interval lies within it, and
//! otherwise nobody can tell yet: more pairs narrow the interval. When the control (base against itself) differs from itself,
//! the machine is unfit and no verdict stands.

use super::interval::{Interval, of_log_ratios};

/// What a gate answers for one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// The change, if any, is within what is tolerated.
    Pass,
    /// The interval reaches over the tolerated change: more pairs are needed, or there are too few.
    CannotTell,
    /// The candidate is worse by more than is tolerated.
    Fail,
}

/// Which way a metric gets worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worse {
    /// Times, bytes, instructions.
    Higher,
    /// Rates.
    Lower,
}

/// One metric's answer and what it stands on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Pass, fail or cannot tell.
    pub decision: Decision,
    /// The relative change, positive when worse; `None` when there were too few pairs.
    pub worse_by: Option<Interval>,
}

/// Decides one metric from its paired log-ratios (candidate over base).
#[must_use]
pub fn decide(
    log_ratios: &[f64],
    worse: Worse,
    tolerated: f64,
    confidence: f64,
    seed: u64,
) -> Answer {
    assert!(
        tolerated > 0.0,
        "a gate that tolerates no change at all could never pass"
    );
    let signed: Vec<f64> = match worse {
        Worse::Higher => log_ratios.to_vec(),
        Worse::Lower => log_ratios.iter().map(|ratio| -ratio).collect(),
    };
    let Some(interval) = of_log_ratios(&signed, confidence, seed) else {
        return Answer {
            decision: Decision::CannotTell,
            worse_by: None,
        };
    };
    let worse_by = interval.relative();
    let decision = if worse_by.low > tolerated {
        Decision::Fail
    } else if worse_by.high <= tolerated {
        Decision::Pass
    } else {
        Decision::CannotTell
    };
    Answer {
        decision,
        worse_by: Some(worse_by),
    }
}

/// Whether the machine is fit to judge: the control's pairs (base against base) show no difference of half the tolerated change or more
/// that is not noise.
#[must_use]
pub fn machine_is_fit(control: &[f64], tolerated: f64, confidence: f64, seed: u64) -> bool {
    of_log_ratios(control, confidence, seed).is_some_and(|interval| {
        let relative = interval.relative();
        !(interval.excludes_zero() && relative.mean.abs() > tolerated / 2.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_answers() {
        let slower = [0.05, 0.06, 0.055, 0.06, 0.052, 0.058];
        let same = [0.001, -0.004, 0.003, 0.0, -0.002, 0.002];
        let noisy = [0.2, -0.15, 0.1, -0.05, 0.12, -0.2];
        let ask = |ratios: &[f64]| decide(ratios, Worse::Higher, 0.03, 0.99, 1).decision;
        assert_eq!(ask(&slower), Decision::Fail);
        assert_eq!(ask(&same), Decision::Pass);
        assert_eq!(ask(&noisy), Decision::CannotTell);
        assert_eq!(ask(&[]), Decision::CannotTell);
    }

    #[test]
    fn a_higher_rate_is_no_failure() {
        let faster = [0.05, 0.06, 0.055, 0.06, 0.052, 0.058];
        assert_eq!(
            decide(&faster, Worse::Lower, 0.03, 0.99, 1).decision,
            Decision::Pass
        );
        let fewer: Vec<f64> = faster.iter().map(|ratio| -ratio).collect();
        assert_eq!(
            decide(&fewer, Worse::Lower, 0.03, 0.99, 1).decision,
            Decision::Fail
        );
    }

    #[test]
    fn a_machine_that_differs_from_itself_is_unfit() {
        assert!(machine_is_fit(&[0.001, -0.002, 0.001, 0.0], 0.03, 0.99, 1));
        assert!(!machine_is_fit(&[0.05, 0.051, 0.049, 0.05], 0.03, 0.99, 1));
        assert!(
            !machine_is_fit(&[], 0.03, 0.99, 1),
            "no control, no verdict"
        );
    }
}
