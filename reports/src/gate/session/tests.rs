//! Whole gates over a synthetic machine: known slow-downs, noise, drift and a noisy neighbour.

use std::collections::BTreeMap;

use super::*;

/// A machine that repeats itself: seeded noise, a drift, and how much slower the candidate is.
struct Machine {
    state: u64,
    noise: f64,
    drift_per_run: f64,
    slowdown: f64,
    runs: f64,
}

impl Machine {
    fn new(seed: u64, noise: f64, slowdown: f64) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self {
            state,
            noise,
            drift_per_run: 0.0,
            slowdown,
            runs: 0.0,
        }
    }

    fn normal(&mut self) -> f64 {
        let mut uniform = || {
            self.state = self
                .state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }

    fn measure(&mut self, build: Build) -> f64 {
        self.runs += 1.0;
        let slow = match build {
            Build::Base => 1.0,
            Build::Candidate => 1.0 + self.slowdown,
        };
        let noise = (self.noise * self.normal()).exp();
        20.0 * slow * noise * (1.0 + self.drift_per_run * self.runs)
    }
}

fn metric(name: &str) -> Metric {
    Metric {
        name: name.into(),
        worse: Worse::Higher,
    }
}

fn gate(machine: &mut Machine) -> Answer {
    let mut session = Session::new(vec![metric("cpu_us")], Terms::default());
    while let Some(round) = session.next_round() {
        for build in round {
            session.record(&BTreeMap::from([(
                "cpu_us".to_owned(),
                machine.measure(build),
            )]));
        }
    }
    session.answer()
}

fn count(trials: u64, noise: f64, slowdown: f64, wanted: Judgement) -> usize {
    (0..trials)
        .filter(|&seed| gate(&mut Machine::new(seed, noise, slowdown)).judgement == wanted)
        .count()
}

#[test]
fn five_percent_slower_fails_and_identical_passes() {
    // One percent of noise between runs is what CPU time per operation shows on a shared machine.
    assert!(count(20, 0.01, 0.05, Judgement::Fail) >= 19);
    assert_eq!(
        count(20, 0.01, 0.05, Judgement::Pass),
        0,
        "the dangerous direction"
    );
    assert!(count(20, 0.01, 0.0, Judgement::Pass) >= 19);
    assert!(
        count(100, 0.01, 0.0, Judgement::Fail) <= 1,
        "false alarms over 100 A/A trials"
    );
}

#[test]
fn much_noise_ends_in_cannot_tell_not_in_a_wrong_answer() {
    assert_eq!(count(50, 0.10, 0.05, Judgement::Pass), 0);
    assert!(count(100, 0.10, 0.0, Judgement::Fail) <= 1);
    let answer = gate(&mut Machine::new(1, 0.2, 0.0));
    assert_eq!(
        (answer.judgement, answer.rounds),
        (Judgement::CannotTell, 20)
    );
    assert!(
        answer.sentence.contains("cannot tell after 20 rounds"),
        "{}",
        answer.sentence
    );
}

#[test]
fn a_drift_cancels() {
    let mut machine = Machine {
        drift_per_run: 0.002,
        ..Machine::new(3, 0.002, 0.0)
    };
    assert_eq!(gate(&mut machine).judgement, Judgement::Pass);
    let mut machine = Machine {
        drift_per_run: 0.002,
        ..Machine::new(3, 0.002, 0.05)
    };
    assert_eq!(gate(&mut machine).judgement, Judgement::Fail);
}

#[test]
fn a_machine_that_differs_from_itself_decides_nothing() {
    let mut session = Session::new(vec![metric("cpu_us")], Terms::default());
    let mut run = 0;
    while let Some(round) = session.next_round() {
        for _build in round {
            // The first base run of each round is always a tenth cheaper than the second, whatever the order.
            let is_first_base = [0, 5].contains(&(run % 8));
            let value = if is_first_base { 18.0 } else { 20.0 } + f64::from(run % 3) * 0.01;
            session.record(&BTreeMap::from([("cpu_us".to_owned(), value)]));
            run += 1;
        }
    }
    let answer = session.answer();
    assert_eq!(answer.judgement, Judgement::CannotTell);
    assert!(
        answer.sentence.contains("this machine is unfit to judge"),
        "{}",
        answer.sentence
    );
}

#[test]
fn one_bad_metric_of_two_fails_and_a_missing_one_cannot_pass() {
    let mut session = Session::new(vec![metric("cpu_us"), metric("bytes")], Terms::default());
    let (mut slow, mut same) = (Machine::new(5, 0.005, 0.08), Machine::new(6, 0.005, 0.0));
    while let Some(round) = session.next_round() {
        for build in round {
            session.record(&BTreeMap::from([
                ("cpu_us".to_owned(), slow.measure(build)),
                ("bytes".to_owned(), same.measure(build)),
            ]));
        }
    }
    let answer = session.answer();
    assert_eq!(answer.judgement, Judgement::Fail);
    assert_eq!(answer.metrics[1].judgement, Judgement::Pass);
    assert!(
        answer
            .sentence
            .starts_with("fail after 10 rounds: cpu_us is worse by"),
        "{}",
        answer.sentence
    );

    let mut session = Session::new(vec![metric("cpu_us"), metric("bytes")], Terms::default());
    while let Some(round) = session.next_round() {
        for build in round {
            session.record(&BTreeMap::from([(
                "cpu_us".to_owned(),
                same.measure(build),
            )]));
        }
    }
    let answer = session.answer();
    assert_eq!(answer.judgement, Judgement::CannotTell);
    assert!(
        answer
            .sentence
            .contains("bytes was not measured in enough rounds"),
        "{}",
        answer.sentence
    );
}

#[test]
fn a_budget_that_ends_too_early_decides_nothing() {
    let mut session = Session::new(vec![metric("cpu_us")], Terms::default());
    let mut machine = Machine::new(1, 0.001, 0.5);
    for _round in 0..5 {
        let round = session.next_round().expect("ten rounds are the least");
        for build in round {
            let measured = BTreeMap::from([("cpu_us".to_owned(), machine.measure(build))]);
            session.record(&measured);
        }
    }
    let answer = session.answer();
    assert_eq!(
        (answer.judgement, answer.rounds),
        (Judgement::CannotTell, 5)
    );
    assert!(
        answer
            .sentence
            .contains("cannot tell after 5 rounds: 10 are the least"),
        "{}",
        answer.sentence
    );
}
