//! Latency and throughput over time: one panel per region under one time axis.

use maud::{Markup, html};

use super::{
    figure::{Legend, figure},
    plot::{Panel, line},
    scale::{LinearScale, LogScale, TimeScale, place},
};
use crate::figures::{Figures, RegionSeries, SeriesPoint};

const WIDTH: f64 = 1_120.0;
const LEFT: f64 = 64.0;
const PANEL: f64 = 118.0;
const GAP: f64 = 34.0;

/// Where the panel of the `index`-th region lies.
fn panel(figures: &Figures, index: usize) -> Panel {
    let top = 24.0 + index as f64 * (PANEL + GAP);
    let time = TimeScale {
        end_ns: figures.duration_ns,
        left: LEFT,
        right: WIDTH - 10.0,
    };
    Panel {
        time,
        top,
        bottom: top + PANEL,
    }
}

fn height(figures: &Figures) -> f64 {
    24.0 + figures.series.len() as f64 * (PANEL + GAP)
}

/// The middle of an interval, which is where its point is drawn.
fn middle(figures: &Figures, point: &SeriesPoint) -> u64 {
    point.begin_ns + figures.interval_ns / 2
}

/// Latency of what succeeded: p50, p99 and the maximum per interval, on a logarithmic axis.
pub(super) fn latency(figures: &Figures) -> Markup {
    let timed = |series: &RegionSeries| {
        series
            .points
            .iter()
            .filter(|point| point.ok > 0)
            .copied()
            .collect::<Vec<_>>()
    };
    let all: Vec<SeriesPoint> = figures.series.iter().flat_map(timed).collect();
    let scale = LogScale::spanning(all.iter().flat_map(|p| [p.p50_ns, p.max_ns]), 0.0, 1.0);
    let drawing = html! {
        @for (index, series) in figures.series.iter().enumerate() {
            @let panel = panel(figures, index);
            @let scale = scale.moved(panel.top, panel.bottom);
            @let points = timed(series);
            @let path = |value: fn(&SeriesPoint) -> u64| {
                let placed = points.iter().map(|point| {
                    let at = middle(figures, point);
                    (at, panel.time.x(at), scale.y(value(point)))
                });
                line(&placed.collect::<Vec<_>>(), figures.interval_ns * 3 / 2)
            };
            (panel.grid(&scale.marks()))
            (panel.bands(figures, &[&series.region]))
            text.lane x=(place(LEFT)) y=(place(panel.top - 7.0)) { (series.region) }
            path.line.max d=(path(|point| point.max_ns)) {}
            path.line.p99 d=(path(|point| point.p99_ns)) {}
            path.line.p50 d=(path(|point| point.p50_ns)) {}
            @if index + 1 == figures.series.len() { (panel.time_axis()) }
        }
    };
    figure(
        "Latency over time",
        "Time from request to whole answer of the operations that succeeded, by region; logarithmic axis. Numbers mark the faults of the journal; bands are strong where the region is concerned.",
        (WIDTH, height(figures)),
        &[
            Legend::line("p50", "p50"),
            Legend::line("p99", "p99"),
            Legend::line("max", "max"),
        ],
        &drawing,
    )
}

/// Completions per second by ending.
pub(super) fn throughput(figures: &Figures) -> Markup {
    let seconds = figures.interval_ns.max(1) as f64 / 1e9;
    let total = |point: &SeriesPoint| (point.ok + point.fail + point.info) as f64 / seconds;
    let all = figures.series.iter().flat_map(|series| &series.points);
    let scale = LinearScale::up_to(all.map(total).fold(0.0, f64::max), 0.0, 1.0);
    let drawing = html! {
        @for (index, series) in figures.series.iter().enumerate() {
            @let panel = panel(figures, index);
            @let scale = scale.moved(panel.top, panel.bottom);
            (panel.grid(&scale.marks()))
            (panel.bands(figures, &[&series.region]))
            text.lane x=(place(LEFT)) y=(place(panel.top - 7.0)) { (series.region) }
            path.bar.ok d=(bars(figures, series, panel, |p| (0, p.ok), |v| scale.y(v / seconds))) {}
            path.bar.fail d=(bars(figures, series, panel, |p| (p.ok, p.fail), |v| scale.y(v / seconds))) {}
            path.bar.info d=(bars(figures, series, panel, |p| (p.ok + p.fail, p.info), |v| scale.y(v / seconds))) {}
            @if index + 1 == figures.series.len() { (panel.time_axis()) }
        }
    };
    figure(
        "Throughput",
        "Completions per second by region, stacked by how they ended.",
        (WIDTH, height(figures)),
        &[
            Legend::area("ok", "ok"),
            Legend::area("fail", "fail: did not happen"),
            Legend::area("info", "info: nobody knows"),
        ],
        &drawing,
    )
}

/// One rectangle per interval, from `from` upwards by `by`, all in one path.
fn bars(
    figures: &Figures,
    series: &RegionSeries,
    panel: Panel,
    stack: impl Fn(&SeriesPoint) -> (u64, u64),
    y: impl Fn(f64) -> f64,
) -> String {
    let mut path = String::new();
    for point in &series.points {
        let (from, by) = stack(point);
        if by == 0 {
            continue;
        }
        let left = panel.time.x(point.begin_ns);
        let right = panel.time.x(point.begin_ns + figures.interval_ns);
        let width = (right - left - 1.0).max(0.8);
        let (bottom, top) = (y(from as f64), y((from + by) as f64));
        path.push_str(&format!(
            "M{} {}h{}V{}h-{}z",
            place(left),
            place(bottom),
            place(width),
            place(top),
            place(width)
        ));
    }
    path
}
