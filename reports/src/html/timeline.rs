//! The whole run on one axis: phases, faults, and a lane of operations per region.
//!
//! Each operation is a bar from its request to its answer. Bars of one lane are packed into rows, so that a stall shows as a gap, a
//! partition as long bars, and load as a dense lane. Long runs are thinned evenly, and the caption says by how much.

use checker::verdict::Outcome;
use maud::{Markup, html};

use super::{
    figure::{Legend, figure},
    plot::{Panel, band, fault_class, fault_label, shaded},
    scale::{TimeScale, place},
};
use crate::{
    figures::{Ending, Figures, RegionSample, Sample, SampledOperation},
    results::Results,
    words,
};

const WIDTH: f64 = 1_120.0;
const LEFT: f64 = 118.0;
const ROWS: usize = 12;
const ROW: f64 = 7.0;
const LANE: f64 = ROWS as f64 * ROW + 8.0;
const GAP: f64 = 12.0;
const FAULT_ROW: f64 = 22.0;

/// Draws it.
pub(super) fn timeline(results: &Results, sample: &Sample) -> Markup {
    let figures = &results.figures;
    let time = TimeScale {
        end_ns: figures.duration_ns,
        left: LEFT,
        right: WIDTH - 10.0,
    };
    let (faults, fault_rows) = fault_bars(figures, time);
    let lanes_top = 34.0 + fault_rows as f64 * FAULT_ROW + 10.0;
    let lane_top = |index: usize| lanes_top + index as f64 * (LANE + GAP);
    let lanes_bottom = lane_top(figures.series.len()) - GAP;
    let axis = Panel {
        time,
        top: lanes_top,
        bottom: lanes_bottom,
    };
    let drawing = html! {
        (phases(figures, time, lanes_bottom))
        text.mark x=(place(LEFT - 8.0)) y="20" text-anchor="end" { "phase" }
        @if fault_rows > 0 { text.mark x=(place(LEFT - 8.0)) y="47" text-anchor="end" { "faults" } }
        (faults)
        @for (index, (series, operations)) in figures.series.iter().zip(&sample.regions).enumerate() {
            @let lane = Panel { time, top: lane_top(index), bottom: lane_top(index) + LANE };
            text.lane-name x=(place(LEFT - 8.0)) y=(place(lane.top + LANE / 2.0 + 4.0)) text-anchor="end" { (series.region) }
            (lane.grid(&[]))
            (lane.bands_of(figures, &series.region))
            (operations_of(operations, lane))
        }
        (violations(results, axis, lane_top))
        (axis.time_axis())
    };
    html! {
        (figure(
            "Timeline",
            "Every bar is an operation, from request to answer; each region has a lane. Bands are faults that concern the region, numbered as in the journal.",
            (WIDTH, lanes_bottom + 26.0),
            &legend(results),
            &drawing,
        ))
        (thinned(figures, sample))
    }
}

fn legend(results: &Results) -> Vec<Legend> {
    let mut legend = vec![
        Legend::area("ok", "ok"),
        Legend::area("fail", "fail: did not happen"),
        Legend::area("info", "info: nobody knows"),
    ];
    if results.verdict.outcome == Outcome::Invalid {
        legend.push(Legend::area("violation", "evidence of a violation"));
    }
    let mut seen = Vec::new();
    for (_, fault) in shaded(&results.figures) {
        if !seen.contains(&fault.fault) {
            legend.push(Legend::area(fault_class(&fault.fault), fault.fault.clone()));
            seen.push(fault.fault.clone());
        }
    }
    legend
}

fn phases(figures: &Figures, time: TimeScale, bottom: f64) -> Markup {
    html! {
        @for (index, phase) in figures.phases.iter().enumerate() {
            @let (left, right) = (time.x(phase.begin_ns), time.x(phase.end_ns));
            rect class=(if index % 2 == 0 { "phase" } else { "phase odd" })
                x=(place(left)) y="6" width=(place((right - left).max(0.5))) height="20" {
                title { (phase.name) ": " (words::moment(phase.begin_ns)) " to " (words::moment(phase.end_ns)) }
            }
            @if index > 0 { line.phase-edge x1=(place(left)) x2=(place(left)) y1="6" y2=(place(bottom)) {} }
            @if right - left > phase.name.chars().count() as f64 * 6.6 + 8.0 {
                text.phase-name x=(place(left + 6.0)) y="20" { (phase.name) }
            }
        }
    }
}

/// The faults as labelled bars, each in the first row where neither bar nor label covers another; and the number of rows.
fn fault_bars(figures: &Figures, time: TimeScale) -> (Markup, usize) {
    let mut free_from: Vec<f64> = Vec::new();
    let mut placed = Vec::new();
    for (number, fault) in shaded(figures) {
        let (left, width) = band(time, fault);
        let label = format!("{number} {}", fault.what);
        let label_width = label.chars().count() as f64 * 6.2 + 12.0;
        // Near the right edge the label stands to the left of where it would run out of the picture.
        let label_left = (left + 5.0).min(time.right - label_width + 8.0);
        let begin = left.min(label_left - 4.0);
        let row = free_from
            .iter()
            .position(|free| *free <= begin)
            .unwrap_or(free_from.len());
        if row == free_from.len() {
            free_from.push(0.0);
        }
        free_from[row] = (left + width).max(label_left + label_width) + 4.0;
        placed.push((
            number,
            fault,
            left,
            width,
            label,
            label_left,
            34.0 + row as f64 * FAULT_ROW,
        ));
    }
    let drawing = html! {
        @for (number, fault, left, width, label, label_left, top) in placed {
            rect class={ "fault-bar " (fault_class(&fault.fault)) } x=(place(left)) y=(place(top)) width=(place(width)) height="18" rx="2" {
                title { (fault_label(number, fault)) }
            }
            text.fault-label x=(place(label_left)) y=(place(top + 13.0)) { (label) }
        }
    };
    (drawing, free_from.len())
}

/// Operations that succeeded as one path, the others one by one, so that each can say what went wrong.
fn operations_of(sample: &RegionSample, lane: Panel) -> Markup {
    let mut free_from = [0_u64; ROWS];
    let mut succeeded = String::new();
    let mut others = Vec::new();
    for operation in &sample.operations {
        let return_ns = operation.return_ns.unwrap_or(u64::MAX);
        // The row that has been free for longest: bars spread over the lane, and a fuller lane means more in flight.
        let row = (0..ROWS).min_by_key(|row| free_from[*row]).unwrap_or(0);
        free_from[row] = return_ns;
        let left = lane.time.x(operation.call_ns);
        let width = (lane.time.x(return_ns) - left).max(1.1);
        let top = lane.top + 4.0 + row as f64 * ROW;
        match operation.ending {
            Ending::Ok => succeeded.push_str(&format!(
                "M{} {}h{}",
                place(left),
                place(top + 3.0),
                place(width)
            )),
            Ending::Fail | Ending::Info => others.push((operation, left, top, width)),
        }
    }
    html! {
        path.ticks d=(succeeded) {}
        @for (operation, left, top, width) in others {
            rect class=(if operation.ending == Ending::Fail { "fail" } else { "info" })
                x=(place(left)) y=(place(top)) width=(place(width.max(1.6))) height="5.5" {
                title { (told(operation)) }
            }
        }
    }
}

fn told(operation: &SampledOperation) -> String {
    let key = operation
        .key
        .map_or_else(String::new, |key| format!(" of key {key}"));
    let error = operation
        .error
        .as_deref()
        .unwrap_or("no answer by the end of the history");
    let took = operation.return_ns.map_or_else(String::new, |at| {
        format!(
            " after {}",
            words::duration(at.saturating_sub(operation.call_ns))
        )
    });
    format!(
        "{}{key} at {}, process {}: {error}{took}",
        operation.kind.name(),
        words::moment(operation.call_ns),
        operation.process
    )
}

/// The operations of the evidence, marked in their lanes; the violation's last one as a line across all lanes.
fn violations(results: &Results, axis: Panel, lane_top: impl Fn(usize) -> f64) -> Markup {
    let checks = results.verdict.checks.iter();
    let shown: Vec<_> = checks
        .flat_map(|check| check.violations.iter().map(move |v| (check, v)))
        .take(30)
        .collect();
    html! {
        @for (check, violation) in shown {
            @if let Some(last) = violation.operations.last() {
                @let x = place(axis.time.x(last.call_ns));
                line.violation x1=(x) x2=(x) y1=(place(axis.top - 8.0)) y2=(place(axis.bottom)) {
                    title { (check.check) ": " (violation.summary) }
                }
            }
            @for operation in &violation.operations {
                @let index = usize::from(operation.region.0);
                @if index < results.figures.series.len() {
                    @let x = axis.time.x(operation.call_ns);
                    @let y = lane_top(index) + LANE / 2.0;
                    path.violation d={ "M" (place(x)) " " (place(y - 8.0)) "l7 8l-7 8l-7 -8z" } {
                        title { (operation.role) ": " (operation.text) " at " (words::moment(operation.call_ns)) }
                    }
                }
            }
        }
    }
}

/// Says what was left out of the picture, if anything was.
fn thinned(figures: &Figures, sample: &Sample) -> Markup {
    let names = ["ok", "fail", "info"];
    let mut cuts = Vec::new();
    for (series, region) in figures.series.iter().zip(&sample.regions) {
        for (name, one_in) in names
            .iter()
            .zip(region.one_in)
            .filter(|(_, one_in)| *one_in > 1)
        {
            cuts.push(format!("1 in {one_in} of {name} in {}", series.region));
        }
    }
    html! {
        @if !cuts.is_empty() {
            p.note {
                "Thinned so that it can be drawn: " (cuts.join(", ")) ". Evidence and faults are all shown, the figures count every operation, "
                "and " code { "history.jsonl" } " holds each of them."
            }
        }
    }
}
