//! What to run next, and what the runs so far say.

use std::collections::BTreeMap;

use super::{Answer, Build, Judgement, Metric, MetricAnswer, Span, Terms};
use crate::{
    stats::{
        decision::{Decision, Worse, decide, machine_is_fit},
        holm,
        interval::{Interval, of_log_ratios},
        two_sided_p,
    },
    words,
};

/// Runs of one round, in the order in which they are made.
const EVEN_ROUND: [Build; 4] = [Build::Base, Build::Candidate, Build::Candidate, Build::Base];
const ODD_ROUND: [Build; 4] = [Build::Candidate, Build::Base, Build::Base, Build::Candidate];

/// One gate in progress.
#[derive(Clone, Debug)]
pub struct Session {
    metrics: Vec<Metric>,
    terms: Terms,
    /// What each run measured, in the order of the metrics; `None` where it did not.
    runs: Vec<Vec<Option<f64>>>,
}

impl Session {
    /// A gate over these metrics.
    #[must_use]
    pub fn new(metrics: Vec<Metric>, terms: Terms) -> Self {
        assert!(
            !metrics.is_empty(),
            "a gate without a metric would always pass"
        );
        assert!(3 <= terms.rounds_min && terms.rounds_min <= terms.rounds_max);
        Self {
            metrics,
            terms,
            runs: Vec::new(),
        }
    }

    /// The runs of the next round, or `None` when the answer stands. Each is recorded, in this order, before it is asked again.
    #[must_use]
    pub fn next_round(&self) -> Option<[Build; 4]> {
        assert!(
            self.runs.len().is_multiple_of(4),
            "a round is recorded as a whole"
        );
        let round = self.runs.len() / 4;
        let is_undecided = round < self.terms.rounds_min
            || (round < self.terms.rounds_max && self.answer().judgement == Judgement::CannotTell);
        is_undecided.then(|| order(round))
    }

    /// Takes what a run of the round that [`Session::next_round`] asked for has measured, by the metrics' names. A metric that is missing or not
    /// above zero leaves its metric undecided.
    pub fn record(&mut self, measured: &BTreeMap<String, f64>) {
        let values = self.metrics.iter().map(|metric| {
            measured
                .get(&metric.name)
                .copied()
                .filter(|value| value.is_finite() && *value > 0.0)
        });
        self.runs.push(values.collect());
    }

    /// What the whole rounds so far say. Before the least number of rounds nothing is decided.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let rounds = self.runs.len() / 4;
        let mut metrics: Vec<MetricAnswer> = (0..self.metrics.len())
            .map(|index| self.judge(index))
            .collect();
        self.correct_for_many(&mut metrics);
        if rounds < self.terms.rounds_min {
            for metric in &mut metrics {
                metric.judgement = Judgement::CannotTell;
            }
        }
        let judgement = overall(&metrics);
        let sentence = sentence(judgement, &metrics, rounds, &self.terms);
        Answer {
            schema: Answer::SCHEMA.to_owned(),
            judgement,
            sentence,
            rounds,
            metrics,
            notes: Vec::new(),
        }
    }

    fn judge(&self, index: usize) -> MetricAnswer {
        let metric = &self.metrics[index];
        let (ratios, control) = (self.ratios(index), self.control(index));
        let confidence = 1.0 - self.terms.level;
        let (tolerated, seed) = (self.terms.tolerated, self.terms.seed);
        let answer = decide(&ratios, metric.worse, tolerated, confidence, seed);
        let is_fit = machine_is_fit(&control, tolerated, confidence, seed);
        let judgement = match answer.decision {
            Decision::Pass if is_fit => Judgement::Pass,
            Decision::Fail if is_fit => Judgement::Fail,
            Decision::Pass | Decision::Fail | Decision::CannotTell => Judgement::CannotTell,
        };
        MetricAnswer {
            name: metric.name.clone(),
            judgement,
            worse_by: answer.worse_by.map(span),
            control: of_log_ratios(&control, confidence, seed).map(|one| span(one.relative())),
            machine_is_fit: is_fit,
            medians: self.medians(index),
        }
    }

    /// A metric that fails must still fail when all were looked at together (Holm). A pass needs no correction: all of them must pass.
    fn correct_for_many(&self, metrics: &mut [MetricAnswer]) {
        let chances: Vec<f64> = (0..metrics.len())
            .map(|index| self.chance_of_failing_by_luck(index))
            .collect();
        for (metric, chance) in metrics.iter_mut().zip(holm::adjust(&chances)) {
            if metric.judgement == Judgement::Fail && chance >= self.terms.level {
                metric.judgement = Judgement::CannotTell;
            }
        }
    }

    /// The chance of ratios this bad when the true change is just what is tolerated (one-sided t-test).
    fn chance_of_failing_by_luck(&self, index: usize) -> f64 {
        let sign = match self.metrics[index].worse {
            Worse::Higher => 1.0,
            Worse::Lower => -1.0,
        };
        let ratios = self.ratios(index);
        if ratios.len() < 3 {
            return 1.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of rounds are small")]
        let count = ratios.len() as f64;
        let mean = sign * ratios.iter().sum::<f64>() / count;
        let squares: f64 = ratios
            .iter()
            .map(|ratio| (sign * ratio - mean).powi(2))
            .sum();
        let spread = (squares / (count - 1.0) / count).sqrt();
        let t = (mean - self.terms.tolerated.ln_1p()) / spread;
        if t > 0.0 {
            two_sided_p(t, count - 1.0) / 2.0
        } else {
            1.0
        }
    }

    /// One log-ratio per whole round: the mean of both candidates against the mean of both bases.
    fn ratios(&self, index: usize) -> Vec<f64> {
        self.rounds(index)
            .map(|(base, candidate)| {
                (candidate[0].ln() + candidate[1].ln() - base[0].ln() - base[1].ln()) / 2.0
            })
            .collect()
    }

    /// One log-ratio per whole round: the base's later run against its earlier one.
    fn control(&self, index: usize) -> Vec<f64> {
        self.rounds(index)
            .map(|(base, _)| (base[1] / base[0]).ln())
            .collect()
    }

    /// Base and candidate values of each whole round in which this metric was measured throughout.
    fn rounds(&self, index: usize) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
        self.runs
            .chunks_exact(4)
            .enumerate()
            .filter_map(move |(round, runs)| {
                let of = |build: Build| -> Option<[f64; 2]> {
                    let mut found = runs
                        .iter()
                        .zip(order(round))
                        .filter(|(_, run)| *run == build);
                    Some([found.next()?.0[index]?, found.next()?.0[index]?])
                };
                Some((of(Build::Base)?, of(Build::Candidate)?))
            })
    }

    fn medians(&self, index: usize) -> Option<(f64, f64)> {
        let (bases, candidates): (Vec<_>, Vec<_>) = self.rounds(index).unzip();
        let median = |pairs: Vec<[f64; 2]>| {
            let mut values: Vec<f64> = pairs.into_iter().flatten().collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        Some((median(bases)?, median(candidates)?))
    }
}

fn order(round: usize) -> [Build; 4] {
    if round.is_multiple_of(2) {
        EVEN_ROUND
    } else {
        ODD_ROUND
    }
}

fn span(interval: Interval) -> Span {
    Span {
        mean: interval.mean,
        low: interval.low,
        high: interval.high,
    }
}

/// A failure outweighs everything; a pass needs every metric.
fn overall(metrics: &[MetricAnswer]) -> Judgement {
    let any = |judgement| metrics.iter().any(|metric| metric.judgement == judgement);
    if any(Judgement::Fail) {
        Judgement::Fail
    } else if any(Judgement::CannotTell) {
        Judgement::CannotTell
    } else {
        Judgement::Pass
    }
}

fn sentence(
    judgement: Judgement,
    metrics: &[MetricAnswer],
    rounds: usize,
    terms: &Terms,
) -> String {
    let percent = |share: f64| format!("{:+.1} %", share * 100.0);
    let told = |metric: &MetricAnswer| match metric.worse_by {
        Some(by) => format!(
            "{} is worse by {} ({} to {})",
            metric.name,
            percent(by.mean),
            percent(by.low),
            percent(by.high)
        ),
        None => format!("{} was not measured in enough rounds", metric.name),
    };
    let those = |judgement| {
        let chosen = metrics
            .iter()
            .filter(move |metric| metric.judgement == judgement);
        chosen.map(told).collect::<Vec<_>>().join("; ")
    };
    let tolerated = percent(terms.tolerated);
    match judgement {
        Judgement::Pass => {
            format!("pass after {rounds} rounds: no metric is worse by more than {tolerated}")
        }
        Judgement::Fail => {
            format!(
                "fail after {rounds} rounds: {} where {tolerated} is tolerated",
                those(judgement)
            )
        }
        Judgement::CannotTell if rounds < terms.rounds_min => format!(
            "cannot tell after {}: {} are the least; allow more time, or shorter runs",
            words::counted(rounds as u64, "round"),
            terms.rounds_min
        ),
        Judgement::CannotTell
            if metrics
                .iter()
                .any(|one| !one.machine_is_fit && one.control.is_some()) =>
        {
            let unfit = metrics.iter().filter(|one| !one.machine_is_fit);
            let names: Vec<&str> = unfit.map(|one| one.name.as_str()).collect();
            format!(
                "cannot tell: the base differs from itself in {}, so this machine is unfit to judge; run it where nothing else runs",
                names.join(", ")
            )
        }
        Judgement::CannotTell => format!(
            "cannot tell after {rounds} rounds: {}; allow more rounds, longer runs or a quieter machine",
            those(judgement)
        ),
    }
}

#[cfg(test)]
mod tests;
