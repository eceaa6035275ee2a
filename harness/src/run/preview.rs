//! What a run would do, without doing it: `--dry-run`. For endpoints that are somebody else's, or cost money.

use std::fmt::Write as _;

use super::{FINAL_ROUNDS, Settings, WARM_UP, place::Place};
use crate::{client::control::Tables, target::Wiring};

/// What would be asked of whom, what would go wrong when, and the line that does it.
pub(crate) fn preview(settings: &Settings) -> String {
    let mut text = String::new();
    let regions = settings.topology.regions();
    let workload = settings.workload.name;
    let target = settings.place.name();
    let _ = writeln!(
        text,
        "{workload} on the target {target}, seed {}; nobody was asked anything\n",
        settings.seed
    );
    for (index, region) in regions.iter().enumerate() {
        let _ = writeln!(text, "  {region:<16} {}", whom(&settings.place, index));
    }
    let seconds = (settings.time_limit + WARM_UP).as_secs();
    let operations = settings.rate.saturating_mul(seconds);
    let _ = writeln!(
        text,
        "\n  clients          {} for each region, {seconds} s, heartbeats beside them",
        settings.concurrency
    );
    let _ = writeln!(
        text,
        "  operations       at most about {operations}, heartbeats aside"
    );
    if let Some(budget) = settings.budget {
        let _ = writeln!(
            text,
            "  budget           no new work after {budget} operations, heartbeats counted"
        );
    }
    if let Some(cost) = &settings.cost {
        let _ = writeln!(
            text,
            "  cost             at most about {:.6} US dollars: {} operations of up to {} write units each, {:.9} \
             dollars, and final reads",
            cost.total_usd(settings.budget),
            cost.operations().min(settings.budget.unwrap_or(u64::MAX)),
            cost.write_units(),
            cost.per_operation_usd(),
        );
    }
    for (name, value) in settings.tags() {
        let _ = writeln!(text, "  tag              {name}={value}");
    }
    let _ = writeln!(
        text,
        "  final reads      every key that was used, in {} regions, {FINAL_ROUNDS} times",
        regions.len()
    );
    let _ = writeln!(
        text,
        "  value bytes      {} beside what the workload writes",
        settings.value_bytes
    );
    let plan = settings.plan();
    let _ = writeln!(
        text,
        "\nfaults: {}",
        if plan.actions.is_empty() { "none" } else { "" }
    );
    for action in &plan.actions {
        let verb = format!("{:?}", action.action).to_lowercase();
        let at_s = std::time::Duration::from_millis(action.at_ms).as_secs_f64();
        let _ = writeln!(text, "  {at_s:>8.3} s  {verb:<5}  {}", action.what);
    }
    let _ = writeln!(text, "\n{}", settings.reproduce());
    text
}

fn whom(place: &Place, region: usize) -> String {
    match place {
        Place::Local {
            wiring: Wiring::Namespaces,
            ..
        } => "a replica of ours, started here in a network of its own".to_owned(),
        Place::Local { .. } => "a replica of ours, started here".to_owned(),
        Place::Endpoints {
            elsewhere, tables, ..
        } => format!(
            "{}: {}",
            elsewhere.regions[region].url(),
            what(*tables, region)
        ),
        Place::Command { template, .. } if template.start.is_empty() => {
            format!("no server; clients: {}", template.adapter.join(" "))
        }
        Place::Command { template, .. } => format!("started here: {}", template.start.join(" ")),
    }
}

/// What is done there before and after.
fn what(tables: Tables, region: usize) -> &'static str {
    match (tables, region) {
        (Tables::Single, _) | (Tables::ByItself, 0) => {
            "a table dateline-TIME-PROCESS-SEED is made there, on demand, and removed at the end"
        }
        (Tables::Version2017, _) => {
            "a table dateline-TIME-PROCESS-SEED is made there, on demand, joined to the others by CreateGlobalTable, and removed at the end"
        }
        (Tables::Version2019, 0) => {
            "a table dateline-TIME-PROCESS-SEED is made there, on demand, gets its replicas by UpdateTable, and is removed at the end"
        }
        (Tables::Version2019, _) => "a replica of that table, removed at the end",
        (Tables::ByItself, _) => "that table comes there by itself",
    }
}
