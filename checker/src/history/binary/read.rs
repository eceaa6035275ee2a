//! Reads the compact form, event by event.

use std::io::BufRead;

use super::bytes::{Source, Trouble};
use super::{MAGIC, kind, other, part, step};
use crate::history::ndjson::{ReadError, parse_header};
use crate::history::{
    Condition, Ending, Event, EventKind, Header, Key, MicroOp, MicroReply, Observed, Op, Phase,
    ProcessId, RegionId, Reply, Stamp, Strength, Value,
};

/// How many bytes must lie ready for an event to be read without asking for more after each of them; nearly every event is shorter.
const READY_BYTES: usize = 256;

/// Yields the events of a history with the line numbers that they have in the line form (the header is line 1).
#[derive(Debug)]
pub struct Reader<R: BufRead> {
    pub(super) decoder: Decoder<R>,
    header: Header,
    pub(super) time_ns: u64,
    pub(super) event_count: u64,
    is_done: bool,
}

pub(super) type Read<T> = Result<T, Trouble>;

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the file does not begin as it should.
    pub fn new(inner: R) -> Result<Self, ReadError> {
        let mut source = Source { inner, position: 0 };
        let header = read_header(&mut source).map_err(|trouble| at(&source, trouble))??;
        let region_count = header.regions.len();
        Ok(Self {
            decoder: Decoder {
                source,
                region_count,
            },
            header,
            time_ns: 0,
            event_count: 0,
            is_done: false,
        })
    }

    /// What is known about the history as a whole.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next event; `None` at the end.
    fn event(&mut self) -> Read<Option<Event>> {
        let ready = self.decoder.source.inner.fill_buf()?;
        if ready.len() >= READY_BYTES {
            let region_count = self.decoder.region_count;
            let mut decoder = Decoder::of_bytes(ready, region_count);
            // Whatever is wrong or longer is read again from its beginning, and then the error has its place.
            if let Ok(Some(event)) = decoder.event(self.time_ns, self.event_count) {
                let length = decoder.source.position;
                let used = usize::try_from(length).expect("it lies in memory");
                self.decoder.source.inner.consume(used);
                self.decoder.source.position += length;
                return Ok(Some(event));
            }
        }
        self.decoder.event(self.time_ns, self.event_count)
    }
}

/// Takes events and their parts from bytes.
#[derive(Debug)]
pub(super) struct Decoder<R> {
    pub(super) source: Source<R>,
    pub(super) region_count: usize,
}

impl<'b> Decoder<&'b [u8]> {
    pub(super) fn of_bytes(bytes: &'b [u8], region_count: usize) -> Self {
        let source = Source {
            inner: bytes,
            position: 0,
        };
        Self {
            source,
            region_count,
        }
    }
}

impl<R: BufRead> Decoder<R> {
    /// The event after this many others, the last of which was at this time; `None` at the end.
    fn event(&mut self, before_ns: u64, event_count: u64) -> Read<Option<Event>> {
        let first = self.source.byte()?;
        if first == kind::END {
            let count = self.source.unsigned()?;
            if count != event_count {
                return Err(wrong(format!(
                    "the count of the {event_count} events that came"
                )));
            }
            return match self.source.byte() {
                Err(Trouble::CutOff) => Ok(None),
                Err(other) => Err(other),
                Ok(_) => Err(wrong("nothing after the end")),
            };
        }
        let phase = phase(first)?;
        let since_ns = self.source.unsigned()?;
        let time_ns = before_ns
            .checked_add(since_ns)
            .ok_or_else(|| wrong("a time of at most 64 bits"))?;
        let process = self.process()?;
        let region = self.region()?;
        let kind = self.kind(first & 0x0F)?;
        Ok(Some(Event {
            time_ns,
            process,
            region,
            phase,
            kind,
        }))
    }

    pub(super) fn process(&mut self) -> Read<ProcessId> {
        let process = u32::try_from(self.source.unsigned()?);
        let process = process.map_err(|_| wrong("a process number below 2^32"))?;
        Ok(ProcessId(process))
    }

    fn kind(&mut self, which: u8) -> Read<EventKind> {
        if which <= kind::OTHER {
            return Ok(EventKind::Invoke(self.request(which)?));
        }
        Ok(match self.ending(which)? {
            Ending::Ok(reply) => EventKind::Ok(reply),
            Ending::Failed { error, seen } => EventKind::Fail { error, seen },
            Ending::Unknown { error: Some(error) } => EventKind::Info { error },
            Ending::Unknown { error: None } => return Err(wrong("a kind of event")),
        })
    }

    pub(super) fn request(&mut self, which: u8) -> Read<Op> {
        Ok(match which {
            kind::READ_STRONG => Op::Read {
                key: self.key()?,
                strength: Strength::Strong,
            },
            kind::READ_EVENTUAL => Op::Read {
                key: self.key()?,
                strength: Strength::Eventual,
            },
            kind::WRITE => Op::Write {
                key: self.key()?,
                value: self.value()?,
            },
            kind::DELETE => Op::Delete { key: self.key()? },
            kind::CAS_EQUALS => Op::Cas {
                key: self.key()?,
                value: self.value()?,
                condition: Condition::Equals(self.value()?),
            },
            kind::CAS_EXISTS => Op::Cas {
                key: self.key()?,
                value: self.value()?,
                condition: Condition::Exists,
            },
            kind::OTHER => self.other_request()?,
            _ => return Err(wrong("a kind of request")),
        })
    }

    pub(super) fn ending(&mut self, which: u8) -> Read<Ending> {
        Ok(match which {
            kind::OK_READ => Ending::Ok(Reply::Read(self.observed()?)),
            kind::OK_DONE => Ending::Ok(Reply::Done { old: None }),
            kind::OK_REPLACED => Ending::Ok(Reply::Done {
                old: Some(self.observed()?),
            }),
            kind::OK_OTHER => Ending::Ok(self.other_reply()?),
            kind::FAIL => Ending::Failed {
                error: self.source.text()?,
                seen: None,
            },
            kind::FAIL_SEEN => Ending::Failed {
                error: self.source.text()?,
                seen: Some(self.observed()?),
            },
            kind::INFO => Ending::Unknown {
                error: Some(self.source.text()?),
            },
            _ => return Err(wrong("a kind of event")),
        })
    }

    fn other_request(&mut self) -> Read<Op> {
        Ok(match self.source.byte()? {
            other::ADD => Op::AddToSet {
                key: self.key()?,
                element: self.source.integer()?,
            },
            other::INCREMENT => Op::Increment {
                key: self.key()?,
                delta: self.source.integer()?,
            },
            other::APPEND => Op::Append {
                key: self.key()?,
                element: self.source.integer()?,
            },
            other::TRANSACT => Op::Transact {
                ops: self.list(Self::step)?,
            },
            other::SCAN => Op::Scan,
            other::STREAM => Op::Stream,
            _ => return Err(wrong("a kind of request")),
        })
    }

    fn step(&mut self) -> Read<MicroOp> {
        Ok(match self.source.byte()? {
            step::READ => MicroOp::Read(self.key()?),
            step::WRITE => MicroOp::Write(self.key()?, self.value()?),
            step::APPEND => MicroOp::Append(self.key()?, self.source.integer()?),
            _ => return Err(wrong("a step of a transaction")),
        })
    }

    fn other_reply(&mut self) -> Read<Reply> {
        Ok(match self.source.byte()? {
            other::TRANSACT => Reply::Transact(self.list(|r| match r.source.byte()? {
                step::READ => Ok(MicroReply::Read(r.observed()?)),
                step::DONE => Ok(MicroReply::Done),
                _ => Err(wrong("what became of a step of a transaction")),
            })?),
            other::SCAN => Reply::Scan(self.list(|r| Ok((r.key()?, r.observed()?)))?),
            other::STREAM => Reply::Stream(self.records()?),
            other::STREAM_ANEW => Reply::StreamAnew(self.records()?),
            _ => return Err(wrong("a kind of answer")),
        })
    }

    fn records(&mut self) -> Read<Vec<(Key, Observed, Observed)>> {
        self.list(|r| Ok((r.key()?, r.observed()?, r.observed()?)))
    }

    fn list<T>(&mut self, mut element: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.source.unsigned()?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(element(self)?);
        }
        Ok(list)
    }

    fn key(&mut self) -> Read<Key> {
        self.source.unsigned().map(Key)
    }

    pub(super) fn region(&mut self) -> Read<RegionId> {
        let region = self.source.byte()?;
        if usize::from(region) >= self.region_count {
            return Err(wrong("one of the header's regions"));
        }
        Ok(RegionId(region))
    }

    fn value(&mut self) -> Read<Value> {
        let first = self.source.byte()?;
        self.value_of(first)
    }

    fn value_of(&mut self, first: u8) -> Read<Value> {
        Ok(match first {
            part::ABSENT => Value::Absent,
            part::NUMBER => Value::Int(self.source.integer()?),
            part::LIST => Value::List(self.list(|r| r.source.integer())?),
            _ => return Err(wrong("a value")),
        })
    }

    fn observed(&mut self) -> Read<Observed> {
        let first = self.source.byte()?;
        let value = self.value_of(first & !(part::STAMP | part::PREVIOUS))?;
        let mut seen = Observed {
            value,
            stamp: None,
            previous: None,
        };
        if first & part::STAMP != 0 {
            let time_us = self.source.integer()?;
            let region = self.region()?;
            seen.stamp = Some(Stamp { time_us, region });
        }
        if first & part::PREVIOUS != 0 {
            seen.previous = Some(self.value()?);
        }
        Ok(seen)
    }
}

/// The phase that the first byte of an event says.
pub(super) fn phase(first: u8) -> Read<Phase> {
    match first & !0x0F {
        0 => Ok(Phase::Main),
        kind::FINAL => Ok(Phase::Final),
        _ => Err(wrong("a kind of event")),
    }
}

pub(super) fn wrong(expected: impl Into<String>) -> Trouble {
    Trouble::Wrong(expected.into())
}

fn read_header(source: &mut Source<impl BufRead>) -> Read<Result<Header, ReadError>> {
    let magic = source.take(MAGIC.len() as u64)?;
    if magic != MAGIC {
        return Err(wrong("a history in compact form, version 1"));
    }
    let line = source.text()?;
    Ok(parse_header(line.as_bytes()))
}

/// Trouble with the place where it came up.
fn at<R>(source: &Source<R>, trouble: Trouble) -> ReadError {
    let byte = source.position;
    match trouble {
        Trouble::CutOff => ReadError::CutOff { byte },
        Trouble::Io(source) => ReadError::StoppedAt { byte, source },
        Trouble::Wrong(expected) => ReadError::Binary { byte, expected },
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<(u64, Event), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.event();
        self.is_done = !matches!(next, Ok(Some(_)));
        match next {
            Ok(event) => event.map(|event| {
                self.time_ns = event.time_ns;
                self.event_count += 1;
                Ok((self.event_count + 1, event))
            }),
            Err(trouble) => Some(Err(at(&self.decoder.source, trouble))),
        }
    }
}
