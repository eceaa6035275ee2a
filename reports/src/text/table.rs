//! Tables that fit: columns are as wide as their content, the last ones are left out where the terminal is too narrow.

use super::style::{Style, Tone, pad};

/// Right-aligned columns after left-aligned ones, two spaces apart, two before the first.
pub(super) fn table(
    style: Style,
    left_columns: usize,
    heading: &[&str],
    rows: &[Vec<String>],
) -> String {
    let mut widths: Vec<usize> = heading.iter().map(|text| text.chars().count()).collect();
    for row in rows {
        assert!(
            row.len() == heading.len(),
            "a row has as many cells as the heading"
        );
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut used = 0;
    let shown = widths.iter().take_while(|width| {
        used += *width + 2;
        used <= style.columns()
    });
    let shown = shown.count().max(1);
    let line = |cells: Vec<&str>| {
        let mut out = String::new();
        for (column, cell) in cells.iter().take(shown).enumerate() {
            let width = widths[column];
            out.push_str("  ");
            if column < left_columns {
                out.push_str(&pad(cell, width));
            } else {
                out.push_str(&" ".repeat(width - cell.chars().count()));
                out.push_str(cell);
            }
        }
        out.trim_end().to_owned()
    };
    let mut out = style.paint(Tone::Faint, &line(heading.to_vec()));
    for row in rows {
        out.push('\n');
        out.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    if shown < heading.len() {
        let hidden = heading[shown..].join(", ");
        let note = format!("(left out, the terminal is too narrow: {hidden})");
        out.push('\n');
        out.push_str(&style.paint(Tone::Faint, &style.wrap(&note, 2)));
    }
    out
}
