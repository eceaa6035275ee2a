//! Checks, measurements, operations, errors, faults, configuration and environment as tables.

use checker::verdict::Outcome;
use maud::{Markup, html};

use crate::{figures::FaultSpan, results::Results, run_folder::FaultResult, summary, words};

/// A section that holds one table, scrolled sideways where the window is narrow.
fn section(heading: &str, explanation: &str, table: &Markup) -> Markup {
    html! {
        section {
            h2 { (heading) }
            @if !explanation.is_empty() { p.explanation { (explanation) } }
            div.scroll tabindex="0" role="group" aria-label=(heading) { (table) }
        }
    }
}

fn two_columns(rows: &[(String, String)]) -> Markup {
    html! {
        table.two { tbody {
            @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } }
        } }
    }
}

pub(super) fn checks(results: &Results) -> Markup {
    let table = html! {
        table {
            thead { tr { th scope="col" { "Check" } th scope="col" { "Outcome" } th scope="col" { "Property" } th scope="col" { "Found" } } }
            tbody {
                @for check in &results.verdict.checks {
                    tr {
                        th scope="row" { (check.check) }
                        td { (badge(check.outcome)) }
                        td { (check.property) }
                        td { (summary::finding(check)) }
                    }
                }
            }
        }
    };
    section("Checks", "", &table)
}

/// An outcome as a shape, a word and a colour.
fn badge(outcome: Outcome) -> Markup {
    let (class, mark) = match outcome {
        Outcome::Valid => ("badge valid", "✓"),
        Outcome::Unknown => ("badge unknown", "?"),
        Outcome::Invalid => ("badge invalid", "✗"),
    };
    html! { span class=(class) { (mark) " " (summary::outcome_word(outcome)) } }
}

pub(super) fn measurements(results: &Results) -> Markup {
    if results.verdict.measurements.is_empty() {
        return html! {};
    }
    let measured = results.verdict.measurements.iter();
    let rows: Vec<_> = measured
        .map(|(name, value)| words::measurement(name, *value))
        .collect();
    section(
        "Allowed, and counted",
        "What the contract of a last-writer-wins table allows. None of it is a violation.",
        &two_columns(&rows),
    )
}

pub(super) fn operations(results: &Results) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Region" } th scope="col" { "Kind" }
                @for name in ["ok", "fail", "info", "p50", "p90", "p99", "p99.9", "max"] { th.number scope="col" { (name) } }
                th scope="col" { "Errors" }
            } }
            tbody {
                @for row in &results.figures.operations {
                    @let latency = row.latency;
                    tr {
                        th scope="row" { (row.region) }
                        td { (row.kind.name()) }
                        @for count in [row.ok, row.fail, row.info] { td.number { (words::count(count)) } }
                        @for value in [latency.p50_ns, latency.p90_ns, latency.p99_ns, latency.p999_ns, latency.max_ns] {
                            td.number { (words::latency(latency.count, value)) }
                        }
                        td.errors {
                            @for (index, (code, count)) in row.errors.iter().enumerate() {
                                @if index > 0 { ", " }
                                (code) " " (words::count(*count))
                            }
                            @if row.open > 0 { @if !row.errors.is_empty() { ", " } "open at the end " (words::count(row.open)) }
                        }
                    }
                }
            }
        }
    };
    section(
        "Operations",
        "Latency of what succeeded, from request to whole answer, warm-up left out. Heartbeats measure lag; final reads are the quiescent ones that convergence is judged by.",
        &table,
    )
}

pub(super) fn faults(results: &Results) -> Markup {
    if results.figures.faults.is_empty() {
        return html! {};
    }
    let table = html! {
        table {
            thead { tr {
                th.number scope="col" { "No." } th scope="col" { "Fault" } th scope="col" { "What" } th scope="col" { "Regions" }
                th.number scope="col" { "Begun" } th.number scope="col" { "Healed" } th.number scope="col" { "Lasted" } th scope="col" { "Took hold" }
            } }
            tbody {
                @for (index, fault) in results.figures.faults.iter().enumerate() {
                    tr {
                        td.number { (index + 1) }
                        td { span class={ "swatch area " (super::plot::fault_class(&fault.fault)) } {} (fault.fault) }
                        td { (fault.what) }
                        td { (fault.regions.join(", ")) }
                        td.number { (words::moment(fault.begin_ns)) }
                        td.number { (healed(fault)) }
                        td.number { (fault.end_ns.map_or_else(String::new, |end| words::duration(end.saturating_sub(fault.begin_ns)))) }
                        td { (fault.result.name()) @if let Some(why) = &fault.why { ": " (why) } }
                    }
                }
            }
        }
    };
    section("Journal of faults", "", &table)
}

/// When a fault was healed; one that was skipped had no need to be.
fn healed(fault: &FaultSpan) -> String {
    match (fault.result, fault.end_ns) {
        (_, Some(end_ns)) => words::moment(end_ns),
        (FaultResult::Skipped, None) => "–".to_owned(),
        (FaultResult::Installed | FaultResult::Indeterminate, None) => "never".to_owned(),
    }
}

pub(super) fn configuration(results: &Results) -> Markup {
    let run = &results.run;
    let mut rows: Vec<(String, String)> = [
        ("workload", run.workload.clone()),
        ("seed", run.seed.to_string()),
        ("target", run.target.clone()),
        ("regions", run.regions.join(", ")),
        ("started", run.started.clone()),
        ("version", run.version.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    rows.extend(
        run.options
            .iter()
            .map(|(name, value)| (name.replace('_', " "), summary::option_text(value))),
    );
    let links = run.links.iter().map(|link| {
        (
            format!("{} → {}", link.from, link.to),
            format!("{} ms ± {} ms one way", link.delay_ms, link.jitter_ms),
        )
    });
    rows.extend(links);
    section("Configuration", "", &two_columns(&rows))
}

pub(super) fn environment(results: &Results) -> Markup {
    let overhead = &results.overhead;
    let mut rows: Vec<(String, String)> = results
        .environment
        .iter()
        .map(|(name, value)| (name.replace('_', " "), value.clone()))
        .collect();
    let costs = [
        (
            "CPU of the harness per operation",
            overhead.harness_cpu_us_per_operation,
            "us",
        ),
        (
            "of it CPU of its proxies",
            overhead.proxies_cpu_us_per_operation,
            "us",
        ),
        (
            "CPU of all regions per operation",
            overhead.regions_cpu_us_per_operation,
            "us",
        ),
        ("time to judge", overhead.check_ms, "ms"),
    ];
    for (name, value, unit) in costs {
        if let Some(value) = value {
            rows.push((
                name.to_owned(),
                words::measurement(&format!("x_{unit}"), value).1,
            ));
        }
    }
    if let Some(memory) = overhead.harness_memory_mib_max {
        rows.push((
            "greatest memory of the harness".to_owned(),
            format!("{memory:.0} MiB"),
        ));
    }
    if rows.is_empty() {
        html! {}
    } else {
        section("Environment and cost", "", &two_columns(&rows))
    }
}
