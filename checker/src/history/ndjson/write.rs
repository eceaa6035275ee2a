//! Writes a history as it happens: one line per event, built in one reused buffer.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::header_line;
use crate::history::{
    Condition, Event, EventKind, Header, Key, MicroOp, MicroReply, Observed, Op, Phase, ProcessId,
    RegionId, Reply, Stamp, Strength, Value,
};

/// Writes the events of one run. Lines are handed to the inner writer whole, one call per event.
#[derive(Debug)]
pub struct Writer<W: Write> {
    inner: W,
    /// Region names, quoted as JSON once.
    regions: Vec<String>,
    /// What each process has in flight, so that a completion can say what it completes.
    open: BTreeMap<ProcessId, InFlight>,
    line: Vec<u8>,
}

/// The part of a request that its completion repeats.
#[derive(Debug)]
struct InFlight {
    name: &'static str,
    key: Option<Key>,
    written: Option<i64>,
}

impl<W: Write> Writer<W> {
    /// Writes the header and is ready for events.
    ///
    /// # Errors
    /// When the inner writer fails.
    pub fn new(mut inner: W, header: &Header) -> io::Result<Self> {
        inner.write_all(header_line(header)?.as_bytes())?;
        inner.write_all(b"\n")?;
        let regions = header
            .regions
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            inner,
            regions,
            open: BTreeMap::new(),
            line: Vec::with_capacity(256),
        })
    }

    /// Writes one event as one line.
    ///
    /// # Errors
    /// When the inner writer fails.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let mut line = Line {
            bytes: std::mem::take(&mut self.line),
            regions: &self.regions,
        };
        line.bytes.clear();
        line.text("{\"t\":").unsigned(event.time_ns).text(",\"p\":");
        line.unsigned(u64::from(event.process.0))
            .text(",\"r\":")
            .region(event.region);
        match &event.kind {
            EventKind::Invoke(op) => {
                line.text(",\"e\":\"invoke\"");
                let in_flight = InFlight::of(op);
                line.in_flight(&in_flight).request(op);
                self.open.insert(event.process, in_flight);
            }
            EventKind::Ok(reply) => {
                line.text(",\"e\":\"ok\"");
                if let Some(in_flight) = self.open.remove(&event.process) {
                    line.in_flight(&in_flight);
                }
                line.reply(reply);
            }
            EventKind::Fail { error, seen } => {
                line.text(",\"e\":\"fail\"");
                if let Some(in_flight) = self.open.remove(&event.process) {
                    line.in_flight(&in_flight);
                }
                line.text(",\"error\":").quoted(error);
                if let Some(seen) = seen {
                    line.text(",\"seen\":{").observed(seen).text("}");
                }
            }
            EventKind::Info { error } => {
                line.text(",\"e\":\"info\"");
                if let Some(in_flight) = self.open.remove(&event.process) {
                    line.in_flight(&in_flight);
                }
                line.text(",\"error\":").quoted(error);
            }
        }
        if event.phase == Phase::Final {
            line.text(",\"phase\":\"final\"");
        }
        line.text("}\n");
        self.line = line.bytes;
        self.inner.write_all(&self.line)
    }

    /// Flushes the inner writer.
    ///
    /// # Errors
    /// When the inner writer fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }

    /// Gives the inner writer back, for example to finish a compressed stream.
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl InFlight {
    fn of(op: &Op) -> Self {
        let (name, key, written) = match op {
            Op::Read { key, strength: _ } => ("read", Some(*key), None),
            Op::Write { key, value } => ("write", Some(*key), as_integer(value)),
            Op::Cas {
                key,
                condition: _,
                value,
            } => ("cas", Some(*key), as_integer(value)),
            Op::Delete { key } => ("delete", Some(*key), None),
            Op::AddToSet { key, element } => ("add", Some(*key), Some(*element)),
            Op::Increment { key, delta } => ("increment", Some(*key), Some(*delta)),
            Op::Append { key, element } => ("append", Some(*key), Some(*element)),
            Op::Transact { .. } => ("transact", None, None),
            Op::Scan => ("scan", None, None),
            Op::Stream => ("stream", None, None),
        };
        Self { name, key, written }
    }
}

fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Absent | Value::List(_) => None,
    }
}

/// One line under construction.
struct Line<'w> {
    bytes: Vec<u8>,
    regions: &'w [String],
}

impl Line<'_> {
    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    fn unsigned(&mut self, number: u64) -> &mut Self {
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        let mut rest = number;
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(rest % 10).expect("a digit is below ten");
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.bytes.extend_from_slice(&digits[at..]);
        self
    }

    fn integer(&mut self, number: i64) -> &mut Self {
        if number < 0 {
            self.text("-");
        }
        self.unsigned(number.unsigned_abs())
    }

    fn quoted(&mut self, text: &str) -> &mut Self {
        if text.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\') {
            return self.text("\"").text(text).text("\"");
        }
        let quoted = serde_json::to_string(text).expect("a text is always valid JSON");
        self.text(&quoted)
    }

    fn region(&mut self, region: RegionId) -> &mut Self {
        let name = self.regions.get(usize::from(region.0));
        let name = name
            .expect("events use regions that the header lists")
            .as_bytes();
        self.bytes.extend_from_slice(name);
        self
    }

    fn in_flight(&mut self, in_flight: &InFlight) -> &mut Self {
        self.text(",\"f\":\"").text(in_flight.name).text("\"");
        if let Some(key) = in_flight.key {
            self.text(",\"k\":").unsigned(key.0);
        }
        if let Some(written) = in_flight.written {
            self.text(",\"v\":").integer(written);
        }
        self
    }

    /// What a request says beyond its name, key and number.
    fn request(&mut self, op: &Op) -> &mut Self {
        match op {
            Op::Read { key: _, strength } => match strength {
                Strength::Strong => self.text(",\"strong\":true"),
                Strength::Eventual => self.text(",\"strong\":false"),
            },
            Op::Write { key: _, value } => match value {
                Value::Int(_) => self,
                Value::Absent | Value::List(_) => self.text(",\"v\":").value(value),
            },
            Op::Cas {
                key: _,
                condition,
                value,
            } => {
                match value {
                    Value::Int(_) => {}
                    Value::Absent | Value::List(_) => {
                        self.text(",\"v\":").value(value);
                    }
                }
                match condition {
                    Condition::Equals(required) => self.text(",\"if\":").value(required),
                    Condition::Exists => self.text(",\"if\":\"exists\""),
                }
            }
            Op::Transact { ops } => {
                self.text(",\"ops\":[");
                for (index, op) in ops.iter().enumerate() {
                    self.text(if index == 0 { "" } else { "," }).micro_op(op);
                }
                self.text("]")
            }
            Op::Delete { .. }
            | Op::AddToSet { .. }
            | Op::Increment { .. }
            | Op::Append { .. }
            | Op::Scan
            | Op::Stream => self,
        }
    }

    fn micro_op(&mut self, op: &MicroOp) -> &mut Self {
        match op {
            MicroOp::Read(key) => self.text("[\"read\",").unsigned(key.0),
            MicroOp::Write(key, value) => self
                .text("[\"write\",")
                .unsigned(key.0)
                .text(",")
                .value(value),
            MicroOp::Append(key, element) => self
                .text("[\"append\",")
                .unsigned(key.0)
                .text(",")
                .integer(*element),
        };
        self.text("]")
    }

    fn reply(&mut self, reply: &Reply) -> &mut Self {
        match reply {
            Reply::Read(seen) => self.text(",").observed(seen),
            Reply::Done { old: None } => self,
            Reply::Done { old: Some(old) } => self.text(",\"old\":{").observed(old).text("}"),
            Reply::Transact(results) => {
                self.text(",\"results\":[");
                for (index, result) in results.iter().enumerate() {
                    self.text(if index == 0 { "" } else { "," });
                    match result {
                        MicroReply::Read(seen) => self.text("{").observed(seen).text("}"),
                        MicroReply::Done => self.text("\"done\""),
                    };
                }
                self.text("]")
            }
            Reply::Scan(items) => {
                self.text(",\"items\":[");
                for (index, (key, seen)) in items.iter().enumerate() {
                    self.text(if index == 0 { "[" } else { ",[" })
                        .unsigned(key.0);
                    self.text(",{").observed(seen).text("}]");
                }
                self.text("]")
            }
            Reply::Stream(records) => self.text(",\"records\":[").records(records),
            Reply::StreamAnew(records) => self.text(",\"anew\":[").records(records),
        }
    }

    fn records(&mut self, records: &[(Key, Observed, Observed)]) -> &mut Self {
        for (index, (key, new, old)) in records.iter().enumerate() {
            self.text(if index == 0 { "[" } else { ",[" })
                .unsigned(key.0);
            self.text(",{")
                .observed(new)
                .text("},{")
                .observed(old)
                .text("}]");
        }
        self.text("]")
    }

    fn observed(&mut self, seen: &Observed) -> &mut Self {
        self.text("\"v\":").value(&seen.value);
        if let Some(Stamp { time_us, region }) = seen.stamp {
            self.text(",\"ts\":\"")
                .stamp_time(time_us)
                .text("\",\"tr\":")
                .region(region);
        }
        if let Some(previous) = &seen.previous {
            self.text(",\"prev\":").value(previous);
        }
        self
    }

    /// `aws:rep:updatetime` as the store shows it: seconds, a point, six digits.
    fn stamp_time(&mut self, time_us: i64) -> &mut Self {
        let magnitude = time_us.unsigned_abs();
        let micros = u32::try_from(magnitude % 1_000_000).expect("less than a million");
        self.text(if time_us < 0 { "-" } else { "" })
            .unsigned(magnitude / 1_000_000)
            .text(".");
        for place in [100_000, 10_000, 1_000, 100, 10, 1] {
            let digit = u8::try_from(micros / place % 10).expect("a digit is below ten");
            self.bytes.push(b'0' + digit);
        }
        self
    }

    fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Absent => self.text("null"),
            Value::Int(number) => self.integer(*number),
            Value::List(elements) => {
                self.text("[");
                for (index, element) in elements.iter().enumerate() {
                    self.text(if index == 0 { "" } else { "," })
                        .integer(*element);
                }
                self.text("]")
            }
        }
    }
}
