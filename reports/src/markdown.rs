//! A short summary for a pull request or a chat: the verdict, what was found, the line that repeats it.

use checker::verdict::Outcome;

use crate::{
    results::Results,
    summary::{self, Summary},
    words,
};

/// Violations told per check.
const VIOLATIONS_SHOWN: usize = 2;

/// The summary. `report` is a link to the HTML report, if there is one.
#[must_use]
pub fn summary(results: &Results, report: Option<&str>) -> String {
    let said = Summary::of(results);
    let mut out = format!(
        "### Dateline: {}\n\n{}.\n\n",
        said.word,
        escaped(&said.sentence)
    );
    for (name, value) in &said.facts {
        out.push_str(&format!("- **{name}** {}\n", escaped(value)));
    }
    out.push_str("\n| check | outcome | found |\n|---|---|---|\n");
    for check in &results.verdict.checks {
        let outcome = match check.outcome {
            Outcome::Valid => "valid".to_owned(),
            Outcome::Unknown | Outcome::Invalid => {
                format!("**{}**", summary::outcome_word(check.outcome))
            }
        };
        let found = escaped(&summary::finding(check));
        out.push_str(&format!(
            "| {} | {outcome} | {found} |\n",
            escaped(&check.check)
        ));
    }
    for check in &results.verdict.checks {
        for violation in check.violations.iter().take(VIOLATIONS_SHOWN) {
            out.push_str(&format!(
                "\n**{}**: {}\n\n",
                escaped(&check.check),
                escaped(&violation.summary)
            ));
            for operation in &violation.operations {
                let at = words::moment(operation.call_ns);
                let told = escaped(&operation.text);
                out.push_str(&format!(
                    "- {at}, process {}: {told} ({}), line {}\n",
                    operation.process,
                    escaped(&operation.role),
                    operation.line_invoke
                ));
            }
        }
    }
    for warning in &results.warnings {
        out.push_str(&format!("\n> {}\n", escaped(warning)));
    }
    if let Some(report) = report {
        out.push_str(&format!("\n[The whole report]({report})\n"));
    }
    out.push_str(&format!("\n```\n{}\n```\n", results.run.reproduce));
    out
}

/// Text that Markdown shows as it is, on one line.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\n' | '\r' => out.push(' '),
            '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}
