//! What can be wrong with a run folder.

use std::path::PathBuf;

/// Why a run folder could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The file is not there.
    #[error("{path}: no such file; {advice}", path = path.display())]
    Missing {
        /// The file looked for.
        path: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// The file system refused to read.
    #[error("{path}: cannot be read: {source}; check the path and its permissions", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file system refused to write.
    #[error("{path}: cannot be written: {source}; check free space, permissions and that the folder exists", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The content is not what the schema says.
    #[error("{path}:{line}: {reason}; {advice}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Which field, and what was wrong.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// Another version of Dateline wrote it, and this one cannot read it.
    #[error("{path}: field `schema` is `{found}`, this version reads `{known}`; use the version of Dateline that wrote the run (run.json names it in `version`)", path = path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What this version reads.
        known: &'static str,
    },
    /// The history is not readable.
    #[error("{path}: {source}", path = path.display())]
    History {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: Box<checker::history::ndjson::ReadError>,
    },
}
