//! Anti-entropy: what a region that is gone had written reaches all who are left, though nobody forwards for others.
//!
//! While a global table has ever lost a member, each region now and then pulls from each other one: it walks its rows in stretches, sends a digest of each
//! (keys and versions), and is sent the other's rows of a stretch that differs. A stretch is bounded in rows and bytes on both sides, so memory is, too.
//! Rows come as answers to calls of one's own alone: what is stuck in a dead connection brings nothing back. Nothing is collected while a pull is open.
//!
//! A tombstone of a departed life may go when every member has, since this region stored the last row of a departed life, pulled from this region, been
//! pulled from, and been consumed to where its feed then ended: all of them hold it or something greater, and nothing older can arrive. Only regions
//! that agree on the members compare, so by then this region has seen every such row there is, and takes no more of them until the members change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::group::Group;
use super::merge::replaces;
use super::message::{AnswerMessage, Message, octets};
use super::record::{Header, Shown, decode_header};
use super::rows::Origin;
use super::stretch::{digest, stretch};
use super::table::row_key;
use super::tombstone::Grave;
use super::{CallId, Core, Effects, Now, Region, Version};
use crate::store::{Read, Row, StoreError, Write};

/// Rows of one stretch; the other side may have some more in it.
const ROWS: usize = 256;

/// "These are my rows of a stretch, in short; send me yours when they differ."
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Compare {
    pub(super) from: Origin,
    pub(super) name: String,
    /// The stretch begins after this key of an item,
    #[serde(with = "octets")]
    after: Vec<u8>,
    /// and ends with this one; without it, with the table.
    through: Option<Vec<u8>>,
    digest: u64,
    /// Who the members are, in short: only regions that agree on that compare.
    view: u64,
}

/// "Here they are" (none when they are equal).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Compared {
    /// What was durable here.
    mark: u64,
    /// How far the answer goes.
    through: Option<Vec<u8>>,
    items: Vec<PulledItem>,
}

/// "I have durably pulled everything that you had at this mark; my own feed ends here."
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pulled {
    pub(super) from: Origin,
    pub(super) name: String,
    mark: u64,
    head: u64,
}

/// A row that a departed life wrote.
#[derive(Debug, Serialize, Deserialize)]
struct PulledItem {
    #[serde(with = "octets")]
    key: Vec<u8>,
    version: Version,
    #[serde(with = "octets")]
    attributes: Vec<u8>,
}

/// Pulls of one table from one peer.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    open: Option<Open>,
    due_ns: u64,
    /// What was durable here when the last whole pull began.
    pub(super) pulled: Option<u64>,
    /// The mark up to which the peer has pulled from here, and where its feed ended.
    pulled_by: Option<(Origin, u64, u64)>,
}

#[derive(Debug)]
struct Open {
    began: u64,
    began_ns: u64,
    mark: Option<u64>,
    after: Vec<u8>,
    /// Set when all was compared: what must be durable before the peer is told.
    ends_with: Option<u64>,
    call: Option<CallId>,
}

/// All pulls, and whose calls are whose.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    pub(super) by_table: BTreeMap<(String, Region), Exchange>,
    calls: BTreeMap<CallId, (String, Region)>,
}

impl Exchanges {
    /// Pulls of this table begin anew.
    pub(super) fn restart(&mut self, name: &str) {
        self.by_table.retain(|(table, _), _| table != name);
        self.calls.retain(|_, (table, _)| table != name);
    }

    /// Whether this call is one of these.
    pub(super) fn owns(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    /// Whether a pull is open.
    pub(super) fn is_open(&self) -> bool {
        self.by_table
            .values()
            .any(|exchange| exchange.open.is_some())
    }
}

impl Core {
    /// Begins the pulls that are due, and ends those whose rows are durable.
    pub(super) fn exchange(
        &mut self,
        now: Now,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let pairs = self.exchanged();
        self.settle_departed(&pairs);
        // All pulls begin together and end before the next ones begin: the upkeep just before that has collected.
        let is_busy = self.exchanges.is_open();
        for (name, region) in pairs {
            let key = (name.clone(), region.clone());
            let exchange = self.exchanges.by_table.entry(key).or_default();
            match &exchange.open {
                Some(open) if open.call.is_none() => {
                    let (mark, ends_with) = (open.mark.unwrap_or(0), open.ends_with);
                    if ends_with.is_some_and(|commit| commit <= self.ledger.durable) {
                        let pulled = Pulled {
                            from: self.me(),
                            name: name.clone(),
                            mark,
                            head: self.feed.head.durable,
                        };
                        self.exchange_call((name, region), &Message::Pulled(pulled), effects);
                    }
                }
                None if now.monotonic_ns >= exchange.due_ns && !is_busy => {
                    exchange.open = Some(Open {
                        began: self.ledger.durable,
                        began_ns: now.monotonic_ns,
                        mark: None,
                        after: Vec::new(),
                        ends_with: None,
                        call: None,
                    });
                    self.compare_next((name, region), read, effects)?;
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Which tables are pulled from whom.
    pub(super) fn exchanged(&self) -> Vec<(String, Region)> {
        let mut pairs = Vec::new();
        for (name, table) in &self.tables {
            let group = self.groups.get(name);
            let Some(group) = group.filter(|group| group.has_lost_members && table.fed) else {
                continue;
            };
            let others = group.present().map(|(region, _)| region);
            let others = others.filter(|region| self.peers.contains_key(region));
            pairs.extend(others.map(|region| (name.clone(), region.clone())));
        }
        pairs
    }

    fn exchange_call(&mut self, key: (String, Region), message: &Message, effects: &mut Effects) {
        let call = self.call(&key.1, message, effects);
        if let Some(open) = self
            .exchanges
            .by_table
            .get_mut(&key)
            .and_then(|it| it.open.as_mut())
        {
            open.call = Some(call);
        }
        self.exchanges.calls.insert(call, key);
    }

    /// Sends the digest of the next stretch.
    fn compare_next(
        &mut self,
        key: (String, Region),
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let exchange = self.exchanges.by_table.get(&key);
        let Some(open) = exchange.and_then(|exchange| exchange.open.as_ref()) else {
            return Ok(());
        };
        let after = open.after.clone();
        let Some(number) = self.tables.get(&key.0).map(|table| table.row.number) else {
            return Ok(());
        };
        let rows = stretch(number, &after, None, ROWS, read)?;
        let through = (rows.len() == ROWS).then(|| rows.last().map(|(key, _)| key[4..].to_vec()));
        let compare = Compare {
            from: self.me(),
            name: key.0.clone(),
            after,
            through: through.flatten(),
            digest: digest(&rows)?,
            view: self.groups.get(&key.0).map_or(0, Group::view),
        };
        self.exchange_call(key, &Message::Compare(compare), effects);
        Ok(())
    }

    /// Answers a peer that pulls.
    pub(super) fn compared(
        &self,
        asked: &Compare,
        read: &dyn Read,
    ) -> Result<AnswerMessage, String> {
        let failed = |error: StoreError| format!("the store failed: {error}");
        let (group, number) = self.shared_table(&asked.from, &asked.name)?;
        if group.view() != asked.view {
            return Err("the regions do not agree yet on who the members are".to_owned());
        }
        if self.is_salvaging(&asked.name) {
            return Err(format!(
                "{} still looks through the rows that it had before it was renewed",
                self.config.region
            ));
        }
        let limit = 2 * ROWS;
        let rows = stretch(number, &asked.after, asked.through.as_deref(), limit, read);
        let mut rows = rows.map_err(failed)?;
        let mut compared = Compared {
            mark: self.ledger.durable,
            through: asked.through.clone(),
            items: Vec::new(),
        };
        if rows.len() < limit && digest(&rows).map_err(failed)? == asked.digest {
            return Ok(AnswerMessage::Compared(compared));
        }
        let mut bytes = 0;
        let fits = |(_, row): &Row| {
            bytes += row.len();
            bytes <= self.config.limits.feed_bytes
        };
        let fitting = rows.iter().take_while({
            let mut fits = fits;
            move |row| fits(row)
        });
        let fitting = fitting.count().max(1);
        if rows.len() > fitting || rows.len() == limit {
            rows.truncate(fitting);
            compared.through = rows.last().map(|(key, _)| key[4..].to_vec());
        }
        for (key, row) in rows {
            let (header, attributes) = decode_header(&row).map_err(failed)?;
            // What a member wrote comes through its feed; from here it could come back after it was collected there.
            if !is_living(group, &header.version.region, header.position) {
                compared.items.push(PulledItem {
                    key: key[4..].to_vec(),
                    version: header.version,
                    attributes: attributes.to_vec(),
                });
            }
        }
        Ok(AnswerMessage::Compared(compared))
    }

    /// A peer has pulled everything from here.
    pub(super) fn pulled_by(&mut self, pulled: &Pulled) -> Result<AnswerMessage, String> {
        self.shared_table(&pulled.from, &pulled.name)?;
        let key = (pulled.name.clone(), pulled.from.region.clone());
        let exchange = self.exchanges.by_table.entry(key).or_default();
        exchange.pulled_by = Some((pulled.from.clone(), pulled.mark, pulled.head));
        Ok(AnswerMessage::Adopted)
    }

    fn shared_table(&self, from: &Origin, name: &str) -> Result<(&Group, u32), String> {
        let table = self.tables.get(name);
        match (self.groups.get(name), table) {
            (Some(group), Some(table)) if group.has(from) && group.has(&self.me()) => {
                Ok((group, table.row.number))
            }
            (_, _) => Err(format!(
                "{} and {} share no global table {name}",
                self.config.region, from.region
            )),
        }
    }

    /// A call of a pull was answered. Who was refused asks again soon: regions agree on the members a few heartbeats later.
    pub(super) fn exchange_answered(
        &mut self,
        now: Now,
        call: CallId,
        answer: Result<AnswerMessage, String>,
        read: &dyn Read,
        effects: &mut Effects,
    ) {
        let Some(key) = self.exchanges.calls.remove(&call) else {
            return;
        };
        let is_refused = matches!(answer, Ok(AnswerMessage::Refused(_)));
        let went_on = match answer {
            Ok(AnswerMessage::Compared(compared)) => {
                self.take_stretch(now, &key, compared, read, effects)
            }
            Ok(AnswerMessage::Adopted) => {
                self.end_pull(now, &key);
                return;
            }
            Ok(
                AnswerMessage::Feed(_) | AnswerMessage::Described(_) | AnswerMessage::Refused(_),
            )
            | Err(_) => Err(StoreError("no answer".to_owned())),
        };
        if went_on.is_err()
            && let Some(exchange) = self.exchanges.by_table.get_mut(&key)
        {
            exchange.open = None;
            let pause_ms = self.config.limits.exchange_ms / if is_refused { 30 } else { 4 };
            exchange.due_ns = now.monotonic_ns + pause_ms * 1_000_000;
        }
    }

    fn end_pull(&mut self, now: Now, key: &(String, Region)) {
        let Some(exchange) = self.exchanges.by_table.get_mut(key) else {
            return;
        };
        let pause_ns = self.config.limits.exchange_ms * 1_000_000;
        let mut took_ns = 0;
        if let Some(open) = exchange.open.take() {
            exchange.pulled = Some(open.began);
            took_ns = now.monotonic_ns.saturating_sub(open.began_ns);
        }
        // A long pull is followed by a long rest, in which tombstones can be collected.
        exchange.due_ns = now.monotonic_ns + pause_ns.max(took_ns);
    }

    /// Merges the rows of a stretch and goes on with the next.
    fn take_stretch(
        &mut self,
        now: Now,
        key: &(String, Region),
        compared: Compared,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let times_us = compared.items.iter().map(|item| item.version.time_us);
        self.check_skew(now, times_us).map_err(StoreError)?;
        let mut writes = Vec::new();
        for item in &compared.items {
            self.take_item(now, &key.0, item, &mut writes, read)?;
        }
        let commit = if writes.is_empty() {
            self.ledger.last
        } else {
            self.commit(writes, effects)
        };
        let exchange = self.exchanges.by_table.get_mut(key);
        let Some(open) = exchange.and_then(|exchange| exchange.open.as_mut()) else {
            return Ok(());
        };
        open.call = None;
        open.mark = open.mark.or(Some(compared.mark));
        match compared.through {
            Some(through) => {
                open.after = through;
                self.compare_next(key.clone(), read, effects)
            }
            None => {
                open.ends_with = Some(commit);
                self.upkeep_due_ns = now.monotonic_ns;
                Ok(())
            }
        }
    }

    fn take_item(
        &mut self,
        now: Now,
        name: &str,
        item: &PulledItem,
        writes: &mut Vec<Write>,
        read: &dyn Read,
    ) -> Result<(), StoreError> {
        let Some(table) = self.tables.get(name) else {
            return Ok(());
        };
        // All of them have been here: what is not here any more was forgotten, and must not come back from who has not forgotten it yet.
        if table.has_settled_departed {
            return Ok(());
        }
        let (key, stamping) = (row_key(table.row.number, &item.key), table.is_stamping());
        let row = self.newest_row(&key, read)?;
        let here = row.as_deref().map(decode_header).transpose()?;
        if !replaces(
            &item.version,
            here.as_ref().map(|(header, _)| &header.version),
        ) {
            return Ok(());
        }
        let header = Header {
            version: item.version.clone(),
            position: 0,
            shown: if stamping { Shown::Own } else { Shown::Nothing },
            deleted: item.attributes.is_empty(),
        };
        // The commit that is about to be asked for.
        let commit = self.ledger.last + 1;
        if let Some(table) = self.tables.get_mut(name) {
            table.foreign_commit = commit;
        }
        self.counters.versions_pulled += 1;
        let grave = header.deleted.then(|| Grave {
            origin: Origin {
                region: item.version.region.clone(),
                incarnation: 0,
            },
            position: 0,
            time_us: item.version.time_us,
        });
        self.store_merged(
            now,
            name,
            key,
            here,
            (&header, &item.attributes, grave),
            writes,
        );
        Ok(())
    }

    /// Notes that this region has seen every row of departed lives, and everybody else has seen its own.
    fn settle_departed(&mut self, pairs: &[(String, Region)]) {
        for (name, _) in pairs {
            let group = self.groups.get(name);
            let settled = group.is_some_and(|group| self.departed_are_settled(name, group));
            if let Some(table) = self.tables.get_mut(name).filter(|_| settled) {
                table.has_settled_departed = true;
            }
        }
    }

    /// Whether no row of a departed life that lies here can be missing anywhere, and nothing older than such a row can arrive.
    fn departed_are_settled(&self, name: &str, group: &Group) -> bool {
        let Some(table) = self.tables.get(name) else {
            return false;
        };
        if self.is_salvaging(name) {
            return false;
        }
        let me = &self.config.region;
        group
            .present()
            .filter(|(region, _)| *region != me)
            .all(|(region, member)| {
                let life = Origin {
                    region: region.clone(),
                    incarnation: member.incarnation,
                };
                let exchange = self
                    .exchanges
                    .by_table
                    .get(&(name.to_owned(), region.clone()));
                let Some(Exchange {
                    pulled: Some(pulled),
                    pulled_by: Some((by, mark, head)),
                    ..
                }) = exchange
                else {
                    return false;
                };
                let consumed = self.consumed.get(&life).map_or(0, |mark| mark.durable);
                let base = self.peers.get(region).and_then(|peer| peer.incarnation);
                *by == life
                    && base == Some(life.incarnation)
                    && *pulled >= table.foreign_commit
                    && *mark >= table.foreign_commit
                    && consumed.max(member.base) >= *head
            })
    }
}

/// Whether a position is one of the feed of a life that is a member.
pub(super) fn is_living(group: &Group, region: &Region, position: u64) -> bool {
    let member = group.members.get(region);
    member.is_some_and(|member| member.present && position > member.base)
}
