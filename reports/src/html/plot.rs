//! What every drawing over time shares: the frame, the grid, the fault bands, lines that break where there is nothing.

use maud::{Markup, html};

use super::scale::{TimeScale, place};
use crate::{
    figures::{FaultSpan, Figures},
    run_folder::FaultResult,
    words,
};

/// A rectangle of a drawing, with time from left to right.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    pub(super) time: TimeScale,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Panel {
    /// Background and horizontal grid, with the marks of the vertical axis.
    pub(super) fn grid(self, marks: &[(f64, String)]) -> Markup {
        let (left, right) = (self.time.left, self.time.right);
        html! {
            rect.panel x=(place(left)) y=(place(self.top)) width=(place(right - left)) height=(place(self.bottom - self.top)) {}
            @for (y, label) in marks {
                line.grid x1=(place(left)) x2=(place(right)) y1=(place(*y)) y2=(place(*y)) {}
                text.mark x=(place(left - 8.0)) y=(place(y + 4.0)) text-anchor="end" { (label) }
            }
        }
    }

    /// The marks of the time axis, below.
    pub(super) fn time_axis(self) -> Markup {
        html! {
            @for (x, label) in self.time.marks() {
                line.tick x1=(place(x)) x2=(place(x)) y1=(place(self.bottom)) y2=(place(self.bottom + 5.0)) {}
                @let anchor = if x > self.time.right - 16.0 { "end" } else { "middle" };
                text.mark x=(place(x)) y=(place(self.bottom + 19.0)) text-anchor=(anchor) { (label) }
            }
        }
    }

    /// The faults that concern one region, as bands without numbers: the lane is full of operations.
    pub(super) fn bands_of(self, figures: &Figures, region: &str) -> Markup {
        html! {
            @for (number, fault) in shaded(figures).filter(|(_, fault)| fault.regions.iter().any(|name| name == region)) {
                (self.one_band(number, fault, Strength::Bare))
            }
        }
    }

    /// Faults as bands: strong where one of `regions` is concerned, faint elsewhere.
    pub(super) fn bands(self, figures: &Figures, regions: &[&str]) -> Markup {
        html! {
            @for (number, fault) in shaded(figures) {
                @let concerned = fault.regions.iter().any(|name| regions.contains(&name.as_str()));
                (self.one_band(number, fault, if concerned { Strength::Strong } else { Strength::Faint }))
            }
        }
    }

    fn one_band(self, number: usize, fault: &FaultSpan, strength: Strength) -> Markup {
        let (x, width) = band(self.time, fault);
        let class = match strength {
            Strength::Strong | Strength::Bare => "band ",
            Strength::Faint => "band faint ",
        };
        html! {
            rect class={ (class) (fault_class(&fault.fault)) }
                x=(place(x)) y=(place(self.top)) width=(place(width)) height=(place(self.bottom - self.top)) {
                title { (fault_label(number, fault)) }
            }
            @if strength == Strength::Strong && width >= 9.0 {
                text.band-number x=(place(x + 4.0)) y=(place(self.top + 12.0)) { (number) }
            }
        }
    }
}

/// Whether a fault concerns what the panel shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// It does.
    Strong,
    /// It does, and there is no room for its number.
    Bare,
    /// It does not.
    Faint,
}

/// The faults that took hold, or may have, numbered as in the journal.
pub(super) fn shaded(figures: &Figures) -> impl Iterator<Item = (usize, &FaultSpan)> {
    let numbered = figures
        .faults
        .iter()
        .enumerate()
        .map(|(index, fault)| (index + 1, fault));
    numbered.filter(|(_, fault)| fault.result != FaultResult::Skipped)
}

/// Left edge and width of a fault's band; one that was never healed lasts to the end.
pub(super) fn band(time: TimeScale, fault: &FaultSpan) -> (f64, f64) {
    let left = time.x(fault.begin_ns);
    (
        left,
        (time.x(fault.end_ns.unwrap_or(u64::MAX)) - left).max(1.5),
    )
}

/// What a fault is called where the pointer rests on it.
pub(super) fn fault_label(number: usize, fault: &FaultSpan) -> String {
    let until = fault
        .end_ns
        .map_or_else(|| "never healed".to_owned(), words::moment);
    format!(
        "{number}. {}: {}, {} to {until}",
        fault.fault,
        fault.what,
        words::moment(fault.begin_ns)
    )
}

/// The colour of a fault package; packages of tomorrow share one.
pub(super) fn fault_class(fault: &str) -> &'static str {
    match fault {
        "partition" => "f-partition",
        "kill" | "crash" => "f-kill",
        "pause" => "f-pause",
        "clock" => "f-clock",
        "slow" | "link" | "packet" => "f-slow",
        _ => "f-other",
    }
}

/// A line through points in time order, broken where more than `gap` lies between two of them.
pub(super) fn line(points: &[(u64, f64, f64)], gap_ns: u64) -> String {
    let mut path = String::new();
    let mut previous: Option<u64> = None;
    for (index, (time_ns, x, y)) in points.iter().enumerate() {
        let joined = previous.is_some_and(|at| time_ns - at <= gap_ns);
        path.push_str(&format!(
            "{}{} {}",
            if joined { "L" } else { "M" },
            place(*x),
            place(*y)
        ));
        let alone = !joined
            && points
                .get(index + 1)
                .is_none_or(|next| next.0 - time_ns > gap_ns);
        if alone {
            // A point without neighbours would be invisible as a line.
            path.push_str("h2");
        }
        previous = Some(*time_ns);
    }
    path
}
