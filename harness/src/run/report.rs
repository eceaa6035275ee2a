//! The evidence of a run: its folder, opened at the start and concluded with the verdict and the report at the end.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use checker::{
    history::Header,
    verdict::{Outcome, Verdict},
};
use jiff::Timestamp;
use reports::{
    results::{Overhead, Results},
    run_folder::{Run, RunFolder, write_atomically},
    text::{Colour, Style},
};

use super::{
    Acted, Settings,
    delivery::within,
    environment,
    judge::{add_settling, judge_within},
    stats::add_stats,
};
use crate::{
    exit::{Ending, Failure},
    journal::Journal,
    nemesis::Plan,
    stop::Stop,
    store,
};

/// Columns assumed where none can be asked for.
const WIDTH: usize = 100;

/// A run folder in the making.
pub(super) struct Evidence {
    folder: PathBuf,
    run: Run,
    plan: Plan,
    /// Whether items show when and where they were written.
    stamps_visible: bool,
    /// Within which time writes must arrive, if that is judged.
    delivery_bound_ns: Option<u64>,
}

impl Evidence {
    /// Makes the folder and writes down what is about to be done.
    pub(super) fn begin(settings: &Settings, plan: Plan) -> Result<Self, String> {
        let now = Timestamp::now();
        let folder = store::create(&settings.out, settings.workload.name, settings.seed, now)
            .map_err(|error| error.to_string())?;
        log_to(&folder)?;
        let run = Run {
            schema: Run::SCHEMA.to_owned(),
            reproduce: format!("{}  # dateline {}", settings.reproduce(), crate::VERSION),
            version: crate::VERSION.to_owned(),
            started: now.to_string(),
            workload: settings.workload.name.to_owned(),
            seed: settings.seed,
            target: settings.place.name().to_owned(),
            regions: settings.topology.regions().to_vec(),
            options: settings.options(),
            links: settings.topology.record(),
        };
        let text = serde_json::to_vec_pretty(&run).expect("a run is plain data");
        let written = write_atomically(&folder.join("run.json"), &text)
            .and_then(|()| write_atomically(&folder.join("plan.json"), plan.to_json().as_bytes()));
        written.map_err(|error| error.to_string())?;
        Ok(Self {
            folder,
            run,
            plan,
            stamps_visible: settings.place.stamps_visible(),
            delivery_bound_ns: settings.delivery_bound_ns,
        })
    }

    pub(super) fn history_path(&self) -> PathBuf {
        RunFolder::at(&self.folder).history_path()
    }

    /// Those of a workload's checks that can say something here. Without stamps most can say nothing; then all judge that can do without.
    pub(super) fn checks(&self, of_workload: &[&'static str]) -> Option<Vec<&'static str>> {
        self.stamps_visible.then(|| of_workload.to_vec())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Opens the files that are written as the run goes.
    pub(super) fn journal(&self) -> std::io::Result<Arc<Journal>> {
        let header = Header {
            regions: self.run.regions.clone(),
            workload: Some(self.run.workload.clone()),
            seed: Some(self.run.seed),
            stamps_visible: self.stamps_visible,
            ..Header::default()
        };
        Journal::create(&self.folder, &header).map(Arc::new)
    }

    /// Judges what was recorded, writes results and report, and says it.
    pub(super) fn conclude(
        self,
        acted: Acted,
        mut overhead: Overhead,
        stop: &Stop,
    ) -> Result<Ending, Failure> {
        let begun = Instant::now();
        let folder = RunFolder::at(&self.folder);
        let checks = self.checks(&acted.checks);
        let delivery = self.delivery_bound_ns.map(|ns| within(ns, &folder));
        let delivery = delivery
            .transpose()
            .map_err(|error| self.in_folder(error))?;
        let judged = judge_within(&folder.history_path(), checks.as_deref(), delivery);
        let mut failures: Vec<String> = acted.failure.clone().into_iter().collect();
        let mut verdict = judged.unwrap_or_else(|error| {
            failures.push(format!("the history cannot be judged: {error}"));
            nothing_judged(&error.to_string())
        });
        overhead.check_ms = Some(begun.elapsed().as_secs_f64() * 1000.0);
        let examined = folder.examine().map_err(|error| self.in_folder(error))?;
        if failures.is_empty() {
            add_settling(&mut verdict, acted.settled.as_ref());
            add_stats(&mut verdict, &examined.figures.operations);
        }
        let mut warnings = acted.warnings;
        warnings.extend(stop.reason().map(|why| {
            format!("{why}, before its time was over: what was recorded until then was judged")
        }));
        let results = Results {
            schema: Results::SCHEMA.to_owned(),
            run: self.run.clone(),
            verdict,
            harness_failure: (!failures.is_empty()).then(|| failures.join("; ")),
            figures: examined.figures,
            overhead,
            warnings,
            environment: environment::describe(),
        };
        self.write(&folder, &results, &examined.sample)?;
        self.say(&folder, &results);
        Ok(results.ending())
    }

    fn write(
        &self,
        folder: &RunFolder,
        results: &Results,
        sample: &reports::figures::Sample,
    ) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(results).expect("results are plain data");
        write_atomically(&self.folder.join("results.json"), &text)
            .and_then(|()| {
                let page = reports::html::report(results, sample);
                write_atomically(&folder.report_path(), page.as_bytes())
            })
            .map_err(|error| self.in_folder(error))
    }

    fn say(&self, folder: &RunFolder, results: &Results) {
        let report = folder.report_path().to_string_lossy().into_owned();
        println!(
            "{}",
            reports::text::summary(results, Some(&report), style())
        );
        let overhead = &results.overhead;
        if let Some(us) = overhead.harness_cpu_us_per_operation {
            let proxies = overhead
                .proxies_cpu_us_per_operation
                .map_or(String::new(), |us| {
                    format!(", {us:.0} µs of it in its proxies")
                });
            println!("Dateline itself spent {us:.0} µs of CPU on each operation recorded{proxies}");
        }
    }

    /// A failure that names the run folder and the line that repeats the run.
    fn in_folder(&self, error: impl std::fmt::Display) -> Failure {
        Failure::Harness(format!(
            "{error}\nrun folder: {}\nrepeat: {}",
            self.folder.display(),
            self.run.reproduce
        ))
    }
}

/// How to write to this terminal, if it is one. `NO_COLOR` is honoured (no-color.org).
pub(crate) fn style() -> Style {
    let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let colour = match std::io::stdout().is_terminal() && wants_colour {
        true => Colour::Ansi,
        false => Colour::Never,
    };
    let width = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    Style {
        width: width.unwrap_or(WIDTH),
        colour,
    }
}

/// The verdict on a history that could not be read.
fn nothing_judged(reason: &str) -> Verdict {
    Verdict {
        outcome: Outcome::Unknown,
        reason: Some(reason.to_owned()),
        checks: Vec::new(),
        measurements: std::collections::BTreeMap::new(),
        operations: std::collections::BTreeMap::new(),
    }
}

/// From here on the harness's own messages go to `logs/harness.log`.
pub(crate) fn log_to(folder: &Path) -> Result<(), String> {
    let path = folder.join("logs/harness.log");
    let file =
        std::fs::File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    *LOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    // Claimed by the first run of this process, and kept by those after it.
    let _ = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(|| CurrentLog)
        .try_init();
    Ok(())
}

/// The log of the run that is under way.
static LOG: Mutex<Option<std::fs::File>> = Mutex::new(None);

/// Writes to [`LOG`].
struct CurrentLog;

impl std::io::Write for CurrentLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut *LOG.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(file) => file.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
