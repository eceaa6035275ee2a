//! Jepsen's histories: `history.edn`, and the lines that `jepsen.util` logs.
//!
//! Understood are registers (`:read`, `:write`, `:cas`), deletes, sets and counters (`:add`), and list-append transactions (`:txn`). With
//! `independent` generators every value is a `[key value]` pair; that is recognised by reads and writes of pairs. Operations of the nemesis
//! are left out. Jepsen tests one system, so everything lies in one region. The log form has no times: the order of its lines is all
//! there is. A logged `:timed-out` stands in the place of a value.

use std::collections::BTreeMap;

use super::edn::{Edn, EdnReader};
use super::syntax;
use crate::history::ndjson::ReadError;
use crate::history::{
    Condition, Event, EventKind, Header, History, Key, MicroOp, MicroReply, Observed, Op, Pairing,
    Phase, ProcessId, RegionId, Reply, Strength, Value,
};

/// One line or map, before its function is understood.
struct Entry {
    line: u64,
    time_ns: u64,
    process: u32,
    kind: String,
    function: String,
    value: Edn,
    error: Option<String>,
}

/// Reads `history.edn`: maps one after the other, or one vector of them.
pub(super) fn read_edn(text: &str) -> Result<History, ReadError> {
    let mut reader = EdnReader::new(text);
    let close = reader.opening();
    let mut entries = Vec::new();
    while !reader.is_over(close)? {
        let line = reader.line();
        let map = reader.value()?;
        let word = |name: &str| match map.get(name) {
            Some(Edn::Word(word)) => Ok(word.clone()),
            Some(_) | None => Err(syntax(
                line,
                1,
                &format!("a map with a keyword :{name}"),
                "",
            )),
        };
        let process = match map.get("process") {
            Some(Edn::Int(process)) => u32::try_from(*process)
                .map_err(|_| syntax(line, 1, "a :process that is not negative", ""))?,
            Some(Edn::Word(_)) => continue,
            Some(_) | None => return Err(syntax(line, 1, "a map with a :process", "")),
        };
        let index = entries.len() as u64;
        let time_ns = match map.get("time") {
            Some(Edn::Int(time)) => u64::try_from(*time).unwrap_or(0),
            Some(_) | None => index,
        };
        let error = map.get("error").map(|e| format!("{e:?}"));
        let value = map.get("value").cloned().unwrap_or(Edn::Nil);
        let (kind, function) = (word("type")?, word("f")?);
        entries.push(Entry {
            line,
            time_ns,
            process,
            kind,
            function,
            value,
            error,
        });
    }
    build(entries)
}

/// What stands before an operation on its line.
const LOGGER: &str = "jepsen.util - ";

/// Reads log lines; those of other loggers are skipped.
pub(super) fn read_log(text: &str) -> Result<History, ReadError> {
    let mut entries = Vec::new();
    let line_count = text.lines().count() as u64;
    for (number, line) in (1..).zip(text.lines()) {
        if number == line_count
            && !text.ends_with('\n')
            && let Some(error) = cut_off(number, line, &entries)
        {
            return Err(error);
        }
        let time_ns = entries.len() as u64;
        entries.extend(log_entry(number, line, time_ns)?);
    }
    build(entries)
}

/// The operation of a log line, if it is of one.
fn log_entry(number: u64, line: &str, time_ns: u64) -> Result<Option<Entry>, ReadError> {
    let Some((_, rest)) = line.split_once(LOGGER) else {
        return Ok(None);
    };
    let values = log_values(rest);
    let values = values.map_err(|_| syntax(number, 1, "a well-formed log line", rest))?;
    let (Some(Edn::Int(process)), Some(Edn::Word(kind)), Some(Edn::Word(function))) =
        (values.first(), values.get(1), values.get(2))
    else {
        // Other things are logged under this name too.
        return Ok(None);
    };
    let process = u32::try_from(*process)
        .map_err(|_| syntax(number, 1, "a process number that is not negative", rest))?;
    let value = values.get(3).cloned().unwrap_or(Edn::Nil);
    let error = match &value {
        Edn::Word(word) => Some(word.clone()),
        Edn::Nil | Edn::Bool(_) | Edn::Int(_) | Edn::Number(_) | Edn::Text(_) => None,
        Edn::List(_) | Edn::Set(_) | Edn::Map(_) => None,
    };
    Ok(Some(Entry {
        line: number,
        time_ns,
        process,
        kind: kind.clone(),
        function: function.clone(),
        value,
        error,
    }))
}

fn log_values(rest: &str) -> Result<Vec<Edn>, ReadError> {
    let mut reader = EdnReader::new(rest);
    let mut values = Vec::new();
    while reader.peek().is_some() {
        values.push(reader.value()?);
    }
    Ok(values)
}

/// Why the last line, behind which there is no line feed, cannot be taken for whole. A line of a log does not show where it ends: a part of it,
/// and of the number or word at its end, reads just as well.
fn cut_off(number: u64, line: &str, before: &[Entry]) -> Option<ReadError> {
    let column = line.len() + 1;
    let half_written = ReadError::HalfWritten {
        line: number,
        column,
    };
    let Some((_, rest)) = line.split_once(LOGGER) else {
        // What names another logger is none of ours; what names none may have been going to name this one.
        let is_other = line.contains(" - ") || line.trim().is_empty();
        return (!is_other).then_some(half_written);
    };
    let Ok(values) = log_values(rest) else {
        return Some(half_written);
    };
    let (process, function, value) = match &values[..] {
        [
            Edn::Int(process),
            Edn::Word(_),
            Edn::Word(function),
            value,
            ..,
        ] => (*process, function, value),
        // Nemeses are left out.
        [Edn::Word(_), ..] => return None,
        _ => return Some(half_written),
    };
    let is_ended = match value {
        Edn::Nil | Edn::Bool(_) | Edn::Text(_) | Edn::List(_) | Edn::Set(_) | Edn::Map(_) => true,
        Edn::Word(word) if word == "timed-out" => true,
        // It ends as it was asked for.
        Edn::Word(_) | Edn::Int(_) | Edn::Number(_) => {
            let mut asked = before.iter().rev();
            let asked = asked.find(|entry| i64::from(entry.process) == process);
            asked
                .is_some_and(|a| a.kind == "invoke" && a.function == *function && a.value == *value)
        }
    };
    let expected =
        "a line feed: without it, what ends here may be cut off; add one if the line is whole";
    (!is_ended).then(|| syntax(number, column, expected, ""))
}

/// What turns names and values into ours.
struct Builder {
    is_independent: bool,
    /// Whether `:add` adds to a counter, rather than to a set.
    is_counter: bool,
    keys: BTreeMap<String, u64>,
    /// What each process asked for: completions of crashed operations may not say it.
    asked: BTreeMap<u32, Op>,
}

fn build(entries: Vec<Entry>) -> Result<History, ReadError> {
    let is_pair = |e: &Entry| matches!(&e.value, Edn::List(l) if l.len() == 2);
    let plain = |e: &&Entry| matches!(e.function.as_str(), "read" | "write" | "add");
    let plain_reads = |e: &&Entry| e.function == "read" && e.kind == "ok";
    let asked = entries.iter().filter(plain).filter(|e| e.kind == "invoke");
    let (mut pairs, mut others) = (0, 0);
    for entry in asked {
        match (is_pair(entry), &entry.value) {
            (true, _) => pairs += 1,
            (false, Edn::Nil) if entry.function == "read" => others += 1,
            (false, _) => others += 1,
        }
    }
    let is_int = |e: &Entry| match &e.value {
        Edn::Int(_) => true,
        Edn::List(pair) => matches!(pair.get(1), Some(Edn::Int(_))) && pairs > others,
        Edn::Nil | Edn::Bool(_) | Edn::Number(_) | Edn::Text(_) => false,
        Edn::Word(_) | Edn::Set(_) | Edn::Map(_) => false,
    };
    let mut builder = Builder {
        is_independent: pairs > others,
        is_counter: entries.iter().filter(plain_reads).any(is_int),
        keys: BTreeMap::new(),
        asked: BTreeMap::new(),
    };
    let mut pairing = Pairing::default();
    for entry in &entries {
        let kind = builder.event(entry)?;
        let event = Event {
            time_ns: entry.time_ns,
            process: ProcessId(entry.process),
            region: RegionId(0),
            phase: Phase::Main,
            kind,
        };
        pairing.push(entry.line, event)?;
    }
    let key_names = builder
        .keys
        .into_iter()
        .map(|(name, number)| (number, name))
        .collect();
    let header = Header {
        regions: vec!["jepsen".to_owned()],
        key_names,
        ..Header::default()
    };
    Ok(pairing.finish(header))
}

impl Builder {
    fn event(&mut self, entry: &Entry) -> Result<EventKind, ReadError> {
        let error = || entry.error.clone().unwrap_or_else(|| entry.kind.clone());
        match entry.kind.as_str() {
            "invoke" => {
                let op = self.request(entry)?;
                self.asked.insert(entry.process, op.clone());
                Ok(EventKind::Invoke(op))
            }
            "ok" => Ok(EventKind::Ok(self.reply(entry)?)),
            "fail" => {
                let is_cas = matches!(self.asked.get(&entry.process), Some(Op::Cas { .. }));
                let is_refused = is_cas && entry.error.is_none();
                let refused = || "ConditionalCheckFailedException".to_owned();
                Ok(EventKind::Fail {
                    error: if is_refused { refused() } else { error() },
                    seen: None,
                })
            }
            "info" => Ok(EventKind::Info { error: error() }),
            other => Err(syntax(
                entry.line,
                1,
                "a :type of :invoke, :ok, :fail or :info",
                other,
            )),
        }
    }

    /// Splits a value into its key and the rest.
    fn split<'e>(&mut self, entry: &'e Entry) -> (Key, &'e Edn) {
        match &entry.value {
            Edn::List(pair) if self.is_independent && pair.len() == 2 => {
                (self.key(&pair[0]), &pair[1])
            }
            value => (Key(0), value),
        }
    }

    fn key(&mut self, name: &Edn) -> Key {
        if let Edn::Int(number) = name
            && let Ok(number) = u64::try_from(*number)
        {
            return Key(number);
        }
        // Names are numbered from far above the keys that are numbers, and below heartbeats.
        let next = (1 << 39) + self.keys.len() as u64;
        let name = match name {
            Edn::Text(text) | Edn::Word(text) => text.clone(),
            other => format!("{other:?}"),
        };
        Key(*self.keys.entry(name).or_insert(next))
    }

    fn request(&mut self, entry: &Entry) -> Result<Op, ReadError> {
        let (key, rest) = self.split(entry);
        let bad = |expected: &str| syntax(entry.line, 1, expected, &format!("{rest:?}"));
        let number = || match rest {
            Edn::Int(number) => Ok(*number),
            other => Err(bad(&format!(
                "a whole number as :value, not {}",
                other.kind()
            ))),
        };
        Ok(match entry.function.as_str() {
            "read" => Op::Read {
                key,
                strength: Strength::Strong,
            },
            "write" => Op::Write {
                key,
                value: Value::Int(number()?),
            },
            "delete" => Op::Delete { key },
            "cas" => match rest {
                Edn::List(pair) if pair.len() == 2 => Op::Cas {
                    key,
                    condition: Condition::Equals(value(&pair[0], entry.line)?),
                    value: value(&pair[1], entry.line)?,
                },
                other => return Err(bad(&format!("a :value of [old new], not {}", other.kind()))),
            },
            "add" if self.is_counter => Op::Increment {
                key,
                delta: number()?,
            },
            "add" => Op::AddToSet {
                key,
                element: number()?,
            },
            "txn" => Op::Transact {
                ops: self.steps(entry)?.into_iter().map(|(op, _)| op).collect(),
            },
            _ => {
                let expected = "an :f of :read, :write, :cas, :delete, :add or :txn";
                return Err(syntax(entry.line, 1, expected, &entry.function));
            }
        })
    }

    fn reply(&mut self, entry: &Entry) -> Result<Reply, ReadError> {
        let (_, rest) = self.split(entry);
        match entry.function.as_str() {
            "read" => Ok(Reply::Read(observed(rest, entry.line)?)),
            "txn" => {
                let steps = self.steps(entry)?.into_iter().map(|(_, reply)| reply);
                Ok(Reply::Transact(steps.collect()))
            }
            _ => Ok(Reply::Done { old: None }),
        }
    }

    /// `[[:append k v] [:r k [1 2]] [:w k v]]`.
    fn steps(&mut self, entry: &Entry) -> Result<Vec<(MicroOp, MicroReply)>, ReadError> {
        let bad = || {
            syntax(
                entry.line,
                1,
                "steps such as [:append 3 4] or [:r 3 nil]",
                "",
            )
        };
        let Edn::List(steps) = &entry.value else {
            return Err(bad());
        };
        let step = |step: &Edn| {
            let Edn::List(parts) = step else {
                return Err(bad());
            };
            let [Edn::Word(function), key, rest] = &parts[..] else {
                return Err(bad());
            };
            let key = self.key(key);
            match (function.as_str(), rest) {
                ("r", seen) => Ok((
                    MicroOp::Read(key),
                    MicroReply::Read(observed(seen, entry.line)?),
                )),
                ("append", Edn::Int(element)) => {
                    Ok((MicroOp::Append(key, *element), MicroReply::Done))
                }
                ("w", new) => Ok((
                    MicroOp::Write(key, value(new, entry.line)?),
                    MicroReply::Done,
                )),
                (_, _) => Err(bad()),
            }
        };
        steps.iter().map(step).collect()
    }
}

fn observed(seen: &Edn, line: u64) -> Result<Observed, ReadError> {
    Ok(Observed {
        value: value(seen, line)?,
        stamp: None,
        previous: None,
    })
}

fn value(edn: &Edn, line: u64) -> Result<Value, ReadError> {
    let expected = "a whole number, a collection of them, or nil";
    let bad = |other: &Edn| syntax(line, 1, expected, other.kind());
    let element = |e: &Edn| match e {
        Edn::Int(number) => Ok(*number),
        other => Err(bad(other)),
    };
    match edn {
        Edn::Nil => Ok(Value::Absent),
        Edn::Int(number) => Ok(Value::Int(*number)),
        Edn::List(elements) => Ok(Value::List(
            elements.iter().map(element).collect::<Result<_, _>>()?,
        )),
        Edn::Set(elements) => {
            let mut elements: Vec<i64> = elements.iter().map(element).collect::<Result<_, _>>()?;
            elements.sort_unstable();
            Ok(Value::List(elements))
        }
        other => Err(bad(other)),
    }
}
