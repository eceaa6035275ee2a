//! What is written and shown as a load goes: `latency.hdr`, `series.csv` (at the end also as `series.parquet`), `lag.csv`, and what
//! people look at.
//!
//! A thread of its own takes what the lanes have counted since its last look, so that writing delays no operation. Warm-up is written too, told
//! apart by its tags (`warm-up.KIND.REGION.response`) and its column; the figures leave it out.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use reports::{
    load_summary::{
        Counted, LoadRow, Times,
        interval_log::{IntervalLog, tag},
        series::{self, Measured, Second, write_heading, write_second},
    },
    parquet,
    run_folder::write_atomically,
};
use workloads::arrival::Shape;

use super::{
    engine::{Lane, Span},
    heartbeat::{SharedBook, locked},
    meter::Meter,
    view::{Glance, Show, View},
};

/// What `lag.csv` holds of every heartbeat that was seen; `written_ns` is when its write began, since the run did.
const LAG_HEADING: &str = "from,to,beat,written_ns,lower_ns,upper_ns";

/// How long an interval is.
const EVERY: Duration = Duration::from_secs(1);

/// Faults that hold now: their numbers and what they are.
pub(crate) type Weather = Arc<Mutex<Vec<(u64, String)>>>;

/// Everything that the thread looks at.
pub(crate) struct Watched {
    pub(crate) lanes: Vec<Lane>,
    pub(crate) names: Vec<String>,
    /// The kinds of operations, in the order of their indices.
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) book: SharedBook,
    pub(crate) weather: Weather,
    pub(crate) origin: Instant,
    pub(crate) span: Span,
    /// The rate asked of this share.
    pub(crate) shape: Shape,
    pub(crate) shares: u32,
}

/// The thread; [`Recorder::end`] waits for it.
pub(crate) struct Recorder {
    end: Sender<()>,
    thread: JoinHandle<io::Result<()>>,
    folder: PathBuf,
}

impl Recorder {
    pub(crate) fn start(
        watched: Watched,
        folder: &Path,
        show: Show,
        started_ms: u64,
    ) -> io::Result<Self> {
        let create = |name| File::create_new(folder.join(name)).map(BufWriter::new);
        let mut series = create("series.csv")?;
        write_heading(&mut series)?;
        let mut lag = create("lag.csv")?;
        writeln!(lag, "{LAG_HEADING}")?;
        let files = Files {
            log: IntervalLog::begin(create("latency.hdr")?, started_ms)?,
            series,
            lag,
        };
        let (end, ended) = channel();
        let thread = std::thread::Builder::new()
            .name("recorder".into())
            .spawn(move || watched.record(files, show, &ended))?;
        let folder = folder.to_owned();
        Ok(Self {
            end,
            thread,
            folder,
        })
    }

    /// Writes what is left.
    pub(crate) fn end(self) -> io::Result<()> {
        drop(self.end);
        self.thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the recorder panicked; see above")))?;
        write_parquet(&self.folder)
    }
}

/// Writes `series.csv` again as `series.parquet`, whose last bytes say where everything is: it cannot be written as the run goes.
pub(crate) fn write_parquet(folder: &Path) -> io::Result<()> {
    let text = fs::read_to_string(folder.join("series.csv"))?;
    let seconds = series::read(&text).map_err(io::Error::other)?;
    let file = parquet::file(&series::columns(&seconds));
    write_atomically(&folder.join("series.parquet"), &file).map_err(io::Error::other)
}

struct Files {
    log: IntervalLog<BufWriter<File>>,
    series: BufWriter<File>,
    lag: BufWriter<File>,
}

impl Watched {
    fn record(&self, mut files: Files, show: Show, ended: &Receiver<()>) -> io::Result<()> {
        let view = View::open(show);
        let mut begin = Duration::ZERO;
        for second in 0.. {
            let next = self.origin + EVERY * (second + 1);
            let waited = ended.recv_timeout(next.saturating_duration_since(Instant::now()));
            let is_last = !matches!(waited, Err(RecvTimeoutError::Timeout));
            let now = self.origin.elapsed();
            let ended = self.interval(&mut files, u64::from(second), begin, now)?;
            if !is_last {
                view.show(u64::from(second), || self.glance(&ended, begin, now));
            }
            begin = now;
            if is_last {
                break;
            }
        }
        view.close();
        files.log.flush()?;
        files.series.flush()?;
        files.lag.flush()
    }

    /// Writes one interval; all operations that ended in it, and the lags that were found.
    fn interval(
        &self,
        files: &mut Files,
        second: u64,
        begin: Duration,
        end: Duration,
    ) -> io::Result<(Meter, Times)> {
        let length_ns = nanos(end.saturating_sub(begin));
        let mut all = Meter::new();
        for (lane, region) in self.lanes.iter().zip(&self.names) {
            let interval = lane.take_interval();
            for (prefix, measured, meters) in [
                ("warm-up.", Measured::WarmUp, &interval.warm_up),
                ("", Measured::Yes, &interval.measured),
            ] {
                for (kind, meter) in self.kinds.iter().zip(meters) {
                    if meter.scheduled() == 0 {
                        continue;
                    }
                    all.add(meter);
                    let row = LoadRow::of(counted(meter, region, kind), length_ns);
                    write_second(&mut files.series, &Second::of(second, measured, &row))?;
                    let mut errors = Times::default();
                    for times in row.errors.values() {
                        errors
                            .add(times)
                            .expect("all meters have histograms of one shape");
                    }
                    for (what, times) in [
                        ("response", &row.response),
                        ("service", &row.service),
                        ("error", &errors),
                    ] {
                        let tag = format!("{prefix}{}", tag(kind, region, what));
                        files.log.write(&tag, nanos(begin), length_ns, times)?;
                    }
                }
            }
        }
        let found = locked(&self.book).take_found();
        for bounds in found {
            let (from, to) = (&self.names[bounds.from], &self.names[bounds.to]);
            let (beat, call_ns) = (bounds.value, bounds.call_ns);
            let (lower_ns, upper_ns) = (bounds.lower_ns, bounds.upper_ns);
            writeln!(
                files.lag,
                "{from},{to},{beat},{call_ns},{lower_ns},{upper_ns}"
            )?;
        }
        let mut lag = Times::default();
        for (from, to, times) in locked(&self.book).take_interval() {
            let tag = format!("lag.{}:{}.upper", self.names[from], self.names[to]);
            files.log.write(&tag, nanos(begin), length_ns, &times)?;
            lag.add(&times).expect("all are of one shape");
        }
        files.log.flush()?;
        files.series.flush()?;
        files.lag.flush()?;
        Ok((all, lag))
    }

    fn glance(&self, (all, lag): &(Meter, Times), begin: Duration, end: Duration) -> Glance {
        let (warm_up_s, end_s) = (
            self.span.warm_up_ns as f64 / 1e9,
            self.span.end_ns as f64 / 1e9,
        );
        let length_s = end.saturating_sub(begin).as_secs_f64().max(1e-3);
        // Warm-up is at the rate with which the measured time begins.
        let due = |at: Duration| match at.as_secs_f64() - warm_up_s {
            before if before < 0.0 => before * self.shape.due(1e-3) * 1e3,
            since => self.shape.due(since.min(end_s - warm_up_s)),
        };
        let (response, service) = (&all.response, &all.service);
        let weather = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        Glance {
            phase: if begin.as_secs_f64() < warm_up_s {
                "warm-up"
            } else {
                "measuring"
            },
            elapsed_s: end.as_secs_f64(),
            total_s: end_s,
            asked_per_s: (due(end) - due(begin)) / length_s / f64::from(self.shares),
            got_per_s: response.len() as f64 / length_s,
            answered: response.len(),
            response_p50_ns: response.value_at_quantile(0.5),
            response_p99_ns: response.value_at_quantile(0.99),
            service_p99_ns: service.value_at_quantile(0.99),
            beats: lag.len(),
            lag_p99_ns: lag.percentiles().p99_ns,
            errors: all.errors.values().map(hdrhistogram::Histogram::len).sum(),
            late: all.late,
            faults: weather.iter().map(|(_, what)| what.clone()).collect(),
        }
    }
}

/// What a meter has counted, in the terms of the summary.
pub(crate) fn counted(meter: &Meter, region: &str, kind: &str) -> Counted {
    let errors = meter.errors.iter();
    Counted {
        region: region.to_owned(),
        kind: kind.to_owned(),
        response: meter.response.clone().into(),
        service: meter.service.clone().into(),
        errors: errors
            .map(|(code, times)| ((*code).to_owned(), times.clone().into()))
            .collect(),
        open: meter.open.clone().into(),
        schedule_error: meter.lateness.clone().into(),
        late: meter.late,
        never_sent: meter.never_sent,
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a run lasts less than 584 years")
}
