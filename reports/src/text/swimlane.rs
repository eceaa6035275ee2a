//! A violation as a small picture in text: one row per operation, time from left to right.
//!
//! Times are placed by rank, not to scale: what matters is which came first. The times themselves stand beside.

use checker::verdict::EvidenceOperation;

use super::style::{Style, Tone, cut, pad};
use crate::words;

/// Draws it; `region` names a region.
pub(super) fn swimlane(
    style: Style,
    operations: &[EvidenceOperation],
    region: impl Fn(&EvidenceOperation) -> String,
) -> String {
    let mut times: Vec<u64> = operations
        .iter()
        .flat_map(|op| [Some(op.call_ns), op.return_ns])
        .flatten()
        .collect();
    times.sort_unstable();
    times.dedup();
    let labels: Vec<String> = operations
        .iter()
        .map(|op| format!("{} p{}", region(op), op.process))
        .collect();
    let longest = labels
        .iter()
        .map(|label| label.chars().count())
        .max()
        .unwrap_or(0);
    let label_width = longest.min(style.columns() / 3);
    let room = style.columns().saturating_sub(label_width + 4);
    let step = (room / times.len().max(1)).clamp(1, 8);
    let column = |time: u64| times.partition_point(|t| *t < time) * step;
    let end = times.len() * step;
    let last = operations.len().saturating_sub(1);
    let mut out = String::new();
    for (index, (operation, label)) in operations.iter().zip(&labels).enumerate() {
        let from = column(operation.call_ns);
        let (to, close) = operation
            .return_ns
            .map_or((end, '?'), |at| (column(at), '|'));
        let bar = format!(
            "{}|{}{close}",
            " ".repeat(from),
            "=".repeat(to.saturating_sub(from + 1))
        );
        let tone = if index == last {
            Tone::Bad
        } else {
            Tone::Plain
        };
        let label = pad(&cut(label, label_width), label_width);
        out.push_str(&format!(
            "  {}  {}\n",
            style.paint(Tone::Faint, &label),
            style.paint(tone, &bar)
        ));
    }
    for operation in operations {
        let lines = match operation.line_complete {
            Some(complete) => format!("lines {}, {complete}", operation.line_invoke),
            None => format!("line {}, never completed", operation.line_invoke),
        };
        let role = match operation.role.as_str() {
            "" => String::new(),
            role => format!("{role}: "),
        };
        let told = format!(
            "{}  {} p{}  {role}{} ({lines})",
            words::moment(operation.call_ns),
            region(operation),
            operation.process,
            operation.text
        );
        out.push_str(&style.wrap(&told, 4).replacen("    ", "  - ", 1));
        out.push('\n');
    }
    out
}
