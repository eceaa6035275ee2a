//! The fields of one line, in any order, before they are understood as an event.

use super::cursor::{Cursor, Parsed};
use crate::history::{
    Condition, Key, MicroOp, MicroReply, Observed, Phase, RegionId, Stamp, Strength, Value,
};

/// Everything an event line can say. Absent fields are `None`.
#[derive(Debug, Default)]
pub(crate) struct Fields<'l> {
    pub(crate) time_ns: Option<u64>,
    pub(crate) process: Option<u32>,
    pub(crate) region: Option<RegionId>,
    pub(crate) event: Option<&'l str>,
    pub(crate) function: Option<&'l str>,
    pub(crate) key: Option<Key>,
    pub(crate) value: Option<Value>,
    pub(crate) condition: Option<Condition>,
    pub(crate) strength: Option<Strength>,
    pub(crate) stamp_time_us: Option<i64>,
    pub(crate) stamp_region: Option<RegionId>,
    pub(crate) previous: Option<Value>,
    pub(crate) old: Option<Observed>,
    pub(crate) seen: Option<Observed>,
    pub(crate) error: Option<String>,
    pub(crate) ops: Option<Vec<MicroOp>>,
    pub(crate) results: Option<Vec<MicroReply>>,
    pub(crate) items: Option<Vec<(Key, Observed)>>,
    pub(crate) records: Option<Vec<(Key, Observed, Observed)>>,
    pub(crate) anew: Option<Vec<(Key, Observed, Observed)>>,
    pub(crate) phase: Option<Phase>,
}

/// The names of fields, for the message about one that is not among them.
const NAMES: &str = "a field of an event (t, p, r, e, f, k, v, if, strong, ts, tr, prev, old, seen, error, ops, results, items, records, anew, phase)";

impl<'l> Fields<'l> {
    /// Takes one whole line apart.
    pub(crate) fn parse(cursor: &mut Cursor<'l>, regions: &[String]) -> Parsed<Self> {
        let mut fields = Self::default();
        cursor.expect(b'{')?;
        loop {
            cursor.peek();
            let start = cursor.position();
            let name = cursor.plain_text()?;
            cursor.expect(b':')?;
            if !fields.take(name, cursor, regions)? {
                return Err(cursor.error_at(start, NAMES));
            }
            if !cursor.take(b',') {
                break;
            }
        }
        if !cursor.take(b'}') {
            return cursor.error("`,` or `}`");
        }
        if !cursor.is_at_end() {
            return cursor.error("the end of the line");
        }
        Ok(fields)
    }

    /// Takes the value of one field; false when there is no such field.
    fn take(&mut self, name: &str, cursor: &mut Cursor<'l>, regions: &[String]) -> Parsed<bool> {
        match name {
            "t" => self.time_ns = Some(cursor.unsigned()?),
            "p" => self.process = Some(process(cursor)?),
            "r" => self.region = Some(region(cursor, regions)?),
            "e" => self.event = Some(cursor.plain_text()?),
            "f" => self.function = Some(cursor.plain_text()?),
            "k" => self.key = Some(Key(cursor.unsigned()?)),
            "v" => self.value = Some(value(cursor)?),
            "if" => self.condition = Some(condition(cursor)?),
            "strong" => self.strength = Some(strength(cursor)?),
            "ts" => self.stamp_time_us = Some(stamp_time(cursor)?),
            "tr" => self.stamp_region = Some(region(cursor, regions)?),
            "prev" => self.previous = Some(value(cursor)?),
            "old" => self.old = Some(observed(cursor, regions)?),
            "seen" => self.seen = Some(observed(cursor, regions)?),
            "error" => self.error = Some(cursor.text()?),
            "ops" => self.ops = Some(list(cursor, micro_op)?),
            "results" => self.results = Some(list(cursor, |c| micro_reply(c, regions))?),
            "items" => self.items = Some(list(cursor, |c| item(c, regions))?),
            "records" => self.records = Some(list(cursor, |c| record(c, regions))?),
            "anew" => self.anew = Some(list(cursor, |c| record(c, regions))?),
            "phase" => self.phase = Some(phase(cursor)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The sighting that a read reports on its own line.
    pub(crate) fn observed(&mut self) -> Option<Observed> {
        let stamp = match (self.stamp_time_us, self.stamp_region) {
            (Some(time_us), Some(region)) => Some(Stamp { time_us, region }),
            (Some(_) | None, _) => None,
        };
        Some(Observed {
            value: self.value.take()?,
            stamp,
            previous: self.previous.take(),
        })
    }
}

fn process(cursor: &mut Cursor<'_>) -> Parsed<u32> {
    cursor.peek();
    let start = cursor.position();
    u32::try_from(cursor.unsigned()?)
        .map_err(|_| cursor.error_at(start, "a process number below 2^32"))
}

fn region(cursor: &mut Cursor<'_>, regions: &[String]) -> Parsed<RegionId> {
    cursor.peek();
    let start = cursor.position();
    let name = cursor.plain_text()?;
    let index = regions
        .iter()
        .position(|r| r == name)
        .and_then(|i| u8::try_from(i).ok());
    index.map(RegionId).ok_or_else(|| {
        cursor.error_at(
            start,
            format!("one of the header's regions ({})", regions.join(", ")),
        )
    })
}

fn value(cursor: &mut Cursor<'_>) -> Parsed<Value> {
    match cursor.peek() {
        Some(b'[') => Ok(Value::List(list(cursor, Cursor::integer)?)),
        Some(b'-' | b'0'..=b'9') => Ok(Value::Int(cursor.integer()?)),
        Some(_) | None if cursor.take_word("null") => Ok(Value::Absent),
        Some(_) | None => cursor.error("a whole number, a list of them, or null for no item"),
    }
}

fn condition(cursor: &mut Cursor<'_>) -> Parsed<Condition> {
    if cursor.take_word("\"exists\"") {
        return Ok(Condition::Exists);
    }
    Ok(Condition::Equals(value(cursor)?))
}

fn strength(cursor: &mut Cursor<'_>) -> Parsed<Strength> {
    if cursor.take_word("true") {
        Ok(Strength::Strong)
    } else if cursor.take_word("false") {
        Ok(Strength::Eventual)
    } else {
        cursor.error("true (a strongly consistent read) or false")
    }
}

fn phase(cursor: &mut Cursor<'_>) -> Parsed<Phase> {
    if cursor.take_word("\"final\"") {
        Ok(Phase::Final)
    } else if cursor.take_word("\"main\"") {
        Ok(Phase::Main)
    } else {
        cursor.error("\"main\" or \"final\"")
    }
}

/// `"1519085870.846001"`: seconds, a point, six digits.
fn stamp_time(cursor: &mut Cursor<'_>) -> Parsed<i64> {
    cursor.peek();
    let start = cursor.position();
    let text = cursor.plain_text()?;
    micros(text).ok_or_else(|| cursor.error_at(start, "a stamp such as \"1519085870.846001\""))
}

fn micros(text: &str) -> Option<i64> {
    let (is_negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (seconds, micros) = magnitude.split_once('.')?;
    if micros.len() != 6 || !magnitude.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let total = seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?;
    let total = total.checked_add(micros.parse::<i64>().ok()?)?;
    Some(if is_negative { -total } else { total })
}

fn observed(cursor: &mut Cursor<'_>, regions: &[String]) -> Parsed<Observed> {
    cursor.expect(b'{')?;
    let (mut seen, mut previous, mut time_us, mut stamp_region) = (None, None, None, None);
    loop {
        cursor.peek();
        let start = cursor.position();
        let name = cursor.plain_text()?;
        cursor.expect(b':')?;
        match name {
            "v" => seen = Some(value(cursor)?),
            "prev" => previous = Some(value(cursor)?),
            "ts" => time_us = Some(stamp_time(cursor)?),
            "tr" => stamp_region = Some(region(cursor, regions)?),
            _ => return Err(cursor.error_at(start, "a field of an item (v, ts, tr, prev)")),
        }
        if !cursor.take(b',') {
            break;
        }
    }
    let Some(value) = seen else {
        return cursor.error("the item's \"v\"");
    };
    let stamp = match (time_us, stamp_region) {
        (Some(time_us), Some(region)) => Some(Stamp { time_us, region }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return cursor.error("\"ts\" and \"tr\" together, or neither");
        }
    };
    cursor.expect(b'}')?;
    Ok(Observed {
        value,
        stamp,
        previous,
    })
}

fn list<'l, T>(
    cursor: &mut Cursor<'l>,
    mut element: impl FnMut(&mut Cursor<'l>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    cursor.expect(b'[')?;
    let mut elements = Vec::new();
    if cursor.take(b']') {
        return Ok(elements);
    }
    loop {
        elements.push(element(cursor)?);
        if cursor.take(b']') {
            return Ok(elements);
        }
        cursor.expect(b',')?;
    }
}

fn micro_op(cursor: &mut Cursor<'_>) -> Parsed<MicroOp> {
    cursor.expect(b'[')?;
    cursor.peek();
    let start = cursor.position();
    let name = cursor.plain_text()?;
    cursor.expect(b',')?;
    let key = Key(cursor.unsigned()?);
    let op = match name {
        "read" => MicroOp::Read(key),
        "write" => {
            cursor.expect(b',')?;
            MicroOp::Write(key, value(cursor)?)
        }
        "append" => {
            cursor.expect(b',')?;
            MicroOp::Append(key, cursor.integer()?)
        }
        _ => return Err(cursor.error_at(start, "\"read\", \"write\" or \"append\"")),
    };
    cursor.expect(b']')?;
    Ok(op)
}

fn micro_reply(cursor: &mut Cursor<'_>, regions: &[String]) -> Parsed<MicroReply> {
    if cursor.take_word("\"done\"") {
        return Ok(MicroReply::Done);
    }
    Ok(MicroReply::Read(observed(cursor, regions)?))
}

fn item(cursor: &mut Cursor<'_>, regions: &[String]) -> Parsed<(Key, Observed)> {
    cursor.expect(b'[')?;
    let key = Key(cursor.unsigned()?);
    cursor.expect(b',')?;
    let seen = observed(cursor, regions)?;
    cursor.expect(b']')?;
    Ok((key, seen))
}

fn record(cursor: &mut Cursor<'_>, regions: &[String]) -> Parsed<(Key, Observed, Observed)> {
    cursor.expect(b'[')?;
    let key = Key(cursor.unsigned()?);
    cursor.expect(b',')?;
    let new = observed(cursor, regions)?;
    cursor.expect(b',')?;
    let old = observed(cursor, regions)?;
    cursor.expect(b']')?;
    Ok((key, new, old))
}
