//! DynamoDB's answers as outcomes. Whatever is not a well-formed answer to the request is `bad-reply`: nobody knows what happened.

use std::borrow::Cow;

use checker::history::{EventKind, Key, Observed, Op, RegionId, Reply, Stamp, Value};
use serde::Deserialize;
use workloads::values::padding;

use super::Sizes;
use crate::client::{Dialect, FailedCondition, connection::Answer, errors, outcome_of};

/// An answer to any of our requests. Attributes that other programs may have added are ignored.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow, rename = "Item")]
    item: Option<Item<'a>>,
    #[serde(borrow, rename = "Attributes")]
    attributes: Option<Item<'a>>,
    #[serde(borrow, rename = "Items")]
    pub(super) items: Option<Vec<Item<'a>>>,
    #[serde(borrow, rename = "LastEvaluatedKey")]
    pub(super) last_key: Option<Item<'a>>,
    #[serde(borrow, rename = "Table")]
    pub(super) table: Option<TableOf<'a>>,
    #[serde(borrow, rename = "StreamDescription")]
    pub(super) stream: Option<StreamOf<'a>>,
    #[serde(borrow, rename = "ShardIterator")]
    pub(super) iterator: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "Records")]
    pub(super) records: Option<Vec<ChangeOf<'a>>>,
    #[serde(borrow, rename = "NextShardIterator")]
    pub(super) next_iterator: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "__type")]
    error: Option<Cow<'a, str>>,
}

/// What `DescribeTable` says, as far as it is needed.
#[derive(Deserialize)]
pub(super) struct TableOf<'a> {
    #[serde(borrow, rename = "LatestStreamArn")]
    pub(super) stream: Option<Cow<'a, str>>,
}

/// What `DescribeStream` says, as far as it is needed.
#[derive(Deserialize)]
pub(super) struct StreamOf<'a> {
    #[serde(borrow, rename = "Shards")]
    pub(super) shards: Vec<ShardOf<'a>>,
    #[serde(borrow, rename = "LastEvaluatedShardId")]
    pub(super) last_shard: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct ShardOf<'a> {
    #[serde(borrow, rename = "ShardId")]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, rename = "ParentShardId")]
    pub(super) parent: Option<Cow<'a, str>>,
}

/// A record of `GetRecords`.
#[derive(Deserialize)]
pub(super) struct ChangeOf<'a> {
    #[serde(borrow, rename = "dynamodb")]
    pub(super) change: RecordOf<'a>,
}

/// What changed.
#[derive(Deserialize)]
pub(super) struct RecordOf<'a> {
    #[serde(borrow, rename = "Keys")]
    pub(super) keys: Item<'a>,
    #[serde(borrow, rename = "NewImage")]
    pub(super) new: Option<Item<'a>>,
    #[serde(borrow, rename = "OldImage")]
    pub(super) old: Option<Item<'a>>,
    #[serde(borrow, rename = "SequenceNumber")]
    pub(super) sequence: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "pk")]
    key: Option<Attribute<'a>>,
    #[serde(borrow, rename = "padding")]
    padding: Option<Attribute<'a>>,
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

impl Item<'_> {
    /// Which item it is; `None` if it is none that we could have written.
    pub(super) fn key(&self) -> Option<Key> {
        let Some(Attribute::S(name)) = &self.key else {
            return None;
        };
        name.strip_prefix('k')?.parse().ok().map(Key)
    }
}

/// What became of `op`, which is about one item.
pub(crate) fn outcome(op: &Op, answer: &Answer, dialect: &Dialect, sizes: Sizes<'_>) -> EventKind {
    let reader = Reader { dialect, sizes };
    let key = op.key();
    let read = reader.read(answer, key, |body| {
        // What is about no single item has no single answer.
        let key = key.ok_or(errors::BAD_REPLY)?;
        if matches!(op, Op::Read { .. }) {
            return Ok(Reply::Read(reader.observed(key, body.item.as_ref())?));
        }
        let old = Some(reader.observed(key, body.attributes.as_ref())?);
        Ok(Reply::Done { old })
    });
    match read {
        Ok(reply) => EventKind::Ok(reply),
        Err(outcome) => outcome,
    }
}

/// What is needed to understand an answer.
pub(crate) struct Reader<'a> {
    pub(crate) dialect: &'a Dialect,
    pub(crate) sizes: Sizes<'a>,
}

impl Reader<'_> {
    /// What a good answer comes to, or the outcome that any other stands for. `key` is the item that the request was about.
    pub(super) fn read<T>(
        &self,
        answer: &Answer,
        key: Option<Key>,
        success: impl FnOnce(Body<'_>) -> Result<T, &'static str>,
    ) -> Result<T, EventKind> {
        let body = std::str::from_utf8(&answer.body)
            .ok()
            .and_then(|text| serde_json::from_str::<Body<'_>>(text).ok());
        match (answer.status, body) {
            (200, Some(body)) => success(body).map_err(outcome_of),
            (
                400..500,
                Some(Body {
                    error: Some(name),
                    item,
                    ..
                }),
            ) => Err(self.failure(&name, key, item.as_ref())),
            (
                500..,
                Some(Body {
                    error: Some(name), ..
                }),
            ) => Err(match errors::look_up(short(&name)) {
                // A definite name under a 5xx status is a contradiction: the status is believed.
                Some(row) if row.effect == errors::Effect::Indefinite => outcome_of(row.code),
                Some(_) | None => outcome_of(errors::HTTP_5XX),
            }),
            (500.., _) => Err(outcome_of(errors::HTTP_5XX)),
            _ => Err(outcome_of(errors::BAD_REPLY)),
        }
    }

    fn failure(&self, name: &str, key: Option<Key>, item: Option<&Item<'_>>) -> EventKind {
        let Some(row) = errors::look_up(short(name)) else {
            tracing::warn!(
                error = name,
                "an error name that the table of errors does not hold"
            );
            return outcome_of(errors::UNREGISTERED);
        };
        let (true, Some(key)) = (row.code == errors::CONDITION_FAILED, key) else {
            return outcome_of(row.code);
        };
        // The refusal is certain, even if the item that came with it cannot be understood.
        let seen = match (item, self.dialect.failed_condition) {
            (None, FailedCondition::SaysNothing) => None,
            (item, _) => self.observed(key, item).ok(),
        };
        EventKind::Fail {
            error: row.code.to_owned(),
            seen,
        }
    }

    /// The item as the history has it: one that is not whole holds the negative of its write id, which nobody wrote.
    ///
    /// # Errors
    /// `bad-reply` when it is none that we could have written.
    pub(super) fn observed(
        &self,
        key: Key,
        item: Option<&Item<'_>>,
    ) -> Result<Observed, &'static str> {
        let mut seen = observed(item, self.dialect).ok_or(errors::BAD_REPLY)?;
        if let Some(item) = item
            && let Value::Int(id) = seen.value
            && !self.is_whole(key, item, id)
        {
            seen.value = Value::Int(-id);
        }
        Ok(seen)
    }

    /// Whether the padding is that of this key and this write id. Only writes of registers pad, and those leave `prev`.
    fn is_whole(&self, key: Key, item: &Item<'_>, id: i64) -> bool {
        let found = match &item.padding {
            None => "",
            Some(Attribute::S(text)) => text.as_ref(),
            Some(Attribute::N(_) | Attribute::NumberSet(_) | Attribute::L(_)) => return false,
        };
        if item.previous.is_none() {
            return found.is_empty();
        }
        let bytes = (self.sizes)(key);
        found.len() == bytes && (bytes == 0 || found == padding(key, id, bytes))
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
