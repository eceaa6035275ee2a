//! Runs side by side for a terminal: what was asked differently first.

use super::{
    style::{Style, Tone, cut},
    table::table,
};
use crate::{
    compare::{ComparedFigure, Comparison, Weight, noise, ratio, shown},
    words,
};

/// Ratios nearer to one than this are not told in words.
const TOLD_FROM: f64 = 0.05;

/// The widest a label may be above a column.
const LABEL_WIDTH: usize = 20;

/// The comparison.
#[must_use]
pub fn comparison(comparison: &Comparison, style: Style) -> String {
    let mut out = String::new();
    for (run, letter) in comparison.runs.iter().zip(letters()) {
        let told = format!("{letter}  {}  {}, {}", run.label, run.workload, run.started);
        out.push_str(&style.wrap(&told, 0));
        out.push('\n');
    }
    let mut section = |name: &str, body: String| {
        let name = style.paint(Tone::Heading, name);
        out.push_str(&format!("\n{name}\n{}\n", body.trim_end()));
    };
    section("Asked differently", differences(comparison, style));
    let notes = comparison.notes.iter().map(|note| style.wrap(note, 2));
    section(
        "Before you trust the numbers",
        notes.collect::<Vec<_>>().join("\n\n"),
    );
    section("Figures", figures(comparison, style));
    section("In words", words(comparison, style));
    let again = comparison.runs.iter().zip(letters());
    let again = again.map(|(run, letter)| format!("  {letter}  {}", run.reproduce));
    section("Again", again.collect::<Vec<_>>().join("\n"));
    out
}

/// A, B, C, …
fn letters() -> impl Iterator<Item = String> {
    (1..).map(|number: u32| {
        let letter = (b'A'..=b'Z').nth(number as usize - 1);
        letter.map_or_else(
            || number.to_string(),
            |letter| char::from(letter).to_string(),
        )
    })
}

fn differences(comparison: &Comparison, style: Style) -> String {
    if comparison.differences.is_empty() {
        return "  nothing: the same options, links, faults, version and seed".to_owned();
    }
    let told = comparison.differences.iter().map(|difference| {
        let tone = match difference.weight {
            Weight::Forbids => Tone::Bad,
            Weight::MayExplain => Tone::Plain,
        };
        let values = difference.values.iter().zip(letters());
        let values = values.map(|(value, letter)| style.wrap(&format!("{letter}  {value}"), 4));
        let what = style.paint(tone, &style.wrap(&difference.what, 2));
        format!("{what}\n{}", values.collect::<Vec<_>>().join("\n"))
    });
    told.collect::<Vec<_>>().join("\n")
}

fn figures(comparison: &Comparison, style: Style) -> String {
    let is_pair = comparison.runs.len() == 2;
    let mut heading: Vec<String> = vec!["figure".into()];
    heading.extend(letters().take(comparison.runs.len()));
    if is_pair {
        heading.extend(["ratio".into(), "noise within the runs".into()]);
    }
    let rows: Vec<Vec<String>> = comparison
        .figures
        .iter()
        .map(|figure| {
            let mut cells = vec![cut(
                &figure.name,
                style.columns().saturating_sub(LABEL_WIDTH).max(24),
            )];
            cells.extend(figure.values.iter().map(|value| {
                value.map_or_else(|| "–".to_owned(), |value| shown(figure.unit, value))
            }));
            if is_pair {
                cells.push(figure.ratio.map_or_else(|| "–".to_owned(), ratio));
                cells.push(figure.within_run_noise.map_or_else(String::new, noise));
            }
            cells
        })
        .collect();
    let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
    table(style, 1, &heading, &rows)
}

fn words(comparison: &Comparison, style: Style) -> String {
    let is_told = |figure: &&ComparedFigure| match (comparison.runs.len(), figure.ratio) {
        (2, Some(ratio)) => (ratio - 1.0).abs() >= TOLD_FROM,
        (2, None) => figure
            .values
            .iter()
            .any(|value| value.is_none_or(|value| value > 0.0)),
        _ => figure.values.windows(2).any(|pair| pair[0] != pair[1]),
    };
    let told: Vec<String> = comparison
        .figures
        .iter()
        .filter(is_told)
        .map(|figure| style.wrap(&format!("- {}", figure.sentence), 2))
        .collect();
    let rest = comparison.figures.len() - told.len();
    let rest = (rest > 0).then(|| {
        let told = format!("- {} by less than 5 % or not at all", differ(rest as u64));
        style.wrap(&told, 2)
    });
    told.into_iter().chain(rest).collect::<Vec<_>>().join("\n")
}

fn differ(rest: u64) -> String {
    format!("{} differ", words::counted(rest, "other figure"))
}
