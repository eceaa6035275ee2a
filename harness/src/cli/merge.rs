//! `dateline merge`: the shares of one load that ran on many machines, joined into one run folder; or the verdicts of parts of one history.
//!
//! Histograms are added, so nothing is lost and nothing averaged; seconds, and histories where they were recorded, are put beside each other by what the shares
//! know of each other's clocks.

mod histories;

mod verdicts;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use reports::{
    load_summary::{
        LoadSummary,
        goal::{Goal, Vocabulary, evaluate},
        interval_log::{IntervalLog, read_into},
        joined::{self, Alignment, Part},
        merge, series,
    },
    parquet,
    run_folder::{RunFolder, write_atomically},
    text,
};

use crate::{
    exit::{Ending, Failure},
    run, store,
};

/// `dateline merge RUN…|VERDICT…`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shares that are missing, there twice, or of another schedule are refused: a summary of most of a run would look like
one of a run. Goals are judged again over the whole; the exit code is theirs. Histories (`load run --record`) are joined by
what the shares know of each other's clocks; what may have overlapped does.

Verdicts of parts of one history (`dateline check --share I/N --json`) are joined alike: a violation outweighs everything.

Examples:
  dateline merge machine-1/run machine-2/run machine-3/run
  dateline merge part-1.json part-2.json part-3.json")]
pub(super) struct MergeCommand {
    /// The run folders of all shares of a load, or files with the verdicts of all parts of a history
    #[arg(required = true, value_name = "RUN|VERDICT")]
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
        if self.runs.iter().all(|path| path.is_file()) {
            return verdicts::run(&self.runs, self.output);
        }
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
        let alignments = joined::align(&shares);
        let clocks = joined::told(&shares, &alignments);
        let recorded = match recorded(&self.runs, &shares, &alignments)? {
            Recorded::Nowhere => None,
            Recorded::By(parts) => Some(parts),
            Recorded::ByUnknownClocks(told) => {
                whole.warnings.push(told);
                None
            }
        };
        let parts = self.runs.iter().map(|path| part(path));
        let parts = parts.collect::<Result<Vec<Part>, Failure>>()?;
        let parts: Vec<(Alignment, Part)> = alignments.into_iter().zip(parts).collect();
        let unknown = parts
            .iter()
            .zip(std::iter::once("").chain(clocks.iter().map(String::as_str)));
        let unknown = unknown.filter(|((alignment, _), _)| alignment.within_us.is_none());
        whole
            .warnings
            .extend(unknown.map(|(_, told)| told.to_owned()));
        let folder = store::create(
            &self.out,
            &format!("load-{}", whole.run.workload),
            whole.run.seed,
            Timestamp::now(),
        )
        .map_err(Failure::usage)?;
        write(&folder, &whole, &parts).map_err(Failure::Harness)?;
        let history = folder.join("history.jsonl");
        if let Some(recorded) = &recorded {
            histories::join(recorded, &history).map_err(Failure::usage)?;
        }
        match self.output {
            Form::Text => {
                print!("{}", text::load::summary(&whole, run::style()));
                for told in &clocks {
                    println!("  clocks  {told}");
                }
                println!("  in      {}", folder.display());
                if recorded.is_some() {
                    println!("  judge   dateline check {}", history.display());
                }
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

/// What the shares wrote down of their operations.
enum Recorded {
    Nowhere,
    By(Vec<histories::Part>),
    /// Nobody knows how their clocks lie; in words.
    ByUnknownClocks(String),
}

/// Where the histories of the shares are, and how their times lie.
fn recorded(
    runs: &[PathBuf],
    shares: &[LoadSummary],
    alignments: &[Alignment],
) -> Result<Recorded, Failure> {
    let paths = runs.iter().map(|run| run.join("history.jsonl"));
    let (there, missing): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|path| path.exists());
    match missing.first() {
        Some(_) if there.is_empty() => return Ok(Recorded::Nowhere),
        Some(missing) => {
            return Err(Failure::Usage(format!(
                "{}: it is not there, and other shares have one; run all shares with --record, or none",
                missing.display()
            )));
        }
        None => {}
    }
    let zero_us = |(share, alignment): (&LoadSummary, &Alignment)| {
        let from_us = share.clock.as_ref()?.recorded_from_us?;
        Some((from_us - alignment.ahead_us?, alignment.within_us?))
    };
    let zeros: Option<Vec<(i64, i64)>> = shares.iter().zip(alignments).map(zero_us).collect();
    let Some(zeros) = zeros else {
        return Ok(Recorded::ByUnknownClocks(
            "the histories are not joined: it is not known how far the clocks of all shares are apart".to_owned(),
        ));
    };
    let begins = zeros.iter().map(|(zero_us, within_us)| zero_us - within_us);
    let earliest_us = begins.min().unwrap_or(0);
    let ns = |us: i64| u64::try_from(us).expect("none is below the least") * 1000;
    let part = |(path, (zero_us, within_us)): (PathBuf, (i64, i64))| histories::Part {
        path,
        later_ns: ns(zero_us - earliest_us),
        within_ns: ns(within_us),
    };
    Ok(Recorded::By(
        there.into_iter().zip(zeros).map(part).collect(),
    ))
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

/// What a share wrote down of its seconds; nothing where it has no such file.
fn part(run: &Path) -> Result<Part, Failure> {
    let mut part = Part::default();
    let told = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::Usage(format!("{}: {error}", path.display()))
    };
    let path = run.join("latency.hdr");
    if path.exists() {
        let log = fs::read(&path).map_err(|error| told(&path, &error))?;
        read_into(&mut part.intervals, &log).map_err(|error| told(&path, &error))?;
    }
    let path = run.join("series.csv");
    if path.exists() {
        let text = fs::read_to_string(&path).map_err(|error| told(&path, &error))?;
        part.seconds = series::read(&text).map_err(|error| told(&path, &error))?;
    }
    Ok(part)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("it is plain data")
}

fn write(folder: &Path, whole: &LoadSummary, parts: &[(Alignment, Part)]) -> Result<(), String> {
    let put = |name: &str, bytes: &[u8]| {
        write_atomically(&folder.join(name), bytes).map_err(|error| error.to_string())
    };
    put("run.json", json(&whole.run).as_bytes())?;
    put("summary.json", json(whole).as_bytes())?;
    let intervals = joined::intervals(parts);
    let seconds = joined::seconds(parts, &intervals);
    let started: Option<Timestamp> = whole.run.started.parse().ok();
    let started_ms = started.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    let log = || -> std::io::Result<Vec<u8>> {
        let mut log = IntervalLog::begin(Vec::new(), started_ms.unwrap_or(0))?;
        for ((second, tag), times) in &intervals {
            log.write(tag, second * SECOND_NS, SECOND_NS, times)?;
        }
        Ok(log.into_inner())
    };
    let table = || -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        series::write_heading(&mut out)?;
        let mut lines = seconds.iter();
        lines.try_for_each(|second| series::write_second(&mut out, second))?;
        Ok(out)
    };
    put("latency.hdr", &log().map_err(|error| error.to_string())?)?;
    put("series.csv", &table().map_err(|error| error.to_string())?)?;
    put("series.parquet", &parquet::file(&series::columns(&seconds)))
}

const SECOND_NS: u64 = 1_000_000_000;
