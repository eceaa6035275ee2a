//! Reads a history line by line, in bounded memory.

use std::io::{BufRead, ErrorKind};

use super::cursor::{Cursor, Parsed};
use super::fast::Fast;
use super::fields::Fields;
use super::{ReadError, parse_header};
use crate::history::{Event, EventKind, Header, Op, Phase, ProcessId, Reply, Strength, Value};

/// Yields the events of a history with their line numbers (the header is line 1).
#[derive(Debug)]
pub struct Reader<R: BufRead> {
    pub(super) inner: R,
    pub(super) header: Header,
    pub(super) fast: Fast,
    /// A line that did not lie in one piece in the inner reader.
    buffer: Vec<u8>,
    pub(super) line: u64,
    pub(super) is_done: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the first line cannot be read or is not a header that we know.
    pub fn new(inner: R) -> Result<Self, ReadError> {
        let header = Header::default();
        let mut reader = Self {
            inner,
            header,
            fast: Fast::new(&[]),
            buffer: Vec::new(),
            line: 0,
            is_done: false,
        };
        if !reader.next_line()? {
            let reason = "the file is empty".to_owned();
            return Err(ReadError::Header { reason });
        }
        reader.header = parse_header(&reader.buffer)?;
        reader.fast = Fast::new(&reader.header.regions);
        Ok(reader)
    }

    /// What the first line said.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads the next line into the buffer; false at the end.
    fn next_line(&mut self) -> Result<bool, ReadError> {
        self.buffer.clear();
        self.line += 1;
        let line = self.line;
        match self.inner.read_until(b'\n', &mut self.buffer) {
            Ok(0) => Ok(false),
            Ok(_) => Ok(true),
            Err(error) => Err(stopped(line, self.buffer.len() + 1, error)),
        }
    }

    /// The next event; `None` at the end. A line that lies in the inner reader as a whole is not copied.
    fn next_event(&mut self) -> Result<Option<Event>, ReadError> {
        let bytes = match self.inner.fill_buf() {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::Interrupted => &[],
            Err(error) => return Err(stopped(self.line + 1, 1, error)),
        };
        if let Some(length) = memchr::memchr(b'\n', bytes) {
            self.line += 1;
            let text = &bytes[..length];
            let event = understood(&self.fast, text, &self.header.regions);
            let event = event.map_err(|syntax| ReadError::Syntax {
                line: self.line,
                syntax,
            })?;
            self.inner.consume(length + 1);
            return Ok(Some(event));
        }
        if !self.next_line()? {
            return Ok(None);
        }
        let text = self.buffer.strip_suffix(b"\n");
        let event = slow(text.unwrap_or(&self.buffer), &self.header.regions);
        let line = self.line;
        let event = event.map_err(|syntax| match text {
            Some(_) => ReadError::Syntax { line, syntax },
            None => ReadError::HalfWritten {
                line,
                column: self.buffer.len() + 1,
            },
        })?;
        Ok(Some(event))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<(u64, Event), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.next_event();
        self.is_done = !matches!(next, Ok(Some(_)));
        next.transpose()
            .map(|event| event.map(|event| (self.line, event)))
    }
}

/// Why no more bytes came.
pub(in crate::history) fn stopped(line: u64, column: usize, source: std::io::Error) -> ReadError {
    // A compressed file that was cut off.
    if source.kind() == ErrorKind::UnexpectedEof {
        return ReadError::HalfWritten { line, column };
    }
    ReadError::Stopped { line, source }
}

/// The event of a line: quickly, where it is written as we write it.
pub(super) fn understood(fast: &Fast, text: &[u8], regions: &[String]) -> Parsed<Event> {
    match fast.event(text) {
        Some(event) => Ok(event),
        None => slow(text, regions),
    }
}

/// The event of any well-formed line.
pub(super) fn slow(text: &[u8], regions: &[String]) -> Parsed<Event> {
    let mut cursor = Cursor::new(text);
    let fields = Fields::parse(&mut cursor, regions)?;
    understand(fields, &cursor)
}

/// Makes an event of the fields of its line.
fn understand(mut fields: Fields<'_>, cursor: &Cursor<'_>) -> Parsed<Event> {
    let kind = match fields.event {
        Some("invoke") => EventKind::Invoke(request(&mut fields, cursor)?),
        Some("ok") => EventKind::Ok(reply(&mut fields, cursor)?),
        Some("fail") => {
            let error = fields.error.take();
            let seen = fields.seen.take();
            EventKind::Fail {
                error: required(error, "an \"error\" on a fail line", cursor)?,
                seen,
            }
        }
        Some("info") => {
            let error = fields.error.take();
            EventKind::Info {
                error: required(error, "an \"error\" on an info line", cursor)?,
            }
        }
        Some(_) | None => {
            return cursor
                .error("an \"e\" of \"invoke\", \"ok\", \"fail\" or \"info\" on this line");
        }
    };
    Ok(Event {
        time_ns: required(
            fields.time_ns,
            "a time \"t\" in nanoseconds on this line",
            cursor,
        )?,
        process: ProcessId(required(
            fields.process,
            "a process \"p\" on this line",
            cursor,
        )?),
        region: required(fields.region, "a region \"r\" on this line", cursor)?,
        phase: fields.phase.unwrap_or(Phase::Main),
        kind,
    })
}

fn required<T>(field: Option<T>, expected: &str, cursor: &Cursor<'_>) -> Parsed<T> {
    field.map_or_else(|| cursor.error(expected), Ok)
}

const FUNCTIONS: &str = "an \"f\" of \"read\", \"write\", \"cas\", \"delete\", \"add\", \"increment\", \"append\", \"transact\", \"scan\" or \"stream\" on this line";

fn request(fields: &mut Fields<'_>, cursor: &Cursor<'_>) -> Parsed<Op> {
    let key = || required(fields.key, "a key \"k\" on this line", cursor);
    let number = |value: Option<Value>| match value {
        Some(Value::Int(number)) => Ok(number),
        Some(Value::Absent | Value::List(_)) | None => {
            cursor.error("a whole number \"v\" on this line")
        }
    };
    let op = match fields.function {
        Some("read") => Op::Read {
            key: key()?,
            strength: fields.strength.unwrap_or(Strength::Strong),
        },
        Some("write") => {
            let value = required(fields.value.take(), "a \"v\" on a write line", cursor)?;
            if value == Value::Absent {
                return cursor.error("a \"v\" other than null on a write line (use \"delete\")");
            }
            Op::Write { key: key()?, value }
        }
        Some("cas") => Op::Cas {
            key: key()?,
            value: required(fields.value.take(), "a \"v\" on a cas line", cursor)?,
            condition: required(fields.condition.take(), "an \"if\" on a cas line", cursor)?,
        },
        Some("delete") => Op::Delete { key: key()? },
        Some("add") => Op::AddToSet {
            key: key()?,
            element: number(fields.value.take())?,
        },
        Some("increment") => Op::Increment {
            key: key()?,
            delta: number(fields.value.take())?,
        },
        Some("append") => Op::Append {
            key: key()?,
            element: number(fields.value.take())?,
        },
        Some("transact") => Op::Transact {
            ops: required(fields.ops.take(), "\"ops\" on a transact line", cursor)?,
        },
        Some("scan") => Op::Scan,
        Some("stream") => Op::Stream,
        Some(_) | None => return cursor.error(FUNCTIONS),
    };
    Ok(op)
}

fn reply(fields: &mut Fields<'_>, cursor: &Cursor<'_>) -> Parsed<Reply> {
    let reply = match fields.function {
        Some("read") => {
            if fields.stamp_time_us.is_some() != fields.stamp_region.is_some() {
                return cursor.error("\"ts\" and \"tr\" together, or neither, on this line");
            }
            Reply::Read(required(
                fields.observed(),
                "a \"v\" on the ok line of a read",
                cursor,
            )?)
        }
        Some("write" | "cas" | "delete" | "add" | "increment" | "append") => Reply::Done {
            old: fields.old.take(),
        },
        Some("transact") => Reply::Transact(required(
            fields.results.take(),
            "\"results\" on this line",
            cursor,
        )?),
        Some("scan") => Reply::Scan(required(
            fields.items.take(),
            "\"items\" on this line",
            cursor,
        )?),
        Some("stream") => match fields.anew.take() {
            Some(records) => Reply::StreamAnew(records),
            None => Reply::Stream(required(
                fields.records.take(),
                "\"records\" or \"anew\" on this line",
                cursor,
            )?),
        },
        Some(_) | None => return cursor.error(FUNCTIONS),
    };
    Ok(reply)
}
