//! Writes the compact form.

use std::io::{self, Write};

use super::{MAGIC, bytes, kind, other, part, step};
use crate::history::ndjson::header_line;
use crate::history::{
    Condition, Event, EventKind, Header, MicroOp, MicroReply, Observed, Op, Phase, Reply, Strength,
    Value,
};

/// How many bytes are collected before they are handed on.
const BUFFER_BYTES: usize = 1 << 16;

/// Writes the events of one history.
#[derive(Debug)]
pub struct Writer<W: Write> {
    inner: W,
    out: Vec<u8>,
    time_ns: u64,
    event_count: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header and is ready for events.
    ///
    /// # Errors
    /// When the inner writer fails.
    pub fn new(inner: W, header: &Header) -> io::Result<Self> {
        let mut out = MAGIC.to_vec();
        bytes::text(&mut out, &header_line(header)?);
        Ok(Self {
            inner,
            out,
            time_ns: 0,
            event_count: 0,
        })
    }

    /// Writes one event.
    ///
    /// # Errors
    /// When the inner writer fails, or when time runs backwards.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let Some(since_ns) = event.time_ns.checked_sub(self.time_ns) else {
            let message = format!(
                "event {}: time runs backwards, from {} ns to {} ns",
                self.event_count + 1,
                self.time_ns,
                event.time_ns
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        self.time_ns = event.time_ns;
        self.event_count += 1;
        let phase = match event.phase {
            Phase::Main => 0,
            Phase::Final => kind::FINAL,
        };
        let out = &mut self.out;
        out.push(phase | kind_of(&event.kind));
        bytes::unsigned(out, since_ns);
        bytes::unsigned(out, u64::from(event.process.0));
        out.push(event.region.0);
        match &event.kind {
            EventKind::Invoke(op) => request(out, op),
            EventKind::Ok(answer) => reply(out, answer),
            EventKind::Fail { error, seen } => refusal(out, error, seen.as_ref()),
            EventKind::Info { error } => bytes::text(out, error),
        }
        if self.out.len() >= BUFFER_BYTES {
            bytes::flush(&mut self.out, &mut self.inner)?;
        }
        Ok(())
    }

    /// Writes the end, and gives the inner writer back.
    ///
    /// # Errors
    /// When the inner writer fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.push(kind::END);
        bytes::unsigned(&mut self.out, self.event_count);
        bytes::flush(&mut self.out, &mut self.inner)?;
        self.inner.flush()?;
        Ok(self.inner)
    }
}

fn kind_of(event: &EventKind) -> u8 {
    match event {
        EventKind::Invoke(op) => kind_of_request(op),
        EventKind::Ok(reply) => kind_of_reply(reply),
        EventKind::Fail { seen, .. } => kind_of_refusal(seen.as_ref()),
        EventKind::Info { .. } => kind::INFO,
    }
}

pub(super) fn kind_of_request(op: &Op) -> u8 {
    match op {
        Op::Read {
            strength: Strength::Strong,
            ..
        } => kind::READ_STRONG,
        Op::Read {
            strength: Strength::Eventual,
            ..
        } => kind::READ_EVENTUAL,
        Op::Write { .. } => kind::WRITE,
        Op::Delete { .. } => kind::DELETE,
        Op::Cas {
            condition: Condition::Equals(_),
            ..
        } => kind::CAS_EQUALS,
        Op::Cas {
            condition: Condition::Exists,
            ..
        } => kind::CAS_EXISTS,
        Op::AddToSet { .. } | Op::Increment { .. } | Op::Append { .. } => kind::OTHER,
        Op::Transact { .. } | Op::Scan | Op::Stream => kind::OTHER,
    }
}

pub(super) fn kind_of_reply(reply: &Reply) -> u8 {
    match reply {
        Reply::Read(_) => kind::OK_READ,
        Reply::Done { old: None } => kind::OK_DONE,
        Reply::Done { old: Some(_) } => kind::OK_REPLACED,
        Reply::Transact(_) | Reply::Scan(_) | Reply::Stream(_) | Reply::StreamAnew(_) => {
            kind::OK_OTHER
        }
    }
}

pub(super) fn kind_of_refusal(seen: Option<&Observed>) -> u8 {
    match seen {
        None => kind::FAIL,
        Some(_) => kind::FAIL_SEEN,
    }
}

pub(super) fn request(out: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Read { key, strength: _ } | Op::Delete { key } => bytes::unsigned(out, key.0),
        Op::Write { key, value: new } => {
            bytes::unsigned(out, key.0);
            value(out, new, 0);
        }
        Op::Cas {
            key,
            condition,
            value: new,
        } => {
            bytes::unsigned(out, key.0);
            value(out, new, 0);
            if let Condition::Equals(required) = condition {
                value(out, required, 0);
            }
        }
        Op::AddToSet { key, element } => one_number(out, other::ADD, key.0, *element),
        Op::Increment { key, delta } => one_number(out, other::INCREMENT, key.0, *delta),
        Op::Append { key, element } => one_number(out, other::APPEND, key.0, *element),
        Op::Transact { ops } => {
            out.push(other::TRANSACT);
            bytes::unsigned(out, ops.len() as u64);
            for op in ops {
                match op {
                    MicroOp::Read(key) => {
                        out.push(step::READ);
                        bytes::unsigned(out, key.0);
                    }
                    MicroOp::Write(key, new) => {
                        out.push(step::WRITE);
                        bytes::unsigned(out, key.0);
                        value(out, new, 0);
                    }
                    MicroOp::Append(key, element) => {
                        one_number(out, step::APPEND, key.0, *element);
                    }
                }
            }
        }
        Op::Scan => out.push(other::SCAN),
        Op::Stream => out.push(other::STREAM),
    }
}

fn one_number(out: &mut Vec<u8>, which: u8, key: u64, number: i64) {
    out.push(which);
    bytes::unsigned(out, key);
    bytes::integer(out, number);
}

pub(super) fn refusal(out: &mut Vec<u8>, error: &str, seen: Option<&Observed>) {
    bytes::text(out, error);
    if let Some(seen) = seen {
        observed(out, seen);
    }
}

pub(super) fn reply(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Read(seen) | Reply::Done { old: Some(seen) } => observed(out, seen),
        Reply::Done { old: None } => {}
        Reply::Transact(results) => {
            out.push(other::TRANSACT);
            bytes::unsigned(out, results.len() as u64);
            for result in results {
                match result {
                    MicroReply::Read(seen) => {
                        out.push(step::READ);
                        observed(out, seen);
                    }
                    MicroReply::Done => out.push(step::DONE),
                }
            }
        }
        Reply::Scan(items) => {
            out.push(other::SCAN);
            bytes::unsigned(out, items.len() as u64);
            for (key, seen) in items {
                bytes::unsigned(out, key.0);
                observed(out, seen);
            }
        }
        Reply::Stream(records) | Reply::StreamAnew(records) => {
            out.push(match reply {
                Reply::StreamAnew(_) => other::STREAM_ANEW,
                Reply::Read(_)
                | Reply::Done { .. }
                | Reply::Transact(_)
                | Reply::Scan(_)
                | Reply::Stream(_) => other::STREAM,
            });
            bytes::unsigned(out, records.len() as u64);
            for (key, new, old) in records {
                bytes::unsigned(out, key.0);
                observed(out, new);
                observed(out, old);
            }
        }
    }
}

fn observed(out: &mut Vec<u8>, seen: &Observed) {
    let mut parts = 0;
    if seen.stamp.is_some() {
        parts |= part::STAMP;
    }
    if seen.previous.is_some() {
        parts |= part::PREVIOUS;
    }
    value(out, &seen.value, parts);
    if let Some(stamp) = seen.stamp {
        bytes::integer(out, stamp.time_us);
        out.push(stamp.region.0);
    }
    if let Some(previous) = &seen.previous {
        value(out, previous, 0);
    }
}

/// A value, with what else its first byte says.
fn value(out: &mut Vec<u8>, value: &Value, parts: u8) {
    match value {
        Value::Absent => out.push(parts | part::ABSENT),
        Value::Int(number) => {
            out.push(parts | part::NUMBER);
            bytes::integer(out, *number);
        }
        Value::List(elements) => {
            out.push(parts | part::LIST);
            bytes::unsigned(out, elements.len() as u64);
            elements.iter().for_each(|e| bytes::integer(out, *e));
        }
    }
}
