//! Operations as requests. Every piece that varies is a number or a name without quotes, so the JSON is put together as text.

use std::fmt::Write as _;

use checker::history::{Condition, Key, Op, Strength, Value};
use workloads::values::padding;

use super::{EXPIRY, HASH_KEY, Sizes};
use crate::client::{Dialect, Request};

/// Sets the new value and remembers the one it replaced.
const SET_REGISTER: &str = "SET prev = if_not_exists(v, :none), v = :new";

/// A version that nobody may believe: 2100-01-01, in no region.
const FORGED_VALUES: &str =
    ",\":time\":{\"N\":\"4102444800.000001\"},\":region\":{\"S\":\"nowhere-1\"}";
const FORGED_NAMES: &str = ",\"ExpressionAttributeNames\":{\"#time\":\"aws:rep:updatetime\",\"#region\":\"aws:rep:updateregion\"}";

/// The request that does `op`.
///
/// Transactions have no workload yet; a scan ([`super::Copy`]) and a fetch of a stream ([`super::Consumer`]) are many requests. Asking for one of them here
/// is a bug of ours.
pub(crate) fn request(op: &Op, dialect: &Dialect, sizes: Sizes<'_>) -> Request {
    let table = dialect.table.as_str();
    match op {
        Op::Read { key, strength } => {
            let consistent = matches!(strength, Strength::Strong);
            let mut body = start(table, *key);
            let _ = write!(body, ",\"ConsistentRead\":{consistent}}}");
            finish("GetItem", body)
        }
        Op::Write { key, value } => update(dialect, *key, value, None, sizes(*key)),
        Op::Cas {
            key,
            condition,
            value: Value::Absent,
        } => delete(table, *key, Some(condition)),
        Op::Cas {
            key,
            condition,
            value,
        } => update(dialect, *key, value, Some(condition), sizes(*key)),
        Op::Delete { key } => delete(table, *key, None),
        Op::AddToSet { key, element } => add(table, *key, "ADD members :by", &set_of(*element)),
        Op::Increment { key, delta } => add(table, *key, "ADD v :by", &number(*delta)),
        Op::Append { key, element } => {
            let mut body = start(table, *key);
            let _ = write!(
                body,
                ",\"UpdateExpression\":\"SET members = list_append(if_not_exists(members, :none), :by)\"\
                 ,\"ExpressionAttributeValues\":{{\":none\":{{\"L\":[]}},\":by\":{{\"L\":[{}]}}}}",
                number(*element)
            );
            finish_with_old("UpdateItem", body)
        }
        Op::Transact { .. } | Op::Scan | Op::Stream => {
            unreachable!("no workload of this client asks for {op:?}")
        }
    }
}

/// The table and the key, with the object still open.
fn start(table: &str, key: Key) -> String {
    let mut body = String::with_capacity(384);
    let _ = write!(
        body,
        "{{\"TableName\":\"{table}\",\"Key\":{{\"{HASH_KEY}\":{{\"S\":\"k{}\"}}}}",
        key.0
    );
    body
}

fn finish(operation: &'static str, body: String) -> Request {
    Request {
        operation,
        body: body.into(),
    }
}

fn finish_with_old(operation: &'static str, mut body: String) -> Request {
    body.push_str(",\"ReturnValues\":\"ALL_OLD\"}");
    finish(operation, body)
}

fn number(value: i64) -> String {
    format!("{{\"N\":\"{value}\"}}")
}

fn set_of(element: i64) -> String {
    format!("{{\"NS\":[\"{element}\"]}}")
}

fn register_value(value: &Value) -> i64 {
    match value {
        Value::Int(id) => *id,
        Value::Absent | Value::List(_) => unreachable!("a register holds a write id: {value:?}"),
    }
}

fn update(
    dialect: &Dialect,
    key: Key,
    value: &Value,
    condition: Option<&Condition>,
    bytes: usize,
) -> Request {
    let mut body = start(&dialect.table, key);
    let id = register_value(value);
    let mut values = format!("\":none\":{},\":new\":{}", number(0), number(id));
    let mut expression = SET_REGISTER.to_owned();
    if bytes > 0 {
        expression.push_str(", padding = :padding");
        let _ = write!(
            values,
            ",\":padding\":{{\"S\":\"{}\"}}",
            padding(key, id, bytes)
        );
    }
    if let Some(expires_s) = dialect.lifetimes.expires_s(key, id) {
        let _ = write!(expression, ", {EXPIRY} = :expiry");
        let _ = write!(values, ",\":expiry\":{}", number(expires_s));
    }
    if dialect.forgery.applies() {
        expression.push_str(", #time = :time, #region = :region");
        values.push_str(FORGED_VALUES);
        body.push_str(FORGED_NAMES);
    }
    let _ = write!(body, ",\"UpdateExpression\":\"{expression}\"");
    if let Some(condition) = condition {
        push_condition(&mut body, &mut values, condition);
    }
    let _ = write!(body, ",\"ExpressionAttributeValues\":{{{values}}}");
    finish_with_old("UpdateItem", body)
}

fn delete(table: &str, key: Key, condition: Option<&Condition>) -> Request {
    let mut body = start(table, key);
    let mut values = String::new();
    if let Some(condition) = condition {
        push_condition(&mut body, &mut values, condition);
    }
    if !values.is_empty() {
        let _ = write!(body, ",\"ExpressionAttributeValues\":{{{values}}}");
    }
    finish_with_old("DeleteItem", body)
}

fn push_condition(body: &mut String, values: &mut String, condition: &Condition) {
    let expression = match condition {
        Condition::Equals(Value::Absent) => format!("attribute_not_exists({HASH_KEY})"),
        Condition::Exists => format!("attribute_exists({HASH_KEY})"),
        Condition::Equals(expected) => {
            if !values.is_empty() {
                values.push(',');
            }
            let _ = write!(values, "\":expected\":{}", number(register_value(expected)));
            "v = :expected".to_owned()
        }
    };
    let _ = write!(
        body,
        ",\"ConditionExpression\":\"{expression}\",\
         \"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\""
    );
}

fn add(table: &str, key: Key, expression: &str, by: &str) -> Request {
    let mut body = start(table, key);
    let _ = write!(
        body,
        ",\"UpdateExpression\":\"{expression}\",\"ExpressionAttributeValues\":{{\":by\":{by}}}"
    );
    finish_with_old("UpdateItem", body)
}
