//! Makes the runs that `reports::gate` asks for, until its answer stands, the budget is spent, or somebody wants to stop.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sched::{CpuSet, sched_getaffinity},
    unistd::Pid,
};
use reports::{
    gate::{Answer, Build, Metric, Session, Terms, measured},
    nights::analysis::worse,
    run_folder::{RunFolder, write_atomically},
    words,
};
use serde::Serialize;
use workloads::seed::{Seed, Stream};

use super::{
    Settings,
    child::{self, Done, Order},
    command::Places,
    instructions::Counter,
    settings::Runs,
};
use crate::{exit::Failure, stop::Stop, store};

/// The environment is filled up by less than this, one page.
const PADDING_BYTES: u64 = 4096;

/// The metric that somebody must count.
const INSTRUCTIONS: &str = "instructions";

/// Figures of processes alone, whatever runs beside them.
const COSTS: [&str; 3] = ["cpu_us", INSTRUCTIONS, "memory_mib"];

/// The least rounds when valgrind counts.
const COUNTED_ROUNDS_MIN: usize = 3;

/// Whom to tell how it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Standard error, a line per round.
    Rounds,
    /// Nobody.
    Silent,
}

/// What a run measured, by name.
type Figures = BTreeMap<String, f64>;

/// Makes a gate; everything is left in `folder`, `gate.json` at the end.
pub(crate) fn run(settings: &Settings, folder: &Path, talk: Talk) -> Result<Answer, Failure> {
    // Children are forked by this thread, which lives to the end.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::harness)?;
    let answer = runtime.block_on(async {
        let stop = Stop::new();
        stop.listen().map_err(Failure::harness)?;
        Runner::new(settings, folder, stop)?.gate(talk).await
    })?;
    let text = serde_json::to_string_pretty(&answer).expect("an answer is plain data");
    write_atomically(&folder.join("gate.json"), text.as_bytes()).map_err(Failure::harness)?;
    Ok(answer)
}

struct Runner<'a> {
    settings: &'a Settings,
    folder: PathBuf,
    own: PathBuf,
    /// What runs that are made at once share.
    processor: usize,
    stop: Stop,
    begun: Instant,
    /// Who counts instructions, or why nobody does.
    counter: Result<Counter, String>,
    padding: Stream,
    journal: File,
    runs: usize,
}

/// A line of `runs.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    build: Build,
    padding_bytes: usize,
    measured: &'a Figures,
}

impl<'a> Runner<'a> {
    fn new(settings: &'a Settings, folder: &Path, stop: Stop) -> Result<Self, Failure> {
        Ok(Self {
            settings,
            // A command may go elsewhere before it uses `{folder}`.
            folder: folder.canonicalize().map_err(Failure::harness)?,
            own: env::current_exe().map_err(Failure::harness)?,
            processor: last_processor().map_err(Failure::harness)?,
            stop,
            begun: Instant::now(),
            counter: counter(&settings.metrics)?,
            padding: Seed(settings.seed).stream("gate environment"),
            journal: File::create(folder.join("runs.jsonl")).map_err(Failure::harness)?,
            runs: 0,
        })
    }

    async fn gate(mut self, talk: Talk) -> Result<Answer, Failure> {
        // A run of each that does not count: caches are filled, and it is seen what they measure.
        let (base, candidate) = (
            self.once(Build::Base).await?,
            self.once(Build::Candidate).await?,
        );
        let metrics = metrics(&self.settings.metrics, &base, &candidate).map_err(|told| {
            let uncounted = self.counter.as_ref().err().into_iter();
            let uncounted = uncounted.map(|why| format!("; instructions are not counted: {why}"));
            Failure::Usage(format!("{told}{}", uncounted.collect::<String>()))
        })?;
        let runs = self
            .settings
            .runs
            .unwrap_or_else(|| fitting(&metrics, &self.counter));
        let mut session = Session::new(metrics, self.terms());
        let (counted_from, mut rounds) = (Instant::now(), 0_u32);
        while let Some(round) = session.next_round() {
            let one_more = counted_from.elapsed() / rounds.max(1);
            if self.has_no_time_for(one_more) || self.stop.is_set() {
                break;
            }
            let measured = match runs {
                Runs::InTurns => self.in_turns(round).await,
                Runs::AtOnce => self.at_once(round).await,
            };
            match measured {
                Ok(measured) => measured.iter().for_each(|figures| session.record(figures)),
                // What there is so far still says something.
                Err(_) if self.stop.is_set() => break,
                Err(failure) => return Err(failure),
            }
            rounds += 1;
            if talk == Talk::Rounds {
                eprintln!("{}", so_far(&session.answer()));
            }
        }
        let mut answer = session.answer();
        answer.notes = self.notes(runs, session.next_round().is_some());
        Ok(answer)
    }

    /// Counts that repeat to one in a million need no ten rounds.
    fn terms(&self) -> Terms {
        let mut terms = self.settings.terms.clone();
        if self.counter == Ok(Counter::Valgrind) && self.settings.rounds.is_none() {
            terms.rounds_min = COUNTED_ROUNDS_MIN;
        }
        terms
    }

    fn has_no_time_for(&self, round: Duration) -> bool {
        let budget = self.settings.budget;
        budget.is_some_and(|budget| self.begun.elapsed() + round > budget)
    }

    fn notes(&self, runs: Runs, is_cut_short: bool) -> Vec<String> {
        // Who has named figures of their own does not miss this one.
        let named = &self.settings.metrics;
        let is_judged = named.is_empty() || named.iter().any(|name| name == INSTRUCTIONS);
        let counted = is_judged.then(|| match &self.counter {
            Ok(counter) => counter.told().to_owned(),
            Err(why) => format!("instructions are not counted: {why}"),
        });
        let runs = match runs {
            Runs::InTurns => None,
            Runs::AtOnce => Some(format!(
                "the four runs of a round shared processor {}",
                self.processor
            )),
        };
        let stopped = self.stop.reason().map(str::to_owned);
        let spent = self.settings.budget.filter(|_| is_cut_short).map(|budget| {
            let budget = words::duration(u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX));
            format!("the budget of {budget} was spent before the most rounds were made")
        });
        let notes = counted.into_iter().chain(runs);
        notes.chain(stopped.or(spent)).collect()
    }

    /// The runs of a round, one after the other.
    async fn in_turns(&mut self, round: [Build; 4]) -> Result<Vec<Figures>, Failure> {
        let mut measured = Vec::new();
        for build in round {
            measured.push(self.once(build).await?);
        }
        Ok(measured)
    }

    /// The runs of a round, side by side on one processor.
    async fn at_once(&mut self, round: [Build; 4]) -> Result<Vec<Figures>, Failure> {
        let mut started = Vec::new();
        for build in round {
            let mut run = self.prepare(build)?;
            run.order.processor = Some(self.processor);
            // Each has a fourth of a processor.
            run.order.limit *= 4;
            started.push(run);
        }
        let [one, two, three, four] = [0, 1, 2, 3].map(|at| self.make(&started[at]));
        let done = tokio::join!(one, two, three, four);
        let done = [done.0, done.1, done.2, done.3];
        let runs = started.iter().zip(done);
        runs.map(|(run, done)| self.figures(run, &done?)).collect()
    }

    /// One run alone.
    async fn once(&mut self, build: Build) -> Result<Figures, Failure> {
        let run = self.prepare(build)?;
        let done = self.make(&run).await?;
        self.figures(&run, &done)
    }

    /// A run to be made: in a fresh folder, with a port and a size of environment of its own.
    fn prepare(&mut self, build: Build) -> Result<Run, Failure> {
        self.runs += 1;
        let line = match build {
            Build::Base => &self.settings.base,
            Build::Candidate => &self.settings.candidate,
        };
        let name = name(build);
        let folder = self.folder.join(format!("runs/{:03}-{name}", self.runs));
        fs::create_dir_all(&folder).map_err(Failure::harness)?;
        let mut words = line.filled(&Places {
            own: &self.own,
            folder: &folder,
            port: free_port().map_err(Failure::harness)?,
        });
        if let Ok(counter) = &self.counter {
            words = counter.counting(words, &folder);
        }
        let padding = usize::try_from(self.padding.below(PADDING_BYTES)).expect("less than a page");
        let order = Order {
            words,
            folder,
            environment: vec![("DATELINE_PADDING".to_owned(), "x".repeat(padding))],
            limit: self.settings.run_limit,
            processor: None,
        };
        Ok(Run {
            number: self.runs,
            build,
            padding,
            order,
        })
    }

    /// Makes it, in a fresh process.
    async fn make(&self, run: &Run) -> Result<Done, Failure> {
        let done = child::run(&self.own, &run.order, &self.stop).await;
        let done = done.map_err(|error| run.failed(&error.to_string()))?;
        match done.trouble() {
            Some(trouble) => Err(run.failed(&trouble)),
            None => Ok(done),
        }
    }

    /// What it measured, which is also written down.
    fn figures(&mut self, run: &Run, done: &Done) -> Result<Figures, Failure> {
        let folder = &run.order.folder;
        let mut figures = left_in(folder).map_err(|why| run.failed(&why))?;
        figures.insert("cpu_us".to_owned(), done.cost.cpu_us);
        figures.insert("memory_mib".to_owned(), done.cost.memory_mib);
        figures.insert("wall_ms".to_owned(), done.cost.wall_ms);
        if let Ok(counter) = &self.counter {
            let count = counter.read(folder).map_err(|why| run.failed(&why))?;
            figures.insert(INSTRUCTIONS.to_owned(), count);
        }
        let line = Line {
            number: run.number,
            build: run.build,
            padding_bytes: run.padding,
            measured: &figures,
        };
        let text = serde_json::to_string(&line).expect("a line is plain data");
        writeln!(self.journal, "{text}").map_err(Failure::harness)?;
        Ok(figures)
    }
}

/// One run of a command.
struct Run {
    number: usize,
    build: Build,
    padding: usize,
    order: Order,
}

impl Run {
    fn failed(&self, why: &str) -> Failure {
        let (name, line) = (name(self.build), self.order.words.join(" "));
        Failure::Harness(format!("run {} ({name}: {line}): {why}", self.number))
    }
}

fn name(build: Build) -> &'static str {
    match build {
        Build::Base => "base",
        Build::Candidate => "candidate",
    }
}

/// Who counts instructions for these metrics, or why nobody does.
fn counter(named: &[String]) -> Result<Result<Counter, String>, Failure> {
    let is_named = || named.iter().any(|name| name == INSTRUCTIONS);
    let counter = Counter::choose(is_named);
    if counter == Ok(Counter::Valgrind) && named.len() > 1 {
        return Err(Failure::Usage(
            "`metric` instructions: only valgrind counts them here, and nothing else can be measured under it; name it alone, and make a second gate for the others"
                .to_owned(),
        ));
    }
    Ok(counter)
}

/// How to make the runs when nobody has said it: what a run costs is not changed by neighbours that all suffer alike, how long it takes is.
fn fitting(metrics: &[Metric], counter: &Result<Counter, String>) -> Runs {
    let is_cost = |metric: &Metric| COSTS.contains(&metric.name.as_str());
    if counter != &Ok(Counter::Valgrind) && metrics.iter().all(is_cost) {
        Runs::AtOnce
    } else {
        Runs::InTurns
    }
}

/// The last processor that this process may use: interrupts and whatever else there is like the first.
fn last_processor() -> nix::Result<usize> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let is_allowed = |at: &usize| allowed.is_set(*at) == Ok(true);
    let last = (0..CpuSet::count()).rev().find(is_allowed);
    Ok(last.expect("this process runs on one"))
}

/// What the run left in its folder: a run folder of ours, and figures of its own in `metrics.json`.
fn left_in(folder: &Path) -> Result<Figures, String> {
    let runs = store::runs(folder).map_err(|error| error.to_string())?;
    let mut figures = match runs.last() {
        Some(run) => measured::of_folder(&RunFolder::at(run)).map_err(|error| error.to_string())?,
        None => Figures::new(),
    };
    let path = folder.join("metrics.json");
    if path.exists() {
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let own: Figures = serde_json::from_str(&text).map_err(|error| {
            format!(
                "{}: {error}; write one object of names and numbers",
                path.display()
            )
        })?;
        figures.extend(own);
    }
    Ok(figures)
}

/// What to judge by: what was named, if both builds measure it; else the cost.
fn metrics(named: &[String], base: &Figures, candidate: &Figures) -> Result<Vec<Metric>, String> {
    let both = |name: &str| base.contains_key(name) && candidate.contains_key(name);
    if let Some(name) = named.iter().find(|name| !both(name)) {
        let there: Vec<&str> = base
            .keys()
            .map(String::as_str)
            .filter(|name| both(name))
            .collect();
        return Err(format!(
            "`metric` {name:?}: not both commands measure it; there are {}",
            there.join(", ")
        ));
    }
    let cost = ["regions_cpu_us_per_operation", "cpu_us"];
    let default = cost.into_iter().find(|name| both(name)).into_iter();
    let default = default.chain(Some(INSTRUCTIONS).filter(|name| both(name)));
    let chosen: Vec<String> = match named {
        [] => default.map(str::to_owned).collect(),
        named => named.to_vec(),
    };
    let metric = |name: String| Metric {
        worse: worse(&name),
        name,
    };
    Ok(chosen.into_iter().map(metric).collect())
}

fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

fn so_far(answer: &Answer) -> String {
    let told = answer.metrics.iter().map(|metric| match metric.worse_by {
        Some(by) => format!(
            "{} {:+.1} % ({:+.1} to {:+.1})",
            metric.name,
            by.mean * 100.0,
            by.low * 100.0,
            by.high * 100.0
        ),
        None => metric.name.clone(),
    });
    let told = told.collect::<Vec<_>>().join(", ");
    format!("round {}: {told}", answer.rounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(names: &[&str]) -> Figures {
        names.iter().map(|name| ((*name).to_owned(), 1.0)).collect()
    }

    fn chosen(named: &[&str], base: &[&str], candidate: &[&str]) -> Result<Vec<String>, String> {
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let metrics = metrics(&named, &figures(base), &figures(candidate))?;
        Ok(metrics.into_iter().map(|metric| metric.name).collect())
    }

    #[test]
    fn cost_is_judged_unless_something_is_named() {
        let plain = ["cpu_us", "instructions", "wall_ms"];
        assert_eq!(
            chosen(&[], &plain, &plain).expect("there is a cost"),
            ["cpu_us", "instructions"]
        );
        let of_a_test = ["cpu_us", "regions_cpu_us_per_operation"];
        assert_eq!(
            chosen(&[], &of_a_test, &of_a_test).expect("there is a cost"),
            ["regions_cpu_us_per_operation"]
        );
        assert_eq!(
            chosen(&["wall_ms"], &plain, &plain).expect("both measure it"),
            ["wall_ms"]
        );
    }

    #[test]
    fn a_metric_that_one_command_does_not_measure_is_refused_with_those_there_are() {
        let told = chosen(&["own"], &["cpu_us", "own"], &["cpu_us"]).expect_err("one lacks it");
        assert_eq!(
            told,
            "`metric` \"own\": not both commands measure it; there are cpu_us"
        );
    }
}
