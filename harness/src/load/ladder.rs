//! Several stages on the same regions, one after the other: `load steps` and `load search`.
//!
//! Each stage is a run of its own, in its own folder below the run's, so that every tool that reads a run reads it too. `trials.json` lists them.

use std::path::Path;

use reports::{
    load_summary::{LoadRow, LoadSummary, Times, goal::GoalOutcome},
    words,
};
use serde::{Deserialize, Serialize};

use super::{
    LoadSettings,
    evidence::Evidence,
    run::on_site,
    search::{Bounds, Found, Search, Trial},
    site::Site,
    stage::Stage,
};
use crate::{
    cli::LoadOutput,
    exit::{Ending, Failure},
    stop::Stop,
};

/// `trials.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trials {
    /// [`Trials::SCHEMA`].
    schema: String,
    /// One line that repeats all of it.
    reproduce: String,
    /// In the order in which they were done.
    trials: Vec<Row>,
    /// What a search has found; `None` for steps.
    found: Option<FoundRate>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    /// Its folder below the run's.
    folder: String,
    rate_asked_per_s: f64,
    rate_got_per_s: f64,
    response_p50_ns: u64,
    response_p99_ns: u64,
    service_p99_ns: u64,
    /// The 99th percentile of the replication lag's upper bounds over all pairs; `None` if there are no pairs.
    lag_p99_ns: Option<u64>,
    failed: u64,
    never_sent: u64,
    /// Goals that were missed, as they were written.
    missed: Vec<String>,
    /// What to be careful about: above all whether the client was the limit.
    warnings: Vec<String>,
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FoundRate {
    /// The highest rate that kept the goals; `None` if none did.
    kept_per_s: Option<f64>,
    /// The lowest rate that missed one; `None` if none did.
    missed_per_s: Option<f64>,
    /// Trials at the rate that was found: how many kept, of how many.
    kept_trials: usize,
    all_trials: usize,
}

impl Trials {
    const SCHEMA: &str = "dateline/load-trials/1";

    /// For people.
    fn text(&self) -> String {
        let mut lines: Vec<String> = self.trials.iter().map(Row::line).collect();
        lines.push(String::new());
        lines.extend(self.found.as_ref().map(|found| found.told() + "\n"));
        // Those of the last stage that has any: the others are like it, and in their folders.
        let last = self.trials.iter().rfind(|row| !row.warnings.is_empty());
        let warnings = last.map_or(&[][..], |row| &row.warnings);
        lines.extend(warnings.iter().map(|told| format!("warning: {told}")));
        lines.push(format!("again: {}", self.reproduce));
        lines.join("\n")
    }
}

/// The trials of a saved run, for people; `None` if it has none.
pub(crate) fn saved(folder: &Path) -> Result<Option<String>, String> {
    let path = folder.join("trials.json");
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let trials: Trials = serde_json::from_slice(&text).map_err(|error| failed(&error))?;
    if trials.schema != Trials::SCHEMA {
        let told = format!(
            "its schema is `{}`, this version reads `{}`; use the version of Dateline that wrote it",
            trials.schema,
            Trials::SCHEMA
        );
        return Err(failed(&told));
    }
    Ok(Some(trials.text()))
}

/// Stages that have been done.
struct Ladder<'a> {
    settings: &'a LoadSettings,
    evidence: &'a Evidence,
    site: &'a Site,
    stop: &'a Stop,
    /// The number of the next operation.
    first: u64,
    rows: Vec<Row>,
    worst: Ending,
}

/// Asks at each rate in turn.
pub(crate) fn steps(settings: &LoadSettings, rates: &[f64]) -> Result<Ending, Failure> {
    on_site(settings, async |evidence, site, stop| {
        let mut ladder = Ladder::new(settings, evidence, site, stop);
        for rate in rates {
            ladder.climb(*rate).await?;
            if stop.is_set() {
                break;
            }
        }
        ladder.conclude(None)
    })
}

/// Finds the highest rate at which the goals are kept.
pub(crate) fn search(settings: &LoadSettings, bounds: Bounds) -> Result<Ending, Failure> {
    on_site(settings, async |evidence, site, stop| {
        let mut ladder = Ladder::new(settings, evidence, site, stop);
        let mut search = Search::new(bounds);
        while let Some(rate) = search.next() {
            let ending = ladder.climb(rate).await?;
            if stop.is_set() {
                break;
            }
            let kept = match ending {
                Ending::Valid => true,
                Ending::Invalid => false,
                Ending::Unknown | Ending::HarnessFailure => {
                    return Err(format!(
                        "at {rate}/s nobody can tell whether the goals are kept; the last folder in `trials.json` says why"
                    ));
                }
            };
            search.record(Trial { rate, kept });
        }
        ladder.worst = match search.found() {
            Some(Found::Between { .. }) if !stop.is_set() => Ending::Valid,
            Some(_) | None => Ending::Unknown,
        };
        ladder.conclude(Some(&search))
    })
}

impl<'a> Ladder<'a> {
    fn new(
        settings: &'a LoadSettings,
        evidence: &'a Evidence,
        site: &'a Site,
        stop: &'a Stop,
    ) -> Self {
        Self {
            settings,
            evidence,
            site,
            stop,
            first: 0,
            rows: Vec::new(),
            worst: Ending::Valid,
        }
    }

    /// One stage at this rate.
    async fn climb(&mut self, rate: f64) -> Result<Ending, String> {
        let settings = self.settings.at_rate(rate);
        let name = format!("trial-{:02}-{rate:.0}", self.rows.len() + 1);
        let evidence = self.evidence.of_stage(&settings, &name)?;
        let stage = Stage {
            settings: &settings,
            evidence: &evidence,
            site: self.site,
            stop: self.stop,
            first: self.first,
        };
        let measured = stage.measure().await?;
        let (summary, ending) = evidence.summarise(&settings, measured, self.stop)?;
        self.first = settings.course.end(self.first);
        self.worst = self.worst.max(ending);
        let row = Row::of(name, &summary);
        if self.settings.output != LoadOutput::Quiet {
            eprintln!("{}", row.line());
        }
        self.rows.push(row);
        self.write(None)?;
        Ok(ending)
    }

    /// Writes `trials.json` as far as it is known.
    fn write(&self, found: Option<FoundRate>) -> Result<Trials, String> {
        let trials = Trials {
            schema: Trials::SCHEMA.to_owned(),
            reproduce: self.settings.reproduce(),
            trials: self.rows.clone(),
            found,
        };
        let text = serde_json::to_vec_pretty(&trials).expect("trials are plain data");
        let path = self.evidence.folder().join("trials.json");
        reports::run_folder::write_atomically(&path, &text).map_err(|error| error.to_string())?;
        Ok(trials)
    }

    /// Writes and says what came of it.
    fn conclude(&self, search: Option<&Search>) -> Result<Ending, String> {
        let trials = self.write(search.map(FoundRate::of))?;
        match self.settings.output {
            LoadOutput::Quiet => {}
            LoadOutput::Json => {
                let text = serde_json::to_string_pretty(&trials).expect("trials are plain data");
                println!("{text}");
            }
            LoadOutput::Text => {
                println!("{}", trials.text());
                if let Some(why) = self.stop.reason() {
                    println!("{why}, before all was done");
                }
                println!("run folder: {}", self.evidence.folder().display());
            }
        }
        Ok(self.worst)
    }
}

impl Row {
    fn of(folder: String, summary: &LoadSummary) -> Self {
        let p99 = |times: &Times| times.percentiles().p99_ns;
        let response = joined(summary.rows.iter().map(|row| &row.response));
        let lag = joined(summary.lag.iter().map(|lag| &lag.upper));
        let sum = |of: fn(&LoadRow) -> u64| summary.rows.iter().map(of).sum();
        let missed = summary
            .goals
            .iter()
            .filter(|goal| goal.outcome != GoalOutcome::Kept);
        Self {
            folder,
            rate_asked_per_s: summary.plan.rate_per_s,
            rate_got_per_s: summary.rows.iter().map(|row| row.achieved_per_s).sum(),
            response_p50_ns: response.percentiles().p50_ns,
            response_p99_ns: p99(&response),
            service_p99_ns: p99(&joined(summary.rows.iter().map(|row| &row.service))),
            lag_p99_ns: (!lag.is_empty()).then(|| p99(&lag)),
            failed: sum(LoadRow::failed),
            never_sent: sum(|row| row.never_sent),
            missed: missed.map(|goal| goal.goal.clone()).collect(),
            warnings: summary.warnings.clone(),
        }
    }

    /// One line for people.
    fn line(&self) -> String {
        let mut line = format!(
            "asked {:>8}/s  got {:>8}/s  p50 {:>8}  p99 {:>8}  service p99 {:>8}",
            words::plain(self.rate_asked_per_s.round()),
            words::plain(self.rate_got_per_s.round()),
            words::duration(self.response_p50_ns),
            words::duration(self.response_p99_ns),
            words::duration(self.service_p99_ns),
        );
        if let Some(lag_ns) = self.lag_p99_ns {
            line += &format!("  lag p99 {:>8}", words::duration(lag_ns));
        }
        if self.failed > 0 {
            line += &format!("  failed {}", words::count(self.failed));
        }
        if self.never_sent > 0 {
            line += &format!("  never sent {}", words::count(self.never_sent));
        }
        if !self.missed.is_empty() {
            line += &format!("  missed {}", self.missed.join(", "));
        }
        if !self.warnings.is_empty() {
            let count = self.warnings.len() as u64;
            line += &format!("  {}", words::counted(count, "warning"));
        }
        line
    }
}

impl FoundRate {
    fn of(search: &Search) -> Self {
        let (kept, missed) = match search.found() {
            Some(Found::Between { kept, missed }) => (Some(kept), Some(missed)),
            Some(Found::AtLeast(kept)) => (Some(kept), None),
            Some(Found::Below(missed)) => (None, Some(missed)),
            None => (None, None),
        };
        let (kept_trials, all_trials) = kept.map_or((0, 0), |rate| search.tally(rate));
        Self {
            kept_per_s: kept,
            missed_per_s: missed,
            kept_trials,
            all_trials,
        }
    }

    /// For people.
    fn told(&self) -> String {
        let tally = format!("kept in {} of {} trials", self.kept_trials, self.all_trials);
        match (self.kept_per_s, self.missed_per_s) {
            (Some(kept), Some(missed)) => format!(
                "highest rate within the goals: {}/s, {tally}; {}/s misses one",
                words::plain(kept),
                words::plain(missed)
            ),
            (Some(kept), None) => format!(
                "the goals are kept at {}/s, the highest rate that was to be tried, {tally}; raise --to",
                words::plain(kept)
            ),
            (None, Some(missed)) => format!(
                "even {}/s misses a goal; lower --from, or loosen the goal",
                words::plain(missed)
            ),
            (None, None) => "nothing was found out".to_owned(),
        }
    }
}

fn joined<'a>(all: impl Iterator<Item = &'a Times>) -> Times {
    let mut sum = Times::default();
    for times in all {
        sum.add(times).expect("all are of one shape");
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_told() {
        let mut search = Search::new(Bounds::new(100.0, 300.0, 40.0).expect("they make sense"));
        while let Some(rate) = search.next() {
            let kept = rate < 250.0;
            search.record(Trial { rate, kept });
        }
        insta::assert_snapshot!(FoundRate::of(&search).told(), @"highest rate within the goals: 245/s, kept in 3 of 3 trials; 300/s misses one");
    }
}
