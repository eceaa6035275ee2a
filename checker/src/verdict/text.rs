//! A verdict for people: every check on one line, and each piece of evidence as a small timeline.

use std::fmt::Write as _;

use super::{EvidenceOperation, Outcome, Verdict, Violation};
use crate::history::Header;

/// How wide the bars of a timeline are, in characters.
const BAR_WIDTH: u64 = 32;

/// Writes a verdict as text.
#[must_use]
pub fn text(verdict: &Verdict, header: &Header) -> String {
    let mut out = String::new();
    render(verdict, header, &mut out).expect("writing to a string does not fail");
    out
}

fn render(verdict: &Verdict, header: &Header, out: &mut String) -> std::fmt::Result {
    let count = |name: &str| verdict.operations.get(name).copied().unwrap_or(0);
    writeln!(
        out,
        "{}: {} operations ok, {} failed, {} of unknown outcome",
        word(verdict.outcome),
        count("ok"),
        count("fail"),
        count("info")
    )?;
    if let Some(reason) = &verdict.reason {
        writeln!(out, "  {reason}")?;
    }
    for check in &verdict.checks {
        write!(out, "  {:<8}{}", word(check.outcome), check.check)?;
        match (&check.reason, check.violation_count) {
            (Some(reason), _) => writeln!(out, ": {reason}")?,
            (None, 0) => writeln!(out)?,
            (None, 1) => writeln!(out, ": 1 violation")?,
            (None, count) => writeln!(out, ": {count} violations")?,
        }
    }
    for check in verdict.checks.iter().filter(|c| !c.violations.is_empty()) {
        writeln!(out, "\n{}: {}", check.check, check.property)?;
        for (index, violation) in check.violations.iter().enumerate() {
            writeln!(out, "\n  {}. {}", index + 1, violation.summary)?;
            timeline(violation, header, out)?;
        }
        let hidden = check
            .violation_count
            .saturating_sub(check.violations.len() as u64);
        if hidden > 0 {
            writeln!(out, "\n  and {hidden} more")?;
        }
    }
    if !verdict.measurements.is_empty() {
        writeln!(out, "\nmeasured (the contract allows these)")?;
        for (name, value) in &verdict.measurements {
            writeln!(out, "  {name:<56}{value:>14.3}")?;
        }
    }
    Ok(())
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Valid => "valid",
        Outcome::Unknown => "unknown",
        Outcome::Invalid => "INVALID",
    }
}

fn timeline(violation: &Violation, header: &Header, out: &mut String) -> std::fmt::Result {
    let Some(begin) = violation.operations.iter().map(|o| o.call_ns).min() else {
        return Ok(());
    };
    let ends = violation
        .operations
        .iter()
        .map(|o| o.return_ns.unwrap_or(o.call_ns));
    let end = ends.max().unwrap_or(begin).max(begin + 1);
    let regions = violation
        .operations
        .iter()
        .map(|o| region(header, o).len())
        .max()
        .unwrap_or(0);
    for operation in &violation.operations {
        let lines = match operation.line_complete {
            Some(complete) => format!("lines {} and {complete}", operation.line_invoke),
            None => format!("line {}", operation.line_invoke),
        };
        writeln!(
            out,
            "     {:>10} ms  {:<regions$}  {}  {}",
            milliseconds(operation.call_ns),
            region(header, operation),
            bar(operation, begin, end),
            operation.text,
        )?;
        writeln!(
            out,
            "     {:>10}     {:<regions$}  {:width$}    {} (process {}, {lines})",
            "",
            "",
            "",
            operation.role,
            operation.process,
            width = bar_width(),
        )?;
    }
    Ok(())
}

fn bar_width() -> usize {
    usize::try_from(BAR_WIDTH).expect("a bar is short") + 2
}

fn region<'h>(header: &'h Header, operation: &EvidenceOperation) -> &'h str {
    header
        .regions
        .get(usize::from(operation.region.0))
        .map_or("?", String::as_str)
}

/// Milliseconds with three digits, in whole numbers.
fn milliseconds(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000, ns / 1000 % 1000)
}

/// The operation's place between the first call and the last return: `·····[====]··`, open to the right if nobody knows its end.
fn bar(operation: &EvidenceOperation, begin: u64, end: u64) -> String {
    let place = |ns: u64| {
        let share = u128::from(ns - begin) * u128::from(BAR_WIDTH) / u128::from(end - begin);
        usize::try_from(share).expect("a share of the width")
    };
    let from = place(operation.call_ns);
    let to = place(operation.return_ns.unwrap_or(end)).max(from);
    let close = if operation.return_ns.is_some() {
        ']'
    } else {
        '?'
    };
    let mut bar = "·".repeat(from);
    bar.push('[');
    bar.push_str(&"=".repeat(to - from));
    bar.push(close);
    bar.push_str(&"·".repeat(place(end) - to));
    bar
}
