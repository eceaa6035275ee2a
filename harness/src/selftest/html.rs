//! The matrix for a browser: one row for each defect, one column for each check, in one file that needs nothing else.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    Matrix, Row,
    matrix::DefectLine,
    show::{in_words, seconds, summary},
};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1a1a1a;background:#fff}\
table{border-collapse:collapse}th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:center;vertical-align:top}\
th[scope=row]{text-align:left;font-weight:600}.hit{background:#cdeccd;font-weight:600}.missed{background:#f6c9c4;font-weight:600}\
.also{background:#eef5ee}code{white-space:pre-wrap}\
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}th,td{border-color:#444}.hit{background:#1f5a2a}\
.missed{background:#7a2a22}.also{background:#213324}}";

/// The whole page.
pub(crate) fn page(matrix: &Matrix) -> String {
    let checks: BTreeSet<&str> = matrix
        .defects
        .iter()
        .flat_map(|line| {
            line.checks
                .keys()
                .map(String::as_str)
                .chain(line.meant.iter().map(String::as_str))
        })
        .collect();
    let mut text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Dateline selftest</title><style>{STYLE}</style>\
         <h1>Selftest of {}</h1><p>{}</p><p>Each cell: runs in which the check found something, and the earliest moment at which its \
         evidence was complete. Green: a check that is meant to catch the defect did. Red: no meant check did.</p><table><tr><th>defect</th>",
        escaped(&matrix.version),
        escaped(&summary(matrix))
    );
    for check in &checks {
        let _ = write!(text, "<th scope=\"col\">{}</th>", escaped(check));
    }
    text.push_str("</tr>");
    for line in &matrix.defects {
        let _ = write!(text, "<tr><th scope=\"row\">{}</th>", escaped(&line.defect));
        checks
            .iter()
            .for_each(|check| text.push_str(&cell(line, check)));
        text.push_str("</tr>");
    }
    text.push_str("</table>");
    for (what, rows) in [
        ("Missed by every check that was meant", &matrix.missed),
        ("False alarms", &matrix.false_alarms),
        ("Not run", &matrix.failed),
    ] {
        list(&mut text, what, rows);
    }
    text.push_str("</html>\n");
    text
}

fn cell(line: &DefectLine, check: &str) -> String {
    let runs = line.runs;
    let is_meant = line.meant.iter().any(|meant| meant == check);
    match (line.checks.get(check), is_meant) {
        (None, false) => "<td></td>".to_owned(),
        (None, true) if line.is_caught() => format!("<td>0/{runs}</td>"),
        (None, true) => format!("<td class=\"missed\">0/{runs}</td>"),
        (Some(cell), is_meant) => {
            let class = if is_meant { "hit" } else { "also" };
            let first = cell
                .first_ms
                .map_or_else(String::new, |ms| format!("<br>{}", seconds(ms)));
            format!("<td class=\"{class}\">{}/{runs}{first}</td>", cell.runs)
        }
    }
}

fn list(text: &mut String, what: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    let _ = write!(text, "<h2>{what}</h2><ul>");
    for row in rows {
        let _ = write!(
            text,
            "<li>{}<br><code>{}</code></li>",
            escaped(&in_words(row)),
            escaped(&row.reproduce)
        );
    }
    text.push_str("</ul>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
