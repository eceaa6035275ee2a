//! `dateline merge` of verdicts: what `dateline check --share I/N --json` said of each part of a history.

use std::path::{Path, PathBuf};

use checker::{history::Header, verdict};
use reports::verdict_shares::{VerdictShare, join};

use super::Form;
use crate::exit::{Ending, Failure};

/// Joins them and says the verdict of the whole.
pub(super) fn run(files: &[PathBuf], form: Form) -> Result<Ending, Failure> {
    let mut parts = Vec::new();
    for file in files {
        parts.extend(read(file)?);
    }
    let whole = join(&parts).map_err(Failure::usage)?;
    let header = Header {
        regions: parts
            .first()
            .map_or_else(Vec::new, |part| part.regions.clone()),
        ..Header::default()
    };
    match form {
        Form::Text => print!("{}", verdict::text(&whole, &header)),
        Form::Json => println!("{}", super::json(&whole)),
        Form::Quiet => {}
    }
    Ok(match whole.outcome {
        verdict::Outcome::Valid => Ending::Valid,
        verdict::Outcome::Unknown => Ending::Unknown,
        verdict::Outcome::Invalid => Ending::Invalid,
    })
}

/// The verdicts in a file, one a line.
fn read(file: &Path) -> Result<Vec<VerdictShare>, Failure> {
    let told = |what: String| Failure::Usage(format!("{}: {what}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| told(error.to_string()))?;
    let mut parts = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let part: VerdictShare = serde_json::from_str(line).map_err(|error| {
            told(format!(
                "line {number} is no verdict of a part ({error}); `dateline check --share I/N --json` writes them"
            ))
        })?;
        if part.schema != VerdictShare::SCHEMA {
            return Err(told(format!(
                "line {number}: field `schema` is `{}`, this version reads `{}`; use the version of Dateline that wrote it",
                part.schema,
                VerdictShare::SCHEMA
            )));
        }
        parts.push(part);
    }
    Ok(parts)
}
