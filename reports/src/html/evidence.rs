//! A violation enlarged: the fewest operations that show it, as bars in lanes, with faults behind.
//!
//! The time axis is stretched where something happens and squeezed where nothing does, and says so: the operations of a violation last
//! milliseconds and may lie a minute apart.

use checker::verdict::{CheckResult, EvidenceOperation, Outcome, Violation};
use maud::{Markup, html};

use super::{
    figure::svg,
    plot::{fault_class, fault_label, shaded},
    scale::place,
};
use crate::{figures::FaultSpan, results::Results, words};

const WIDTH: f64 = 1_060.0;
const LEFT: f64 = 132.0;
const ROW: f64 = 56.0;
/// Room above the lanes for the names of faults.
const TOP: f64 = 24.0;
/// More of one check are not drawn: `results.json` has them.
const SHOWN_MAX: usize = 5;

/// The section; nothing where nothing forbidden was found.
pub(super) fn evidence(results: &Results) -> Markup {
    let invalid = results
        .verdict
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Invalid);
    html! {
        @for check in invalid {
            section {
                h2 { "Evidence against " (check.check) }
                p.explanation { b { "The property. " } (check.property) }
                @for (index, violation) in check.violations.iter().take(SHOWN_MAX).enumerate() {
                    (card(results, check, violation, index))
                }
                @if check.violation_count > SHOWN_MAX.min(check.violations.len()) as u64 {
                    p.note {
                        "Shown: the first " (SHOWN_MAX.min(check.violations.len())) " of " (words::counted(check.violation_count, "violation"))
                        ". " code { "results.json" } " holds more."
                    }
                }
            }
        }
    }
}

fn card(results: &Results, check: &CheckResult, violation: &Violation, index: usize) -> Markup {
    let name = format!("Violation {} of {}", index + 1, check.check);
    html! {
        article.violation-card {
            p.kicker { (name) @if let Some(key) = violation.key { ", key " (key.0) } }
            p.finding { (violation.summary) }
            div.scroll tabindex="0" role="group" aria-label=(name) { (picture(results, violation, &name)) }
            p.note { "Time is stretched where something happens, so that short operations can be seen." }
            (operations(results, violation))
        }
    }
}

/// Times and their places. Each stretch between two neighbouring times is given a width by the logarithm of its length.
struct Stretched {
    times: Vec<(u64, f64)>,
}

impl Stretched {
    fn new(operations: &[EvidenceOperation]) -> Self {
        let mut times: Vec<u64> = operations
            .iter()
            .flat_map(|op| [Some(op.call_ns), op.return_ns])
            .flatten()
            .collect();
        times.sort_unstable();
        times.dedup();
        let weights: Vec<f64> = times
            .windows(2)
            .map(|pair| ((pair[1] - pair[0]) as f64 / 1e5).max(1.0).log2() + 5.0)
            .collect();
        let total: f64 = weights.iter().sum::<f64>().max(1.0);
        let room = WIDTH - LEFT - 110.0;
        let mut x = LEFT + 40.0;
        let mut placed = vec![];
        for (index, time) in times.iter().enumerate() {
            if index > 0 {
                x += weights[index - 1] / total * room;
            }
            placed.push((*time, x));
        }
        Self { times: placed }
    }

    /// Where any time lies, also between those that were placed.
    fn x(&self, time_ns: u64) -> f64 {
        let after = self.times.partition_point(|(time, _)| *time < time_ns);
        match (
            after.checked_sub(1).and_then(|at| self.times.get(at)),
            self.times.get(after),
        ) {
            (Some((before_ns, from)), Some((after_ns, to))) => {
                let share = (time_ns - before_ns) as f64 / (after_ns - before_ns).max(1) as f64;
                from + share * (to - from)
            }
            (None, Some((first_ns, first))) => {
                if *first_ns == time_ns {
                    *first
                } else {
                    LEFT
                }
            }
            (Some(_), None) => WIDTH - 10.0,
            (None, None) => LEFT,
        }
    }
}

fn region_name(results: &Results, operation: &EvidenceOperation) -> String {
    let known = results.run.regions.get(usize::from(operation.region.0));
    known
        .cloned()
        .unwrap_or_else(|| format!("region {}", operation.region.0))
}

/// Rows of the picture: operations by lane (region, process), lanes in the order in which they first act.
fn rows<'a>(results: &Results, violation: &'a Violation) -> Vec<(&'a EvidenceOperation, String)> {
    let mut lanes: Vec<(u8, u32)> = Vec::new();
    for operation in &violation.operations {
        let lane = (operation.region.0, operation.process);
        if !lanes.contains(&lane) {
            lanes.push(lane);
        }
    }
    let of = |(region, process): (u8, u32)| {
        let same = move |op: &&EvidenceOperation| (op.region.0, op.process) == (region, process);
        violation.operations.iter().filter(same)
    };
    lanes
        .into_iter()
        .flat_map(of)
        .map(|op| (op, region_name(results, op)))
        .collect()
}

fn picture(results: &Results, violation: &Violation, name: &str) -> Markup {
    let scale = Stretched::new(&violation.operations);
    let rows = rows(results, violation);
    let bottom = TOP + 8.0 + rows.len() as f64 * ROW;
    let last = violation.operations.last();
    let first_ns = scale.times.first().map_or(0, |(time, _)| *time);
    let last_ns = scale.times.last().map_or(0, |(time, _)| *time);
    let is_behind = |fault: &FaultSpan| {
        fault.begin_ns <= last_ns && fault.end_ns.is_none_or(|end_ns| end_ns >= first_ns)
    };
    let drawing = html! {
        @for (number, fault) in shaded(&results.figures) {
            @if is_behind(fault) && rows.iter().any(|(_, region)| fault.regions.contains(region)) {
                text.band-number x=(place(scale.x(fault.begin_ns) + 4.0)) y=(place(TOP - 7.0)) { "fault " (number) ": " (fault.what) }
            }
        }
        @for (index, (operation, region)) in rows.iter().enumerate() {
            @let top = TOP + index as f64 * ROW;
            @let continues = index > 0 && rows[index - 1].0.process == operation.process && rows[index - 1].1 == *region;
            rect.lane-back x=(place(LEFT)) y=(place(top)) width=(place(WIDTH - LEFT - 4.0)) height=(place(ROW - if continues { 0.0 } else { 4.0 })) {}
            @for (number, fault) in shaded(&results.figures) {
                @let end_ns = fault.end_ns.unwrap_or(u64::MAX);
                @if fault.regions.contains(region) && is_behind(fault) {
                    @let left = scale.x(fault.begin_ns);
                    rect class={ "band " (fault_class(&fault.fault)) } x=(place(left)) y=(place(top))
                        width=(place((scale.x(end_ns) - left).max(2.0))) height=(place(ROW - 4.0)) {
                        title { (fault_label(number, fault)) }
                    }
                }
            }
            @if !continues {
                text.lane-name x=(place(LEFT - 10.0)) y=(place(top + 23.0)) text-anchor="end" { (region) }
                text.mark x=(place(LEFT - 10.0)) y=(place(top + 39.0)) text-anchor="end" { "process " (operation.process) }
            }
        }
        @for (time, x) in &scale.times {
            line.moment x1=(place(*x)) x2=(place(*x)) y1=(place(TOP)) y2=(place(bottom)) {}
            text.mark transform={ "translate(" (place(x + 4.0)) " " (place(bottom + 12.0)) ") rotate(28)" } { (words::moment(*time)) }
        }
        @for (index, (operation, _)) in rows.iter().enumerate() {
            (bar(operation, &scale, TOP + index as f64 * ROW, last == Some(*operation)))
        }
    };
    svg(name, &violation.summary, (WIDTH, bottom + 52.0), &drawing)
}

/// One operation: its bar, above it what it did, below it what part it plays.
fn bar(operation: &EvidenceOperation, scale: &Stretched, top: f64, is_last: bool) -> Markup {
    let left = scale.x(operation.call_ns);
    let right = operation.return_ns.map_or(WIDTH - 8.0, |at| scale.x(at));
    let class = match (is_last, operation.return_ns) {
        (true, _) => "evidence crucial",
        (false, Some(_)) => "evidence",
        (false, None) => "evidence open",
    };
    // Labels on the right half end with their bar, so that they stay inside the picture.
    let (x, anchor) = if left > WIDTH * 0.58 {
        (right.min(WIDTH - 10.0), "end")
    } else {
        (left, "start")
    };
    html! {
        rect class=(class) x=(place(left)) y=(place(top + 20.0)) width=(place((right - left).max(3.0))) height="12" rx="3" {
            title { (operation.text) }
        }
        text.did x=(place(x)) y=(place(top + 15.0)) text-anchor=(anchor) { (operation.text) @if operation.return_ns.is_none() { " – never answered" } }
        text.role x=(place(x)) y=(place(top + 46.0)) text-anchor=(anchor) { (operation.role) }
    }
}

fn operations(results: &Results, violation: &Violation) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="The operations" {
            table {
                thead { tr {
                    th scope="col" { "Role" } th scope="col" { "Operation" } th scope="col" { "Region" }
                    th.number scope="col" { "Process" } th.number scope="col" { "Asked" } th.number scope="col" { "Answered" }
                    th.number scope="col" { "Lines of the history" }
                } }
                tbody {
                    @for operation in &violation.operations {
                        tr {
                            td { (operation.role) } td { (operation.text) } td.name { (region_name(results, operation)) }
                            td.number { (operation.process) } td.number { (words::moment(operation.call_ns)) }
                            td.number { (operation.return_ns.map_or_else(|| "never".to_owned(), words::moment)) }
                            td.number { (operation.line_invoke) @if let Some(line) = operation.line_complete { ", " (line) } }
                        }
                    }
                }
            }
        }
    }
}
