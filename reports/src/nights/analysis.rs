//! Which metric changed when, between which commits, and whether that is an alarm.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Night;
use crate::stats::{change_point, decision::Worse};

/// The chance of calling a steady series changed, per split looked at.
const LEVEL: f64 = 0.001;

/// Nights that have to stand behind a change before it is an alarm.
pub const NIGHTS_BEHIND_MIN: usize = 3;

/// How far a change that was acknowledged may move while more nights come in and still be the same one.
const MOVES_MAX: usize = 5;

/// What the nights say. Serialised as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// [`Analysis::SCHEMA`].
    pub schema: String,
    /// How many nights were looked at.
    pub nights: usize,
    /// Every change of level, by host, metric and time.
    pub changes: Vec<Change>,
    /// Each metric's last value and level.
    pub metrics: Vec<Level>,
}

impl Analysis {
    /// The schema that this version writes.
    pub const SCHEMA: &str = "dateline/nights/1";

    /// The changes that somebody has to look at.
    pub fn alarms(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.is_alarm())
    }
}

/// A change of level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The metric.
    pub metric: String,
    /// The machine.
    pub host: String,
    /// The last night of the old level.
    pub last_before: Place,
    /// The first night of the new level: the change is in a commit after `last_before`, up to this one.
    pub first_after: Place,
    /// Mean before.
    pub before: f64,
    /// Mean after.
    pub after: f64,
    /// Nights of the new level.
    pub nights_behind: usize,
    /// The probability of such a difference without a change.
    pub p: f64,
    /// Better or worse.
    pub direction: Direction,
    /// Why it was accepted, if it was.
    pub acknowledged: Option<String>,
}

impl Change {
    /// Whether somebody has to look at it.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        self.direction == Direction::Worse
            && self.nights_behind >= NIGHTS_BEHIND_MIN
            && self.acknowledged.is_none()
    }

    /// The relative change; `None` where the old level is zero.
    #[must_use]
    pub fn relative(&self) -> Option<f64> {
        (self.before != 0.0).then(|| self.after / self.before - 1.0)
    }
}

/// A night, by what a person looks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its date.
    pub date: String,
    /// Its commit.
    pub commit: String,
}

/// Better or worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// For the better: told, never an alarm.
    Better,
    /// For the worse.
    Worse,
}

/// A metric's level now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The metric.
    pub metric: String,
    /// The machine.
    pub host: String,
    /// Nights that have it.
    pub nights: usize,
    /// The last value.
    pub last: f64,
    /// The mean since the last change.
    pub level: f64,
}

/// Which way a metric gets worse, by its name: rates (`…_per_s`, `…throughput…`, `…_rate…`) when lower, everything else when higher.
#[must_use]
pub fn worse(metric: &str) -> Worse {
    let is_rate = metric.ends_with("_per_s")
        || metric.contains("throughput")
        || metric.split('_').any(|part| part == "rate");
    if is_rate { Worse::Lower } else { Worse::Higher }
}

/// What the nights say, all hosts and metrics.
#[must_use]
pub fn analyse(nights: &[Night]) -> Analysis {
    let pairs: BTreeSet<(&str, &str)> = nights
        .iter()
        .flat_map(|night| {
            night
                .metrics
                .keys()
                .map(|metric| (night.host.as_str(), metric.as_str()))
        })
        .collect();
    let (mut changes, mut metrics) = (Vec::new(), Vec::new());
    for (host, metric) in pairs {
        let of_host = nights.iter().filter(|night| night.host == host);
        let values: Vec<(&Night, f64)> = of_host
            .filter_map(|night| night.metrics.get(metric).map(|value| (night, *value)))
            .collect();
        let found = changes_of(metric, &values, nights);
        let level = level(
            metric,
            host,
            &values,
            found.last().map_or(0, |(index, _)| *index),
        );
        metrics.push(level);
        changes.extend(found.into_iter().map(|(_, change)| change));
    }
    let measured = nights.iter().filter(|night| !night.metrics.is_empty());
    Analysis {
        schema: Analysis::SCHEMA.to_owned(),
        nights: measured.count(),
        changes,
        metrics,
    }
}

fn level(metric: &str, host: &str, values: &[(&Night, f64)], since: usize) -> Level {
    let now = &values[since..];
    #[expect(clippy::cast_precision_loss, reason = "counts of nights are small")]
    let level = now.iter().map(|(_, value)| value).sum::<f64>() / now.len() as f64;
    Level {
        metric: metric.to_owned(),
        host: host.to_owned(),
        nights: values.len(),
        last: values.last().map_or(level, |(_, value)| *value),
        level,
    }
}

fn changes_of(metric: &str, values: &[(&Night, f64)], nights: &[Night]) -> Vec<(usize, Change)> {
    let series: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    let points = change_point::find(&series, LEVEL);
    let indices: Vec<usize> = points.iter().map(|point| point.index).collect();
    let acknowledged = acknowledged(metric, values, nights, &indices);
    let place = |index: usize| Place {
        date: values[index].0.date.clone(),
        commit: values[index].0.commit.clone(),
    };
    let changes = points.iter().enumerate().map(|(at, point)| {
        let end = indices.get(at + 1).copied().unwrap_or(series.len());
        let rises = point.after > point.before;
        let direction = match (worse(metric), rises) {
            (Worse::Higher, true) | (Worse::Lower, false) => Direction::Worse,
            (Worse::Higher, false) | (Worse::Lower, true) => Direction::Better,
        };
        let change = Change {
            metric: metric.to_owned(),
            host: values[point.index].0.host.clone(),
            last_before: place(point.index - 1),
            first_after: place(point.index),
            before: point.before,
            after: point.after,
            nights_behind: end - point.index,
            p: point.p,
            direction,
            acknowledged: acknowledged[at].clone(),
        };
        (point.index, change)
    });
    changes.collect()
}

/// For each change, why it was accepted. An acknowledgement belongs to the one nearest to the commit it names: the place that the statistic finds
/// may move by some nights while more come in.
fn acknowledged(
    metric: &str,
    values: &[(&Night, f64)],
    nights: &[Night],
    indices: &[usize],
) -> Vec<Option<String>> {
    let mut accepted = vec![None; indices.len()];
    let all = nights.iter().flat_map(|night| &night.acknowledged);
    for one in all.filter(|one| one.metric == metric) {
        let Some(named) = values
            .iter()
            .position(|(night, _)| night.commit == one.commit)
        else {
            continue;
        };
        let nearest = (0..indices.len()).min_by_key(|at| indices[*at].abs_diff(named));
        if let Some(at) = nearest.filter(|at| indices[*at].abs_diff(named) <= MOVES_MAX) {
            accepted[at] = Some(one.why.clone());
        }
    }
    accepted
}
