//! Whether a goal was kept.

use serde::{Deserialize, Serialize};

use super::{Goal, Statistic};
use crate::{
    load_summary::{LoadLag, LoadRow, LoadSummary, Times},
    words,
};

/// Kept, broken, or nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GoalOutcome {
    /// It was kept.
    Kept,
    /// Nothing was measured that could keep or break it.
    CannotTell,
    /// It was broken.
    Broken,
}

/// A goal and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoalResult {
    /// As the user wrote it.
    pub goal: String,
    /// Kept, broken, or nobody can tell.
    pub outcome: GoalOutcome,
    /// Nanoseconds, a share, or operations per second; `None` if there is no such number.
    pub measured: Option<f64>,
    /// What was measured, in words.
    pub told: String,
}

/// What a quantile over answered and unanswered operations is.
enum Slowest {
    /// This long.
    Nanoseconds(u64),
    /// It falls among those that were not answered at all.
    Unanswered,
    /// There was nothing.
    Nothing,
}

/// Holds a goal against a summary.
#[must_use]
pub fn evaluate(goal: &Goal, summary: &LoadSummary) -> GoalResult {
    let rows: Vec<&LoadRow> = summary
        .rows
        .iter()
        .filter(|row| concerns(goal, row))
        .collect();
    let scheduled = total(&rows, |row| row.scheduled);
    match goal.statistic {
        Statistic::Response(quantile) => {
            let unanswered = total(&rows, |row| row.failed() + row.never_sent);
            let times = rows.iter().flat_map(|row| [&row.response, &row.open]);
            of_quantile(
                goal,
                quantile,
                times,
                unanswered,
                "failed or were never sent",
            )
        }
        Statistic::Service(quantile) => {
            let unanswered = total(&rows, |row| row.failed());
            let times = rows.iter().map(|row| &row.service);
            of_quantile(goal, quantile, times, unanswered, "failed")
        }
        Statistic::Lag(quantile) => {
            let is_seen_by = |lag: &&LoadLag| {
                goal.scope
                    .region
                    .as_ref()
                    .is_none_or(|region| lag.to == *region)
            };
            let lags: Vec<&LoadLag> = summary.lag.iter().filter(is_seen_by).collect();
            let unseen = lags.iter().map(|lag| lag.unseen).sum();
            let times = lags.iter().map(|lag| &lag.upper);
            of_quantile(goal, quantile, times, unseen, "were never seen")
        }
        Statistic::Errors => of_share(goal, total(&rows, LoadRow::failed), scheduled),
        Statistic::NeverSent => of_share(goal, total(&rows, |row| row.never_sent), scheduled),
        Statistic::Late => {
            let sent = total(&rows, |row| row.sent);
            of_share(goal, total(&rows, |row| row.late), sent)
        }
        Statistic::Rate => {
            let rate: f64 = rows.iter().map(|row| row.achieved_per_s).sum();
            let measured = (scheduled > 0).then_some(rate);
            told(goal, measured, |rate| {
                format!("{}/s", words::plain(rate.round()))
            })
        }
    }
}

fn concerns(goal: &Goal, row: &LoadRow) -> bool {
    let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|one| one == name);
    is(&goal.scope.region, &row.region) && is(&goal.scope.kind, &row.kind)
}

fn total(rows: &[&LoadRow], count: impl Fn(&LoadRow) -> u64) -> u64 {
    rows.iter().map(|row| count(row)).sum()
}

fn of_share(goal: &Goal, part: u64, whole: u64) -> GoalResult {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share is shown with few digits"
    )]
    let measured = (whole > 0).then(|| part as f64 / whole as f64);
    told(goal, measured, |share| {
        format!(
            "{} % ({} of {})",
            words::plain(share * 100.0),
            words::count(part),
            words::count(whole)
        )
    })
}

fn of_quantile<'a>(
    goal: &Goal,
    quantile: f64,
    times: impl Iterator<Item = &'a Times>,
    unanswered: u64,
    how: &str,
) -> GoalResult {
    let mut all = Times::default();
    for one in times {
        if let Err(error) = all.add(one) {
            return GoalResult {
                goal: goal.text.clone(),
                outcome: GoalOutcome::CannotTell,
                measured: None,
                told: error.to_string(),
            };
        }
    }
    match slowest(&all, unanswered, quantile) {
        #[expect(clippy::cast_precision_loss, reason = "times are below an hour")]
        Slowest::Nanoseconds(ns) => told(goal, Some(ns as f64), |_| words::duration(ns)),
        Slowest::Unanswered => GoalResult {
            goal: goal.text.clone(),
            outcome: GoalOutcome::Broken,
            measured: None,
            told: format!(
                "no such time: {} of {} {how}",
                words::count(unanswered),
                words::count(unanswered + all.len())
            ),
        },
        Slowest::Nothing => told(goal, None, |_| String::new()),
    }
}

/// The quantile over all, with the unanswered ones last.
fn slowest(answered: &Times, unanswered: u64, quantile: f64) -> Slowest {
    let whole = answered.len() + unanswered;
    if whole == 0 {
        return Slowest::Nothing;
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among at most 2^53 operations"
    )]
    let rank = ((whole as f64 * quantile - 1e-6).ceil().max(1.0)) as u64;
    if rank > answered.len() {
        return Slowest::Unanswered;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rank among at most 2^53 operations"
    )]
    let share = rank as f64 / answered.len() as f64;
    Slowest::Nanoseconds(
        answered
            .histogram()
            .value_at_quantile(share)
            .min(answered.histogram().max()),
    )
}

fn told(goal: &Goal, measured: Option<f64>, words: impl Fn(f64) -> String) -> GoalResult {
    let outcome = match measured {
        None => GoalOutcome::CannotTell,
        Some(value) if goal.side.holds(value, goal.bound) => GoalOutcome::Kept,
        Some(_) => GoalOutcome::Broken,
    };
    GoalResult {
        goal: goal.text.clone(),
        outcome,
        measured,
        told: measured.map_or_else(|| "nothing was measured".to_owned(), words),
    }
}
