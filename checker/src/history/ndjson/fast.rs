//! The lines that make up nearly all of a history, in the exact words of the writer: reads, writes, deletes and conditional writes of
//! registers. Whatever differs in a byte is left to the general parser, which also knows what to complain about.

use crate::history::{
    Condition, Event, EventKind, Key, Observed, Op, Phase, ProcessId, RegionId, Reply, Stamp,
    Strength, Value,
};

/// A number of this many digits fits into 63 bits, whatever they are.
const DIGITS_MAX: usize = 18;

/// Reads lines of one history.
#[derive(Debug)]
pub(super) struct Fast {
    /// Region names as the writer quotes them.
    regions: Vec<Vec<u8>>,
}

/// What is left of a line.
#[derive(Clone, Copy)]
struct Rest<'l>(&'l [u8]);

impl<'l> Rest<'l> {
    /// Takes these bytes, which must be next.
    fn take(&mut self, bytes: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(bytes)?;
        Some(())
    }

    /// Takes these bytes if they are next.
    fn has(&mut self, bytes: &[u8]) -> bool {
        self.take(bytes).is_some()
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut total: u64 = 0;
        let mut count = 0;
        for byte in self.0.iter().take(DIGITS_MAX + 1) {
            if !byte.is_ascii_digit() {
                break;
            }
            total = total.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            count += 1;
        }
        if count == 0 || count > DIGITS_MAX {
            return None;
        }
        self.0 = &self.0[count..];
        match self.0.first() {
            Some(b'.' | b'e' | b'E') => None,
            Some(_) | None => Some(total),
        }
    }

    fn integer(&mut self) -> Option<i64> {
        let is_negative = self.has(b"-");
        let magnitude = i64::try_from(self.unsigned()?).ok()?;
        Some(if is_negative { -magnitude } else { magnitude })
    }

    /// A number, or nothing.
    fn value(&mut self) -> Option<Value> {
        if self.has(b"null") {
            return Some(Value::Absent);
        }
        self.integer().map(Value::Int)
    }

    /// `"1519085870.846001"`, as microseconds.
    fn stamp_time(&mut self) -> Option<i64> {
        self.take(b"\"")?;
        let mut total: i64 = 0;
        let point = self.0.iter().take(DIGITS_MAX).position(|b| *b == b'.')?;
        let (seconds, rest) = self.0.split_at(point);
        let micros = rest.get(1..7)?;
        if seconds.is_empty() || seconds.len() + micros.len() > DIGITS_MAX {
            return None;
        }
        for byte in seconds.iter().chain(micros) {
            if !byte.is_ascii_digit() {
                return None;
            }
            total = total * 10 + i64::from(byte - b'0');
        }
        self.0 = &rest[7..];
        self.take(b"\"")?;
        Some(total)
    }

    /// What follows a completion or request: perhaps the phase, and the end.
    fn end(&mut self) -> Option<Phase> {
        let phase = if self.has(b",\"phase\":\"final\"") {
            Phase::Final
        } else {
            Phase::Main
        };
        self.take(b"}")?;
        self.0.is_empty().then_some(phase)
    }
}

impl Fast {
    pub(super) fn new(regions: &[String]) -> Self {
        let quoted = |name: &String| serde_json::to_vec(name).expect("a text is always valid JSON");
        Self {
            regions: regions.iter().map(quoted).collect(),
        }
    }

    /// The event of a line without its end, if it is one of those.
    pub(super) fn event(&self, line: &[u8]) -> Option<Event> {
        let mut rest = Rest(line);
        rest.take(b"{\"t\":")?;
        let time_ns = rest.unsigned()?;
        rest.take(b",\"p\":")?;
        let process = ProcessId(u32::try_from(rest.unsigned()?).ok()?);
        rest.take(b",\"r\":")?;
        let region = self.region(&mut rest)?;
        let kind = if rest.has(b",\"e\":\"invoke\",\"f\":\"") {
            EventKind::Invoke(request(&mut rest)?)
        } else {
            rest.take(b",\"e\":\"ok\",\"f\":\"")?;
            EventKind::Ok(self.reply(&mut rest)?)
        };
        let phase = rest.end()?;
        Some(Event {
            time_ns,
            process,
            region,
            phase,
            kind,
        })
    }

    fn region(&self, rest: &mut Rest<'_>) -> Option<RegionId> {
        let mut regions = (0..).zip(&self.regions);
        let (index, _) = regions.find(|(_, quoted)| rest.has(quoted))?;
        Some(RegionId(index))
    }

    fn reply(&self, rest: &mut Rest<'_>) -> Option<Reply> {
        if rest.has(b"read\",\"k\":") {
            rest.unsigned()?;
            rest.take(b",\"v\":")?;
            return Some(Reply::Read(self.observed(rest)?));
        }
        if rest.has(b"write\",\"k\":") || rest.has(b"cas\",\"k\":") {
            rest.unsigned()?;
            if rest.has(b",\"v\":") {
                rest.integer()?;
            }
        } else {
            rest.take(b"delete\",\"k\":")?;
            rest.unsigned()?;
        }
        if !rest.has(b",\"old\":{\"v\":") {
            return Some(Reply::Done { old: None });
        }
        let old = Some(self.observed(rest)?);
        rest.take(b"}")?;
        Some(Reply::Done { old })
    }

    /// A value and what follows it, up to the end of the item.
    fn observed(&self, rest: &mut Rest<'_>) -> Option<Observed> {
        let value = rest.value()?;
        let mut stamp = None;
        if rest.has(b",\"ts\":") {
            let time_us = rest.stamp_time()?;
            rest.take(b",\"tr\":")?;
            let region = self.region(rest)?;
            stamp = Some(Stamp { time_us, region });
        }
        let mut previous = None;
        if rest.has(b",\"prev\":") {
            previous = Some(rest.value()?);
        }
        Some(Observed {
            value,
            stamp,
            previous,
        })
    }
}

fn request(rest: &mut Rest<'_>) -> Option<Op> {
    if rest.has(b"read\",\"k\":") {
        let key = Key(rest.unsigned()?);
        let strength = if rest.has(b",\"strong\":true") {
            Strength::Strong
        } else {
            rest.take(b",\"strong\":false")?;
            Strength::Eventual
        };
        return Some(Op::Read { key, strength });
    }
    if rest.has(b"write\",\"k\":") {
        let key = Key(rest.unsigned()?);
        rest.take(b",\"v\":")?;
        let value = Value::Int(rest.integer()?);
        return Some(Op::Write { key, value });
    }
    if rest.has(b"delete\",\"k\":") {
        let key = Key(rest.unsigned()?);
        return Some(Op::Delete { key });
    }
    rest.take(b"cas\",\"k\":")?;
    let key = Key(rest.unsigned()?);
    rest.take(b",\"v\":")?;
    let value = rest.value()?;
    rest.take(b",\"if\":")?;
    let condition = if rest.has(b"\"exists\"") {
        Condition::Exists
    } else {
        Condition::Equals(rest.value()?)
    };
    Some(Op::Cas {
        key,
        condition,
        value,
    })
}
