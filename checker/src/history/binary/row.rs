//! Operations as rows of bytes: some thirty bytes instead of some two hundred, to be put aside by key and taken up again.
//!
//! ```text
//! length of the rest, key, line, call      enough to group and sort rows without reading on
//! kind of request, process, region, request
//! kind of ending; how long until the completion, in lines and (unless the outcome is unknown) in time; ending
//! ```
//!
//! Lines and calls are differences to the row before in the same pile. This is no file format: rows live no longer than one judgement, so
//! one that cannot be read comes from a broken disk.

use std::io;

use super::bytes::{self, Trouble, signed};
use super::glance::Glance;
use super::kind;
use super::read::{Decoder, phase};
use super::write::{kind_of_refusal, kind_of_reply, kind_of_request, refusal, reply, request};
use crate::history::{Became, Condition, Ending, Key, Op, Operation, Phase, Reply, Strength};
use crate::nearly_sorted::sort_nearly_sorted;

/// The kind of ending of operations that were in flight when the history ended.
const OPEN: u8 = 14;

/// More than the first part of a row has: a length and numbers of at most ten bytes.
const HEAD_BYTES: usize = 40;
/// More than the second has besides what was asked and answered: a kind, and such numbers.
const REST_BYTES: usize = 24;

/// Line and call of the row before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    line: u64,
    call_ns: u64,
}

/// Where a row is, and what it is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) key: Key,
    pub(crate) line: u64,
    /// Where its second part begins.
    start: usize,
    call_ns: u64,
}

/// What was asked: the first half of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'r> {
    pub(crate) line: u64,
    pub(crate) call_ns: u64,
    /// As [`asked`] writes it.
    pub(crate) asked: &'r [u8],
}

/// What became of it: the second half.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End<'r> {
    pub(crate) kind: u8,
    pub(crate) line: Option<u64>,
    pub(crate) return_ns: Option<u64>,
    /// As [`answered`] writes it.
    pub(crate) answer: &'r [u8],
}

impl End<'_> {
    /// That of an operation in flight.
    pub(crate) const OPEN: Self = Self {
        kind: OPEN,
        line: None,
        return_ns: None,
        answer: &[],
    };

    /// What became of an operation that ends like this.
    pub(crate) fn became(&self) -> Became {
        match self.kind {
            kind::OK_READ | kind::OK_DONE | kind::OK_REPLACED | kind::OK_OTHER => Became::Ok,
            kind::FAIL | kind::FAIL_SEEN => Became::Failed,
            _ => Became::Unknown,
        }
    }
}

/// Writes the kind of a request, who asked, whom, and for what: just as an event in compact form, but for its time.
pub(crate) fn asked(out: &mut Vec<u8>, operation: &Operation) {
    let phase = match operation.phase {
        Phase::Main => 0,
        Phase::Final => kind::FINAL,
    };
    out.push(phase | kind_of_request(&operation.op));
    bytes::unsigned(out, u64::from(operation.process.0));
    out.push(operation.region.0);
    request(out, &operation.op);
}

/// Writes an ending, and returns its kind.
pub(crate) fn answered(out: &mut Vec<u8>, ending: &Ending) -> u8 {
    match ending {
        Ending::Ok(answer) => {
            reply(out, answer);
            kind_of_reply(answer)
        }
        Ending::Failed { error, seen } => {
            refusal(out, error, seen.as_ref());
            kind_of_refusal(seen.as_ref())
        }
        Ending::Unknown { error: Some(error) } => {
            bytes::text(out, error);
            kind::INFO
        }
        Ending::Unknown { error: None } => OPEN,
    }
}

/// Writes the second part of a row.
pub(crate) fn write_rest(out: &mut Vec<u8>, start: &Start<'_>, end: &End<'_>) {
    out.reserve(REST_BYTES + start.asked.len() + end.answer.len());
    out.extend_from_slice(start.asked);
    out.push(end.kind);
    if let Some(line) = end.line {
        bytes::unsigned(out, line - start.line);
    }
    if let Some(return_ns) = end.return_ns {
        bytes::unsigned(out, return_ns - start.call_ns);
    }
    out.extend_from_slice(end.answer);
}

/// Appends a row for one key to a pile.
pub(crate) fn write(
    pile: &mut Vec<u8>,
    before: &mut Before,
    key: Key,
    (line, call_ns): (u64, u64),
    rest: &[u8],
) {
    let difference = |new: u64, old: u64| new.wrapping_sub(old).cast_signed();
    // Written in place behind a length of one byte; the few that are longer are moved.
    let first = pile.len();
    pile.reserve(HEAD_BYTES + rest.len());
    pile.push(0);
    bytes::unsigned(pile, key.0);
    bytes::integer(pile, difference(line, before.line));
    bytes::integer(pile, difference(call_ns, before.call_ns));
    *before = Before { line, call_ns };
    pile.extend_from_slice(rest);
    let length = pile.len() - first - 1;
    match u8::try_from(length) {
        Ok(short @ ..=0x7F) => pile[first] = short,
        Ok(_) | Err(_) => {
            let row = pile.split_off(first);
            bytes::unsigned(pile, length as u64);
            pile.extend_from_slice(&row[1..]);
        }
    }
}

/// Appends the row of an operation for one key to a pile.
pub(crate) fn write_operation(
    pile: &mut Vec<u8>,
    before: &mut Before,
    key: Key,
    operation: &Operation,
) {
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    asked(&mut request, operation);
    let start = Start {
        line: operation.line_invoke,
        call_ns: operation.call_ns,
        asked: &request,
    };
    let end = End {
        kind: answered(&mut answer, &operation.ending),
        line: operation.line_complete,
        return_ns: operation.return_ns,
        answer: &answer,
    };
    let mut rest = Vec::new();
    write_rest(&mut rest, &start, &end);
    let moment = (operation.line_invoke, operation.call_ns);
    write(pile, before, key, moment, &rest);
}

/// The ending that was written so.
pub(crate) fn ending_of(end: &End<'_>) -> Ending {
    let ending = Decoder::of_bytes(end.answer, usize::MAX).ending(end.kind);
    ending.expect("it was read before")
}

/// Finds the rows of a pile; in the order in which they were appended.
pub(crate) fn places(pile: &[u8], places: &mut Vec<Place>) -> io::Result<()> {
    places.clear();
    let mut before = Before::default();
    let mut at = 0;
    while at < pile.len() {
        let rest = &pile[at..];
        let glance = Beginning::glance(&mut Glance::new(rest));
        let beginning = match glance {
            Some(beginning) => beginning,
            None => Beginning::decode(&mut Decoder::of_bytes(rest, usize::MAX)).map_err(damaged)?,
        };
        before = Before {
            line: before.line.wrapping_add_signed(beginning.lines),
            call_ns: before.call_ns.wrapping_add_signed(beginning.ns),
        };
        places.push(Place {
            key: beginning.key,
            line: before.line,
            start: at + beginning.start,
            call_ns: before.call_ns,
        });
        let is_whole = beginning.start <= beginning.end && beginning.end <= rest.len();
        if !is_whole {
            return Err(damaged(Trouble::CutOff));
        }
        at += beginning.end;
    }
    Ok(())
}

/// What a row is grouped and sorted by, as it is written.
struct Beginning {
    key: Key,
    lines: i64,
    ns: i64,
    /// Where the rest of the row begins and ends.
    start: usize,
    end: usize,
}

impl Beginning {
    fn glance(row: &mut Glance<'_>) -> Option<Self> {
        let length = usize::try_from(row.number()?).ok()?;
        let end = row.at.checked_add(length)?;
        Some(Self {
            key: Key(row.number()?),
            lines: signed(row.number()?),
            ns: signed(row.number()?),
            start: row.at,
            end,
        })
    }

    /// As [`Beginning::glance`], where there are numbers of more than eight bytes.
    fn decode(row: &mut Decoder<&[u8]>) -> Result<Self, Trouble> {
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let length = index(row.source.unsigned()?);
        let end = index(row.source.position).saturating_add(length);
        Ok(Self {
            key: Key(row.source.unsigned()?),
            lines: row.source.integer()?,
            ns: row.source.integer()?,
            start: index(row.source.position),
            end,
        })
    }
}

/// Sorts rows by key, and those of a key by line. They come nearly in that order: operations that overlap may have changed places.
pub(crate) fn sort(places: &mut [Place]) {
    places.sort_by_key(|place| place.key);
    for own in places.chunk_by_mut(|one, other| one.key == other.key) {
        sort_nearly_sorted(own, |place| place.line);
    }
}

/// Appends the operation of a row.
pub(crate) fn read(
    pile: &[u8],
    place: &Place,
    region_count: usize,
    operations: &mut Vec<Operation>,
) -> io::Result<()> {
    let row = &pile[place.start..];
    if usual(&mut Glance::new(row), place, region_count, operations).is_some() {
        return Ok(());
    }
    let mut decoder = Decoder::of_bytes(row, region_count);
    operation(&mut decoder, place, operations).map_err(damaged)
}

/// Appends a read or a write of one register that succeeded, as nearly all operations are; `None` for every other.
fn usual(
    row: &mut Glance<'_>,
    place: &Place,
    region_count: usize,
    operations: &mut Vec<Operation>,
) -> Option<()> {
    let first = row.byte()?;
    let phase = phase(first).ok()?;
    let process = row.process()?;
    let region = row.region(region_count)?;
    let kind = first & 0x0F;
    if kind > kind::CAS_EXISTS {
        return None;
    }
    let key = Key(row.number()?);
    let op = match kind {
        kind::READ_STRONG => Op::Read {
            key,
            strength: Strength::Strong,
        },
        kind::READ_EVENTUAL => Op::Read {
            key,
            strength: Strength::Eventual,
        },
        kind::WRITE => Op::Write {
            key,
            value: row.value()?,
        },
        kind::DELETE => Op::Delete { key },
        kind::CAS_EQUALS => Op::Cas {
            key,
            value: row.value()?,
            condition: Condition::Equals(row.value()?),
        },
        _ => Op::Cas {
            key,
            value: row.value()?,
            condition: Condition::Exists,
        },
    };
    let which = row.byte()?;
    if !matches!(which, kind::OK_READ | kind::OK_DONE | kind::OK_REPLACED) {
        return None;
    }
    let line_complete = Some(place.line + row.number()?);
    let return_ns = Some(place.call_ns + row.number()?);
    let reply = match which {
        kind::OK_READ => Reply::Read(row.observed(region_count)?),
        kind::OK_REPLACED => Reply::Done {
            old: Some(row.observed(region_count)?),
        },
        _ => Reply::Done { old: None },
    };
    operations.push(Operation {
        line_invoke: place.line,
        line_complete,
        process,
        region,
        phase,
        op,
        call_ns: place.call_ns,
        return_ns,
        ending: Ending::Ok(reply),
    });
    Some(())
}

/// Rows are read as they were written, unless the disk that held them is broken.
fn damaged(trouble: Trouble) -> io::Error {
    let what = format!("rows that were put aside came back damaged ({trouble:?})");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn operation(
    decoder: &mut Decoder<&[u8]>,
    place: &Place,
    operations: &mut Vec<Operation>,
) -> Result<(), Trouble> {
    let first = decoder.source.byte()?;
    let phase = phase(first)?;
    let process = decoder.process()?;
    let region = decoder.region()?;
    let op = decoder.request(first & 0x0F)?;
    let which = decoder.source.byte()?;
    let line_complete = match which {
        OPEN => None,
        _ => Some(place.line + decoder.source.unsigned()?),
    };
    let return_ns = match which {
        OPEN | kind::INFO => None,
        _ => Some(place.call_ns + decoder.source.unsigned()?),
    };
    operations.push(Operation {
        line_invoke: place.line,
        line_complete,
        process,
        region,
        phase,
        op,
        call_ns: place.call_ns,
        return_ns,
        ending: match which {
            OPEN => Ending::Unknown { error: None },
            _ => decoder.ending(which)?,
        },
    });
    Ok(())
}
