//! Opens a history file, whatever it is compressed with.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::ndjson::{ReadError, Reader};
use super::{Format, History, Pairing, read_format};

/// How much is read at a time: large enough that system calls do not matter.
const BUFFER_BYTES: usize = 1 << 18;

/// Reads and pairs a whole history file. Its form, and gzip, are recognised by its first bytes.
///
/// # Errors
/// When the file cannot be read, or is not a well-formed history: nothing is half-judged.
pub fn read_history(path: &Path) -> Result<History, ReadError> {
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
    read_format(input, format)
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
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, ReadError> {
    let failed = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mut input = BufReader::with_capacity(BUFFER_BYTES, file);
    let is_gzip = input.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]);
    if !is_gzip {
        return Ok(Box::new(input));
    }
    Ok(Box::new(BufReader::with_capacity(
        BUFFER_BYTES,
        MultiGzDecoder::new(input),
    )))
}

/// Pairs everything a reader yields.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_events<R: BufRead>(mut reader: Reader<R>) -> Result<History, ReadError> {
    let mut pairing = Pairing::default();
    for next in reader.by_ref() {
        let (line, event) = next?;
        pairing.push(line, event)?;
    }
    Ok(pairing.finish(reader.header().clone()))
}
