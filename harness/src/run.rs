//! A run from set-up to verdict: its phases in order, readable from top to bottom.
//!
//! ```text
//!   set up ─ warm up ─ safety (under faults) ─ heal ─ settle ─ final reads ─ judge ─ report ─ tear down
//! ```
//! The regions are stopped before judging: nothing is asked of them any more, and a judge needs the processor. Whatever goes wrong, what was
//! recorded is kept, healed, judged and reported; a violation that was found counts, whatever else failed. Ctrl-C stops new work and
//! goes on from "heal". Absent on purpose: what a fault is (`nemesis`) and what a client does (`client`).

mod cost;
mod data;
pub(crate) mod delivery;
mod environment;
mod faults;
mod judge;
mod place;
mod preview;
mod regions;
mod report;
mod settings;
mod settle;
mod sites;
mod stats;
mod steward;
mod tags;
mod usage;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    exit::{Ending, Failure},
    follow::Followed,
    interpreter::{self, Crowd, Interpreter},
    journal::{FLUSH_EVERY, Journal},
    progress::Progress,
    run::{faults::Faults, report::Evidence, usage::Usage},
    stop::Stop,
    target::{Wiring, enter},
};

pub(crate) use environment::describe as describe_environment;
pub(crate) use judge::{all_processors, judge};
pub(crate) use place::TARGETS;
pub(crate) use preview::preview;
pub(crate) use regions::{Regions, blocking};
pub(crate) use report::{log_to, style};
pub(crate) use settings::{Settings, SettingsError};

/// Work before the first fault, so that connections are open and the plots have a calm stretch to compare with.
const WARM_UP: Duration = Duration::from_secs(2);

/// How often final reads are repeated: the second round would see a store that still moves after it said that it was quiet.
const FINAL_ROUNDS: usize = 2;

/// How long what a store does by itself may take once its regions are at rest.
const PUT_OFF: Duration = Duration::from_secs(4);

/// How often the state of regions and files is looked at while the workload runs.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// How often a run that ends at the first violation is judged, at the least; judging takes no more than a tenth of the time.
const JUDGE_EVERY: Duration = Duration::from_secs(2);

/// Runs a workload against the regions of a target as often as wanted, judges and reports each run. The worst ending counts.
pub(crate) fn test(settings: &Settings) -> Result<Ending, Failure> {
    if settings.place.wiring() == Wiring::Namespaces {
        // Before there is a second thread.
        enter().map_err(Failure::usage)?;
    }
    // One thread is enough for the clients; proxy, faults and files have their own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::harness)?;
    runtime.block_on(runs(settings))
}

async fn runs(settings: &Settings) -> Result<Ending, Failure> {
    let mut worst = Ending::Valid;
    let mut not_valid = Vec::new();
    let mut longest = settings.time_limit;
    for number in 0..settings.test_count {
        if number > 0 && !fits(settings, longest) {
            break;
        }
        let begun = Instant::now();
        let stop = Stop::new();
        stop.listen().map_err(Failure::harness)?;
        let settings = settings.with_seed(settings.seed.wrapping_add(number));
        let ending = phases(&settings, &stop).await?;
        worst = worst.max(ending);
        longest = longest.max(begun.elapsed());
        if ending != Ending::Valid {
            not_valid.push(format!("seed {}: {ending:?}", settings.seed).to_lowercase());
        }
        let is_enough = settings.stop_at_first_violation && ending == Ending::Invalid;
        // Whoever stopped this run did not mean the next one either; a budget is each run's own.
        let is_stopped = stop
            .reason()
            .is_some_and(|why| why != interpreter::BUDGET_SPENT);
        if is_enough || is_stopped {
            break;
        }
    }
    if settings.test_count > 1 && !not_valid.is_empty() {
        println!("Of up to {} runs, not valid:", settings.test_count);
        not_valid.iter().for_each(|line| println!("  {line}"));
    }
    Ok(worst)
}

/// Whether another run that takes so long would end in time. The first is always made.
fn fits(settings: &Settings, takes: Duration) -> bool {
    settings.until.is_none_or(|until| {
        let left = until.duration_since(jiff::Timestamp::now());
        Duration::try_from(left).is_ok_and(|left| left > takes)
    })
}

async fn phases(settings: &Settings, stop: &Stop) -> Result<Ending, Failure> {
    let plan = settings.plan();
    let evidence = Evidence::begin(settings, plan).map_err(Failure::Usage)?;
    let journal = evidence.journal().map_err(Failure::harness)?;
    let progress = Progress::start(journal.clone());
    let flusher = tokio::spawn(flush(journal.clone()));

    journal.phase("set-up");
    let usage = Usage::start();
    let acted = act(settings, &evidence, &journal, stop).await;
    drop(progress);
    flusher.abort();
    journal.flush();
    let usage = usage.stop(journal.counts(), acted.proxies_us);

    journal.phase("judge");
    let outcome = evidence.conclude(acted, usage, stop);
    journal.phase("end");
    outcome
}

/// What was found out while acting, beside the history.
#[derive(Debug, Default)]
struct Acted {
    /// The checks that the workload asks for.
    checks: Vec<&'static str>,
    /// How the regions came to rest; `None` if the run did not get there.
    settled: Option<settle::Settled>,
    /// Why the harness could not do its job.
    failure: Option<String>,
    /// What to be careful about.
    warnings: Vec<String>,
    /// CPU time of the proxies, microseconds.
    proxies_us: Option<i64>,
}

/// Everything that needs regions. They are gone when it returns, however it returns.
async fn act(
    settings: &Settings,
    evidence: &Evidence,
    journal: &Arc<Journal>,
    stop: &Stop,
) -> Acted {
    let mut acted = Acted::default();
    let regions = match Regions::set_up(settings, evidence.folder(), stop).await {
        Ok(regions) => Arc::new(regions),
        Err(failure) => {
            acted.failure = Some(failure);
            return acted;
        }
    };
    acted.warnings.extend_from_slice(regions.warnings());
    let client_of = |region| regions.client(region);
    let generator = settings.generator();
    let mut interpreter = Interpreter::new(generator, journal.clone(), stop.clone(), client_of);
    acted.checks = interpreter.checks().to_vec();
    if let Some(budget) = settings.budget {
        interpreter.limit(budget);
    }
    let steward = regions.steward(settings);
    let serving = steward.map(|it| it.start(interpreter.workload(), journal.clone(), stop.clone()));
    let watch = tokio::spawn(watch(journal.clone(), regions.clone(), stop.clone()));
    let early = settings.stop_at_first_violation.then(|| {
        let history = evidence.history_path();
        let checks = evidence.checks(&acted.checks);
        tokio::spawn(judge_meanwhile(
            journal.clone(),
            history,
            checks,
            stop.clone(),
        ))
    });

    journal.phase("warm-up");
    interpreter.work(journal.now_ns() + nanos(WARM_UP)).await;

    journal.phase("safety");
    let begin_ns = journal.now_ns();
    let crowd = interpreter.crowd(regions.forgery());
    let faults = begin_faults(evidence, &regions, journal, crowd, stop);
    interpreter
        .work(begin_ns + nanos(settings.time_limit))
        .await;

    journal.phase("heal");
    if let Some(faults) = faults {
        let unhealed = faults.end().await;
        let told = unhealed
            .iter()
            .map(|what| format!("could not be healed: {what}"));
        acted.warnings.extend(told);
    }
    if let Some(serving) = serving {
        acted.warnings.extend(serving.end().await);
    }
    watch.abort();
    if let Some(early) = early {
        early.abort();
    }

    settle_and_read(
        settings,
        evidence,
        &regions,
        &mut interpreter,
        &mut acted,
        stop,
    )
    .await;
    acted.failure = failure(stop, journal, &regions);
    journal.phase("tear-down");
    drop(interpreter);
    acted.warnings.extend(regions.tear_down().await);
    acted.proxies_us = regions.network.spent_us();
    acted
}

/// The faults of the plan, or a harness that failed.
fn begin_faults(
    evidence: &Evidence,
    regions: &Regions,
    journal: &Arc<Journal>,
    crowd: Crowd,
    stop: &Stop,
) -> Option<Faults> {
    match Faults::start(evidence.plan(), regions, journal, crowd) {
        Ok(faults) => Some(faults),
        Err(error) => {
            stop.fail(format!("the nemesis cannot be started: {error}"));
            None
        }
    }
}

/// Waits for rest and reads everything everywhere, unless that would show nothing.
async fn settle_and_read(
    settings: &Settings,
    evidence: &Evidence,
    regions: &Regions,
    interpreter: &mut Interpreter,
    acted: &mut Acted,
    stop: &Stop,
) {
    let journal = interpreter.journal().clone();
    journal.phase("settle");
    let why_not = if stop.is_forced() {
        Some("stopped twice")
    } else {
        // What does not converge through links or regions that broke here says nothing about the store.
        failure(stop, &journal, regions).map(|_| "the harness failed")
    };
    if let Some(why) = why_not {
        let warning = format!("{why}: neither settled nor read at the end");
        acted.warnings.push(warning);
        return;
    }
    let rest = || settle::wait(&regions.target, settings.settle_limit, stop);
    let mut settled = rest().await;
    let rests_ns = interpreter.rests_ns();
    if rests_ns > 0 {
        // What the store does by itself, it may have put off until the regions had come to rest, and then replicates.
        let until_ns = rests_ns.max(journal.now_ns() + nanos(PUT_OFF));
        interpreter::wait(&journal, until_ns, stop).await;
        settled = rest().await;
    }
    interpreter.foretell_rest();
    if settings.place.keeps_promises() && stop.reason().is_none() {
        interpreter.keep_promises();
    }
    let (asked, logs) = (regions.target.clone(), evidence.folder().join("logs"));
    blocking(move || asked.save_health(&logs)).await;
    journal.phase("final-reads");
    for _round in 0..FINAL_ROUNDS {
        let missing = interpreter.final_reads().await;
        if missing > 0 {
            let warning = format!("{missing} final reads brought no answer");
            acted.warnings.push(warning);
        }
    }
    acted.settled = Some(settled);
}

/// What kept the harness from doing its job, if anything did.
fn failure(stop: &Stop, journal: &Journal, regions: &Regions) -> Option<String> {
    let told = stop.failure().map(str::to_owned);
    told.or_else(|| journal.failure())
        .or_else(|| regions.failure())
}

/// Ends the work when a region has died by itself or a file cannot be written any more.
async fn watch(journal: Arc<Journal>, regions: Arc<Regions>, stop: Stop) {
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        if let Some(failure) = failure(&stop, &journal, &regions) {
            stop.fail(failure);
            return;
        }
    }
}

/// Judges what is added to the history, again and again, and stops the run at the first violation.
async fn judge_meanwhile(
    journal: Arc<Journal>,
    history: PathBuf,
    checks: Option<Vec<&'static str>>,
    stop: Stop,
) {
    let mut followed = Followed::new(&history, all_processors());
    let mut pause = JUDGE_EVERY;
    loop {
        tokio::time::sleep(pause).await;
        journal.flush();
        let begun = Instant::now();
        let asked = checks.clone();
        let judged = blocking(move || {
            let read = followed.read();
            let judged = read.and_then(|_| {
                followed.is_violated(|gathering| {
                    let checks = judge::asked(gathering, asked.as_deref());
                    Ok(gathering.check_grown(&checks)?.outcome)
                })
            });
            (judged, followed)
        });
        let judged = judged.await;
        followed = judged.1;
        match judged.0 {
            Ok(false) => {}
            Ok(true) => {
                stop.set("stopped at the first violation");
                return;
            }
            // The judging at the end meets the same trouble, and says it.
            Err(_) => return,
        }
        pause = JUDGE_EVERY.max(begun.elapsed() * 10);
    }
}

async fn flush(journal: Arc<Journal>) {
    loop {
        tokio::time::sleep(FLUSH_EVERY).await;
        journal.flush();
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
