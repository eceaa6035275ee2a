//! Reading and appending the file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::Night;
use crate::run_folder::without_position;

/// What can be wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum NightsError {
    /// A line is not a night.
    #[error("{path}:{line}: {reason}; correct the line or remove it", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Which field, and what is wrong with it.
        reason: String,
    },
    /// What is to be appended is not a night.
    #[error("this night is not appended: {0}")]
    Refused(String),
    /// The file system refused.
    #[error("{path}: {source}; check the path, its permissions and free space", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// All nights of a file, in its order. A file that is not there has none.
///
/// # Errors
/// The file cannot be read, or a line is not a night.
pub fn read(path: &Path) -> Result<Vec<Night>, NightsError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(NightsError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The nights that a text holds; `path` is for messages. Empty lines are left out.
///
/// # Errors
/// A line is not a night.
pub fn parse(path: &Path, text: &str) -> Result<Vec<Night>, NightsError> {
    let mut nights = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let malformed = |reason| NightsError::Malformed {
            path: path.to_owned(),
            line: index + 1,
            reason,
        };
        let night: Night =
            serde_json::from_str(line).map_err(|error| malformed(without_position(&error)))?;
        night.check().map_err(malformed)?;
        nights.push(night);
    }
    Ok(nights)
}

/// Appends one night and syncs it. The file is locked meanwhile, so that two runs may append at once; what fails half-way is taken back.
///
/// # Errors
/// The file cannot be written, has a line that is not a night, or this is none.
pub fn append(path: &Path, night: &Night) -> Result<(), NightsError> {
    night.check().map_err(NightsError::Refused)?;
    let failed = |source| NightsError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .map_err(failed)?;
    file.lock().map_err(failed)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    // A line after a damaged one would bury the damage.
    parse(path, &text)?;
    let mut line = String::new();
    if !text.is_empty() && !text.ends_with('\n') {
        line.push('\n');
    }
    line.push_str(
        &serde_json::to_string(night).map_err(|error| NightsError::Refused(error.to_string()))?,
    );
    line.push('\n');
    write_whole(&mut file, line.as_bytes()).map_err(failed)
}

fn write_whole(file: &mut File, line: &[u8]) -> io::Result<()> {
    let before = file.seek(SeekFrom::End(0))?;
    let written = file.write_all(line).and_then(|()| file.sync_all());
    if written.is_err() {
        // Best effort: the error that matters is the one reported.
        let _ = file.set_len(before);
    }
    written
}
