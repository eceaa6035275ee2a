//! The one-line language for histories in tests and documentation.
//!
//! Tokens are separated by spaces, one operation each: `[KEY/]REGION:ACTION[CALL-RETURN]MARKS`, times in whole milliseconds.
//!
//! ```text
//! us:w1[0-5] eu:r1@7us[20-25] eu:r-[3-4] us:c1>2~1@7us[30-35] eu:w3[40-?] us:r3@41eu[90-91]F
//! ```
//!
//! - `w1` writes 1, `d` deletes, `c1>2` replaces 1 by 2 on condition, `c->2` writes if absent, `c*>2` if present, `c2>-` deletes if 2;
//! - `r1@7us` is a strong read that saw 1 with the stamp 7 µs of region `us`, `r-` one that saw nothing, `e…` an eventual read;
//! - `a3` adds the element 3 to a set, `i3` adds 3 to a counter, `p3` appends 3 to a list; `r{1,3}` saw a set or list, `r{}` an empty one;
//! - `~1@7us` after a write or delete is the old item that it returned; after a failed conditional write the item that refused it;
//! - `t(1r5;2w7;3p4)` is a transaction that read 5 of key 1, wrote 7 to key 2 and appended 4 to key 3;
//! - `s(1:7@9us~5@7us;2:8~-)` is a fetch of stream records: key 1 became 7 and had been 5, key 2 became 8 and had been absent; `s()` got none; `S(...)` is one that
//!   found another stream in the place of the one before, that of a table created again, and read it from its beginning;
//! - a return of `?` is an unknown outcome, a `!` after the interval a definite failure, an `F` the final phase;
//! - `#3` at the end names the process; otherwise every operation has its own.
//!
//! `within=10` states that every write arrives everywhere within 10 ms, `fault=20-30` that links were unhealthy then.
//!
//! Regions are numbered in alphabetical order. Lines are numbered as in the file that the history would be written to.

use std::collections::BTreeSet;

use super::{
    Condition, Delivery, Event, EventKind, Header, History, Key, MicroOp, MicroReply, Observed, Op,
    Pairing, Phase, ProcessId, RegionId, Reply, Stamp, Strength, Value,
};

/// Reads a one-line history.
///
/// # Errors
/// A sentence that says which token is wrong.
pub fn one_line(text: &str) -> Result<History, String> {
    let (header, events) = one_line_events(text)?;
    let mut pairing = Pairing::default();
    for (index, event) in events.into_iter().enumerate() {
        pairing
            .push(index as u64 + 2, event)
            .map_err(|e| e.to_string())?;
    }
    Ok(pairing.finish(header))
}

/// The events of a one-line history, in time order, completions before invocations of the same moment.
///
/// # Errors
/// A sentence that says which token is wrong.
pub fn one_line_events(text: &str) -> Result<(Header, Vec<Event>), String> {
    let mut regions = BTreeSet::new();
    for token in operations(text) {
        let place = token
            .split_once(':')
            .ok_or_else(|| format!("{token}: no region"))?
            .0;
        let region = place.split_once('/').map_or(place, |(_, region)| region);
        regions.insert(region.to_owned());
        let stamps = token.split('@').skip(1);
        for stamp in stamps {
            let digits = stamp.trim_start_matches(|c: char| c.is_ascii_digit());
            let name: String = digits
                .chars()
                .take_while(char::is_ascii_alphabetic)
                .collect();
            regions.insert(name);
        }
    }
    let header = Header {
        regions: regions.into_iter().collect(),
        stamps_visible: text.contains('@'),
        delivery: delivery(text)?,
        ..Header::default()
    };
    let mut events = Vec::new();
    for (index, token) in (0..).zip(operations(text)) {
        Token {
            text: token,
            regions: &header.regions,
            process: index,
        }
        .events(&mut events)?;
    }
    // A stable sort: an answer at some moment precedes a request at that moment, as in a history that is written as it happens.
    events.sort_by_key(|e| (e.time_ns, matches!(e.kind, EventKind::Invoke(_))));
    Ok((header, events))
}

/// The tokens that are operations.
fn operations(text: &str) -> impl Iterator<Item = &str> {
    let tokens = text.split_whitespace();
    tokens.filter(|t| !t.starts_with(WITHIN) && !t.starts_with(FAULT))
}

const WITHIN: &str = "within=";
const FAULT: &str = "fault=";

/// What is stated about delivery.
fn delivery(text: &str) -> Result<Option<Delivery>, String> {
    let nanos = |text: &str| {
        let millis: Result<u64, _> = text.parse();
        millis
            .map(|ms| ms * 1_000_000)
            .map_err(|_| format!("{text}: milliseconds"))
    };
    let mut tokens = text.split_whitespace();
    let Some(bound) = tokens.find_map(|t| t.strip_prefix(WITHIN)) else {
        return Ok(None);
    };
    let mut faults_ns = Vec::new();
    for token in text.split_whitespace() {
        if let Some(times) = token.strip_prefix(FAULT) {
            let (begin, end) = times.split_once('-').ok_or("a fault needs -")?;
            faults_ns.push((nanos(begin)?, nanos(end)?));
        }
    }
    Ok(Some(Delivery {
        bound_ns: nanos(bound)?,
        faults_ns,
    }))
}

struct Token<'t> {
    text: &'t str,
    regions: &'t [String],
    process: u32,
}

impl Token<'_> {
    fn events(&self, events: &mut Vec<Event>) -> Result<(), String> {
        let bad = |what: &str| format!("{}: {what}", self.text);
        let (place, rest) = self.text.split_once(':').ok_or_else(|| bad("no region"))?;
        let (action, rest) = rest
            .split_once('[')
            .ok_or_else(|| bad("no [call-return]"))?;
        let (times, marks) = rest.split_once(']').ok_or_else(|| bad("no closing ]"))?;
        let (call, end) = times
            .split_once('-')
            .ok_or_else(|| bad("no - between the times"))?;
        let (key, region) = match place.split_once('/') {
            Some((key, region)) => (key.parse().map_err(|_| bad("key"))?, region),
            None => (0, place),
        };
        let (action, old) = match action.split_once('~') {
            Some((action, old)) if !action.starts_with(['s', 'S']) => (action, Some(self.observed(old)?)),
            Some(_) | None => (action, None),
        };
        let (marks, process) = match marks.split_once('#') {
            Some((marks, process)) => (marks, process.parse().map_err(|_| bad("process"))?),
            None => (marks, self.process),
        };
        let (op, reply) = self.action(Key(key), action, &old)?;
        let event = |time: &str, kind| -> Result<Event, String> {
            let millis: u64 = time.parse().map_err(|_| bad("time"))?;
            Ok(Event {
                time_ns: millis * 1_000_000,
                process: ProcessId(process),
                region: self.region(region)?,
                phase: if marks.contains('F') {
                    Phase::Final
                } else {
                    Phase::Main
                },
                kind,
            })
        };
        events.push(event(call, EventKind::Invoke(op))?);
        if marks.contains('!') {
            let error = "ConditionalCheckFailedException".to_owned();
            events.push(event(end, EventKind::Fail { error, seen: old })?);
        } else if end != "?" {
            events.push(event(end, EventKind::Ok(reply))?);
        }
        Ok(())
    }

    fn action(
        &self,
        key: Key,
        action: &str,
        old: &Option<Observed>,
    ) -> Result<(Op, Reply), String> {
        let done = Reply::Done { old: old.clone() };
        let mut letters = action.chars();
        let letter = letters.next();
        let rest = letters.as_str();
        match letter {
            Some('w') => Ok((
                Op::Write {
                    key,
                    value: self.value(rest)?,
                },
                done,
            )),
            Some('d') => Ok((Op::Delete { key }, done)),
            Some('a') => {
                let element = self.number(rest)?;
                Ok((Op::AddToSet { key, element }, done))
            }
            Some('i') => {
                let delta = self.number(rest)?;
                Ok((Op::Increment { key, delta }, done))
            }
            Some('p') => {
                let element = self.number(rest)?;
                Ok((Op::Append { key, element }, done))
            }
            Some('r') => {
                let op = Op::Read {
                    key,
                    strength: Strength::Strong,
                };
                Ok((op, Reply::Read(self.observed(rest)?)))
            }
            Some('e') => {
                let op = Op::Read {
                    key,
                    strength: Strength::Eventual,
                };
                Ok((op, Reply::Read(self.observed(rest)?)))
            }
            Some('c') => {
                let (required, new) = rest.split_once('>').ok_or("a conditional write needs >")?;
                let condition = match required {
                    "*" => Condition::Exists,
                    value => Condition::Equals(self.value(value)?),
                };
                Ok((
                    Op::Cas {
                        key,
                        condition,
                        value: self.value(new)?,
                    },
                    done,
                ))
            }
            Some('t') => self.transaction(rest),
            Some('s') => Ok((Op::Stream, Reply::Stream(self.records(rest)?))),
            Some('S') => Ok((Op::Stream, Reply::StreamAnew(self.records(rest)?))),
            Some(_) | None => Err(format!("{}: unknown action", self.text)),
        }
    }

    /// `(1r5;2w7;3p4)`.
    fn transaction(&self, text: &str) -> Result<(Op, Reply), String> {
        let (mut ops, mut replies) = (Vec::new(), Vec::new());
        for step in self.list(text)? {
            let digits = step.bytes().take_while(u8::is_ascii_digit).count();
            let (key, step) = step.split_at(digits);
            let key = self.key(key)?;
            let mut letters = step.chars();
            let (op, reply) = match letters.next() {
                Some('r') => {
                    let seen = self.observed(letters.as_str())?;
                    (MicroOp::Read(key), MicroReply::Read(seen))
                }
                Some('w') => {
                    let value = self.value(letters.as_str())?;
                    (MicroOp::Write(key, value), MicroReply::Done)
                }
                Some('p') => {
                    let element = self.number(letters.as_str())?;
                    (MicroOp::Append(key, element), MicroReply::Done)
                }
                Some(_) | None => return Err(format!("{}: step {step}", self.text)),
            };
            ops.push(op);
            replies.push(reply);
        }
        Ok((Op::Transact { ops }, Reply::Transact(replies)))
    }

    /// `(1:7@9us~5@7us;2:8~-)`.
    fn records(&self, text: &str) -> Result<Vec<(Key, Observed, Observed)>, String> {
        let record = |record: &str| {
            let bad = || format!("{}: record {record}", self.text);
            let (key, images) = record.split_once(':').ok_or_else(bad)?;
            let (new, old) = images.split_once('~').ok_or_else(bad)?;
            Ok((self.key(key)?, self.observed(new)?, self.observed(old)?))
        };
        self.list(text)?.into_iter().map(record).collect()
    }

    /// What stands in parentheses, between semicolons.
    fn list<'l>(&self, text: &'l str) -> Result<Vec<&'l str>, String> {
        let inside = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        let inside = inside.ok_or_else(|| format!("{}: no parentheses", self.text))?;
        Ok(inside.split(';').filter(|part| !part.is_empty()).collect())
    }

    fn key(&self, text: &str) -> Result<Key, String> {
        let number = text.parse();
        number
            .map(Key)
            .map_err(|_| format!("{}: key {text}", self.text))
    }

    fn value(&self, text: &str) -> Result<Value, String> {
        match text {
            "-" => Ok(Value::Absent),
            list if list.starts_with('{') => {
                let inside = list.trim_start_matches('{').trim_end_matches('}');
                let numbers = inside.split(',').filter(|n| !n.is_empty());
                let numbers: Result<_, _> = numbers.map(|n| self.number(n)).collect();
                numbers.map(Value::List)
            }
            number => self.number(number).map(Value::Int),
        }
    }

    fn number(&self, text: &str) -> Result<i64, String> {
        text.parse()
            .map_err(|_| format!("{}: value {text}", self.text))
    }

    fn observed(&self, text: &str) -> Result<Observed, String> {
        let (value, stamp) = match text.split_once('@') {
            None => (text, None),
            Some((value, stamp)) => {
                let digits = stamp.bytes().take_while(u8::is_ascii_digit).count();
                let time = stamp[..digits].parse();
                let time_us = time.map_err(|_| format!("{}: stamp", self.text))?;
                (
                    value,
                    Some(Stamp {
                        time_us,
                        region: self.region(&stamp[digits..])?,
                    }),
                )
            }
        };
        Ok(Observed {
            value: self.value(value)?,
            stamp,
            previous: None,
        })
    }

    fn region(&self, name: &str) -> Result<RegionId, String> {
        let index = self.regions.iter().position(|r| r == name);
        let index = index.and_then(|i| u8::try_from(i).ok());
        index
            .map(RegionId)
            .ok_or_else(|| format!("{}: region {name}", self.text))
    }
}
