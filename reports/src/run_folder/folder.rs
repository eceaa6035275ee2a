//! A run folder on disk, finished or not.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{FolderError, Moment, Run};
use crate::{
    load_summary::{
        LoadSummary,
        series::{self, Second},
    },
    results::Results,
};

/// A folder that a run has left, or is still writing.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

/// What `timeline.jsonl` holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// The moments, in the order of the file.
    pub moments: Vec<Moment>,
    /// Number of the last line, if it was cut off in mid-write and left out.
    pub cut_line: Option<usize>,
}

impl RunFolder {
    /// The folder at `path`. Nothing is read yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `history.jsonl`, or its compressed twin where only that is there.
    #[must_use]
    pub fn history_path(&self) -> PathBuf {
        let plain = self.path.join("history.jsonl");
        let compressed = self.path.join("history.jsonl.gz");
        if !plain.exists() && compressed.exists() {
            compressed
        } else {
            plain
        }
    }

    /// `report.html`.
    #[must_use]
    pub fn report_path(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// The file is missing, unreadable, malformed or of another version.
    pub fn run(&self) -> Result<Run, FolderError> {
        let path = self.path.join("run.json");
        let advice = "is this a run folder? `dateline list runs` names those that are";
        let text = read(&path, advice)?;
        json(&path, &text, Run::SCHEMA)
    }

    /// Reads `results.json`; `None` if the run has not come so far.
    ///
    /// # Errors
    /// The file is unreadable, malformed or of another version.
    pub fn results(&self) -> Result<Option<Results>, FolderError> {
        let path = self.path.join("results.json");
        if !path.exists() {
            return Ok(None);
        }
        let text = read(&path, "")?;
        json(&path, &text, Results::SCHEMA).map(Some)
    }

    /// Reads `summary.json` of a load; `None` if there is none.
    ///
    /// # Errors
    /// The file is unreadable, malformed, contradicts itself or is of another version.
    pub fn load_summary(&self) -> Result<Option<LoadSummary>, FolderError> {
        let path = self.path.join("summary.json");
        if !path.exists() {
            return Ok(None);
        }
        let summary: LoadSummary = read_json(&path, LoadSummary::SCHEMA)?;
        match summary.check() {
            Ok(()) => Ok(Some(summary)),
            Err(reason) => Err(FolderError::Malformed {
                path,
                line: 1,
                reason,
                advice: "restore the file, or run again with the `reproduce` line of run.json",
            }),
        }
    }

    /// Reads `series.csv` of a load; empty if there is none.
    ///
    /// # Errors
    /// The file is unreadable or malformed.
    pub fn seconds(&self) -> Result<Vec<Second>, FolderError> {
        let path = self.path.join("series.csv");
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = read(&path, "")?;
        series::read(&text).map_err(|error| FolderError::Malformed {
            path,
            line: error.line,
            reason: error.reason,
            advice: "each line is one second as in docs/run-folder.md; restore the file or remove it",
        })
    }

    /// Reads `timeline.jsonl`. A run that was killed may have cut its last line: it is left out, and its number kept. A missing file is
    /// an empty timeline.
    ///
    /// # Errors
    /// The file is unreadable, or a line other than a cut last one is malformed.
    pub fn timeline(&self) -> Result<Timeline, FolderError> {
        let path = self.path.join("timeline.jsonl");
        let text = match read(&path, "") {
            Ok(text) => text,
            Err(FolderError::Missing { .. }) => return Ok(Timeline::default()),
            Err(error) => return Err(error),
        };
        let mut timeline = Timeline::default();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            match serde_json::from_str(line) {
                Ok(moment) => timeline.moments.push(moment),
                Err(_) if !line.ends_with('\n') => timeline.cut_line = Some(index + 1),
                Err(error) => {
                    return Err(FolderError::Malformed {
                        path,
                        line: index + 1,
                        reason: without_position(&error),
                        advice: "each line is one moment as in docs/run-folder.md; restore the file or remove the line",
                    });
                }
            }
        }
        Ok(timeline)
    }

    /// What an unfinished run has not left, in words for a person; empty if everything is there.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let told = [
            (
                "run.json",
                "it is not known what was asked for; this may not be a run folder",
            ),
            ("timeline.jsonl", "phases and faults are not known"),
            (
                "results.json",
                "the run ended before it was judged; `dateline check` judges its history",
            ),
            ("report.html", "`dateline report` writes it"),
        ];
        let mut missing: Vec<String> = told
            .into_iter()
            .filter(|(name, _)| !self.path.join(name).exists())
            .map(|(name, meaning)| format!("{name} is missing: {meaning}"))
            .collect();
        let history = self.history_path();
        if !history.exists() {
            missing.push("history.jsonl is missing: no operation was recorded".to_owned());
        }
        missing
    }
}

fn read(path: &Path, advice: &'static str) -> Result<String, FolderError> {
    let bytes = fs::read(path).map_err(|source| {
        let path = path.to_owned();
        if source.kind() == ErrorKind::NotFound {
            FolderError::Missing { path, advice }
        } else {
            FolderError::Read { path, source }
        }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        FolderError::Malformed {
            path: path.to_owned(),
            line: valid.split(|byte| *byte == b'\n').count(),
            reason: "it is not UTF-8 from here on".to_owned(),
            advice: "the file is damaged: restore it, or run again with the `reproduce` line of run.json",
        }
    })
}

/// Reads a JSON file of one schema, the version first.
///
/// # Errors
/// The file is missing, unreadable, malformed or of another version.
pub fn read_json<T: DeserializeOwned>(path: &Path, schema: &'static str) -> Result<T, FolderError> {
    let text = read(path, "check the path")?;
    json(path, &text, schema)
}

fn json<T: DeserializeOwned>(
    path: &Path,
    text: &str,
    schema: &'static str,
) -> Result<T, FolderError> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        schema: String,
    }
    let malformed = |error: serde_json::Error| FolderError::Malformed {
        path: path.to_owned(),
        line: error.line().max(1),
        reason: without_position(&error),
        advice: "docs/run-folder.md names the fields; restore the file or run again",
    };
    // The version first: a file of another version fails for that reason, not for a field that it lacks.
    let Versioned { schema: found } = serde_json::from_str(text).map_err(malformed)?;
    if found != schema {
        return Err(FolderError::Schema {
            path: path.to_owned(),
            found,
            known: schema,
        });
    }
    serde_json::from_str(text).map_err(malformed)
}

/// The message without `at line 1 column 7`: the line is told before it, and counted in the file rather than in the string.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ")
        .map_or_else(|| text.clone(), |at| text[..at].to_owned())
}

#[cfg(test)]
mod tests;
