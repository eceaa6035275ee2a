//! `report.html`: one page that needs nothing else, no network and no script.
//!
//! Verdict first, then the evidence enlarged, the whole run on one axis, the plots, the tables. Drawings are SVG of our own, coloured by
//! the page's style sheet, so that they follow light and dark. Colours are those of Okabe and Ito, which colour-blind readers tell apart,
//! and nothing is said by colour alone.

mod evidence;
mod figure;
mod lag;
mod plot;
mod scale;
mod series;

pub mod suite;

mod tables;
mod timeline;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    figures::Sample,
    results::{Ending, Results},
    summary::Summary,
};

const STYLE: &str = include_str!("style.css");

/// The page. `sample` holds the operations to draw, from [`Survey`](crate::figures::Survey).
#[must_use]
pub fn report(results: &Results, sample: &Sample) -> String {
    let said = Summary::of(results);
    let title = format!(
        "{} · {} · seed {}",
        said.word, results.run.workload, results.run.seed
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (verdict(results, &said))
                main {
                    (warnings(results))
                    (evidence::evidence(results))
                    (timeline::timeline(results, sample))
                    (series::latency(&results.figures))
                    (series::throughput(&results.figures))
                    (lag::lag(&results.figures))
                    (tables::checks(results))
                    (tables::measurements(results))
                    (tables::operations(results))
                    (tables::faults(results))
                    (tables::configuration(results))
                    (tables::environment(results))
                }
                footer { "Dateline " (results.run.version) " · " (results.schema) " · started " (results.run.started) }
            }
        }
    };
    page.into_string()
}

fn verdict(results: &Results, said: &Summary) -> Markup {
    let (class, mark) = match said.ending {
        Ending::Valid => ("valid", "✓"),
        Ending::Unknown => ("unknown", "?"),
        Ending::HarnessFailure => ("failure", "!"),
        Ending::Invalid => ("invalid", "✗"),
    };
    html! {
        header class=(class) {
            div.inside {
                p.product { "Dateline report" }
                h1 { span.mark-shape aria-hidden="true" { (mark) } " " (said.word) }
                p.sentence { (said.sentence) }
                dl.facts {
                    @for (name, value) in &said.facts { div { dt { (name) } dd { (value) } } }
                }
                p.again { span { "Run it again" } code { (results.run.reproduce) } }
            }
        }
    }
}

fn warnings(results: &Results) -> Markup {
    html! {
        @if !results.warnings.is_empty() {
            section.warnings {
                h2 { "Before you trust the numbers" }
                ul { @for warning in &results.warnings { li { (warning) } } }
            }
        }
    }
}
