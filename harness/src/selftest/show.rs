//! The matrix for people: one line for each defect, then what went wrong with the line that repeats it.

use std::fmt::Write as _;

use super::{
    Found, Matrix, Row,
    matrix::{Cell, DefectLine},
};

/// The whole text.
pub(crate) fn table(matrix: &Matrix) -> String {
    let mut text = String::new();
    let name_width = width(matrix.defects.iter().map(|line| line.defect.as_str()));
    let meant: Vec<String> = matrix
        .defects
        .iter()
        .map(|line| line.meant.join("|"))
        .collect();
    let check_width = width(meant.iter().map(String::as_str)).max("meant checks".len());
    let _ = writeln!(
        text,
        "{:<name_width$}  {:<check_width$}  {:>8}  {:>8}  found by",
        "defect", "meant checks", "caught", "first"
    );
    for (line, meant) in matrix.defects.iter().zip(&meant) {
        let _ = writeln!(
            text,
            "{:<name_width$}  {:<check_width$}  {:>8}  {:>8}  {}",
            line.defect,
            meant,
            caught(line),
            line.first_ms().map_or_else(|| "-".to_owned(), seconds),
            found_by(line)
        );
    }
    let _ = writeln!(text, "\n{}", summary(matrix));
    for (what, rows) in [
        ("missed", &matrix.missed),
        ("false alarm", &matrix.false_alarms),
        ("not run", &matrix.failed),
    ] {
        for row in rows {
            let _ = writeln!(
                text,
                "\n{what}: {}\n  evidence: {}\n  repeat:   {}",
                in_words(row),
                row.folder,
                row.reproduce
            );
        }
    }
    text
}

/// The whole in one sentence.
pub(super) fn summary(matrix: &Matrix) -> String {
    let false_alarms = matrix.false_alarms.len();
    let caught = matrix.defects.iter().filter(|line| line.is_caught());
    format!(
        "{} of {} defects caught; {} clean runs, {false_alarms} false {}; {} runs could not be made",
        caught.count(),
        matrix.defects.len(),
        matrix.clean_runs,
        if false_alarms == 1 { "alarm" } else { "alarms" },
        matrix.failed.len()
    )
}

/// A line for each run as it ends.
pub(crate) fn in_words(row: &Row) -> String {
    let what = match &row.trial.defect {
        Some(defect) => format!("{defect} seed {}", row.trial.seed),
        None => format!(
            "clean under {} seed {}",
            row.trial.faults.join(","),
            row.trial.seed
        ),
    };
    match &row.found {
        Found::Failed { why } => format!("{what}: {why}"),
        Found::Judged {
            outcome,
            violations,
        } => {
            let word = reports::summary::outcome_word(*outcome);
            let by: Vec<&str> = violations.keys().map(String::as_str).collect();
            match by.as_slice() {
                [] => format!("{what}: {word}"),
                by => format!("{what}: {word} by {}", by.join(", ")),
            }
        }
    }
}

fn caught(line: &DefectLine) -> String {
    match line.runs {
        0 => "not run".to_owned(),
        runs => format!("{}/{runs}", line.caught),
    }
}

fn found_by(line: &DefectLine) -> String {
    let cell = |(check, cell): (&String, &Cell)| match cell.first_ms {
        Some(first) => format!("{check} {}x {}", cell.runs, seconds(first)),
        None => format!("{check} {}x", cell.runs),
    };
    let cells: Vec<String> = line.checks.iter().map(cell).collect();
    if cells.is_empty() {
        return "nothing".to_owned();
    }
    cells.join(", ")
}

pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

fn width<'a>(words: impl Iterator<Item = &'a str>) -> usize {
    words.map(str::len).max().unwrap_or(0).max(12)
}
