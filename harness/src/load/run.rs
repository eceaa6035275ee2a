//! A load run from set-up to goals: its phases in order.
//!
//! ```text
//!   set up ─ preload ─ warm up ─ measure (under faults) ─ heal ─ drain the heartbeats ─ tear down ─ goals
//! ```
//! One thread sends everything, so that its CPU time can be told apart; pacer, recorder, proxies and faults have their own.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use checker::history::RegionId;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};
use reports::run_folder::{FaultAction, FaultResult, Moment};
use tokio::task::JoinSet;

use super::{
    LoadSettings,
    engine::{Lane, Span},
    evidence::{Evidence, Measurements},
    heartbeat::{Heartbeats, SharedBook},
    lag::LagBook,
    mix::KINDS,
    pacer, preload,
    recorder::{Recorder, Show, Watched, Weather},
    settings::nanos,
    site::Site,
    slot::Slot,
};
use crate::{
    exit::{Ending, Failure},
    nemesis::{Nemesis, Plan},
    run::{Regions, blocking},
    stop::Stop,
};

/// How long heartbeats may take to be seen everywhere once everything is healed.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Between the preload and the first operation, so that the pacer is ready.
const LEAD: Duration = Duration::from_millis(100);

/// Runs a load and holds it against its goals.
pub(crate) fn run(settings: &LoadSettings) -> Result<Ending, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::harness)?;
    runtime.block_on(phases(settings))
}

async fn phases(settings: &LoadSettings) -> Result<Ending, Failure> {
    let stop = Stop::new();
    stop.listen().map_err(Failure::harness)?;
    let evidence = Evidence::begin(settings).map_err(Failure::Usage)?;
    evidence.phase("set-up");
    let site = Site::set_up(settings, evidence.folder())
        .await
        .map_err(|error| evidence.failure(error))?;
    let measured = measure(settings, &evidence, &site, &stop).await;
    let region_failure = match &site {
        Site::Local(regions) => regions.target.unexpected_end(),
        Site::Elsewhere { .. } => None,
    };
    evidence.phase("tear-down");
    site.tear_down().await;
    if let Some(failure) = region_failure {
        return Err(evidence.failure(failure));
    }
    let measured = measured.map_err(|error| evidence.failure(error))?;
    evidence.conclude(settings, measured, stop.reason())
}

async fn measure(
    settings: &LoadSettings,
    evidence: &Evidence,
    site: &Site,
    stop: &Stop,
) -> Result<Measurements, String> {
    let mix = settings.mix();
    let regions = settings.regions.len();
    evidence.phase("preload");
    preload::preload(site, regions, &mix, settings.keys, stop).await?;

    let span = Span {
        warm_up_ns: nanos(settings.warm_up),
        end_ns: nanos(settings.warm_up + settings.measured),
    };
    let origin = Instant::now() + LEAD;
    let book: SharedBook = Arc::new(Mutex::new(LagBook::new(regions, span.warm_up_ns)));
    let slots: Vec<Vec<Slot>> = (0..regions)
        .map(|region| {
            (0..settings.in_flight)
                .map(|_| Slot::new(site.client(id(region)), mix.clone()))
                .collect()
        })
        .collect();
    let router = mix.clone();
    let queues = pacer::start(
        settings.schedule(),
        regions,
        move |number| router.region(number),
        origin,
        stop.clone(),
    )
    .map_err(|error| format!("the pacer cannot be started: {error}"))?;
    let lanes: Vec<Lane> = queues
        .into_iter()
        .map(|queue| Lane::new(queue, origin, span, KINDS.len()))
        .collect();
    let weather = Weather::default();
    let watched = Watched {
        lanes: lanes.clone(),
        names: settings.regions.clone(),
        book: book.clone(),
        weather: weather.clone(),
        origin,
        span,
        shape: settings.shape.clone(),
        shares: settings.shares(),
    };
    let recorder = Recorder::start(
        watched,
        evidence.folder(),
        evidence.show(settings),
        evidence.now_ms(),
    )
    .map_err(|error| error.to_string())?;
    evidence.phase("warm-up");
    // One region has nobody to replicate to.
    let heartbeats = (regions > 1)
        .then(|| Heartbeats::start(regions, |region| site.client(region), &book, origin));
    let mut sending = JoinSet::new();
    for (lane, slots) in lanes.iter().cloned().zip(slots) {
        sending.spawn(async move { lane.run(slots).await });
    }
    wait_until(origin + settings.warm_up, stop).await;
    evidence.phase("measure");
    let cpu_begin = (Instant::now(), thread_cpu_us());
    let faults = Faults::start(settings, evidence, site, &weather)?;
    sending.join_all().await;
    let cpu_busy_ratio = busy_ratio(cpu_begin);
    evidence.phase("heal");
    let unhealed = match faults {
        Some(faults) => faults.end().await,
        None => Vec::new(),
    };
    evidence.phase("drain");
    if let Some(heartbeats) = heartbeats.filter(|_| !stop.is_forced()) {
        heartbeats.drain(&book, DRAIN_LIMIT).await;
    }
    let recorded = blocking(move || recorder.end()).await;
    recorded.map_err(|error| format!("latency.hdr or series.csv cannot be written: {error}"))?;
    let measured_ns = match stop.is_set() {
        true => nanos(origin.elapsed())
            .min(span.end_ns)
            .saturating_sub(span.warm_up_ns),
        false => nanos(settings.measured),
    };
    Ok(Measurements {
        lanes,
        book,
        measured_ns,
        cpu_busy_ratio,
        unhealed,
        failure: stop.failure().map(str::to_owned),
    })
}

async fn wait_until(instant: Instant, stop: &Stop) {
    tokio::select! {
        () = tokio::time::sleep_until(instant.into()) => {}
        () = stop.wait() => {}
    }
}

/// CPU time of this thread: it sends everything, and nothing else.
fn thread_cpu_us() -> Option<i64> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).ok()?;
    Some(usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
}

fn busy_ratio((begun, cpu_us): (Instant, Option<i64>)) -> Option<f64> {
    let spent_us = thread_cpu_us()? - cpu_us?;
    let elapsed_us = begun.elapsed().as_secs_f64() * 1e6;
    (elapsed_us > 0.0).then(|| spent_us as f64 / elapsed_us)
}

fn id(region: usize) -> RegionId {
    RegionId(u8::try_from(region).expect("at most twelve regions"))
}

/// The nemesis of a load.
struct Faults {
    nemesis: Arc<Nemesis>,
    thread: std::thread::JoinHandle<()>,
    is_over: Arc<AtomicBool>,
    timeline: super::evidence::Timeline,
}

impl Faults {
    /// Begins the plan, if there is anything to go wrong.
    fn start(
        settings: &LoadSettings,
        evidence: &Evidence,
        site: &Site,
        weather: &Weather,
    ) -> Result<Option<Self>, String> {
        let regions: &Regions = match site {
            Site::Local(regions) if !settings.common.faults.is_empty() => regions,
            Site::Local(_) | Site::Elsewhere { .. } => return Ok(None),
        };
        let plan: &Plan = evidence.plan();
        let nemesis = Nemesis::new(
            regions.target.clone(),
            regions.network.clone(),
            evidence.begun(),
        );
        let is_over = Arc::new(AtomicBool::new(false));
        let (timeline, over, shown) = (evidence.timeline(), is_over.clone(), weather.clone());
        let thread = nemesis
            .spawn(
                plan.clone(),
                move |moment| {
                    show(&shown, &moment);
                    timeline.write(&moment);
                },
                move || over.load(Ordering::Relaxed),
            )
            .map_err(|error| format!("the nemesis cannot be started: {error}"))?;
        Ok(Some(Self {
            nemesis,
            thread,
            is_over,
            timeline: evidence.timeline(),
        }))
    }

    /// Ends the plan and heals everything. Says what could not be healed.
    async fn end(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        blocking(move || {
            let panicked = self.thread.join().is_err();
            let mut unhealed = self
                .nemesis
                .heal_everything(&mut |moment| self.timeline.write(&moment));
            if panicked {
                unhealed.push("the thread of the nemesis panicked; see logs/harness.log".into());
            }
            unhealed
        })
        .await
    }
}

/// Keeps the list of what holds now.
fn show(weather: &Weather, moment: &Moment) {
    let Moment::Fault {
        id,
        what,
        action,
        result,
        ..
    } = moment
    else {
        return;
    };
    let mut weather = weather.lock().unwrap_or_else(PoisonError::into_inner);
    match action {
        FaultAction::Start if *result != FaultResult::Skipped => weather.push((*id, what.clone())),
        FaultAction::Start => {}
        FaultAction::Stop => weather.retain(|(active, _)| active != id),
    }
}

impl Evidence {
    /// What a person sees meanwhile.
    fn show(&self, settings: &LoadSettings) -> Show {
        use std::io::IsTerminal as _;
        match settings.output {
            crate::cli::LoadOutput::Quiet => Show::Nothing,
            crate::cli::LoadOutput::Text | crate::cli::LoadOutput::Json
                if std::io::stderr().is_terminal() =>
            {
                Show::Live
            }
            crate::cli::LoadOutput::Text | crate::cli::LoadOutput::Json => Show::Plain,
        }
    }
}
