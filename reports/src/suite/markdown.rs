//! The suite for a pull request: what somebody has to look at, then how many of each.

use super::SuiteResult;
use crate::{markdown::escaped, words};

/// The summary. `page` is a link to the HTML page, if there is one.
#[must_use]
pub fn markdown(suite: &SuiteResult, page: Option<&str>) -> String {
    let mut out = format!(
        "### Dateline suite {}: {}\n\n{}, {} of runs, started {}.\n",
        escaped(&suite.name),
        suite.word(),
        suite.tally(),
        words::duration(suite.duration_ms().saturating_mul(1_000_000)),
        escaped(&suite.started),
    );
    let troubles = suite.troubles();
    if !troubles.is_empty() {
        out.push_str("\n| outcome | cell | what | run |\n|---|---|---|---|\n");
    }
    for cell in &troubles {
        let folder = cell
            .folder
            .as_ref()
            .map_or_else(String::new, |folder| escaped(folder));
        out.push_str(&format!(
            "| **{}** | {} | {} | {folder} |\n",
            cell.outcome.word(),
            escaped(&cell.id.told()),
            escaped(&cell.told)
        ));
    }
    for cell in &troubles {
        out.push_str(&format!("\n```\n{}\n```\n", cell.reproduce));
    }
    if let Some(page) = page {
        out.push_str(&format!("\n[The whole suite]({page})\n"));
    }
    out.push_str(&format!(
        "\nAll of it again:\n\n```\n{}\n```\n",
        suite.reproduce
    ));
    out
}
