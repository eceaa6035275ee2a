//! Falsifies a history, as somebody would who wants to know whether the judge reads it.
//!
//! Works on the lines as text with a general JSON parser: it shares nothing with the checker that is to find the falsification.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::Value;

/// A history in which one read was replaced by an older version than one that its client had read before.
#[derive(Debug)]
pub(super) struct Edited {
    /// The whole file.
    pub(super) text: String,
    /// The line of the read's completion, from 1.
    pub(super) line: usize,
    /// What was done, in words.
    pub(super) what: String,
}

/// A version of an item as one event shows it.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    /// Microseconds and region: the order of versions.
    stamp: (u64, String),
    fields: [(&'static str, Value); 3],
}

/// Replaces one strong read by an older one.
///
/// The read is the first whose process read, with strong reads of the same item in the same region, an older version and a newer one
/// before it: so the falsified history breaks monotonic reads whatever the other processes did.
///
/// # Errors
/// When a line is no JSON, or no process reads one item often enough.
pub(super) fn older_read(text: &str) -> anyhow::Result<Edited> {
    let mut strong: BTreeMap<u64, bool> = BTreeMap::new();
    let mut seen: BTreeMap<(u64, u64), Vec<Version>> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let event: Value = serde_json::from_str(line)
            .with_context(|| format!("line {} of the history is no JSON", index + 1))?;
        let Some((process, key)) = process_and_key(&event) else {
            continue;
        };
        if event["e"] == "invoke" {
            strong.insert(process, event["strong"] == true);
        }
        let is_candidate = event["e"] == "ok"
            && event["f"] == "read"
            && event.get("phase").is_none()
            && strong.get(&process) == Some(&true);
        let Some(version) = version(&event).filter(|_| is_candidate) else {
            continue;
        };
        let before = seen.entry((process, key)).or_default();
        if let Some(older) = oldest_below_newest(before) {
            let edited = with_version(event.clone(), older);
            let text = text
                .lines()
                .enumerate()
                .map(|(at, line)| {
                    if at == index {
                        format!("{edited}\n")
                    } else {
                        format!("{line}\n")
                    }
                })
                .collect();
            let what = format!("line {}: {line} became {edited}", index + 1);
            return Ok(Edited {
                text,
                line: index + 1,
                what,
            });
        }
        before.push(version);
    }
    anyhow::bail!("no process reads one item strongly three times and sees it change; run longer")
}

/// Who, and which item; heartbeats are not for users.
fn process_and_key(event: &Value) -> Option<(u64, u64)> {
    const FIRST_HEARTBEAT: u64 = 1 << 40;
    let key = event["k"].as_u64().filter(|key| *key < FIRST_HEARTBEAT)?;
    Some((event["p"].as_u64()?, key))
}

/// The version that a read saw; `None` when it saw no item.
fn version(event: &Value) -> Option<Version> {
    let time_us = event["ts"].as_str()?.replace('.', "").parse().ok()?;
    let region = event["tr"].as_str()?.to_owned();
    let fields = ["v", "ts", "tr"].map(|name| (name, event[name].clone()));
    Some(Version {
        stamp: (time_us, region),
        fields,
    })
}

/// The oldest of these versions, if the newest is newer.
fn oldest_below_newest(versions: &[Version]) -> Option<&Version> {
    let oldest = versions.iter().min_by_key(|version| &version.stamp)?;
    let newest = versions.iter().max_by_key(|version| &version.stamp)?;
    (oldest.stamp < newest.stamp).then_some(oldest)
}

/// The event as if it had seen this version.
fn with_version(mut event: Value, version: &Version) -> Value {
    for (name, value) in &version.fields {
        event[*name] = value.clone();
    }
    event
}

#[cfg(test)]
mod tests {
    use super::older_read;

    /// A read by process 1, as two lines; `ts` in microseconds, last digits only.
    fn read(key: u64, value: i64, ts: u64) -> String {
        format!(
            "{{\"t\":1,\"p\":1,\"r\":\"a\",\"e\":\"invoke\",\"f\":\"read\",\"k\":{key},\"strong\":true}}\n\
             {{\"t\":2,\"p\":1,\"r\":\"a\",\"e\":\"ok\",\"f\":\"read\",\"k\":{key},\"v\":{value},\"ts\":\"1.{ts:06}\",\"tr\":\"a\"}}\n"
        )
    }

    #[test]
    fn the_read_after_a_newer_one_becomes_the_older_one() {
        let header = "{\"schema\":\"dateline/history/1\",\"regions\":[\"a\"]}\n".to_owned();
        let text = header + &read(5, 50, 1) + &read(6, 60, 2) + &read(5, 51, 3) + &read(5, 52, 4);
        let edited = older_read(&text).expect("the process reads key 5 three times");
        assert_eq!(edited.line, 9);
        let changed: Vec<usize> = (1..)
            .zip(text.lines().zip(edited.text.lines()))
            .filter(|(_, (before, after))| before != after)
            .map(|(line, _)| line)
            .collect();
        assert_eq!(changed, [9]);
        let line = edited.text.lines().nth(8).expect("there are nine lines");
        assert!(
            line.contains("\"v\":50") && line.contains("\"ts\":\"1.000001\""),
            "{line}"
        );
    }

    #[test]
    fn a_history_without_such_a_read_is_refused() {
        let text = read(5, 50, 1) + &read(5, 50, 1) + &read(5, 51, 3);
        let error = older_read(&text).expect_err("nothing follows the newer read");
        assert!(error.to_string().contains("run longer"), "{error}");
    }
}
