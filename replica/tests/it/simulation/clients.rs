//! What clients do, what they were told, and what that allows and forbids in the end.

use std::collections::{BTreeMap, BTreeSet};

use replica::core::{ApiError, AttributeValue, Item, Request, Response};

use super::network::Draws;

pub(super) const KEYS: usize = 4;

/// `aws:rep:updatetime` in microseconds, then `aws:rep:updateregion`.
pub(super) type Stamp = (i64, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Update,
    Delete,
    Read,
}

/// An operation under way.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) region: usize,
    pub(super) key: usize,
    pub(super) kind: Kind,
    serial: u64,
    /// The greatest version of the key that was seen in the region before this began.
    seen: Option<Stamp>,
}

/// Everything clients were told.
#[derive(Debug, Default)]
pub(super) struct Clients {
    next_serial: u64,
    /// Serials that a client tried to write, by key.
    tried: BTreeSet<(usize, u64)>,
    /// Whether a delete was tried, by key.
    deleted: BTreeSet<usize>,
    /// The greatest version acknowledged, by key and region.
    acknowledged: BTreeMap<(usize, usize), Stamp>,
    /// The greatest version overwritten by an acknowledged delete, by key and region: it must not come back.
    buried: BTreeMap<(usize, usize), Stamp>,
    pub(super) writes_acknowledged: u64,
    seen: BTreeMap<(usize, usize), Stamp>,
    /// A region that is removed during the run: what was acknowledged there alone may go with it.
    pub(super) leaver: Option<usize>,
    pub(super) violations: Vec<String>,
}

impl Clients {
    pub(super) fn draw(&mut self, region: usize, draws: &mut Draws) -> (Attempt, Request) {
        let key = draws.index(KEYS);
        let kind = match draws.below(10) {
            0..5 => Kind::Update,
            5 => Kind::Delete,
            _ => Kind::Read,
        };
        self.next_serial += 1;
        let serial = self.next_serial;
        let is_conditional = draws.one_in(4);
        let (target, body) = match kind {
            Kind::Update => {
                self.tried.insert((key, serial));
                let condition = if is_conditional {
                    r#","ConditionExpression":"attribute_exists(id)""#
                } else {
                    ""
                };
                (
                    "UpdateItem",
                    format!(
                        r#"{{"TableName":"table","Key":{{"id":{{"S":"{key}"}}}},"UpdateExpression":"SET serial = :s","ExpressionAttributeValues":{{":s":{{"N":"{serial}"}}}},"ReturnValues":"ALL_NEW"{condition}}}"#
                    ),
                )
            }
            Kind::Delete => {
                self.deleted.insert(key);
                (
                    "DeleteItem",
                    format!(
                        r#"{{"TableName":"table","Key":{{"id":{{"S":"{key}"}}}},"ReturnValues":"ALL_OLD"}}"#
                    ),
                )
            }
            Kind::Read => ("GetItem", read_body(key)),
        };
        let seen = self.seen.get(&(region, key)).cloned();
        (
            Attempt {
                region,
                key,
                kind,
                serial,
                seen,
            },
            parse(target, &body),
        )
    }

    /// A client was answered.
    pub(super) fn told(&mut self, attempt: &Attempt, result: Result<Response, ApiError>) {
        let item = match result {
            Ok(Response::Write { attributes, .. }) => attributes,
            Ok(Response::GetItem { item, .. }) => item,
            Ok(_) | Err(_) => return,
        };
        let stamp = item.as_ref().and_then(stamp_of);
        let key = attempt.key;
        let lasts = self.leaver != Some(attempt.region);
        self.writes_acknowledged += u64::from(attempt.kind != Kind::Read);
        match attempt.kind {
            Kind::Update => {
                assert_eq!(
                    serial_of(item.as_ref().expect("seen above")),
                    attempt.serial
                );
                let Some(stamp) = stamp else { return };
                if lasts {
                    raise(&mut self.acknowledged, (key, attempt.region), &stamp);
                }
                raise(&mut self.seen, (attempt.region, key), &stamp);
            }
            Kind::Delete => {
                if let Some(stamp) = stamp {
                    if lasts {
                        raise(&mut self.buried, (key, attempt.region), &stamp);
                    }
                    raise(&mut self.seen, (attempt.region, key), &stamp);
                }
            }
            Kind::Read => self.judge_read(attempt, stamp),
        }
    }

    /// A region's store was rolled back: what it alone knew is gone, and what it shows may go back.
    pub(super) fn forget(&mut self, region: usize) {
        self.acknowledged.retain(|(_, by), _| *by != region);
        self.buried.retain(|(_, by), _| *by != region);
        self.seen.retain(|(by, _), _| *by != region);
    }

    /// What a region showed or acknowledged it never takes back.
    fn judge_read(&mut self, attempt: &Attempt, stamp: Option<Stamp>) {
        let went_back = match (&attempt.seen, &stamp) {
            (None, _) => false,
            (Some(_), None) => !self.deleted.contains(&attempt.key),
            (Some(seen), Some(stamp)) => stamp < seen,
        };
        if went_back {
            self.violations.push(format!(
                "a strong read went back: {attempt:?} read {stamp:?}"
            ));
        }
        if let Some(stamp) = stamp {
            raise(&mut self.seen, (attempt.region, attempt.key), &stamp);
        }
    }

    /// Judges what all regions hold in the end.
    pub(super) fn judge_final(&mut self, key: usize, item: Option<&Item>) {
        let greatest = |told: &BTreeMap<(usize, usize), Stamp>| {
            let of_key = told.iter().filter(|((of, _), _)| *of == key);
            of_key.map(|(_, stamp)| stamp.clone()).max()
        };
        let (acknowledged, buried) = (greatest(&self.acknowledged), greatest(&self.buried));
        let Some(item) = item else {
            if acknowledged.is_some() && !self.deleted.contains(&key) {
                self.violations
                    .push(format!("key {key}: an acknowledged write vanished"));
            }
            return;
        };
        if !self.tried.contains(&(key, serial_of(item))) {
            self.violations
                .push(format!("key {key}: nobody wrote {item:?}"));
        }
        let Some(stamp) = stamp_of(item) else { return };
        if acknowledged.as_ref() > Some(&stamp) {
            self.violations.push(format!(
                "key {key}: acknowledged {acknowledged:?} lost to {stamp:?}"
            ));
        }
        if buried.as_ref() >= Some(&stamp) {
            self.violations
                .push(format!("key {key}: {stamp:?} came back after a delete"));
        }
    }
}

pub(super) fn read_body(key: usize) -> String {
    format!(r#"{{"TableName":"table","Key":{{"id":{{"S":"{key}"}}}},"ConsistentRead":true}}"#)
}

/// A request, from the bytes that a client sends.
pub(super) fn parse(target: &str, body: &str) -> Request {
    let target = format!("DynamoDB_20120810.{target}");
    replica::wire::parse(
        Some(&target),
        Some("application/x-amz-json-1.0"),
        body.as_bytes(),
    )
    .expect("a well-formed request")
}

fn raise<K: Ord>(map: &mut BTreeMap<K, Stamp>, key: K, stamp: &Stamp) {
    let entry = map.entry(key).or_insert_with(|| stamp.clone());
    if *stamp > *entry {
        *entry = stamp.clone();
    }
}

/// The version that an item shows; none in version 2019.11.21.
fn stamp_of(item: &Item) -> Option<Stamp> {
    let (Some(AttributeValue::N(time)), Some(AttributeValue::S(region))) = (
        item.get("aws:rep:updatetime"),
        item.get("aws:rep:updateregion"),
    ) else {
        return None;
    };
    let (whole, micros) = time.as_str().split_once('.').unwrap_or((time.as_str(), ""));
    let digits = format!("{whole}{micros:0<6}");
    Some((digits.parse().expect("digits"), region.clone()))
}

fn serial_of(item: &Item) -> u64 {
    match item.get("serial") {
        Some(AttributeValue::N(serial)) => serial.as_str().parse().expect("digits"),
        other => panic!("an item holds its serial: {other:?}"),
    }
}
