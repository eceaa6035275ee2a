//! Replication lag: one small panel per ordered pair of regions, between its two bounds.

use maud::{Markup, html};

use super::{
    figure::{Legend, legend_list, svg},
    plot::{Panel, line},
    scale::{LogScale, TimeScale, place},
};
use crate::{
    figures::{Figures, LagFigures, LagPoint},
    words,
};

const WIDTH: f64 = 550.0;
const HEIGHT: f64 = 158.0;

/// The section; nothing where lag was not measured.
pub(super) fn lag(figures: &Figures) -> Markup {
    if figures.lag.is_empty() {
        return html! {};
    }
    let values = figures.lag.iter().flat_map(|lag| &lag.points);
    let scale = LogScale::spanning(
        values.flat_map(|point| [point.upper_max_ns, point.lower_max_ns.max(1_000_000)]),
        8.0,
        HEIGHT - 26.0,
    );
    html! {
        section {
            h2 { "Replication lag" }
            p.explanation {
                "How long a write of one region took to be readable in another one, from heartbeats, by when it was written. "
                "The greatest of each interval lies inside the shaded part: no two clocks are compared, so there are two bounds. "
                "Logarithmic axis; bands are faults that concern the pair."
            }
            (legend_list(&[Legend::line("lag-upper", "at most"), Legend::area("lag-between", "between the bounds")]))
            div.pairs {
                @for pair in &figures.lag { (panel(figures, pair, scale)) }
            }
        }
    }
}

fn panel(figures: &Figures, pair: &LagFigures, scale: LogScale) -> Markup {
    let time = TimeScale {
        end_ns: figures.duration_ns,
        left: 52.0,
        right: WIDTH - 8.0,
    };
    let panel = Panel {
        time,
        top: 8.0,
        bottom: HEIGHT - 26.0,
    };
    let gap_ns = figures.interval_ns * 3 / 2;
    let placed = |value: fn(&LagPoint) -> u64| {
        let points = pair.points.iter().map(|point| {
            let at = point.begin_ns + figures.interval_ns / 2;
            (at, time.x(at), scale.y(value(point)))
        });
        points.collect::<Vec<_>>()
    };
    let upper = placed(|point| point.upper_max_ns);
    let lower = placed(|point| point.lower_max_ns);
    let told = format!(
        "p50 at most {}, p99 at most {}, longest at most {}",
        words::latency(pair.upper.count, pair.upper.p50_ns),
        words::latency(pair.upper.count, pair.upper.p99_ns),
        words::latency(pair.upper.count, pair.upper.max_ns),
    );
    let drawing = html! {
        (panel.grid(&scale.marks()))
        (panel.bands(figures, &[&pair.from, &pair.to]))
        path.lag-between d=(between(&upper, &lower, gap_ns)) {}
        path.line.lag-upper d=(line(&upper, gap_ns)) {}
        (panel.time_axis())
    };
    html! {
        figure {
            figcaption {
                b { (pair.from) " → " (pair.to) }
                " " span.faint { (told) @if pair.unseen > 0 { ", " (words::count(pair.unseen)) " never seen" } }
            }
            (svg(&format!("Replication lag from {} to {}", pair.from, pair.to), &told, (WIDTH, HEIGHT), &drawing))
        }
    }
}

/// The area between two lines with the same times, broken where they are.
fn between(upper: &[(u64, f64, f64)], lower: &[(u64, f64, f64)], gap_ns: u64) -> String {
    assert!(
        upper.len() == lower.len(),
        "both bounds have a value at each time"
    );
    let mut path = String::new();
    let mut begin = 0;
    for end in 1..=upper.len() {
        if end < upper.len() && upper[end].0 - upper[end - 1].0 <= gap_ns {
            continue;
        }
        let there = upper[begin..end].iter();
        let back = lower[begin..end].iter().rev();
        for (index, (_, x, y)) in there.chain(back).enumerate() {
            path.push_str(&format!(
                "{}{} {}",
                if index == 0 { "M" } else { "L" },
                place(*x),
                place(*y)
            ));
        }
        path.push('z');
        begin = end;
    }
    path
}
