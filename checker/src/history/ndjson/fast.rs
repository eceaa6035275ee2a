//! The lines that make up nearly all of a history, in the exact words of the writer: reads, writes, deletes and conditional writes of
//! registers. Whatever differs in a byte is left to the general parser, which also knows what to complain about.

use crate::history::{
    Condition, Event, EventKind, Key, Observed, Op, Phase, ProcessId, RegionId, Reply, Stamp,
    Strength, Value,
};

/// A number of this many digits fits into 63 bits, whatever they are.
const DIGITS_MAX: usize = 18;
/// How many digits stand behind the point of a stamp.
const MICROS_DIGITS: usize = 6;

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
        let (total, count) = digits(self.0);
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
        let (seconds, count) = digits(self.0);
        if count == 0 || count + MICROS_DIGITS > DIGITS_MAX {
            return None;
        }
        self.0 = &self.0[count..];
        self.take(b".")?;
        let (micros, count) = digits(self.0);
        if count != MICROS_DIGITS {
            return None;
        }
        self.0 = &self.0[count..];
        self.take(b"\"")?;
        i64::try_from(seconds * 1_000_000 + micros).ok()
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

/// The number that these bytes begin with, and how many digits it has. Of more than [`DIGITS_MAX`] only that there are too many is right.
#[inline]
fn digits(bytes: &[u8]) -> (u64, usize) {
    let (mut total, mut count) = (0_u64, 0);
    while let Some(eight) = bytes[count..].first_chunk()
        && count <= DIGITS_MAX
    {
        let (number, own) = first_digits(u64::from_le_bytes(*eight));
        total = total.wrapping_mul(POWERS[own]).wrapping_add(number);
        count += own;
        if own < POWERS.len() - 1 {
            return (total, count);
        }
    }
    let rest = bytes[count..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    for byte in rest.take(POWERS.len()) {
        total = total.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        count += 1;
    }
    (total, count)
}

/// Powers of ten.
const POWERS: [u64; 9] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// The number that eight bytes begin with, and how many digits it has.
#[inline]
fn first_digits(eight: u64) -> (u64, usize) {
    // All eight at a time: numbers are of all lengths, and a loop would have to guess each.
    let digits = eight ^ 0x3030_3030_3030_3030;
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    let bits = others.trailing_zeros() & !7;
    // Those that are there come last, behind zeros.
    let digits = digits.checked_shl(u64::BITS - bits).unwrap_or(0);
    let twos = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_FFFF_0000_FFFF;
    let number = (fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF;
    (number, bits as usize / 8)
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

#[cfg(test)]
mod tests {
    use super::{DIGITS_MAX, digits};

    #[test]
    fn numbers_are_understood_wherever_they_end() {
        let text = "92037461850293745610928374";
        for count in 0..text.len() {
            for behind in ["", ",", "/3:", "x123456789", "\u{ff}90123456789"] {
                let line = format!("{}{behind}", &text[..count]);
                let (number, found) = digits(line.as_bytes());
                if count > DIGITS_MAX {
                    assert!(found > DIGITS_MAX, "{line}");
                    continue;
                }
                let expected = text[..count].parse().unwrap_or(0);
                assert_eq!((number, found), (expected, count), "{line}");
            }
        }
    }
}
