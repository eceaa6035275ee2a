//! The comparison for a pull request.

use super::{
    Comparison, Weight,
    figures::{noise, ratio, shown},
};
use crate::markdown::escaped;

/// The comparison as Markdown.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let labels: Vec<String> = comparison
        .runs
        .iter()
        .map(|run| escaped(&run.label))
        .collect();
    let mut out = format!("### Dateline: {}\n", labels.join(" and "));
    for note in &comparison.notes {
        out.push_str(&format!("\n> {}\n", escaped(note)));
    }
    let rule = |columns: usize| format!("|{}\n", "---|".repeat(columns));
    if comparison.differences.is_empty() {
        out.push_str("\nAsked the same.\n");
    } else {
        out.push_str(&format!(
            "\n| asked differently | {} |\n",
            labels.join(" | ")
        ));
        out.push_str(&rule(labels.len() + 1));
        for difference in &comparison.differences {
            let values: Vec<String> = difference
                .values
                .iter()
                .map(|value| escaped(value))
                .collect();
            let what = match difference.weight {
                Weight::Forbids => format!("**{}**", escaped(&difference.what)),
                Weight::MayExplain => escaped(&difference.what),
            };
            out.push_str(&format!("| {what} | {} |\n", values.join(" | ")));
        }
    }
    let is_pair = labels.len() == 2;
    let more = if is_pair {
        " ratio | noise within |"
    } else {
        ""
    };
    out.push_str(&format!(
        "\n| figure | {} |{more} in words |\n",
        labels.join(" | ")
    ));
    out.push_str(&rule(labels.len() + if is_pair { 4 } else { 2 }));
    for figure in &comparison.figures {
        let mut cells = vec![escaped(&figure.name)];
        cells.extend(
            figure.values.iter().map(|value| {
                value.map_or_else(|| "–".to_owned(), |value| shown(figure.unit, value))
            }),
        );
        if is_pair {
            cells.push(figure.ratio.map_or_else(String::new, ratio));
            cells.push(figure.within_run_noise.map_or_else(String::new, noise));
        }
        cells.push(escaped(&figure.sentence));
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    for run in &comparison.runs {
        out.push_str(&format!("\n```\n{}\n```\n", run.reproduce));
    }
    out
}
