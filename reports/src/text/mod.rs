//! The summary for a terminal: the verdict first, then what it rests on, then the numbers, then where to look and how to repeat it.
//!
//! Pure: width and colour are arguments. Progress while a run goes on is the harness's.

pub mod compare;
pub mod gate;
pub mod load;
pub mod nights;
pub mod suite;

mod style;
mod swimlane;
mod table;

use checker::verdict::{CheckResult, Outcome, Violation};

pub use style::{Colour, Style};
use style::{Tone, cut, pad};
use table::table;

use crate::{
    results::{Ending, Results},
    run_folder::FaultResult,
    summary::{self, Summary},
    words,
};

/// Violations shown per check; the report and `results.json` have more.
const VIOLATIONS_SHOWN: usize = 2;

/// The summary. `report` is where the HTML report lies, as the reader can open it; `None` if it was not written.
#[must_use]
pub fn summary(results: &Results, report: Option<&str>, style: Style) -> String {
    let said = Summary::of(results);
    let tone = match said.ending {
        Ending::Valid => Tone::Good,
        Ending::Invalid => Tone::Bad,
        Ending::Unknown | Ending::HarnessFailure => Tone::Doubtful,
    };
    let title = title(results);
    let between = if said.word.len() + 2 + title.chars().count() <= style.columns() {
        "  "
    } else {
        "\n"
    };
    let title = style.wrap(&title, 0);
    let sentence = style.wrap(&said.sentence, 0);
    let mut out = format!(
        "{}{between}{title}\n{sentence}\n",
        style.paint(tone, said.word)
    );
    let mut section = |name: &str, body: String| {
        if !body.is_empty() {
            out.push_str(&format!(
                "\n{}\n{}\n",
                style.paint(Tone::Heading, &style.wrap(name, 0)),
                body.trim_end()
            ));
        }
    };
    section("Checks", checks(results, style));
    for check in results
        .verdict
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Invalid)
    {
        for (index, violation) in check.violations.iter().take(VIOLATIONS_SHOWN).enumerate() {
            let heading = violation_heading(check, violation, index);
            section(&heading, evidence(results, violation, style));
        }
    }
    section(
        "Allowed by the contract, and counted",
        measurements(results, style),
    );
    section("Operations", operations(results, style));
    section("Errors", errors(results, style));
    section("Replication lag, at most", lag(results, style));
    section("Faults", faults(results, style));
    section("Warnings", warnings(results, style));
    section("See also", see_also(results, report));
    out
}

fn title(results: &Results) -> String {
    let run = &results.run;
    let regions = words::counted(run.regions.len() as u64, "region");
    format!(
        "{}, seed {}, {regions}, {}",
        run.workload,
        run.seed,
        words::duration(results.figures.duration_ns)
    )
}

fn checks(results: &Results, style: Style) -> String {
    let checks = &results.verdict.checks;
    let width = checks
        .iter()
        .map(|check| check.check.chars().count())
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for check in checks {
        let (mark, tone) = match check.outcome {
            Outcome::Valid => ("✓", Tone::Good),
            Outcome::Unknown => ("?", Tone::Doubtful),
            Outcome::Invalid => ("✗", Tone::Bad),
        };
        let line = format!(
            "{}  {}",
            pad(&check.check, width),
            summary::outcome_word(check.outcome)
        );
        out.push_str(&format!("  {} {line}", style.paint(tone, mark)));
        let finding = summary::finding(check);
        let used = 4 + line.chars().count();
        if finding.is_empty() {
            out.push('\n');
        } else if used + 2 + finding.chars().count() <= style.columns() {
            out.push_str(&format!(": {finding}\n"));
        } else {
            out.push_str(&format!(":\n{}\n", style.wrap(&finding, 6)));
        }
    }
    out
}

/// What names a piece of evidence: check, number, item.
fn violation_heading(check: &CheckResult, violation: &Violation, index: usize) -> String {
    let number = index + 1;
    let of = words::count(check.violation_count);
    let key = violation
        .key
        .map_or_else(String::new, |key| format!(", key {}", key.0));
    format!("Evidence against {} ({number} of {of}){key}", check.check)
}

fn evidence(results: &Results, violation: &Violation, style: Style) -> String {
    let region = |operation: &checker::verdict::EvidenceOperation| {
        let names = &results.run.regions;
        let known = names.get(usize::from(operation.region.0));
        known
            .cloned()
            .unwrap_or_else(|| format!("region {}", operation.region.0))
    };
    let told = style.wrap(&violation.summary, 2);
    format!(
        "{told}\n\n{}",
        swimlane::swimlane(style, &violation.operations, region)
    )
}

fn measurements(results: &Results, style: Style) -> String {
    let measured = results.verdict.measurements.iter();
    let shown: Vec<_> = measured
        .map(|(name, value)| words::measurement(name, *value))
        .collect();
    let longest = shown
        .iter()
        .map(|(label, _)| label.chars().count())
        .max()
        .unwrap_or(0);
    let width = longest.min(style.columns().saturating_sub(14));
    let line = |(label, value): &(String, String)| {
        format!("  {}  {value}\n", pad(&cut(label, width), width))
    };
    shown.iter().map(line).collect()
}

fn operations(results: &Results, style: Style) -> String {
    let rows: Vec<Vec<String>> = results
        .figures
        .operations
        .iter()
        .map(|row| {
            let latency = |ns| words::latency(row.latency.count, ns);
            vec![
                row.region.clone(),
                row.kind.name().to_owned(),
                words::count(row.ok),
                words::count(row.fail),
                words::count(row.info),
                latency(row.latency.p50_ns),
                latency(row.latency.p99_ns),
                latency(row.latency.max_ns),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "  none".to_owned();
    }
    table(
        style,
        2,
        &["region", "kind", "ok", "fail", "info", "p50", "p99", "max"],
        &rows,
    )
}

fn errors(results: &Results, style: Style) -> String {
    let rows: Vec<Vec<String>> = results
        .figures
        .operations
        .iter()
        .flat_map(|row| {
            row.errors
                .iter()
                .map(move |(code, count)| (row, code, count))
        })
        .map(|(row, code, count)| {
            vec![
                words::count(*count),
                row.region.clone(),
                row.kind.name().to_owned(),
                code.clone(),
            ]
        })
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        table(style, 4, &["count", "region", "kind", "error"], &rows)
    }
}

fn lag(results: &Results, style: Style) -> String {
    let rows: Vec<Vec<String>> = results
        .figures
        .lag
        .iter()
        .map(|lag| {
            let upper = |ns| words::latency(lag.upper.count, ns);
            vec![
                format!("{} → {}", lag.from, lag.to),
                upper(lag.upper.p50_ns),
                upper(lag.upper.p99_ns),
                upper(lag.upper.max_ns),
                words::count(lag.unseen),
            ]
        })
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        table(
            style,
            1,
            &["link", "p50", "p99", "max", "never seen"],
            &rows,
        )
    }
}

fn faults(results: &Results, style: Style) -> String {
    let mut out = String::new();
    for fault in &results.figures.faults {
        let lasted = match (fault.result, fault.end_ns) {
            (FaultResult::Skipped, _) => String::new(),
            (FaultResult::Installed | FaultResult::Indeterminate, Some(end_ns)) => {
                format!(
                    ", {}",
                    words::duration(end_ns.saturating_sub(fault.begin_ns))
                )
            }
            (FaultResult::Installed | FaultResult::Indeterminate, None) => {
                ", never healed".to_owned()
            }
        };
        let why = fault
            .why
            .as_ref()
            .map_or_else(String::new, |why| format!(" ({why})"));
        let told = format!(
            "{}  {}: {}{lasted}, {}{why}",
            words::moment(fault.begin_ns),
            fault.fault,
            fault.what,
            fault.result.name(),
        );
        out.push_str(&style.wrap(&told, 4).replacen("    ", "  ", 1));
        out.push('\n');
    }
    out
}

fn warnings(results: &Results, style: Style) -> String {
    let told = results
        .warnings
        .iter()
        .map(|warning| style.wrap(&format!("- {warning}"), 2));
    told.collect::<Vec<_>>().join("\n")
}

fn see_also(results: &Results, report: Option<&str>) -> String {
    let report = report.map_or_else(String::new, |report| format!("  report  {report}\n"));
    format!("{report}  again   {}\n", results.run.reproduce)
}
