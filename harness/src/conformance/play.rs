//! Plays one case against an arm.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Arm, Case, arm::Answer, case::Step, matching::check};

/// How often to look at something that takes time before it is held against the region.
const LOOKS: usize = 400;

/// How often to look at something that must not change.
const LOOKS_AT_REST: usize = 12;

/// Operations that speak of no table.
const WITHOUT_TABLE: &[&str] = &[
    "ListTables",
    "ListGlobalTables",
    "ListStreams",
    "DescribeStream",
    "GetShardIterator",
    "GetRecords",
];

/// Not an operation, but what every reader of a stream does.
const READ_STREAM: &str = "ReadStream";

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything came as expected.
    Passed,
    /// Something did not: which step, and what came instead.
    Failed(String),
    /// This arm cannot play it, and why.
    Skipped(String),
}

/// Plays one case with a table of this name.
pub(crate) fn play(case: &Case, arm: &mut dyn Arm, table: &str) -> Outcome {
    arm.begin();
    let mut words: BTreeMap<String, String> = [("table".to_owned(), table.to_owned())].into();
    for (name, region) in ["here", "there", "elsewhere"].iter().zip(arm.regions()) {
        words.insert((*name).to_owned(), region.clone());
    }
    for (index, step) in case.steps.iter().enumerate() {
        if let Some(seconds) = step.pass_s {
            if !arm.pass(seconds) {
                return Outcome::Skipped(format!("it would have to wait for {seconds} s"));
            }
            continue;
        }
        if let Err(wrong) = take(step, arm, &mut words) {
            let call = &step.call;
            return Outcome::Failed(format!("step {}, {call} {}: {wrong}", index + 1, step.at));
        }
    }
    Outcome::Passed
}

/// One step: asked once, or until it is as expected, or again and again to see that it stays so.
fn take(
    step: &Step,
    arm: &mut dyn Arm,
    words: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    let region = ["here", "there", "elsewhere"]
        .iter()
        .position(|name| *name == step.at)
        .ok_or_else(|| format!("there is no region {:?} in a case", step.at))?;
    let body = body(step, words);
    let table = words["table"].clone();
    let ask = |arm: &mut dyn Arm| match step.call.as_str() {
        READ_STREAM => read_stream(arm, region, &table),
        operation => arm.call(region, operation, &body),
    };
    let mut answer = ask(arm)?;
    if step.until.is_some() {
        for _look in 0..LOOKS {
            if judge(step, &answer, words).is_ok() {
                break;
            }
            arm.wait();
            answer = ask(arm)?;
        }
    }
    judge(step, &answer, words)?;
    if step.stays.is_some() {
        for _look in 0..LOOKS_AT_REST {
            arm.wait();
            judge(step, &ask(arm)?, words)?;
        }
    }
    if let Answer::Served(value) = &answer {
        for (name, pointer) in &step.keep {
            let kept = value
                .pointer(pointer)
                .and_then(Value::as_str)
                .ok_or_else(|| format!("{pointer} is no text in {value}"))?;
            words.insert(name.clone(), kept.to_owned());
        }
    }
    Ok(())
}

/// Every record of the table's newest stream, shard after shard, as `{"Records": [...]}`.
fn read_stream(arm: &mut dyn Arm, region: usize, table: &str) -> Result<Answer, String> {
    let mut served = |operation: &str, body: Value| match arm.call(region, operation, &body)? {
        Answer::Served(value) => Ok(value),
        refused @ Answer::Refused { .. } => Err(format!("{operation}: {refused}")),
    };
    let described = served("DescribeTable", json!({ "TableName": table }))?;
    let arn = &described["Table"]["LatestStreamArn"];
    let stream = served("DescribeStream", json!({ "StreamArn": arn }))?;
    let shards = stream["StreamDescription"]["Shards"].as_array();
    let mut records = Vec::new();
    for shard in shards.into_iter().flatten() {
        let from = json!({ "StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON" });
        let mut next = served("GetShardIterator", from)?["ShardIterator"].take();
        while next.is_string() {
            let mut page = served("GetRecords", json!({ "ShardIterator": next }))?;
            let Value::Array(found) = page["Records"].take() else {
                return Err(format!("GetRecords without Records: {page}"));
            };
            // An open shard has always a next page; an empty one is the end for now.
            next = if found.is_empty() {
                Value::Null
            } else {
                page["NextShardIterator"].take()
            };
            records.extend(found);
        }
    }
    Ok(Answer::Served(json!({ "Records": records })))
}

fn judge(step: &Step, answer: &Answer, words: &BTreeMap<String, String>) -> Result<(), String> {
    match (answer, &step.refused) {
        (Answer::Served(value), None) => [&step.gives, &step.until, &step.stays]
            .into_iter()
            .flatten()
            .try_for_each(|expected| check(&filled(expected, words), value)),
        (Answer::Refused { error, message }, Some(expected)) if error == expected => {
            let saying = step.saying.as_ref().map(|text| fill(text, words));
            match saying {
                Some(text) if !message.contains(&text) => {
                    Err(format!("it says {message:?}, expected {text:?}"))
                }
                Some(_) | None => Ok(()),
            }
        }
        (answer, Some(expected)) => Err(format!("expected {expected}, got {answer}")),
        (Answer::Refused { .. }, None) => Err(format!("refused with {answer}")),
    }
}

/// The request, with the case's own table in it unless it names one.
fn body(step: &Step, words: &BTreeMap<String, String>) -> Value {
    let mut body: Map<String, Value> = step
        .with
        .iter()
        .map(|(name, value)| (name.clone(), filled(value, words)))
        .collect();
    if !WITHOUT_TABLE.contains(&step.call.as_str()) {
        let member = if step.call.contains("GlobalTable") {
            "GlobalTableName"
        } else {
            "TableName"
        };
        body.entry(member)
            .or_insert_with(|| words["table"].clone().into());
    }
    // A request that leaves its table out says so with this.
    body.retain(|_, value| value != "$absent");
    Value::Object(body)
}

fn filled(value: &Value, words: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text, words)),
        Value::Array(members) => members.iter().map(|member| filled(member, words)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, words)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// `$name` as what is remembered under that name. `$long N` is a text of so many letters.
fn fill(text: &str, words: &BTreeMap<String, String>) -> String {
    if let Some(length) = text.strip_prefix("$long ") {
        return "a".repeat(length.parse().expect("a case names a number"));
    }
    let mut text = text.to_owned();
    // The longest names first: `$there` is not `$the` and `re`.
    let mut names: Vec<&String> = words.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names {
        text = text.replace(&format!("${name}"), &words[name]);
    }
    text
}

#[cfg(test)]
mod tests;
