//! One stretch of load, from the first operation of the warm-up to the last heartbeat.
//!
//! ```text
//!   warm up ─ measure (under faults) ─ heal ─ drain the heartbeats
//! ```
//! One thread sends everything, so that its CPU time can be told apart; pacer, recorder, proxies and faults have their own.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use checker::history::RegionId;
use reports::load_summary::ShareClock;
use tokio::task::JoinSet;

use super::{
    LoadSettings,
    clocks::{self, Clocks, wall_us},
    engine::{Lane, Span},
    evidence::{Evidence, Measurements},
    faults::Faults,
    heartbeat::{Beating, Heartbeats, SharedBook, locked},
    lag::LagBook,
    mix::Operations,
    pacer,
    recorder::{Recorder, Watched, Weather},
    recording::{Recorded, Recording},
    settings::nanos,
    site::Site,
    slot::{Corruptions, Slot},
    spent::Spent,
};
use crate::{run::blocking, stop::Stop};

/// How long heartbeats may take to be seen everywhere once everything is healed.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Between the preparations and the first operation, so that the pacer is ready.
const LEAD: Duration = Duration::from_millis(100);

/// What is to be done, and where.
#[derive(Clone, Copy)]
pub(crate) struct Stage<'a> {
    pub(crate) settings: &'a LoadSettings,
    pub(crate) evidence: &'a Evidence,
    pub(crate) site: &'a Site,
    pub(crate) stop: &'a Stop,
    /// The number of its first operation: those before are of earlier stages.
    pub(crate) first: u64,
}

/// What runs while a stage does.
struct Traffic {
    origin: Instant,
    span: Span,
    lanes: Vec<Lane>,
    book: SharedBook,
    clocks: Clocks,
    began_us: i64,
    weather: Weather,
    corruptions: Corruptions,
    recorder: Recorder,
    heartbeats: Option<Heartbeats>,
    sending: JoinSet<()>,
}

impl Stage<'_> {
    /// Does it.
    pub(crate) async fn measure(self) -> Result<Measurements, String> {
        let Self {
            settings,
            evidence,
            site,
            stop,
            ..
        } = self;
        let traffic = self.start()?;
        evidence.phase("warm-up");
        wait_until(traffic.origin + settings.course.warm_up, stop).await;
        evidence.phase("measure");
        let spent = Spent::now();
        let faults = Faults::start(settings, evidence, site, &traffic.weather)?;
        traffic.sending.join_all().await;
        let ratios = spent.since();
        let ended_ns = nanos(traffic.origin.elapsed());
        evidence.phase("heal");
        let unhealed = match faults {
            Some(faults) => faults.end().await,
            None => Vec::new(),
        };
        evidence.phase("drain");
        if evidence.recording().is_some() {
            // What was still open may happen until then; a heartbeat that comes after it says that it has arrived.
            wait_until(Instant::now() + settings.timeout, stop).await;
        }
        if let Some(heartbeats) = traffic.heartbeats.filter(|_| !stop.is_forced()) {
            heartbeats.drain(&traffic.book, DRAIN_LIMIT).await;
        }
        let last_look = match evidence.recording() {
            Some(recording) => self.last_look(recording, &traffic.book, &unhealed).await?,
            None => None,
        };
        blocking(move || traffic.recorder.end())
            .await
            .map_err(|error| {
                format!(
                    "latency.hdr, lag.csv, series.csv or series.parquet cannot be written: {error}"
                )
            })?;
        let measured_ns = if stop.is_set() {
            let span = traffic.span;
            ended_ns.min(span.end_ns).saturating_sub(span.warm_up_ns)
        } else {
            nanos(settings.course.measured)
        };
        Ok(Measurements {
            lanes: traffic.lanes,
            book: traffic.book,
            clock: (settings.course.shares() > 1).then(|| ShareClock {
                began_us: traffic.began_us,
                recorded_from_us: evidence
                    .recording()
                    .map(|_| traffic.began_us - micros(traffic.origin - evidence.begun())),
                ahead_us_max: traffic.clocks.found(),
            }),
            corruptions: traffic.corruptions,
            measured_ns,
            ratios,
            unhealed,
            last_look,
            failure: stop.failure().map(str::to_owned),
        })
    }

    /// Reads everything that was written once it is everywhere, and ends the recorded history. Returns what is missing.
    async fn last_look(
        self,
        recording: &Arc<Recording>,
        book: &SharedBook,
        unhealed: &[String],
    ) -> Result<Option<String>, String> {
        let Self { settings, site, .. } = self;
        let why_not = if self.stop.is_set() {
            Some("the load was stopped")
        } else if !unhealed.is_empty() {
            Some("not everything is healed")
        } else if !locked(book).is_drained() {
            Some("not everything had arrived everywhere ten seconds after the load")
        } else {
            None
        };
        let missing = match why_not {
            Some(why) => Some(format!("{why}, so the items were not read for a last time")),
            None => {
                self.evidence.phase("last look");
                let missing = recording.last_look(site, settings, self.stop).await;
                (missing > 0).then(|| format!("{missing} last reads brought no answer"))
            }
        };
        recording.end()?;
        Ok(missing.map(|why| {
            format!("history.jsonl: {why}; `dateline check` cannot tell whether all regions agree")
        }))
    }

    /// Begins everything.
    fn start(self) -> Result<Traffic, String> {
        let Self { settings, site, .. } = self;
        let operations = Arc::new(settings.operations());
        let course = &settings.course;
        let regions = settings.regions.len();
        let span = Span {
            warm_up_ns: nanos(course.warm_up),
            end_ns: nanos(course.warm_up + course.measured),
        };
        let (origin, began_us) = (Instant::now() + LEAD, wall_us() + micros(LEAD));
        let router = operations.clone();
        let queues = pacer::start(
            course.schedule(self.first, settings.choice.seed),
            regions,
            move |number| router.route(number),
            origin,
            self.stop.clone(),
        )
        .map_err(|error| format!("the pacer cannot be started: {error}"))?;
        let kinds = operations.kinds().len();
        let lanes: Vec<Lane> = queues
            .into_iter()
            .map(|queue| Lane::new(queue, origin, span, kinds, self.stop.clone()))
            .collect();
        let book: SharedBook = Arc::new(Mutex::new(LagBook::new(regions, span.warm_up_ns)));
        let (weather, corruptions) = (Weather::default(), Corruptions::default());
        let watched = Watched {
            lanes: lanes.clone(),
            names: settings.regions.clone(),
            kinds: operations.kinds().to_vec(),
            book: book.clone(),
            weather: weather.clone(),
            origin,
            span,
            shape: course.shape.clone(),
            shares: course.shares(),
        };
        let (folder, now_ms) = (self.evidence.folder(), self.evidence.now_ms());
        let recorder = Recorder::start(watched, folder, settings.show(), now_ms)
            .map_err(|error| format!("the recorder cannot be started: {error}"))?;
        let clocks = Clocks::default();
        let beating = Beating {
            regions,
            share: clocks::place(course.share),
            book: book.clone(),
            clocks: clocks.clone(),
            origin,
        };
        // One region has nobody to replicate to, and one share nobody to compare its clock with.
        let heartbeats = (regions > 1 || course.shares() > 1)
            .then(|| Heartbeats::start(beating, |region| site.client(region)));
        let sending = self.send(&lanes, &operations, &corruptions);
        Ok(Traffic {
            origin,
            span,
            lanes,
            book,
            clocks,
            began_us,
            weather,
            corruptions,
            recorder,
            heartbeats,
            sending,
        })
    }

    /// Starts the slots of every lane.
    fn send(
        self,
        lanes: &[Lane],
        operations: &Arc<Operations>,
        corruptions: &Corruptions,
    ) -> JoinSet<()> {
        let Self { settings, site, .. } = self;
        let mut sending = JoinSet::new();
        for (region, lane) in lanes.iter().cloned().enumerate() {
            let name: Arc<str> = settings.regions[region].as_str().into();
            let slot = || {
                let client = site.client(id(region)).padded(settings.padding());
                Slot::new(
                    Recorded::new(client, id(region), self.evidence.recording()),
                    name.clone(),
                    operations.clone(),
                    corruptions.clone(),
                )
            };
            let slots: Vec<Slot> = (0..settings.in_flight).map(|_| slot()).collect();
            sending.spawn(async move { lane.run(slots).await });
        }
        sending
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).expect("durations are at most a month")
}

async fn wait_until(instant: Instant, stop: &Stop) {
    tokio::select! {
        () = tokio::time::sleep_until(instant.into()) => {}
        () = stop.wait() => {}
    }
}

fn id(region: usize) -> RegionId {
    RegionId(u8::try_from(region).expect("at most twelve regions"))
}
