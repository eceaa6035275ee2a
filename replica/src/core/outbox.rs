//! What each peer still has to receive: one cursor per peer into this region's feed.
//!
//! Nothing is kept per item: what is pending is read back from the feed, so an isolated region's memory does not grow. A few batches may be under
//! way; when one fails or leaves a gap, sending goes on from what the peer has acknowledged. Nobody forwards for others.

use std::collections::BTreeMap;

use super::feed::Entry;
use super::group::Group;
use super::message::{AnswerMessage, FeedAnswer, FeedBatch, Message, Report, WireItem, encode};
use super::peer::Flight;
use super::record::decode_header;
use super::rows::{self, Origin};
use super::table::{Table, row_key};
use super::{CallId, Core, Effect, Effects, Now, Region};
use crate::defects::Defect;
use crate::store::{Read, Space, StoreError};

/// A call's outcome, as far as the flow to the peer is concerned.
enum Flown {
    Acknowledged(FeedAnswer),
    Failed,
}

impl Core {
    /// Sends what is due to every peer; says when to look again.
    pub(super) fn pump(&mut self, now: Now, read: &dyn Read, effects: &mut Effects) -> Option<u64> {
        let mut wake: Option<u64> = None;
        let mut regions = self.peers.keys().cloned().collect::<Vec<_>>();
        while let Some(region) = regions.pop() {
            let is_stalled = self.has_defect(Defect::StallLink) && self.counters.versions_sent > 40;
            while let Some(peer) = self.peers.get(&region).filter(|_| !is_stalled) {
                let durable = (self.feed.head.durable, self.ledger.durable);
                if let Err(later) = peer.due(now.monotonic_ns, durable, &self.config.limits) {
                    wake = wake.into_iter().chain(later).min();
                    break;
                }
                if let Err(error) = self.send(now, &region, read, effects) {
                    self.store_failed(&error, effects);
                    self.back_off(now, &region);
                }
            }
        }
        wake
    }

    fn send(
        &mut self,
        now: Now,
        region: &Region,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let mut batch = self.empty_batch(region);
        let Some(peer) = self.peers.get_mut(region) else {
            return Ok(());
        };
        // A link may begin where the feed ends but is not durable yet: not even a position is told before it is.
        let durable = self.feed.head.durable;
        let is_heard = peer.is_heard(self.ledger.durable);
        if let Some(link) = peer.link.as_mut().filter(|link| link.row.base <= durable) {
            if std::mem::take(&mut peer.rewind) {
                link.next = link.cursor;
            }
            batch.relied_on = (link.row.incarnation, link.cursor);
            batch.base = link.row.base;
            batch.after = link.next;
            batch.through = link.next;
            if peer.failures == 0 && is_heard && peer.incarnation == Some(link.row.incarnation) {
                self.fill(&mut batch, region, read)?;
            }
        }
        batch.groups = self.gossip(now, region, &batch.tables);
        self.counters.feed_batches_sent += 1;
        self.counters.versions_sent += batch.items.len() as u64;
        let Some(peer) = self.peers.get_mut(region) else {
            return Ok(());
        };
        if let Some(link) = peer.link.as_mut().filter(|link| link.row.base <= durable) {
            link.next = batch.through;
        }
        peer.offered = peer.offered.max(batch.through);
        peer.last_sent_ns = Some(now.monotonic_ns);
        let flight = Flight {
            through: batch.through,
            oldest_us: batch.items.iter().map(|item| item.time_us).min(),
            leaves_more: batch.through < durable,
            tells_of_roll_back: batch.is_rolled_back,
        };
        let call = self.call(region, &Message::Feed(batch), effects);
        if let Some(peer) = self.peers.get_mut(region) {
            peer.flights.insert(call, flight);
        }
        Ok(())
    }

    fn empty_batch(&self, region: &Region) -> FeedBatch<'static> {
        FeedBatch {
            from: self.me(),
            to: region.clone(),
            is_rolled_back: self.rollback.is_found,
            base: 0,
            after: 0,
            through: 0,
            relied_on: (0, 0),
            told: self.peers.get(region).and_then(|peer| peer.told.clone()),
            tables: Vec::new(),
            items: Vec::new(),
            report: self.report(),
            groups: Vec::new(),
            refeeding: self.refeeding(),
            filling: self.filling(),
        }
    }

    /// How far this region has durably come.
    pub(super) fn report(&self) -> Report {
        Report {
            head: self.feed.head.durable,
            consumed: self
                .consumed
                .iter()
                .map(|(origin, mark)| (origin.clone(), mark.durable))
                .collect(),
        }
    }

    /// Every record now and then; in between those of the items' tables: a receiver must hear of a membership with the items that come of it.
    fn gossip(&mut self, now: Now, region: &Region, tables: &[String]) -> Vec<Group> {
        let pause_ns = self.config.limits.heartbeat_ms * 1_000_000;
        let Some(peer) = self.peers.get_mut(region) else {
            return Vec::new();
        };
        if peer
            .last_gossip_ns
            .is_none_or(|last| now.monotonic_ns >= last + pause_ns)
        {
            peer.last_gossip_ns = Some(now.monotonic_ns);
            return self.groups.values().cloned().collect();
        }
        tables
            .iter()
            .filter_map(|name| self.groups.get(name))
            .cloned()
            .collect()
    }

    /// Reads the next stretch of the feed: only the newest version of an item travels, and only while it is this region's own.
    fn fill(
        &mut self,
        batch: &mut FeedBatch<'_>,
        region: &Region,
        read: &dyn Read,
    ) -> Result<(), StoreError> {
        let limits = &self.config.limits;
        let entries = self.feed.after(batch.after, limits.feed_rows, read)?;
        let by_number: BTreeMap<u32, &Table> = self
            .tables
            .values()
            .filter(|table| table.fed && self.receives(region, table.name()))
            .map(|table| (table.row.number, table))
            .collect();
        let mut names: BTreeMap<u32, u32> = BTreeMap::new();
        let mut bytes = 0;
        // Entries are numbered without gaps but for skipped epochs: with none left, everything durable has been looked at.
        let end = match entries.last() {
            Some((last, _)) if entries.len() >= limits.feed_rows => *last,
            // A link may begin where the feed ends but is not durable yet.
            Some(_) | None => self.feed.head.durable.max(batch.after),
        };
        for (position, entry) in entries {
            if bytes >= limits.feed_bytes {
                return Ok(());
            }
            batch.through = position;
            let Some(table) = by_number.get(&entry.table) else {
                continue;
            };
            let Some(mut item) = own_version(&self.config.region, position, entry, read)? else {
                self.counters.versions_coalesced += 1;
                continue;
            };
            let fresh = u32::try_from(batch.tables.len()).expect("tables are fewer than that");
            item.table = *names.entry(table.row.number).or_insert_with(|| {
                batch.tables.push(table.name().to_owned());
                fresh
            });
            bytes += item.key.len() + item.attributes.len();
            batch.items.push(item);
        }
        batch.through = end;
        Ok(())
    }

    /// Whether a peer, in the life that is linked, is a member of the global table of this name.
    fn receives(&self, region: &Region, name: &str) -> bool {
        let link = self.peers.get(region).and_then(|peer| peer.link.as_ref());
        let Some(link) = link else { return false };
        let origin = Origin {
            region: region.clone(),
            incarnation: link.row.incarnation,
        };
        self.groups
            .get(name)
            .is_some_and(|group| group.has(&origin))
    }

    /// A batch was answered, or was not.
    pub(super) fn fed(
        &mut self,
        now: Now,
        region: &Region,
        call: CallId,
        answer: Result<AnswerMessage, String>,
        effects: &mut Effects,
    ) {
        let Some(peer) = self.peers.get_mut(region) else {
            return;
        };
        let Some(flight) = peer.flights.remove(&call) else {
            return;
        };
        let flown = match answer {
            Ok(AnswerMessage::Feed(answer)) => Flown::Acknowledged(answer),
            Ok(AnswerMessage::Refused(reason)) => {
                if peer.last_refusal.as_ref() != Some(&reason) {
                    effects.push(Effect::Log(format!(
                        "{region} refuses this region's feed: {reason}"
                    )));
                    peer.last_refusal = Some(reason);
                }
                Flown::Failed
            }
            Ok(
                AnswerMessage::Described(_) | AnswerMessage::Adopted | AnswerMessage::Compared(_),
            )
            | Err(_) => Flown::Failed,
        };
        match flown {
            Flown::Failed => self.back_off(now, region),
            Flown::Acknowledged(answer) => self.acknowledged(now, region, flight, &answer, effects),
        }
    }

    fn acknowledged(
        &mut self,
        now: Now,
        region: &Region,
        flight: Flight,
        answer: &FeedAnswer,
        effects: &mut Effects,
    ) {
        let reconnected = self.contact(now, region, answer.incarnation);
        let forgets = self.has_defect(Defect::ForgetPending) && reconnected;
        let durable = self.feed.head.durable;
        let Some(peer) = self.peers.get_mut(region) else {
            return;
        };
        peer.last_refusal = None;
        peer.of_any_life = peer.of_any_life.max(answer.of_any_life);
        let Some(link) = &mut peer.link else { return };
        if link.row.incarnation != answer.incarnation {
            return;
        }
        peer.knows_of_roll_back |= flight.tells_of_roll_back;
        if !self.claims(region, answer, effects) {
            return;
        }
        let Some(peer) = self.peers.get_mut(region) else {
            return;
        };
        let Some(link) = &mut peer.link else { return };
        link.cursor = link.cursor.max(answer.consumed.min(durable));
        if answer.consumed < flight.through {
            peer.rewind = true;
        } else if let Some(oldest_us) = flight.oldest_us {
            // A stamp may lie ahead of the clock, which then says nothing of the time it took.
            let passed_ms = now.wall_ms.saturating_sub(oldest_us.div_euclid(1000));
            peer.latency_ms = Some(u64::try_from(passed_ms).unwrap_or(0));
        }
        if forgets {
            link.row.base = durable;
            link.cursor = durable;
        }
        link.next = link.next.max(link.cursor);
    }

    /// A sign of life over the link from here; says whether the link had been dead.
    fn contact(&mut self, now: Now, region: &Region, incarnation: u64) -> bool {
        let Some(peer) = self.peers.get_mut(region) else {
            return false;
        };
        peer.incarnation = Some(incarnation);
        peer.connected = true;
        peer.last_contact_ns = Some(now.monotonic_ns);
        peer.not_before_ns = 0;
        std::mem::take(&mut peer.failures) > 0
    }

    fn back_off(&mut self, now: Now, region: &Region) {
        self.counters.calls_failed += 1;
        let limits = &self.config.limits;
        let salt = self.next_call.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.incarnation;
        let Some(peer) = self.peers.get_mut(region) else {
            return;
        };
        peer.connected = false;
        peer.rewind = true;
        let doubled = limits
            .backoff_min_ms
            .saturating_mul(1 << peer.failures.min(16));
        let wait_ms = doubled.min(limits.backoff_max_ms);
        peer.failures = peer.failures.saturating_add(1);
        // Up to a quarter more, by a counter: peers that failed together do not come back together.
        let jitter_ms = (salt >> 33) % (wait_ms / 4 + 1);
        peer.not_before_ns = now.monotonic_ns + (wait_ms + jitter_ms) * 1_000_000;
    }

    /// Makes a call; gives its id.
    pub(super) fn call(&mut self, to: &Region, message: &Message, effects: &mut Effects) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        effects.push(Effect::Call {
            to: to.clone(),
            id,
            body: encode(message),
            deadline_ms: self.config.limits.call_deadline_ms,
        });
        id
    }

    /// Saves the cursors and drops the epochs that every linked peer has acknowledged.
    pub(super) fn trim_feed(&mut self, effects: &mut Effects) {
        let mut writes = Vec::new();
        let mut acknowledged = self.feed.head.durable;
        for (region, peer) in &mut self.peers {
            let Some(link) = &mut peer.link else { continue };
            acknowledged = acknowledged.min(link.cursor);
            if link.row.cursor != link.cursor {
                link.row.cursor = link.cursor;
                writes.push(rows::put(
                    rows::named(rows::LINK, region.as_str()),
                    &link.row,
                ));
            }
        }
        let drops = self.feed.drop_through(acknowledged, &mut writes);
        if !writes.is_empty() {
            self.commit_dropping(writes, drops, effects);
        }
    }
}

/// The item of a feed entry, if the entry's version is still the newest durable one.
fn own_version(
    me: &Region,
    position: u64,
    entry: Entry,
    read: &dyn Read,
) -> Result<Option<WireItem<'static>>, StoreError> {
    let Some(row) = read.get(Space::Items, &row_key(entry.table, &entry.key))? else {
        return Ok(None);
    };
    let (header, attributes) = decode_header(&row)?;
    if header.version.region != *me || header.position != position {
        return Ok(None);
    }
    assert_eq!(
        header.version.time_us, entry.time_us,
        "an entry names the version it was made for"
    );
    Ok(Some(WireItem {
        table: 0,
        key: entry.key.into(),
        time_us: entry.time_us,
        position,
        attributes: attributes.to_vec().into(),
    }))
}
