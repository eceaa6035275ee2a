//! Whole lines, many at a time: one thread after the other takes some and understands them, at the same time as others.

use std::io::{self, BufRead, Read as _};

use super::fast::Fast;
use super::read::{slow, stopped, understood};
use super::{ReadError, Reader};
use crate::history::{Event, Header};

/// About how many bytes are taken at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// The lines behind the header, in portions.
pub(crate) struct Chunks<R> {
    inner: R,
    /// How many lines were taken.
    line_count: u64,
    is_done: bool,
}

/// Some lines.
pub(crate) struct Chunk {
    first_line: u64,
    bytes: Vec<u8>,
    /// Why no more came.
    error: Option<io::Error>,
}

/// Understands lines of one history.
pub(crate) struct Lines {
    fast: Fast,
    regions: Vec<String>,
}

/// The events of some lines, with their line numbers; and what is wrong with the line behind the last of them.
pub(crate) type Understood = (Vec<(u64, Event)>, Option<ReadError>);

impl<R: BufRead> Reader<R> {
    /// The header, and the lines that are left.
    pub(crate) fn into_chunks(self) -> (Header, Lines, Chunks<R>) {
        let lines = Lines {
            regions: self.header.regions.clone(),
            fast: self.fast,
        };
        let chunks = Chunks {
            inner: self.inner,
            line_count: self.line,
            is_done: self.is_done,
        };
        (self.header, lines, chunks)
    }
}

impl<R: BufRead> Iterator for Chunks<R> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        if self.is_done {
            return None;
        }
        let mut bytes = Vec::with_capacity(CHUNK_BYTES + 512);
        let read = self
            .inner
            .by_ref()
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut bytes);
        let read = read.and_then(|_| self.inner.read_until(b'\n', &mut bytes));
        self.is_done = read.is_err() || bytes.is_empty();
        if bytes.is_empty() && read.is_ok() {
            return None;
        }
        let first_line = self.line_count + 1;
        self.line_count += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Some(Chunk {
            first_line,
            bytes,
            error: read.err(),
        })
    }
}

impl Lines {
    pub(crate) fn understand(&self, chunk: Chunk) -> Understood {
        let mut events = Vec::with_capacity(chunk.bytes.len() / 64);
        let (mut line, mut rest) = (chunk.first_line, &chunk.bytes[..]);
        while let Some(length) = memchr::memchr(b'\n', rest) {
            let text = &rest[..length];
            match understood(&self.fast, text, &self.regions) {
                Ok(event) => events.push((line, event)),
                Err(syntax) => return (events, Some(ReadError::Syntax { line, syntax })),
            }
            rest = &rest[length + 1..];
            line += 1;
        }
        let column = rest.len() + 1;
        if let Some(source) = chunk.error {
            return (events, Some(stopped(line, column, source)));
        }
        if !rest.is_empty() {
            match slow(rest, &self.regions) {
                Ok(event) => events.push((line, event)),
                Err(_) => return (events, Some(ReadError::HalfWritten { line, column })),
            }
        }
        (events, None)
    }
}
