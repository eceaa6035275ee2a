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

use reports::{
    gate::{Answer, Build, Metric, Session, measured},
    nights::analysis::worse,
    run_folder::{RunFolder, write_atomically},
    words,
};
use serde::Serialize;
use workloads::seed::{Seed, Stream};

use super::{
    Settings,
    child::{self, Order},
    command::Places,
    instructions,
};
use crate::{exit::Failure, stop::Stop, store};

/// The environment is filled up by less than this, one page.
const PADDING_BYTES: u64 = 4096;

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
    stop: Stop,
    begun: Instant,
    /// Why instructions are not counted.
    uncounted: Option<String>,
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
            stop,
            begun: Instant::now(),
            uncounted: instructions::available().err(),
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
            let uncounted = self.uncounted.iter();
            let uncounted = uncounted.map(|why| format!("; instructions are not counted: {why}"));
            Failure::Usage(format!("{told}{}", uncounted.collect::<String>()))
        })?;
        let mut session = Session::new(metrics, self.settings.terms.clone());
        let (counted_from, mut runs) = (Instant::now(), 0_u32);
        while let Some(build) = session.next_run() {
            let is_whole = runs.is_multiple_of(4);
            if is_whole && self.has_no_time_for(counted_from.elapsed() / (runs / 4).max(1)) {
                break;
            }
            if self.stop.is_set() {
                break;
            }
            match self.once(build).await {
                Ok(figures) => session.record(&figures),
                // What there is so far still says something.
                Err(_) if self.stop.is_set() => break,
                Err(failure) => return Err(failure),
            }
            runs += 1;
            if talk == Talk::Rounds && runs.is_multiple_of(4) {
                eprintln!("{}", so_far(&session.answer()));
            }
        }
        let mut answer = session.answer();
        answer.notes = self.notes(session.next_run().is_some());
        Ok(answer)
    }

    fn has_no_time_for(&self, round: Duration) -> bool {
        let budget = self.settings.budget;
        budget.is_some_and(|budget| self.begun.elapsed() + round > budget)
    }

    fn notes(&self, is_cut_short: bool) -> Vec<String> {
        // Who has named figures of their own does not miss this one.
        let uncounted = self.uncounted.as_ref();
        let uncounted = uncounted.filter(|_| self.settings.metrics.is_empty());
        let uncounted = uncounted.map(|why| format!("instructions are not counted: {why}"));
        let stopped = self.stop.reason().map(str::to_owned);
        let spent = self.settings.budget.filter(|_| is_cut_short).map(|budget| {
            let budget = words::duration(u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX));
            format!("the budget of {budget} was spent before the most rounds were made")
        });
        uncounted.into_iter().chain(stopped.or(spent)).collect()
    }

    /// One run: a fresh process in a fresh folder, with a port and a size of environment of its own.
    async fn once(&mut self, build: Build) -> Result<Figures, Failure> {
        self.runs += 1;
        let (name, line) = match build {
            Build::Base => ("base", &self.settings.base),
            Build::Candidate => ("candidate", &self.settings.candidate),
        };
        let folder = self.folder.join(format!("runs/{:03}-{name}", self.runs));
        fs::create_dir_all(&folder).map_err(Failure::harness)?;
        let mut words = line.filled(&Places {
            own: &self.own,
            folder: &folder,
            port: free_port().map_err(Failure::harness)?,
        });
        let counts = folder.join("instructions");
        if self.uncounted.is_none() {
            words = instructions::counting(words, &counts);
        }
        let padding = usize::try_from(self.padding.below(PADDING_BYTES)).expect("less than a page");
        let order = Order {
            words,
            folder,
            environment: vec![("DATELINE_PADDING".to_owned(), "x".repeat(padding))],
            limit: self.settings.run_limit,
        };
        let told = |why: String| {
            let line = order.words.join(" ");
            Failure::Harness(format!("run {} ({name}: {line}): {why}", self.runs))
        };
        let done = child::run(&self.own, &order, &self.stop)
            .await
            .map_err(|error| told(error.to_string()))?;
        if let Some(trouble) = done.trouble() {
            return Err(told(trouble));
        }
        let mut figures = left_in(&order.folder).map_err(&told)?;
        figures.insert("cpu_us".to_owned(), done.cost.cpu_us);
        figures.insert("memory_mib".to_owned(), done.cost.memory_mib);
        figures.insert("wall_ms".to_owned(), done.cost.wall_ms);
        if self.uncounted.is_none() {
            let count = instructions::read(&counts).map_err(&told)?;
            figures.insert("instructions".to_owned(), count);
        }
        self.write_down(build, padding, &figures)
            .map_err(Failure::harness)?;
        Ok(figures)
    }

    fn write_down(
        &mut self,
        build: Build,
        padding: usize,
        figures: &Figures,
    ) -> std::io::Result<()> {
        let line = Line {
            number: self.runs,
            build,
            padding_bytes: padding,
            measured: figures,
        };
        let text = serde_json::to_string(&line).map_err(std::io::Error::other)?;
        writeln!(self.journal, "{text}")
    }
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
    let default = default.chain(Some("instructions").filter(|name| both(name)));
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
