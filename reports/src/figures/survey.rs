//! The one pass over a history.

use std::collections::BTreeMap;

use checker::history::{Event, EventKind, Op, ProcessId, RegionId, Reply, Value};

use super::{
    Ending, Figures, Kind, OperationFigures, RegionSeries, Sample, SampledOperation,
    lag::LagMeter,
    percentiles::Distribution,
    sample::Sampler,
    series::{self, SeriesMeter},
    spans,
};
use crate::run_folder::Moment;

/// Different error codes kept per region and kind; an imported history may hold whole messages. The rest is counted as `other`.
const ERROR_CODES_MAX: usize = 40;

/// Takes events in the order of the history, gives the figures and the sample to draw.
pub struct Survey {
    region_names: Vec<String>,
    timeline: Vec<Moment>,
    measured_from_ns: u64,
    interval_ns: u64,
    last_ns: u64,
    open: BTreeMap<ProcessId, OpenOperation>,
    groups: BTreeMap<(RegionId, Kind), Group>,
    regions: BTreeMap<RegionId, (SeriesMeter, Sampler)>,
    lag: LagMeter,
}

/// An operation that was asked and not answered yet.
struct OpenOperation {
    region: RegionId,
    kind: Kind,
    call_ns: u64,
    key: Option<u64>,
    /// The number written, if it is a heartbeat.
    beat: Option<i64>,
}

struct Group {
    counts: [u64; 3],
    open: u64,
    errors: BTreeMap<String, u64>,
    latency: Distribution,
}

impl Survey {
    /// For a run with these regions and this timeline.
    #[must_use]
    pub fn new(region_names: &[String], timeline: &[Moment]) -> Self {
        let last_ns = spans::last_ns(timeline);
        let interval_ns = series::interval_ns(last_ns);
        Self {
            region_names: region_names.to_vec(),
            timeline: timeline.to_vec(),
            measured_from_ns: spans::measured_from_ns(&spans::phases(timeline, last_ns)),
            interval_ns,
            last_ns,
            open: BTreeMap::new(),
            groups: BTreeMap::new(),
            regions: BTreeMap::new(),
            lag: LagMeter::new(interval_ns),
        }
    }

    /// Takes the next event.
    pub fn event(&mut self, event: &Event) {
        self.last_ns = self.last_ns.max(event.time_ns);
        match &event.kind {
            EventKind::Invoke(op) => self.invoked(event, op),
            EventKind::Ok(reply) => self.completed(event, Ending::Ok, None, Some(reply)),
            EventKind::Fail { error, .. } => self.completed(event, Ending::Fail, Some(error), None),
            EventKind::Info { error } => self.completed(event, Ending::Info, Some(error), None),
        }
    }

    fn invoked(&mut self, event: &Event, op: &Op) {
        let kind = Kind::of(op, event.phase);
        let key = op.key().map(|key| key.0);
        let beat = match (kind, op) {
            (
                Kind::HeartbeatWrite,
                Op::Write {
                    value: Value::Int(number),
                    ..
                },
            ) => Some(*number),
            _ => None,
        };
        if let (Some(key), Some(number)) = (key, beat) {
            self.lag
                .write_called(key, event.region.0, number, event.time_ns);
        }
        let open = OpenOperation {
            region: event.region,
            kind,
            call_ns: event.time_ns,
            key,
            beat,
        };
        if let Some(abandoned) = self.open.insert(event.process, open) {
            self.count(event.process, abandoned, None, Ending::Info, None);
        }
    }

    fn completed(
        &mut self,
        event: &Event,
        ending: Ending,
        error: Option<&String>,
        reply: Option<&Reply>,
    ) {
        let Some(operation) = self.open.remove(&event.process) else {
            return;
        };
        if let (Some(key), Some(number)) = (operation.key, operation.beat) {
            self.lag
                .write_returned(key, number, (ending == Ending::Ok).then_some(event.time_ns));
        }
        if let (Kind::HeartbeatRead, Some(key), Some(Reply::Read(seen))) =
            (operation.kind, operation.key, reply)
        {
            let seen = match seen.value {
                Value::Int(number) => Some(number),
                Value::Absent | Value::List(_) => None,
            };
            self.lag.read(
                key,
                operation.region.0,
                seen,
                operation.call_ns,
                event.time_ns,
            );
        }
        self.count(event.process, operation, Some(event.time_ns), ending, error);
    }

    fn count(
        &mut self,
        process: ProcessId,
        operation: OpenOperation,
        return_ns: Option<u64>,
        ending: Ending,
        error: Option<&String>,
    ) {
        let OpenOperation {
            region,
            kind,
            call_ns,
            key,
            beat: _,
        } = operation;
        let latency_ns = return_ns.map_or(0, |at| at.saturating_sub(call_ns));
        let group = self.groups.entry((region, kind)).or_insert_with(Group::new);
        group.counts[ending as usize] += 1;
        group.open += u64::from(return_ns.is_none());
        if let Some(error) = error {
            group.failed(error);
        }
        if ending == Ending::Ok && call_ns >= self.measured_from_ns {
            group.latency.record(latency_ns);
        }
        if !kind.is_workload() {
            return;
        }
        let interval_ns = self.interval_ns;
        let (series, sampler) = self
            .regions
            .entry(region)
            .or_insert_with(|| (SeriesMeter::new(interval_ns), Sampler::default()));
        series.completed(return_ns.unwrap_or(self.last_ns), ending, latency_ns);
        sampler.add(ending, || SampledOperation {
            process: process.0,
            kind,
            key,
            call_ns,
            return_ns,
            ending,
            error: error.cloned(),
        });
    }

    /// The figures, and what to draw.
    #[must_use]
    pub fn finish(mut self) -> (Figures, Sample) {
        for (process, operation) in std::mem::take(&mut self.open) {
            self.count(process, operation, None, Ending::Info, None);
        }
        let names = self.region_names;
        let name = |region: u8| {
            let known = names.get(usize::from(region));
            known.cloned().unwrap_or_else(|| format!("region {region}"))
        };
        let operations = self.groups.into_iter();
        let operations = operations
            .map(|((region, kind), group)| group.figures(name(region.0), kind))
            .collect();
        let mut series = Vec::new();
        let mut sample = Sample::default();
        let listed = (0..u8::try_from(names.len()).unwrap_or(u8::MAX)).map(RegionId);
        let unlisted: Vec<_> = self
            .regions
            .keys()
            .copied()
            .filter(|id| usize::from(id.0) >= names.len())
            .collect();
        for region in listed.chain(unlisted) {
            let (points, drawn) = match self.regions.remove(&region) {
                Some((meter, sampler)) => (meter.finish(), sampler.finish()),
                None => (Vec::new(), Sampler::default().finish()),
            };
            series.push(RegionSeries {
                region: name(region.0),
                points,
            });
            sample.regions.push(drawn);
        }
        let figures = Figures {
            duration_ns: self.last_ns,
            measured_from_ns: self.measured_from_ns,
            phases: spans::phases(&self.timeline, self.last_ns),
            faults: spans::faults(&self.timeline),
            operations,
            interval_ns: self.interval_ns,
            series,
            lag: self.lag.finish(name),
        };
        (figures, sample)
    }
}

impl Group {
    fn new() -> Self {
        Self {
            counts: [0; 3],
            open: 0,
            errors: BTreeMap::new(),
            latency: Distribution::new(),
        }
    }

    fn failed(&mut self, error: &str) {
        let known = self.errors.contains_key(error) || self.errors.len() < ERROR_CODES_MAX;
        let code = if known { error } else { "other" };
        *self.errors.entry(code.to_owned()).or_default() += 1;
    }

    fn figures(self, region: String, kind: Kind) -> OperationFigures {
        let [ok, fail, info] = self.counts;
        OperationFigures {
            region,
            kind,
            ok,
            fail,
            info,
            open: self.open,
            errors: self.errors,
            latency: self.latency.percentiles(),
        }
    }
}
