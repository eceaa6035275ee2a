//! Histories of other tools: recognised by their first bytes, and turned into our vocabulary.
//!
//! Read [`operations`] for one operation per line, [`jepsen`] for Jepsen's two forms over [`edn`]. Nothing is half-imported: the first thing
//! that is not understood stops the reading with its place.

mod edn;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of a foreign value all shapes but the expected are refused alike"
)]
mod jepsen;
mod operations;

use std::io::BufRead;

use super::file::read_compact;
use super::ndjson::{ReadError, Reader, Syntax, stopped};
use super::{History, binary, read_events};

/// The forms in which a history can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own: a header and one event per line.
    Dateline,
    /// Our own, compact ([`super::binary`]).
    Compact,
    /// One operation per line: `{"process":3,"key":17,"f":"read","value":null,"call":1,"return":2,"out":4}`.
    Operations,
    /// `history.edn`, as Jepsen stores it.
    JepsenEdn,
    /// Jepsen's log lines: `INFO  jepsen.util - 0 :invoke :write 4`.
    JepsenLog,
}

impl Format {
    /// All names, for `--format`.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("dateline", Self::Dateline),
        ("compact", Self::Compact),
        ("operations", Self::Operations),
        ("jepsen-edn", Self::JepsenEdn),
        ("jepsen-log", Self::JepsenLog),
    ];

    /// The form of a file that begins with these bytes, if they look like any.
    #[must_use]
    pub fn detect(beginning: &[u8]) -> Option<Self> {
        if beginning.starts_with(binary::MAGIC) {
            return Some(Self::Compact);
        }
        let text = String::from_utf8_lossy(beginning);
        let text = text.trim_start();
        let first_line = text.lines().next().unwrap_or("");
        if first_line.contains("jepsen.util") {
            return Some(Self::JepsenLog);
        }
        let inside = text.trim_start_matches(['[', '(', '{', ' ', '\n', '\r']);
        if inside.starts_with(':') || text.starts_with("#jepsen") || inside.starts_with("#jepsen") {
            return Some(Self::JepsenEdn);
        }
        if first_line.starts_with('{') && first_line.contains("\"call\"") {
            return Some(Self::Operations);
        }
        first_line.starts_with('{').then_some(Self::Dateline)
    }
}

/// Reads a history in a form that is known.
///
/// # Errors
/// The first thing that is wrong with it, and where.
pub fn read_format(mut input: impl BufRead, format: Format) -> Result<History, ReadError> {
    match format {
        Format::Dateline => read_events(Reader::new(input)?),
        Format::Compact => read_compact(input),
        Format::Operations => operations::read(&whole_text(&mut input)?),
        Format::JepsenEdn => jepsen::read_edn(&whole_text(&mut input)?),
        Format::JepsenLog => jepsen::read_log(&whole_text(&mut input)?),
    }
}

/// Everything, as text; where it is none, or stops, its line is told.
fn whole_text(input: &mut impl BufRead) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    let read = input.read_to_end(&mut bytes);
    if let Err(source) = read {
        let (line, column) = end_of(&bytes);
        return Err(stopped(line, column, source));
    }
    String::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let (line, column) = end_of(valid);
        let found = String::from_utf8_lossy(&rest[..rest.len().min(8)]);
        syntax(line, column, "text in UTF-8", &found)
    })
}

/// The line and the column in which a text ends.
fn end_of(bytes: &[u8]) -> (u64, usize) {
    let line = 1 + bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let line_start = bytes.iter().rposition(|byte| *byte == b'\n');
    (line, bytes.len() - line_start.map_or(0, |at| at + 1) + 1)
}

/// An error at a place of an imported file.
fn syntax(line: u64, column: usize, expected: &str, found: &str) -> ReadError {
    let expected = expected.to_owned();
    let found = match found {
        "" => "none".to_owned(),
        text => format!("`{}`", text.chars().take(24).collect::<String>()),
    };
    ReadError::Syntax {
        line,
        syntax: Syntax {
            column,
            expected,
            found,
        },
    }
}
