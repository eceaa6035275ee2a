//! `dateline gate`: two builds in turns, or many nights.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::{Timestamp, tz::TimeZone};
use reports::{
    gate::{Answer, measured},
    nights::{
        Acknowledged, Night,
        analysis::{self, Analysis},
        file,
    },
    run_folder::RunFolder,
    text,
};

use crate::{
    exit::{Ending, Failure},
    gate::{self, GateForm, Runs, Settings, Talk},
    run, store,
};

/// `dateline gate BASE CANDIDATE`, `dateline gate --history FILE`.
#[derive(Debug, Args)]
#[command(after_help = "\
Commands are run in turns (base, candidate, candidate, base, then the reverse), each in a fresh process. In a command,
{self} is this binary, {folder} a folder for one run, {port} a free port. What it costs is measured; more figures are
taken from a run folder below {folder} and from {folder}/metrics.json (one object of names and numbers).

Exit codes: 0 pass, 1 fail, 2 cannot tell, 3 a run failed, 64 bad usage. With --history: 1 when a change is an alarm.

Examples:
  dateline gate old/dateline new/dateline -- test register --faults none --time-limit 5 --seed 7 --out {folder}
  dateline gate 'python3 old.py' 'python3 new.py' --tolerate 5% --rounds 5..20 --budget 10m
  dateline gate --history nights.jsonl --add dateline-runs/latest --commit 1aa67e0 --host bench-1
  dateline gate --history nights.jsonl --acknowledge cpu_us@1aa67e0 --why 'checksums cost that'
  dateline gate --history nights.jsonl")]
pub(super) struct GateCommand {
    /// The command that was accepted last
    #[arg(requires = "candidate")]
    base: Option<String>,

    /// The command that asks to be accepted
    candidate: Option<String>,

    /// Arguments of both commands
    #[arg(last = true, requires = "candidate", value_name = "ARGUMENTS")]
    arguments: Vec<String>,

    /// What to judge by [default: CPU time, and instructions where they can be counted]
    #[arg(long = "metric", value_name = "NAMES", value_delimiter = ',')]
    metrics: Vec<String>,

    /// How much worse it may be [default: 3%]
    #[arg(long, value_name = "PERCENT")]
    tolerate: Option<String>,

    /// The least and the most rounds of four runs [default: 10..20]
    #[arg(long, value_name = "LEAST..MOST")]
    rounds: Option<String>,

    /// How the four runs of a round are made [default: at once when only `cpu_us`, `instructions` and `memory_mib` are judged]
    #[arg(long, value_name = "HOW")]
    runs: Option<Runs>,

    /// No round is begun that would end later [default: none]
    #[arg(long, value_name = "DURATION")]
    budget: Option<String>,

    /// The longest that one run may take [default: 10m]
    #[arg(long, value_name = "DURATION")]
    run_limit: Option<String>,

    /// Decides the draws
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,

    /// The folder that holds all runs
    #[arg(long, value_name = "DIRECTORY", default_value = store::DEFAULT_OUT)]
    out: PathBuf,

    /// How to print it
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Form,

    #[command(flatten)]
    nights: NightsFlags,
}

/// What concerns the file of nights.
#[derive(Debug, Args)]
struct NightsFlags {
    /// A file with one line per night: what the candidate measured is added, and changes of level are looked for
    #[arg(long, value_name = "FILE.jsonl")]
    history: Option<PathBuf>,

    /// Add what this run measured
    #[arg(
        long,
        value_name = "RUN",
        requires = "history",
        conflicts_with = "candidate"
    )]
    add: Option<PathBuf>,

    /// The commit that was measured, for a line that is added
    #[arg(long, value_name = "COMMIT", requires = "history")]
    commit: Option<String>,

    /// A name for this machine, for a line that is added; nights of different machines are never mixed
    #[arg(long, value_name = "NAME", requires = "history")]
    host: Option<String>,

    /// Accept a change: the metric, and the first commit of the new level
    #[arg(long, value_name = "METRIC@COMMIT", requires_all = ["history", "why"], conflicts_with_all = ["candidate", "add"])]
    acknowledge: Option<String>,

    /// Why it is accepted
    #[arg(long, value_name = "TEXT", requires = "acknowledge")]
    why: Option<String>,
}

/// How something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Quiet,
}

impl GateCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let history = self.nights.history.as_deref();
        match (&self.base, &self.candidate, history) {
            (Some(base), Some(candidate), _) => self.two_builds(base, candidate),
            (Some(_) | None, None, Some(history)) => self.many_nights(history),
            (Some(_) | None, None, None) | (None, Some(_), _) => Err(Failure::Usage(
                "nothing to judge; give BASE and CANDIDATE, or --history FILE".to_owned(),
            )),
        }
    }

    fn two_builds(&self, base: &str, candidate: &str) -> Result<Ending, Failure> {
        let form = GateForm {
            name: "gate".to_owned(),
            base: base.to_owned(),
            candidate: candidate.to_owned(),
            arguments: self.arguments.clone(),
            metrics: self.metrics.clone(),
            tolerate: self.tolerate.clone(),
            rounds: self.rounds.clone(),
            runs: self.runs,
            budget: self.budget.clone(),
            run_limit: self.run_limit.clone(),
            seed: Some(self.seed),
        };
        let settings = Settings::resolve(&form).map_err(Failure::usage)?;
        // Everything that can be refused is refused before an hour is spent.
        let night = match &self.nights.history {
            Some(path) => {
                file::read(path).map_err(Failure::usage)?;
                Some((path, self.nights.night()?))
            }
            None => None,
        };
        let folder = store::create_beside(&self.out, "gate", Timestamp::now());
        let folder = folder.map_err(Failure::usage)?;
        let talk = match self.output {
            Form::Text => Talk::Rounds,
            Form::Json | Form::Quiet => Talk::Silent,
        };
        let answer = gate::run(&settings, &folder, talk)?;
        match self.output {
            Form::Text => {
                print!("{}", text::gate::answer(&answer, run::style()));
                println!("\n  in     {}", folder.display());
            }
            Form::Json => println!("{}", json(&answer)),
            Form::Quiet => {}
        }
        let ending = answer.judgement.ending();
        match night {
            Some((path, night)) => {
                append(path, &with_medians(night, &answer))?;
                Ok(ending.max(self.tell(path)?))
            }
            None => Ok(ending),
        }
    }

    fn many_nights(&self, history: &Path) -> Result<Ending, Failure> {
        if let Some(run) = &self.nights.add {
            let mut night = self.nights.night()?;
            night.metrics = measured::of_folder(&RunFolder::at(run)).map_err(Failure::usage)?;
            if night.metrics.is_empty() {
                return Err(Failure::Usage(format!(
                    "--add {}: there is no results.json and no summary.json; name the folder of a finished run",
                    run.display()
                )));
            }
            append(history, &night)?;
        } else if !history.exists() {
            return Err(Failure::Usage(format!(
                "--history {}: there is no such file; --add or a gate of two builds begins one",
                history.display()
            )));
        }
        if let Some(told) = &self.nights.acknowledge {
            let nights = file::read(history).map_err(Failure::usage)?;
            append(history, &acknowledgement(told, &self.nights, &nights)?)?;
        }
        self.tell(history)
    }

    /// What all nights say.
    fn tell(&self, history: &Path) -> Result<Ending, Failure> {
        let nights = file::read(history).map_err(Failure::usage)?;
        let analysis = analysis::analyse(&nights);
        match self.output {
            Form::Text => print!("{}", text::nights::analysis(&analysis, run::style())),
            Form::Json => println!("{}", json(&analysis)),
            Form::Quiet => {}
        }
        Ok(ending(&analysis))
    }
}

fn ending(analysis: &Analysis) -> Ending {
    match (analysis.nights, analysis.alarms().count()) {
        (0, _) => Ending::Unknown,
        (1.., 0) => Ending::Valid,
        (1.., 1..) => Ending::Invalid,
    }
}

impl NightsFlags {
    /// A night without figures.
    fn night(&self) -> Result<Night, Failure> {
        let needed = |flag: &str, value: &Option<String>| {
            value.clone().ok_or_else(|| {
                Failure::Usage(format!(
                    "--{flag} is missing; a line of --history tells nights apart by --commit and --host"
                ))
            })
        };
        Ok(Night {
            schema: Night::SCHEMA.to_owned(),
            date: today(),
            commit: needed("commit", &self.commit)?,
            host: needed("host", &self.host)?,
            metrics: std::collections::BTreeMap::new(),
            acknowledged: Vec::new(),
        })
    }
}

fn today() -> String {
    Timestamp::now().to_zoned(TimeZone::UTC).date().to_string()
}

fn with_medians(mut night: Night, answer: &Answer) -> Night {
    for metric in &answer.metrics {
        if let Some((_, candidate)) = metric.medians {
            night.metrics.insert(metric.name.clone(), candidate);
        }
    }
    night
}

/// A line that accepts a change of a metric and at a commit that the file has.
fn acknowledgement(told: &str, flags: &NightsFlags, nights: &[Night]) -> Result<Night, Failure> {
    let refused = |why: &str| Failure::Usage(format!("--acknowledge {told}: {why}"));
    let (metric, commit) = told
        .split_once('@')
        .ok_or_else(|| refused("write METRIC@COMMIT, as the alarm names them"))?;
    let measured = nights
        .iter()
        .find(|night| night.commit == commit && night.metrics.contains_key(metric))
        .ok_or_else(|| refused("no night of this commit has this metric"))?;
    Ok(Night {
        schema: Night::SCHEMA.to_owned(),
        date: today(),
        commit: commit.to_owned(),
        host: measured.host.clone(),
        metrics: std::collections::BTreeMap::new(),
        acknowledged: vec![Acknowledged {
            metric: metric.to_owned(),
            commit: commit.to_owned(),
            why: flags.why.clone().unwrap_or_default(),
        }],
    })
}

fn append(path: &Path, night: &Night) -> Result<(), Failure> {
    file::append(path, night).map_err(Failure::usage)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("it is plain data")
}
