//! `suite.html`: one page for a night, in the style of `report.html`. What somebody has to look at comes first, with the line that repeats it.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::STYLE;
use crate::{
    suite::{Cell, CellOutcome, SuiteResult},
    words,
};

/// The page. Links to run folders are relative to where the page lies.
#[must_use]
pub fn page(suite: &SuiteResult) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (suite.word()) " · " (suite.name) " · " (suite.started) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (verdict(suite))
                main {
                    (troubles(suite))
                    @for (workload, cells) in by_workload(suite) { (matrix(workload, &cells)) }
                }
                footer { "Dateline " (suite.version) " · " (suite.schema) " · started " (suite.started) }
            }
        }
    };
    page.into_string()
}

fn look(outcome: CellOutcome) -> (&'static str, &'static str) {
    match outcome {
        CellOutcome::Valid | CellOutcome::GatePassed => ("valid", "✓"),
        CellOutcome::GateCannotTell | CellOutcome::Unknown | CellOutcome::NotRun => {
            ("unknown", "?")
        }
        CellOutcome::HarnessFailure => ("failure", "!"),
        CellOutcome::GoalMissed | CellOutcome::GateFailed | CellOutcome::Invalid => {
            ("invalid", "✗")
        }
    }
}

fn verdict(suite: &SuiteResult) -> Markup {
    let (class, mark) = look(suite.worst());
    html! {
        header class=(class) {
            div.inside {
                p.product { "Dateline suite" }
                h1 { span.mark-shape aria-hidden="true" { (mark) } " " (suite.word()) }
                p.sentence { (suite.name) ": " (suite.tally()) "." }
                dl.facts {
                    div { dt { "cells" } dd { (suite.cells.len()) } }
                    div { dt { "time in runs" } dd { (took(suite.duration_ms())) } }
                    div { dt { "started" } dd { (suite.started) } }
                }
                p.again { span { "Run it again" } code { (suite.again()) } }
            }
        }
    }
}

fn took(duration_ms: u64) -> String {
    words::duration(duration_ms.saturating_mul(1_000_000))
}

fn badge(outcome: CellOutcome) -> Markup {
    let (class, mark) = look(outcome);
    html! { span class={ "badge " (class) } { (mark) " " (outcome.word()) } }
}

fn troubles(suite: &SuiteResult) -> Markup {
    let troubles = suite.troubles();
    html! {
        @if !troubles.is_empty() {
            section {
                h2 { "To look at" }
                @for cell in troubles {
                    div.violation-card {
                        p.kicker { (badge(cell.outcome)) " " (cell.id.told()) }
                        p.finding { (cell.told) }
                        p.again { span { "Run it again" } code { (cell.reproduce) } }
                        (folder(cell))
                    }
                }
            }
        }
    }
}

fn folder(cell: &Cell) -> Markup {
    html! {
        @if let Some(folder) = &cell.folder {
            p.note { a href={ (folder) "/report.html" } { "report" } " in " code { (folder) } }
        }
    }
}

fn by_workload(suite: &SuiteResult) -> BTreeMap<&str, Vec<&Cell>> {
    let mut workloads: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
    for cell in &suite.cells {
        workloads.entry(&cell.id.workload).or_default().push(cell);
    }
    workloads
}

fn matrix(workload: &str, cells: &[&Cell]) -> Markup {
    html! {
        section {
            h2 { (workload) }
            div.scroll {
                table {
                    thead { tr { th { "faults" } th { "seed" } th { "target" } th { "version" } th { "outcome" } th { "took" } th { "run" } } }
                    tbody {
                        @for cell in cells {
                            tr {
                                th { (cell.id.faults_told()) }
                                td { (cell.id.seed) }
                                td { (cell.id.target) }
                                td { (cell.id.version) }
                                td { (badge(cell.outcome)) }
                                td.number { (took(cell.duration_ms)) }
                                td { (folder(cell)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
