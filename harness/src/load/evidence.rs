//! What a load run leaves: `run.json`, `plan.json`, `timeline.jsonl`, `summary.json`; and what it says.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use jiff::Timestamp;
use reports::{
    load_summary::{
        Client, Lane as LaneFigures, LoadPlan, LoadRow, LoadSummary, Share, ShareClock,
        goal::{GoalOutcome, evaluate},
        limits,
    },
    run_folder::{Moment, Run, write_atomically},
};

use super::{
    LoadSettings,
    engine::Lane,
    heartbeat::{SharedBook, locked},
    meter::LATE_NS,
    recorder::counted,
    recording::Recording,
    settings::nanos,
    slot::Corruptions,
    spent::Ratios,
    view::Show,
};
use crate::{
    cli::LoadOutput,
    client::errors,
    exit::{Ending, Failure},
    nemesis::Plan,
    run,
    stop::Stop,
    store,
};

/// What was measured.
pub(crate) struct Measurements {
    pub(crate) lanes: Vec<Lane>,
    pub(crate) book: SharedBook,
    pub(crate) clock: Option<ShareClock>,
    pub(crate) corruptions: Corruptions,
    pub(crate) measured_ns: u64,
    pub(crate) ratios: Ratios,
    pub(crate) unhealed: Vec<String>,
    /// What is missing at the end of the recorded history.
    pub(crate) last_look: Option<String>,
    pub(crate) failure: Option<String>,
}

/// A run folder in the making.
pub(crate) struct Evidence {
    folder: PathBuf,
    run: Run,
    plan: Plan,
    begun: Instant,
    timeline: Timeline,
    recording: Option<Arc<Recording>>,
}

/// `timeline.jsonl`; clones share it.
#[derive(Clone)]
pub(crate) struct Timeline(Arc<Mutex<File>>);

impl Timeline {
    /// Writes one line. A lost line is told in the log: no figure rests on it.
    pub(crate) fn write(&self, moment: &Moment) {
        let mut line = serde_json::to_string(moment).expect("a moment is plain data");
        line.push('\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!(%error, "timeline.jsonl cannot be written");
        }
    }
}

impl Evidence {
    /// Makes the folder and writes down what is about to be done.
    pub(crate) fn begin(settings: &LoadSettings) -> Result<Self, String> {
        let now = Timestamp::now();
        let family = format!("load-{}", settings.choice.entry.name);
        let folder = store::create(&settings.common.out, &family, settings.common.seed, now)
            .map_err(|error| error.to_string())?;
        run::log_to(&folder)?;
        let timeline = File::create_new(folder.join("timeline.jsonl"))
            .map_err(|error| format!("{}: {error}", folder.join("timeline.jsonl").display()))?;
        let timeline = Timeline(Arc::new(Mutex::new(timeline)));
        let begun = Instant::now();
        let recording = Recording::begin(settings, &folder, begun)
            .map_err(|error| format!("{}: {error}", folder.join("history.jsonl").display()))?;
        let evidence = Self::in_folder(settings, folder, begun, timeline)?;
        Ok(Self {
            recording,
            ..evidence
        })
    }

    /// The folder of one stage of several, below this one. They share the timeline.
    pub(crate) fn of_stage(&self, settings: &LoadSettings, name: &str) -> Result<Self, String> {
        let folder = self.folder.join(name);
        std::fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Self::in_folder(settings, folder, self.begun, self.timeline())
    }

    fn in_folder(
        settings: &LoadSettings,
        folder: PathBuf,
        begun: Instant,
        timeline: Timeline,
    ) -> Result<Self, String> {
        let (target, links) = match settings.elsewhere {
            None => ("local", settings.common.topology.record()),
            Some(_) => ("endpoints", Vec::new()),
        };
        let run = Run {
            schema: Run::SCHEMA.to_owned(),
            reproduce: settings.reproduce(),
            version: crate::VERSION.to_owned(),
            started: Timestamp::now().to_string(),
            workload: settings.choice.entry.name.to_owned(),
            seed: settings.common.seed,
            target: target.to_owned(),
            regions: settings.regions.clone(),
            options: settings.options(),
            links,
        };
        let plan = Plan::draw(
            &settings.common.faults,
            settings.common.seed,
            settings.course.measured,
            &settings.regions,
        );
        let text = serde_json::to_vec_pretty(&run).expect("a run is plain data");
        write_atomically(&folder.join("run.json"), &text)
            .and_then(|()| write_atomically(&folder.join("plan.json"), plan.to_json().as_bytes()))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            folder,
            run,
            plan,
            begun,
            timeline,
            recording: None,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When the run began: its timeline counts from here.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// Where every operation is written down, if that was asked for.
    pub(crate) fn recording(&self) -> Option<&Arc<Recording>> {
        self.recording.as_ref()
    }

    pub(crate) fn timeline(&self) -> Timeline {
        self.timeline.clone()
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(Timestamp::now().as_millisecond()).expect("it is later than 1970")
    }

    /// Notes that a phase began.
    pub(crate) fn phase(&self, name: &str) {
        self.timeline.write(&Moment::Phase {
            t: nanos(self.begun.elapsed()),
            name: name.to_owned(),
        });
    }

    /// A failure that names the run folder and the line that repeats the run.
    pub(crate) fn failure(&self, error: impl std::fmt::Display) -> Failure {
        Failure::Harness(format!(
            "{error}\nrun folder: {}\nrepeat: {}",
            self.folder.display(),
            self.run.reproduce
        ))
    }

    /// Works out the figures, holds them against the goals, writes `summary.json`, and says how it ended.
    pub(crate) fn summarise(
        &self,
        settings: &LoadSettings,
        measured: Measurements,
        stop: &Stop,
    ) -> Result<(LoadSummary, Ending), String> {
        if let Some(failure) = measured.failure {
            return Err(failure);
        }
        let mut summary = self.summary(settings, &measured);
        let (corrupt, told) = measured.corruptions.found();
        if corrupt > 0 {
            let first = told.join("; ");
            summary.warnings.push(format!(
                "{} brought what cannot be: {first}",
                reports::words::counted(corrupt, "read")
            ));
        }
        summary.warnings.extend(limits::warnings(&summary));
        let unhealed = measured.unhealed.iter();
        summary
            .warnings
            .extend(unhealed.map(|what| format!("could not be healed: {what}")));
        summary.warnings.extend(
            stop.reason()
                .map(|why| format!("{why}, before its time was over: nothing was decided")),
        );
        summary.warnings.extend(measured.last_look);
        summary.goals = settings
            .goals
            .iter()
            .map(|goal| evaluate(goal, &summary))
            .collect();
        assert_eq!(
            summary.check(),
            Ok(()),
            "every operation is in exactly one place"
        );
        let text = serde_json::to_string_pretty(&summary).expect("a summary is plain data");
        let path = self.folder.join("summary.json");
        write_atomically(&path, text.as_bytes()).map_err(|error| error.to_string())?;
        // A run that was stopped decides nothing, but what was read cannot be undone.
        let ending = match stop.reason() {
            Some(_) if corrupt == 0 => Ending::Unknown,
            Some(_) | None => ending(&summary),
        };
        Ok((summary, ending))
    }

    fn summary(&self, settings: &LoadSettings, measured: &Measurements) -> LoadSummary {
        let (mut lanes, mut rows) = (Vec::new(), Vec::new());
        let operations = settings.operations();
        let course = &settings.course;
        let rate_per_s = course.rate_per_s() / f64::from(course.shares());
        for (index, (lane, region)) in measured.lanes.iter().zip(&settings.regions).enumerate() {
            let counts = lane.counts();
            lanes.push(LaneFigures {
                region: region.clone(),
                rate_asked_per_s: rate_per_s * settings.region_share(index),
                in_flight_limit: settings.in_flight as u64,
                waited_for_slot: counts.waited_for_slot,
            });
            for (kind, meter) in operations.kinds().iter().zip(&counts.total) {
                if meter.scheduled() > 0 {
                    rows.push(LoadRow::of(
                        counted(meter, region, kind),
                        measured.measured_ns,
                    ));
                }
            }
        }
        let lag = match settings.regions.len() {
            1 => Vec::new(),
            _several => locked(&measured.book).figures(&settings.regions),
        };
        LoadSummary {
            schema: LoadSummary::SCHEMA.to_owned(),
            run: self.run.clone(),
            plan: LoadPlan {
                arrival: course.arrivals.name().to_owned(),
                rate_per_s: course.rate_per_s(),
                warm_up_ns: nanos(course.warm_up),
                measured_ns: measured.measured_ns,
                late_after_ns: LATE_NS,
                faults: settings.faults(),
            },
            share: course.share.map(|(index, of, _)| Share { index, of }),
            clock: measured.clock.clone(),
            lanes,
            rows,
            lag,
            goals: Vec::new(),
            client: Client {
                threads: 1,
                cpu_busy_ratio: measured.ratios.busy,
                cpu_wait_ratio: measured.ratios.waited,
                cpu_stolen_ratio: measured.ratios.stolen,
            },
            warnings: Vec::new(),
            environment: run::describe_environment(),
        }
    }
}

/// How a load ended by its figures: a corrupt read or a missed goal dominates; one that answered nothing decides nothing.
pub(crate) fn ending(summary: &LoadSummary) -> Ending {
    let is_any = |outcome| summary.goals.iter().any(|goal| goal.outcome == outcome);
    if is_corrupt(summary) || is_any(GoalOutcome::Broken) {
        return Ending::Invalid;
    }
    if is_any(GoalOutcome::CannotTell) || summary.rows.iter().all(|row| row.answered() == 0) {
        return Ending::Unknown;
    }
    Ending::Valid
}

/// Whether a read brought what nobody wrote.
pub(crate) fn is_corrupt(summary: &LoadSummary) -> bool {
    let is_corrupt = |row: &LoadRow| row.errors.contains_key(errors::CORRUPT_VALUE);
    summary.rows.iter().any(is_corrupt)
}

/// Says it on standard output.
pub(crate) fn say(settings: &LoadSettings, folder: &Path, summary: &LoadSummary) {
    match settings.output {
        LoadOutput::Text => {
            println!(
                "{}\nrun folder: {}",
                reports::text::load::summary(summary, run::style()),
                folder.display()
            );
            if settings.records {
                println!("{}", judge_it(settings, folder));
            }
        }
        LoadOutput::Json => {
            let text = serde_json::to_string_pretty(summary).expect("a summary is plain data");
            println!("{text}");
        }
        LoadOutput::Quiet => {}
    }
}

/// How to have judged what was recorded.
fn judge_it(settings: &LoadSettings, folder: &Path) -> String {
    match settings.course.shares() {
        1 => format!(
            "judge it:   dateline check {}",
            folder.join("history.jsonl").display()
        ),
        of => format!(
            "history:    a part of {of}; join all with dateline merge, then dateline check what that made"
        ),
    }
}

impl LoadSettings {
    /// What a person sees meanwhile.
    pub(crate) fn show(&self) -> Show {
        use std::io::IsTerminal as _;
        match self.output {
            LoadOutput::Quiet => Show::Nothing,
            LoadOutput::Text | LoadOutput::Json if std::io::stderr().is_terminal() => Show::Live,
            LoadOutput::Text | LoadOutput::Json => Show::Plain,
        }
    }
}
