//! DynamoDB's answers as outcomes. Whatever is not a well-formed answer to the request is `bad-reply`: nobody knows what happened.

use std::borrow::Cow;

use checker::history::{EventKind, Observed, Op, RegionId, Reply, Stamp, Value};
use serde::Deserialize;

use crate::client::{Dialect, FailedCondition, connection::Answer, errors, outcome_of};

/// An answer to any of our requests. Attributes that other programs may have added are ignored.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, rename = "Item")]
    item: Option<Item<'a>>,
    #[serde(borrow, rename = "Attributes")]
    attributes: Option<Item<'a>>,
    #[serde(borrow, rename = "__type")]
    error: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "v")]
    value: Option<Attribute<'a>>,
    #[serde(borrow, rename = "prev")]
    previous: Option<Attribute<'a>>,
    #[serde(borrow, rename = "members")]
    members: Option<Attribute<'a>>,
    #[serde(borrow, rename = "aws:rep:updatetime")]
    update_time: Option<Attribute<'a>>,
    #[serde(borrow, rename = "aws:rep:updateregion")]
    update_region: Option<Attribute<'a>>,
}

#[derive(Deserialize)]
enum Attribute<'a> {
    N(#[serde(borrow)] Cow<'a, str>),
    S(#[serde(borrow)] Cow<'a, str>),
    #[serde(rename = "NS")]
    NumberSet(#[serde(borrow)] Vec<Cow<'a, str>>),
    L(#[serde(borrow)] Vec<Attribute<'a>>),
}

/// What became of `op`.
pub(crate) fn outcome(op: &Op, answer: &Answer, dialect: &Dialect) -> EventKind {
    let body = std::str::from_utf8(&answer.body)
        .ok()
        .and_then(|text| serde_json::from_str::<Body<'_>>(text).ok());
    match (answer.status, body) {
        (200, Some(body)) => {
            success(op, body, dialect).unwrap_or_else(|| outcome_of(errors::BAD_REPLY))
        }
        (
            400..500,
            Some(Body {
                error: Some(name),
                item,
                ..
            }),
        ) => failure(&name, item.as_ref(), dialect),
        (
            500..,
            Some(Body {
                error: Some(name), ..
            }),
        ) => match errors::look_up(short(&name)) {
            // A definite name under a 5xx status is a contradiction: the status is believed.
            Some(row) if row.effect == errors::Effect::Indefinite => outcome_of(row.code),
            Some(_) | None => outcome_of(errors::HTTP_5XX),
        },
        (500.., _) => outcome_of(errors::HTTP_5XX),
        _ => outcome_of(errors::BAD_REPLY),
    }
}

fn success(op: &Op, body: Body<'_>, dialect: &Dialect) -> Option<EventKind> {
    let reply = match op {
        Op::Read { .. } => Reply::Read(observed(body.item.as_ref(), dialect)?),
        Op::Write { .. }
        | Op::Cas { .. }
        | Op::Delete { .. }
        | Op::AddToSet { .. }
        | Op::Increment { .. }
        | Op::Append { .. } => Reply::Done {
            old: Some(observed(body.attributes.as_ref(), dialect)?),
        },
        Op::Transact { .. } | Op::Scan | Op::Stream => return None,
    };
    Some(EventKind::Ok(reply))
}

fn failure(name: &str, item: Option<&Item<'_>>, dialect: &Dialect) -> EventKind {
    let Some(row) = errors::look_up(short(name)) else {
        tracing::warn!(
            error = name,
            "an error name that the table of errors does not hold"
        );
        return outcome_of(errors::UNREGISTERED);
    };
    if row.code != errors::CONDITION_FAILED {
        return outcome_of(row.code);
    }
    let seen = match (item, dialect.failed_condition) {
        (Some(item), _) => observed(Some(item), dialect),
        (None, FailedCondition::ProvesAbsence) => observed(None, dialect),
        (None, FailedCondition::SaysNothing) => None,
    };
    EventKind::Fail {
        error: row.code.to_owned(),
        seen,
    }
}

/// `com.amazonaws.dynamodb.v20120810#ValidationException` without its prefix.
fn short(name: &str) -> &str {
    name.rsplit('#').next().unwrap_or(name)
}

/// `None` when the item is not one that we could have written.
fn observed(item: Option<&Item<'_>>, dialect: &Dialect) -> Option<Observed> {
    let Some(item) = item else {
        return Some(Observed {
            value: Value::Absent,
            stamp: None,
            previous: None,
        });
    };
    let value = match (&item.value, &item.members) {
        (Some(value), None) => Value::Int(integer(value)?),
        (None, Some(members)) => Value::List(integers(members)?),
        (None, None) | (Some(_), Some(_)) => return None,
    };
    let previous = match &item.previous {
        None => None,
        Some(attribute) => match integer(attribute)? {
            0 => Some(Value::Absent),
            id => Some(Value::Int(id)),
        },
    };
    let stamp = match (&item.update_time, &item.update_region) {
        (Some(time), Some(region)) => Some(stamp(time, region, dialect)?),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return None,
    };
    Some(Observed {
        value,
        stamp,
        previous,
    })
}

fn integer(attribute: &Attribute<'_>) -> Option<i64> {
    match attribute {
        Attribute::N(digits) => digits.parse().ok(),
        Attribute::S(_) | Attribute::NumberSet(_) | Attribute::L(_) => None,
    }
}

fn integers(attribute: &Attribute<'_>) -> Option<Vec<i64>> {
    match attribute {
        Attribute::NumberSet(members) => {
            let mut members: Vec<i64> = members
                .iter()
                .map(|digits| digits.parse().ok())
                .collect::<Option<_>>()?;
            members.sort_unstable();
            Some(members)
        }
        Attribute::L(members) => members.iter().map(integer).collect(),
        Attribute::N(_) | Attribute::S(_) => None,
    }
}

fn stamp(time: &Attribute<'_>, region: &Attribute<'_>, dialect: &Dialect) -> Option<Stamp> {
    let (Attribute::N(seconds), Attribute::S(region)) = (time, region) else {
        return None;
    };
    let index = dialect.regions.iter().position(|known| known == region)?;
    Some(Stamp {
        time_us: microseconds(seconds)?,
        region: RegionId(u8::try_from(index).ok()?),
    })
}

/// `1519085870.846001` in microseconds. Trailing zeros may be missing: it is a number.
fn microseconds(seconds: &str) -> Option<i64> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    if fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = format!("{fraction:0<6}").parse::<i64>().ok()?;
    whole
        .parse::<i64>()
        .ok()
        .filter(|seconds| *seconds >= 0)?
        .checked_mul(1_000_000)?
        .checked_add(fraction)
}
