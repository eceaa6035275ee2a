//! Opens a history file, whatever it is compressed with: gzip and Zstandard are recognised by their first bytes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::ndjson::{ReadError, Reader};
use super::zstandard::{Frames, is_zstandard};
use super::{Event, Format, History, Pairing, binary, read_format};

/// How gzipped files begin.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// How much is read at a time: large enough that system calls do not matter.
const BUFFER_BYTES: usize = 1 << 18;

/// Reads and pairs a whole history file. Its form, and gzip, are recognised by its first bytes.
///
/// # Errors
/// When the file cannot be read, or is not a well-formed history: nothing is half-judged.
pub fn read_history(path: &Path) -> Result<History, ReadError> {
    let (input, format) = open_and_detect(path)?;
    read_format(input, format)
}

/// The form of a history file, by its first bytes.
///
/// # Errors
/// When the file cannot be read.
pub fn detect_format(path: &Path) -> Result<Format, ReadError> {
    open_and_detect(path).map(|(_, format)| format)
}

pub(crate) fn open_and_detect(path: &Path) -> Result<(Box<dyn BufRead + Send>, Format), ReadError> {
    let mut input = open(path)?;
    let failed = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    // What a damaged compressed file lacks is found, and placed, by the reading proper.
    let beginning = match input.fill_buf() {
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => &[],
        other => other.map_err(failed)?,
    };
    let format = Format::detect(beginning).unwrap_or(Format::Dateline);
    Ok((input, format))
}

/// Reads a history file whose form is known.
///
/// # Errors
/// As [`read_history`].
pub fn read_history_as(path: &Path, format: Format) -> Result<History, ReadError> {
    read_format(open(path)?, format)
}

/// Opens a file for reading, decompressed; for [`Reader::new`], where a history need not be in memory.
///
/// # Errors
/// When the file cannot be opened.
pub fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, ReadError> {
    let failed = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mut input = BufReader::with_capacity(BUFFER_BYTES, file);
    let beginning = input.fill_buf().map_err(failed)?;
    if beginning.starts_with(GZIP) {
        let decoder = MultiGzDecoder::new(input);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)));
    }
    if is_zstandard(beginning) {
        let decoder = Frames::new(input);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)));
    }
    Ok(Box::new(input))
}

/// Pairs everything a reader yields.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_events<R: BufRead>(mut reader: Reader<R>) -> Result<History, ReadError> {
    let operations = pair(&mut reader)?;
    Ok(operations.finish(reader.header().clone()))
}

/// Pairs everything that a reader of the compact form yields.
pub(super) fn read_compact(input: impl BufRead) -> Result<History, ReadError> {
    let mut reader = binary::Reader::new(input)?;
    let operations = pair(&mut reader)?;
    Ok(operations.finish(reader.header().clone()))
}

fn pair(
    events: &mut impl Iterator<Item = Result<(u64, Event), ReadError>>,
) -> Result<Pairing, ReadError> {
    let mut pairing = Pairing::default();
    for next in events {
        let (line, event) = next?;
        pairing.push(line, event)?;
    }
    Ok(pairing)
}
