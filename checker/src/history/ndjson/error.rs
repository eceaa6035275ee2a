//! What can be wrong with a history file.

use std::io;
use std::path::PathBuf;

use crate::history::StructureError;

/// A place in a line and what should have stood there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// Byte position in the line, from 1.
    pub column: usize,
    /// What was expected there.
    pub expected: String,
    /// What stood there instead.
    pub found: String,
}

/// Why a history could not be read. Nothing is judged then.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes stopped coming from an open reader.
    #[error("line {line}: reading failed: {source}")]
    Stopped {
        /// The line that was being read.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes of a compact file stopped coming.
    #[error("byte {byte}: reading failed: {source}")]
    StoppedAt {
        /// How many bytes were understood.
        byte: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not what the format says.
    #[error("line {line}, column {}: expected {}, found {}", syntax.column, syntax.expected, syntax.found)]
    Syntax {
        /// Which line, from 1.
        line: u64,
        /// Where in it, and what was expected.
        syntax: Syntax,
    },
    /// The last line stops in the middle: the copy is incomplete, or its writer died within a line.
    #[error(
        "line {line} is half-written: the file ends at column {column}, where the rest of the line was expected. Copy the whole file again, or delete that line to judge what precedes it"
    )]
    HalfWritten {
        /// The last line.
        line: u64,
        /// Where the file ends in it, in bytes, from 1.
        column: usize,
    },
    /// The first line is not a header that we know.
    #[error("line 1 is not the header of a history: {reason}")]
    Header {
        /// What was wrong with it.
        reason: String,
    },
    /// A compact file stops in the middle.
    #[error(
        "byte {byte}: the compact history ends here, before its end mark. Copy the whole file again, or convert it again from its lines"
    )]
    CutOff {
        /// How many bytes there are.
        byte: u64,
    },
    /// A compact file is not what the format says.
    #[error("byte {byte}: expected {expected}; the file is damaged, or not a compact history")]
    Binary {
        /// How many bytes were understood.
        byte: u64,
        /// What should have stood there.
        expected: String,
    },
    /// The lines are well formed but do not make sense together.
    #[error(transparent)]
    Structure(#[from] StructureError),
}
