//! `dateline merge`: the shares of one load that ran on many machines, joined into one run folder.
//!
//! Histograms are added, so nothing is lost and nothing averaged. Absent so far: histories and verdicts of `check --share`, and `series.csv`, whose percentiles of one
//! second cannot be added; `latency.hdr` has the same by interval.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use reports::{
    load_summary::{
        LoadSummary, Times,
        goal::{Goal, Vocabulary, evaluate},
        interval_log::{IntervalLog, read_into},
        merge,
    },
    run_folder::{RunFolder, write_atomically},
    text,
};

use crate::{
    exit::{Ending, Failure},
    run, store,
};

/// `dateline merge RUN…`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shares that are missing, there twice, or of another schedule are refused: a summary of most of a run would look like
one of a run. Goals are judged again over the whole; the exit code is theirs.

Example:
  dateline merge machine-1/run machine-2/run machine-3/run")]
pub(super) struct MergeCommand {
    /// The run folders of all shares
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// The folder that holds all runs
    #[arg(long, value_name = "DIRECTORY", default_value = store::DEFAULT_OUT)]
    out: PathBuf,

    /// How to print the summary
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// How something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Quiet,
}

impl MergeCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let shares: Result<Vec<LoadSummary>, Failure> =
            self.runs.iter().map(|path| share(path)).collect();
        let shares = shares?;
        let mut whole = merge::merge(&shares).map_err(Failure::usage)?;
        judge(&mut whole, &shares)?;
        let names: Vec<String> = self
            .runs
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        whole.run.reproduce = format!("dateline merge {}", names.join(" "));
        let intervals = intervals(&self.runs)?;
        let folder = store::create(
            &self.out,
            &whole.run.workload,
            whole.run.seed,
            Timestamp::now(),
        )
        .map_err(Failure::usage)?;
        write(&folder, &whole, &intervals).map_err(Failure::Harness)?;
        match self.output {
            Form::Text => {
                print!("{}", text::load::summary(&whole, run::style()));
                println!("  in      {}", folder.display());
            }
            Form::Json => println!("{}", json(&whole)),
            Form::Quiet => {}
        }
        Ok(match whole.exit_code() {
            0 => Ending::Valid,
            1 => Ending::Invalid,
            _unknown => Ending::Unknown,
        })
    }
}

fn share(path: &Path) -> Result<LoadSummary, Failure> {
    let summary = RunFolder::at(path).load_summary().map_err(Failure::usage)?;
    summary.ok_or_else(|| {
        Failure::Usage(format!(
            "{}: there is no summary.json; name the folder of a finished run of `dateline load`",
            path.display()
        ))
    })
}

/// Judges the goals that the shares had over the whole.
fn judge(whole: &mut LoadSummary, shares: &[LoadSummary]) -> Result<(), Failure> {
    let mut kinds: Vec<String> = whole.rows.iter().map(|row| row.kind.clone()).collect();
    kinds.dedup();
    let regions = whole.run.regions.clone();
    let vocabulary = Vocabulary {
        regions: &regions,
        kinds: &kinds,
    };
    let mut texts: Vec<&str> = Vec::new();
    for goal in shares.iter().flat_map(|share| &share.goals) {
        if !texts.contains(&goal.goal.as_str()) {
            texts.push(&goal.goal);
        }
    }
    let goals = texts.iter().map(|text| Goal::parse(text, &vocabulary));
    let goals: Result<Vec<Goal>, _> = goals.collect();
    let goals = goals.map_err(Failure::usage)?;
    whole.goals = goals.iter().map(|goal| evaluate(goal, whole)).collect();
    Ok(())
}

/// All interval logs, each on its own clock from the start of its run.
fn intervals(runs: &[PathBuf]) -> Result<BTreeMap<(u64, String), Times>, Failure> {
    let mut intervals = BTreeMap::new();
    for run in runs {
        let path = run.join("latency.hdr");
        if path.exists() {
            let told = |error: &dyn std::fmt::Display| {
                Failure::Usage(format!("{}: {error}", path.display()))
            };
            let log = fs::read(&path).map_err(|error| told(&error))?;
            read_into(&mut intervals, &log).map_err(|error| told(&error))?;
        }
    }
    Ok(intervals)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("it is plain data")
}

fn write(
    folder: &Path,
    whole: &LoadSummary,
    intervals: &BTreeMap<(u64, String), Times>,
) -> Result<(), String> {
    let put = |name: &str, bytes: &[u8]| {
        write_atomically(&folder.join(name), bytes).map_err(|error| error.to_string())
    };
    put("run.json", json(&whole.run).as_bytes())?;
    put("summary.json", json(whole).as_bytes())?;
    if intervals.is_empty() {
        return Ok(());
    }
    let started: Option<Timestamp> = whole.run.started.parse().ok();
    let started_ms = started.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    let log = || -> std::io::Result<Vec<u8>> {
        let mut log = IntervalLog::begin(Vec::new(), started_ms.unwrap_or(0))?;
        for (at, ((begin_ms, tag), times)) in intervals.iter().enumerate() {
            // An interval lasts until the next one of its tag; the last one is as long as all of this harness are.
            let next = intervals
                .keys()
                .skip(at + 1)
                .find(|(_, other)| other == tag);
            let length_ms = next.map_or(1000, |(next_ms, _)| next_ms - begin_ms);
            log.write(tag, begin_ms * 1_000_000, length_ms * 1_000_000, times)?;
        }
        Ok(log.into_inner())
    };
    put("latency.hdr", &log().map_err(|error| error.to_string())?)
}
