//! What is compared of a run: its configuration and its figures, from either kind of run.

use std::collections::BTreeMap;

use super::Unit;
use crate::{
    figures::{Figures, Percentiles, RegionSeries},
    load_summary::{
        LoadSummary,
        series::{Measured as Counts, Second},
    },
    results::Results,
    run_folder::{FolderError, Run, RunFolder},
    words,
};

/// One run, ready to be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// What to call it: its folder.
    pub label: String,
    /// What was asked.
    pub run: Run,
    /// What else was asked of a load, as name and text.
    pub load: Vec<(String, String)>,
    /// Where it ran.
    pub environment: BTreeMap<String, String>,
    /// What was measured.
    pub figures: Vec<Measured>,
}

/// One figure of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its name, the same in every run that has it.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// The number.
    pub value: f64,
    /// The values by second that `value` is the mean of; empty if it is not such a mean.
    pub series: Vec<f64>,
}

impl Subject {
    /// The run in a folder, of either kind; what a killed run has left is enough.
    ///
    /// # Errors
    /// A file is missing, unreadable, malformed or of another version.
    pub fn of_folder(label: &str, folder: &RunFolder) -> Result<Self, FolderError> {
        if let Some(summary) = folder.load_summary()? {
            return Ok(Self::of_load(label, &summary, &folder.seconds()?));
        }
        let results = match folder.results()? {
            Some(results) => results,
            None => Results::unfinished(&folder.examine()?),
        };
        Ok(Self::of_results(label, &results))
    }

    /// A run of `dateline test`.
    #[must_use]
    pub fn of_results(label: &str, results: &Results) -> Self {
        let figures = &results.figures;
        let mut measured: Vec<Measured> = figures
            .series
            .iter()
            .filter_map(|series| throughput(figures, series))
            .collect();
        for row in figures
            .operations
            .iter()
            .filter(|row| row.kind.is_workload())
        {
            let name = format!("{} {}", row.region, row.kind.name());
            let asked = row.ok + row.fail + row.info;
            measured.push(share(
                &format!("{name} not answered"),
                row.fail + row.info,
                asked,
            ));
            measured.extend(percentiles(&name, &row.latency));
        }
        for lag in &figures.lag {
            let name = format!("lag {} → {}", lag.from, lag.to);
            measured.extend(percentiles(&name, &lag.upper));
            measured.push(plain(
                &format!("{name} never seen"),
                Unit::Count,
                count(lag.unseen),
            ));
        }
        let overhead = &results.overhead;
        let costs = [
            (
                "regions CPU per operation",
                Unit::CpuUs,
                overhead.regions_cpu_us_per_operation,
            ),
            (
                "harness CPU per operation",
                Unit::CpuUs,
                overhead.harness_cpu_us_per_operation,
            ),
            (
                "proxies CPU per operation",
                Unit::CpuUs,
                overhead.proxies_cpu_us_per_operation,
            ),
            (
                "harness memory, max",
                Unit::Mib,
                overhead.harness_memory_mib_max,
            ),
            (
                "time to check",
                Unit::Ns,
                overhead.check_ms.map(|ms| ms * 1e6),
            ),
        ];
        for (name, unit, value) in costs {
            measured.extend(value.map(|value| plain(name, unit, value)));
        }
        Self {
            label: label.to_owned(),
            run: results.run.clone(),
            load: Vec::new(),
            environment: results.environment.clone(),
            figures: measured,
        }
    }

    /// A run of `dateline load`, with its `series.csv` if that is there.
    #[must_use]
    pub fn of_load(label: &str, summary: &LoadSummary, seconds: &[Second]) -> Self {
        let mut measured = Vec::new();
        for row in &summary.rows {
            let name = format!("{} {}", row.region, row.kind);
            let of_row = |second: &&Second| {
                second.measured == Counts::Yes
                    && second.region == row.region
                    && second.kind == row.kind
            };
            let series = seconds
                .iter()
                .filter(of_row)
                .map(|second| count(second.answered));
            measured.push(Measured {
                series: series.collect(),
                ..plain(&format!("{name} rate"), Unit::PerS, row.achieved_per_s)
            });
            measured.push(share(
                &format!("{name} errors"),
                row.failed(),
                row.scheduled,
            ));
            measured.push(share(
                &format!("{name} never sent"),
                row.never_sent,
                row.scheduled,
            ));
            measured.extend(percentiles(
                &format!("{name} response"),
                &row.response.percentiles(),
            ));
            measured.extend(percentiles(
                &format!("{name} service"),
                &row.service.percentiles(),
            ));
        }
        for lag in &summary.lag {
            let name = format!("lag {} → {}", lag.from, lag.to);
            measured.extend(percentiles(&name, &lag.upper.percentiles()));
            measured.push(plain(
                &format!("{name} never seen"),
                Unit::Count,
                count(lag.unseen),
            ));
        }
        Self {
            label: label.to_owned(),
            run: summary.run.clone(),
            load: plan(summary),
            environment: summary.environment.clone(),
            figures: measured,
        }
    }
}

fn plan(summary: &LoadSummary) -> Vec<(String, String)> {
    let plan = &summary.plan;
    let limits = summary
        .lanes
        .iter()
        .map(|lane| lane.in_flight_limit.to_string());
    vec![
        ("load arrival".to_owned(), plan.arrival.clone()),
        (
            "load rate".to_owned(),
            format!("{}/s", words::plain(plan.rate_per_s)),
        ),
        ("load warm-up".to_owned(), words::duration(plan.warm_up_ns)),
        (
            "load measured".to_owned(),
            words::duration(plan.measured_ns),
        ),
        (
            "load in-flight limit".to_owned(),
            limits.collect::<Vec<_>>().join(", "),
        ),
        ("load faults".to_owned(), plan.faults.join(", ")),
    ]
}

fn plain(name: &str, unit: Unit, value: f64) -> Measured {
    Measured {
        name: name.to_owned(),
        unit,
        value,
        series: Vec::new(),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts are shown with few digits"
)]
fn count(number: u64) -> f64 {
    number as f64
}

fn share(name: &str, part: u64, whole: u64) -> Measured {
    let value = if whole == 0 {
        0.0
    } else {
        count(part) / count(whole)
    };
    plain(name, Unit::Ratio, value)
}

fn percentiles(name: &str, told: &Percentiles) -> Vec<Measured> {
    if told.count == 0 {
        return Vec::new();
    }
    [
        ("p50", told.p50_ns),
        ("p99", told.p99_ns),
        ("p99.9", told.p999_ns),
        ("max", told.max_ns),
    ]
    .map(|(which, ns)| plain(&format!("{name} {which}"), Unit::Ns, count(ns)))
    .into()
}

/// Operations answered per second after warm-up, with the seconds in which nothing was answered. The last interval is left out: it was cut short.
fn throughput(figures: &Figures, series: &RegionSeries) -> Option<Measured> {
    let interval_ns = figures.interval_ns.max(1);
    let begin = figures.measured_from_ns.div_ceil(interval_ns);
    let end = series.points.last()?.begin_ns / interval_ns;
    let mut answered = vec![0; usize::try_from(end.checked_sub(begin)?).ok()?];
    for point in &series.points {
        let at = (point.begin_ns / interval_ns).checked_sub(begin);
        let slot = at
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| answered.get_mut(at));
        if let Some(slot) = slot {
            *slot += point.ok;
        }
    }
    let seconds = count(interval_ns) / 1e9;
    let series_per_s: Vec<f64> = answered.into_iter().map(|ok| count(ok) / seconds).collect();
    if series_per_s.is_empty() {
        return None;
    }
    let value = series_per_s.iter().sum::<f64>() / count(series_per_s.len() as u64);
    Some(Measured {
        series: series_per_s,
        ..plain(&format!("{} rate", series.region), Unit::PerS, value)
    })
}
