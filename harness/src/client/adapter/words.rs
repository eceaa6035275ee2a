//! Operations as lines for an adapter, and its lines as outcomes. `docs/adapter.md` describes them for people.

use checker::history::{
    Condition, EventKind, Key, Observed, Op, RegionId, Reply, Stamp, Strength, Value,
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use workloads::needs::Needs;

use crate::client::{errors, outcome_of};

/// The version of the protocol.
const PROTOCOL: &str = "dateline/adapter/1";

/// What an adapter says of its store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Hello {
    id: u64,
    /// The operations that it can do: `read`, `write`, `cas`, `delete`, `add`, `increment`, `append`, `scan`; and `stamps`, if reads show them.
    pub(crate) capabilities: Vec<String>,
    /// What it stands in front of.
    #[serde(default)]
    pub(crate) store: String,
}

/// An answer to any operation.
#[derive(Deserialize)]
struct Answer {
    id: u64,
    #[serde(default)]
    error: Option<String>,
    /// Whether an error proves that nothing happened.
    #[serde(default)]
    definite: bool,
    #[serde(default, deserialize_with = "present")]
    value: Option<Json>,
    #[serde(default, deserialize_with = "present")]
    previous: Option<Json>,
    #[serde(default, deserialize_with = "present")]
    old: Option<Json>,
    #[serde(default, deserialize_with = "present")]
    seen: Option<Json>,
    /// When, in microseconds, and where the version read was written.
    #[serde(default)]
    stamp: Option<(i64, String)>,
    #[serde(default)]
    items: Option<Vec<(u64, Json)>>,
}

/// Keeps `null` apart from a field that is not there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// The greeting.
pub(super) fn hello(id: u64, region: &str) -> String {
    line(&json!({ "id": id, "op": "hello", "protocol": PROTOCOL, "region": region }))
}

/// Understands the answer to the greeting.
pub(super) fn greeted(id: u64, answer: &str) -> Result<Hello, String> {
    let hello: Hello = serde_json::from_str(answer).map_err(|error| {
        let shown: String = answer.chars().take(80).collect();
        format!("its answer to the greeting cannot be understood ({error}): {shown}")
    })?;
    if hello.id != id {
        return Err(format!("it answered request {}, not {id}", hello.id));
    }
    Ok(hello)
}

/// The operations that a workload needs and an adapter does not offer.
pub(crate) fn missing(needs: &Needs, offered: &[String]) -> Vec<&'static str> {
    let needed = [
        (true, "read"),
        (true, "write"),
        (needs.conditions, "cas"),
        (needs.conditions, "delete"),
        (needs.sets, "add"),
        (needs.numbers, "increment"),
        (needs.lists, "append"),
        (needs.scans, "scan"),
    ];
    let is_missing = |name: &str| !offered.iter().any(|offer| offer == name);
    // Whatever an adapter offers: nobody would ask it for these.
    let unspoken = [
        (needs.streams, "streams"),
        (needs.time_to_live, "expiry"),
        (needs.tables, "more tables"),
    ];
    let names = needed
        .into_iter()
        .filter(|(_, name)| is_missing(name))
        .chain(unspoken);
    let needed_names = names.filter(|(is_needed, _)| *is_needed);
    needed_names.map(|(_, name)| name).collect()
}

/// The line that asks for an operation.
pub(super) fn request(id: u64, op: &Op) -> String {
    let body = match op {
        Op::Read { key, strength } => {
            let strength = match strength {
                Strength::Strong => "strong",
                Strength::Eventual => "eventual",
            };
            json!({ "op": "read", "key": key.0, "strength": strength })
        }
        Op::Write { key, value } => json!({ "op": "write", "key": key.0, "value": as_json(value) }),
        Op::Cas {
            key,
            condition,
            value,
        } => {
            let mut body = json!({ "op": "cas", "key": key.0, "value": as_json(value) });
            match condition {
                Condition::Equals(expected) => body["expected"] = as_json(expected),
                Condition::Exists => body["exists"] = json!(true),
            }
            body
        }
        Op::Delete { key } => json!({ "op": "delete", "key": key.0 }),
        Op::AddToSet { key, element } => json!({ "op": "add", "key": key.0, "element": element }),
        Op::Increment { key, delta } => json!({ "op": "increment", "key": key.0, "delta": delta }),
        Op::Append { key, element } => json!({ "op": "append", "key": key.0, "element": element }),
        Op::Scan => json!({ "op": "scan" }),
        Op::Transact { .. } | Op::Stream => unreachable!("no adapter is asked for {op:?}"),
    };
    let mut body = body;
    body["id"] = json!(id);
    line(&body)
}

fn line(body: &Json) -> String {
    format!("{body}\n")
}

/// What became of `op`. A line that is no answer to it is `bad-reply`: nobody knows what happened.
pub(super) fn outcome(id: u64, op: &Op, answer: &str, regions: &[String]) -> EventKind {
    let understood = serde_json::from_str::<Answer>(answer).ok();
    let Some(answer) = understood.filter(|answer| answer.id == id) else {
        return outcome_of(errors::BAD_REPLY);
    };
    let read = match &answer.error {
        Some(error) => failure(error, &answer),
        None => success(op, &answer, regions).map(EventKind::Ok),
    };
    read.unwrap_or_else(|| outcome_of(errors::BAD_REPLY))
}

fn failure(error: &str, answer: &Answer) -> Option<EventKind> {
    if error == "condition-failed" {
        let seen = match &answer.seen {
            None => None,
            Some(value) => Some(observed(value, None)?),
        };
        return Some(EventKind::Fail {
            error: errors::CONDITION_FAILED.to_owned(),
            seen,
        });
    }
    tracing::debug!(error, definite = answer.definite, "an adapter reports");
    Some(outcome_of(if answer.definite {
        errors::ADAPTER_REFUSED
    } else {
        errors::ADAPTER_UNSURE
    }))
}

fn success(op: &Op, answer: &Answer, regions: &[String]) -> Option<Reply> {
    match op {
        Op::Read { .. } => {
            let seen = observed(answer.value.as_ref()?, answer.previous.as_ref())?;
            let stamp = match &answer.stamp {
                None => None,
                Some((time_us, region)) => Some(Stamp {
                    time_us: *time_us,
                    region: number_of(region, regions)?,
                }),
            };
            Some(Reply::Read(Observed { stamp, ..seen }))
        }
        Op::Write { .. }
        | Op::Cas { .. }
        | Op::Delete { .. }
        | Op::AddToSet { .. }
        | Op::Increment { .. }
        | Op::Append { .. } => {
            let old = match &answer.old {
                None => None,
                Some(old) => Some(observed(old, None)?),
            };
            Some(Reply::Done { old })
        }
        Op::Scan => {
            let items = answer.items.as_ref()?.iter();
            let read = items.map(|(key, value)| Some((Key(*key), observed(value, None)?)));
            let mut items: Vec<(Key, Observed)> = read.collect::<Option<_>>()?;
            items.sort_by_key(|(key, _)| *key);
            Some(Reply::Scan(items))
        }
        Op::Transact { .. } | Op::Stream => None,
    }
}

/// A region by its name; a name that is none makes no sense of the answer.
fn number_of(region: &str, regions: &[String]) -> Option<RegionId> {
    let place = regions.iter().position(|name| name == region)?;
    u8::try_from(place).ok().map(RegionId)
}

fn observed(value: &Json, previous: Option<&Json>) -> Option<Observed> {
    let previous = match previous {
        None => None,
        Some(previous) => Some(from_json(previous)?),
    };
    Some(Observed {
        value: from_json(value)?,
        stamp: None,
        previous,
    })
}

fn as_json(value: &Value) -> Json {
    match value {
        Value::Absent => Json::Null,
        Value::Int(number) => json!(number),
        Value::List(members) => json!(members),
    }
}

fn from_json(value: &Json) -> Option<Value> {
    match value {
        Json::Null => Some(Value::Absent),
        Json::Number(number) => number.as_i64().map(Value::Int),
        Json::Array(members) => members
            .iter()
            .map(Json::as_i64)
            .collect::<Option<_>>()
            .map(Value::List),
        Json::Bool(_) | Json::String(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Op = Op::Read {
        key: Key(17),
        strength: Strength::Strong,
    };

    fn write() -> Op {
        let (key, value) = (Key(17), Value::Int(5));
        Op::Write { key, value }
    }

    #[test]
    fn an_operation_is_one_line() {
        assert_eq!(
            request(3, &READ),
            "{\"id\":3,\"key\":17,\"op\":\"read\",\"strength\":\"strong\"}\n"
        );
        let op = Op::Cas {
            key: Key(17),
            condition: Condition::Equals(Value::Absent),
            value: Value::Int(5),
        };
        assert_eq!(
            request(4, &op),
            "{\"expected\":null,\"id\":4,\"key\":17,\"op\":\"cas\",\"value\":5}\n"
        );
    }

    #[test]
    fn answers_are_done_definitely_not_done_or_unknown() {
        let fail = |error: &str| EventKind::Fail {
            error: error.to_owned(),
            seen: None,
        };
        let info = |error: &str| EventKind::Info {
            error: error.to_owned(),
        };
        for (op, answer, expected) in [
            (
                write(),
                r#"{"id":3,"ok":true}"#,
                EventKind::Ok(Reply::Done { old: None }),
            ),
            (
                write(),
                r#"{"id":3,"error":"read-only","definite":true}"#,
                fail(errors::ADAPTER_REFUSED),
            ),
            (
                write(),
                r#"{"id":3,"error":"gateway"}"#,
                info(errors::ADAPTER_UNSURE),
            ),
            (
                write(),
                r#"{"id":3,"error":"condition-failed"}"#,
                fail(errors::CONDITION_FAILED),
            ),
            (write(), r#"{"id":2,"ok":true}"#, info(errors::BAD_REPLY)),
            (write(), "rubbish", info(errors::BAD_REPLY)),
            (READ, r#"{"id":3,"ok":true}"#, info(errors::BAD_REPLY)),
            (READ, r#"{"id":3,"value":"x"}"#, info(errors::BAD_REPLY)),
        ] {
            assert_eq!(outcome(3, &op, answer, &[]), expected, "{answer}");
        }
        let absent = outcome(3, &READ, r#"{"id":3,"value":null}"#, &[]);
        let EventKind::Ok(Reply::Read(seen)) = absent else {
            panic!("{absent:?}")
        };
        assert_eq!(seen.value, Value::Absent);
        let scan = outcome(3, &Op::Scan, r#"{"id":3,"items":[[9,1],[2,[4,5]]]}"#, &[]);
        let EventKind::Ok(Reply::Scan(items)) = scan else {
            panic!("{scan:?}")
        };
        assert_eq!(items[0].1.value, Value::List(vec![4, 5]));
        assert_eq!(items[1].0, Key(9));
    }

    #[test]
    fn a_stamp_names_a_region_of_the_run() {
        let regions = ["eu".to_owned(), "us".to_owned()];
        let read = |answer| outcome(3, &READ, answer, &regions);
        let EventKind::Ok(Reply::Read(seen)) = read(r#"{"id":3,"value":5,"stamp":[17,"us"]}"#)
        else {
            panic!("it makes sense")
        };
        let (time_us, region) = (17, RegionId(1));
        assert_eq!(seen.stamp, Some(Stamp { time_us, region }));
        let elsewhere = read(r#"{"id":3,"value":5,"stamp":[17,"mars"]}"#);
        assert_eq!(elsewhere, outcome_of(errors::BAD_REPLY));
    }

    #[test]
    fn what_an_adapter_lacks_is_named() {
        let offered = ["read", "write", "cas"].map(str::to_owned);
        assert_eq!(missing(&Needs::LITTLE, &offered), [""; 0]);
        assert_eq!(missing(&Needs::REGISTERS, &offered), ["delete"]);
        let of_tables = Needs {
            streams: true,
            tables: true,
            ..Needs::LITTLE
        };
        let boasted = ["read", "write", "streams", "more tables"].map(str::to_owned);
        assert_eq!(missing(&of_tables, &boasted), ["streams", "more tables"]);
        let hello = greeted(1, "hello?").expect_err("no JSON");
        assert!(hello.contains("hello?"), "{hello}");
    }
}
