//! One operation per line, with both its times.
//!
//! `{"process":3,"key":17,"f":"read|write|cas|delete","value":…,"call":ns,"return":ns|null,"out":…}`. A read has the value it saw, or null for
//! absent, in `out`; a write the value in `value` and `"ok"` or `"fail"` in `out`; a cas `[old,new]` in `value` and true, false or null in
//! `out`. `return` null: nobody knows whether it happened. Optional: `region` (a name), `stamp` of a read (`[microseconds,"region"]`), `prev`
//! (the value that this version replaced), `phase` (`"final"`). Keys may be texts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::syntax;
use crate::history::ndjson::ReadError;
use crate::history::{
    Condition, Ending, Header, History, Key, Observed, Op, Operation, Phase, ProcessId, RegionId,
    Reply, Stamp, Strength, StructureError, Value,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    process: u32,
    #[serde(default)]
    key: Json,
    f: String,
    #[serde(default)]
    value: Json,
    call: u64,
    #[serde(rename = "return", default)]
    end: Option<u64>,
    #[serde(default)]
    out: Json,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    stamp: Option<(i64, String)>,
    #[serde(default)]
    prev: Option<i64>,
    #[serde(default)]
    phase: Option<String>,
}

/// The region of operations that name none.
const REGION: &str = "region";

/// Names that become numbers, in the order of their first mention.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn number(&mut self, name: &str) -> usize {
        self.0.iter().position(|n| n == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        })
    }
}

#[derive(Default)]
struct Importer {
    regions: Names,
    keys: BTreeMap<String, u64>,
    stamps_visible: bool,
}

/// Reads the whole text.
pub(super) fn read(text: &str) -> Result<History, ReadError> {
    let mut importer = Importer::default();
    let mut operations = Vec::new();
    let line_count = text.lines().count() as u64;
    for (number, line) in (1..).zip(text.lines()) {
        let parsed: Line = serde_json::from_str(line).map_err(|error| {
            if number == line_count && error.is_eof() && !text.ends_with('\n') {
                let column = line.len() + 1;
                return ReadError::HalfWritten {
                    line: number,
                    column,
                };
            }
            let message = error.to_string();
            let expected = message.split(" at line ").next().unwrap_or(&message);
            syntax(
                number,
                error.column().max(1),
                &format!("an operation ({expected})"),
                line,
            )
        })?;
        let operation = importer.operation(number, &parsed);
        operations.push(operation.map_err(|expected| syntax(number, 1, &expected, line))?);
    }
    operations.sort_by_key(|o: &Operation| (o.call_ns, o.line_invoke));
    one_at_a_time(&operations)?;
    let key_names = importer
        .keys
        .into_iter()
        .map(|(name, number)| (number, name))
        .collect();
    if operations.is_empty() {
        importer.regions.number(REGION);
    }
    let header = Header {
        regions: importer.regions.0,
        key_names,
        stamps_visible: importer.stamps_visible,
        ..Header::default()
    };
    Ok(History { header, operations })
}

/// A process has at most one operation in flight.
fn one_at_a_time(operations: &[Operation]) -> Result<(), ReadError> {
    let mut last: BTreeMap<ProcessId, &Operation> = BTreeMap::new();
    for operation in operations {
        if let Some(before) = last.insert(operation.process, operation)
            && before.return_ns.is_some_and(|end| end > operation.call_ns)
        {
            let (line, line_invoke) = (operation.line_invoke, before.line_invoke);
            let process = operation.process.0;
            return Err(StructureError::TwoOpenOperations {
                line,
                process,
                line_invoke,
            }
            .into());
        }
    }
    Ok(())
}

impl Importer {
    fn region(&mut self, name: &str) -> Result<RegionId, String> {
        let number = u8::try_from(self.regions.number(name));
        number
            .map(RegionId)
            .map_err(|_| "at most 256 regions".to_owned())
    }

    fn key(&mut self, key: &Json) -> Result<Key, String> {
        match key {
            Json::Null => Ok(Key(0)),
            Json::Number(number) => number
                .as_u64()
                .map(Key)
                .ok_or_else(|| "a \"key\" that is not negative".to_owned()),
            Json::String(name) => {
                let next = self.keys.len() as u64;
                Ok(Key(*self.keys.entry(name.clone()).or_insert(next)))
            }
            Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
                Err("a \"key\" that is a number or a text".to_owned())
            }
        }
    }

    fn operation(&mut self, number: u64, line: &Line) -> Result<Operation, String> {
        if line.end.is_some_and(|end| end < line.call) {
            return Err("a \"return\" that is not before the \"call\"".to_owned());
        }
        let key = self.key(&line.key)?;
        let region = self.region(line.region.as_deref().unwrap_or(REGION))?;
        let (op, ending) = self.request(key, line)?;
        let is_unknown = line.end.is_none() || (line.f == "cas" && line.out.is_null());
        Ok(Operation {
            line_invoke: number,
            line_complete: line.end.map(|_| number),
            process: ProcessId(line.process),
            region,
            phase: if line.phase.as_deref() == Some("final") {
                Phase::Final
            } else {
                Phase::Main
            },
            op,
            call_ns: line.call,
            return_ns: line.end.filter(|_| !is_unknown),
            ending: if is_unknown {
                Ending::Unknown { error: None }
            } else {
                ending
            },
        })
    }

    /// What was asked, and what became of it unless that is unknown.
    fn request(&mut self, key: Key, line: &Line) -> Result<(Op, Ending), String> {
        let stamp = match &line.stamp {
            Some((time_us, name)) => Some(Stamp {
                time_us: *time_us,
                region: self.region(name)?,
            }),
            None => None,
        };
        self.stamps_visible |= stamp.is_some();
        let previous = line.prev.map(Value::Int);
        let old = previous.clone().map(|value| Observed {
            value,
            stamp: None,
            previous: None,
        });
        let done = Ending::Ok(Reply::Done { old });
        let failed = Ending::Failed {
            error: "failed".to_owned(),
            seen: None,
        };
        match line.f.as_str() {
            "read" => {
                let seen = Observed {
                    value: value(&line.out, "out")?,
                    stamp,
                    previous,
                };
                let op = Op::Read {
                    key,
                    strength: Strength::Strong,
                };
                Ok((op, Ending::Ok(Reply::Read(seen))))
            }
            "write" | "delete" => {
                let is_done = match line.out.as_str() {
                    Some("ok") | None => true,
                    Some("fail") => false,
                    Some(_) => return Err("an \"out\" of \"ok\" or \"fail\" on a write".to_owned()),
                };
                let op = match value(&line.value, "value")? {
                    Value::Absent => Op::Delete { key },
                    value @ (Value::Int(_) | Value::List(_)) => Op::Write { key, value },
                };
                Ok((op, if is_done { done } else { failed }))
            }
            "cas" => {
                let Json::Array(pair) = &line.value else {
                    return Err("a \"value\" of [old,new] on a cas".to_owned());
                };
                let [old, new] = &pair[..] else {
                    return Err("a \"value\" of [old,new] on a cas".to_owned());
                };
                let condition = Condition::Equals(value(old, "value")?);
                let op = Op::Cas {
                    key,
                    condition,
                    value: value(new, "value")?,
                };
                let is_refused = line.out == Json::Bool(false);
                Ok((op, if is_refused { refused() } else { done }))
            }
            _ => Err("an \"f\" of \"read\", \"write\", \"cas\" or \"delete\"".to_owned()),
        }
    }
}

fn refused() -> Ending {
    Ending::Failed {
        error: "ConditionalCheckFailedException".to_owned(),
        seen: None,
    }
}

fn value(json: &Json, field: &str) -> Result<Value, String> {
    match json {
        Json::Null => Ok(Value::Absent),
        Json::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .ok_or_else(|| format!("a whole number of 64 bits in \"{field}\"")),
        Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            Err(format!("a whole number or null in \"{field}\""))
        }
    }
}
