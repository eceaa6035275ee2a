//! What peers send: versions are merged, positions consumed, memberships adopted; the answer leaves when all of that is durable.
//!
//! A position that was consumed is ignored, whatever connection brings it again: a batch that was stuck in a dead connection must not bring an old
//! version back.

use super::feed::Watermark;
use super::ledger::Answer;
use super::merge::replaces;
use super::message::{
    AnswerMessage, FeedAnswer, FeedBatch, Message, Report, WireItem, decode, encode,
};
use super::record::{Header, Shown, decode_header};
use super::rows::{self, Origin};
use super::stream::{Image, RecordRow, Shape};
use super::table::Table;
use super::tombstone::Grave;
use super::{CallId, CallToken, Core, Effect, Effects, Now, Region, Version};
use crate::defects::Defect;
use crate::store::{Read, Space, StoreError, Write};

/// A table of this region, as the items of one batch need it.
struct Target {
    name: String,
    number: u32,
    stamping: bool,
    /// Positions up to this are of a former membership of the sender.
    base: u64,
}

impl Core {
    /// A peer called.
    pub(super) fn called(
        &mut self,
        now: Now,
        token: CallToken,
        body: &[u8],
        read: &dyn Read,
        effects: &mut Effects,
    ) {
        let answered = match decode::<Message<'_>>(body) {
            Ok(Message::Feed(batch)) => self.feed_arrived(now, &batch, read, effects),
            Ok(Message::Describe { from, name }) => Ok((
                self.described_to(now, &from, &name, read, effects),
                self.ledger.last,
            )),
            Ok(Message::Adopt { from, group }) => self.peer_checked(&from).map(|()| {
                let commit = self.adopt(now, &[group], effects);
                (AnswerMessage::Adopted, commit)
            }),
            Ok(Message::Compare(asked)) => self.compared(&asked, read).map(|it| (it, 0)),
            Ok(Message::Pulled(pulled)) => self.pulled_by(&pulled).map(|it| (it, 0)),
            Err(reason) => Err(reason),
        };
        let (answer, commit) =
            answered.unwrap_or_else(|reason| (AnswerMessage::Refused(reason), 0));
        self.ledger
            .answer(commit, Answer::Peer(token, encode(&answer)), effects);
    }

    /// A call of this region was answered or failed.
    pub(super) fn answered(
        &mut self,
        now: Now,
        call: CallId,
        from: &Region,
        result: Result<Vec<u8>, String>,
        read: &dyn Read,
        effects: &mut Effects,
    ) {
        let answer = result.and_then(|bytes| decode::<AnswerMessage>(&bytes));
        if self.exchanges.owns(call) {
            self.exchange_answered(now, call, answer, read, effects);
            return;
        }
        match self.calls.remove(&call) {
            Some(number) => {
                self.coordination_answered(now, number, from, answer, effects);
            }
            None => self.fed(now, from, call, answer, effects),
        }
    }

    fn peer_checked(&self, from: &Region) -> Result<(), String> {
        if self.peers.contains_key(from) {
            return Ok(());
        }
        Err(format!(
            "{} does not know {from}: start it with --peer {from}=URL",
            self.config.region
        ))
    }

    /// Refuses versions that are stamped too far ahead of this region's clock.
    pub(super) fn check_skew(
        &mut self,
        now: Now,
        mut times_us: impl Iterator<Item = i64>,
    ) -> Result<(), String> {
        let Some(bound_ms) = self.config.max_clock_skew_ms else {
            return Ok(());
        };
        let last_ms = now.wall_ms.saturating_add_unsigned(bound_ms);
        if times_us.all(|time_us| time_us.div_euclid(1000) <= last_ms) {
            return Ok(());
        }
        self.counters.batches_ahead += 1;
        Err(format!(
            "a version is stamped more than {bound_ms} ms (--max-clock-skew) ahead of the clock of {}: nothing of this feed is taken until the clocks agree or time has caught up",
            self.config.region
        ))
    }

    fn feed_arrived(
        &mut self,
        now: Now,
        batch: &FeedBatch<'_>,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(AnswerMessage, u64), String> {
        if batch.to != self.config.region {
            return Err(format!(
                "this is {}, not {}: a --peer URL leads to the wrong region",
                self.config.region, batch.to
            ));
        }
        self.peer_checked(&batch.from.region)?;
        if self.ledger.undurable_count() >= self.config.limits.undurable_batches {
            return Err("too much is on its way to the disk: send again later".to_owned());
        }
        self.check_skew(now, batch.items.iter().map(|item| item.time_us))?;
        self.counters.feed_batches_received += 1;
        let adopted = self.adopt(now, &batch.groups, effects);
        if let Some(peer) = self.peers.get_mut(&batch.from.region) {
            peer.incarnation = Some(batch.from.incarnation);
            if batch.is_rolled_back {
                let hold_ns = 4 * self.config.limits.join_hold_ms * 1_000_000;
                let until_ns = now.monotonic_ns.saturating_add(hold_ns);
                peer.rolled_back = Some((batch.from.incarnation, until_ns));
            }
            peer.last_contact_ns = Some(now.monotonic_ns);
        }
        self.check_relied_on(batch, effects);
        let consumed = self.consume(now, batch, read, effects).map_err(|error| {
            self.store_failed(&error, effects);
            "the store failed: see the log of this region".to_owned()
        })?;
        self.reported(&batch.from, &batch.report);
        self.note_filling(batch);
        let answer = FeedAnswer {
            incarnation: self.incarnation,
            consumed: self
                .consumed
                .get(&batch.from)
                .map_or(0, |mark| mark.decided),
            of_any_life: self.consumed_of_any_life(&batch.from.region),
            floor_us: self
                .tables
                .values()
                .map(|it| it.floor_us)
                .max()
                .unwrap_or(0),
        };
        Ok((AnswerMessage::Feed(answer), adopted.max(consumed)))
    }

    fn consumed_of_any_life(&self, region: &Region) -> u64 {
        let lives = self.consumed.iter().filter(|(of, _)| of.region == *region);
        lives.map(|(_, mark)| mark.decided).max().unwrap_or(0)
    }

    /// Merges the items at positions not consumed yet; gives the commit on which everything consumed stands.
    fn consume(
        &mut self,
        now: Now,
        batch: &FeedBatch<'_>,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<u64, StoreError> {
        let member = self.groups.values().any(|group| group.has(&batch.from));
        let before = self
            .consumed
            .get(&batch.from)
            .map_or(0, |mark| mark.decided);
        let from = before.max(batch.base);
        let standing = self.consumed.get(&batch.from).map_or(0, Watermark::commit);
        // A gap is answered with what was consumed, and the sender goes back. A life that is no member has nothing to say.
        if !member || batch.after > from || batch.through.max(from) == before {
            return Ok(standing);
        }
        let names = batch.tables.iter();
        let targets: Vec<Option<Target>> =
            names.map(|name| self.target(&batch.from, name)).collect();
        let mut writes = Vec::with_capacity(2 * batch.items.len() + 1);
        let batches = self.counters.feed_batches_received;
        let is_lost = self.strikes(Defect::LoseBatch, batches, 20);
        let items = batch.items.iter().filter(|_| !is_lost);
        let mut items: Vec<_> = items.filter(|item| item.position > from).collect();
        // Rows that lie side by side are found faster one after the other. Stable, in case a sender names a key twice.
        items.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        for item in items {
            self.merge_item(now, (batch, &targets), item, &mut writes, read)?;
        }
        let position = batch.through.max(from);
        writes.push(rows::put(batch.from.row(), &position));
        let mark = self.consumed.entry(batch.from.clone()).or_default();
        assert!(position > mark.decided, "consumed positions only rise");
        mark.decided = position;
        Ok(self.commit(writes, effects))
    }

    /// Where the items of a table go that this region shares with the life that sent them.
    fn target(&self, from: &Origin, name: &str) -> Option<Target> {
        let group = self.groups.get(name)?;
        let table = self.tables.get(name)?;
        let base = group.members.get(&from.region)?.base;
        (group.has(from) && group.has(&self.me())).then(|| Target {
            name: name.to_owned(),
            number: table.row.number,
            stamping: table.is_stamping(),
            base,
        })
    }

    fn merge_item(
        &mut self,
        now: Now,
        (batch, targets): (&FeedBatch<'_>, &[Option<Target>]),
        item: &WireItem<'_>,
        writes: &mut Vec<Write>,
        read: &dyn Read,
    ) -> Result<(), StoreError> {
        let index = usize::try_from(item.table).ok();
        let target = index.and_then(|index| targets.get(index)?.as_ref());
        // What was written before it joined is of a former membership, which ended.
        let Some(target) = target.filter(|target| target.base < item.position) else {
            self.counters.versions_refused += 1;
            return Ok(());
        };
        let key = super::table::row_key(target.number, &item.key);
        let row = self.newest_row(&key, read)?;
        let here = row.as_deref().map(decode_header).transpose()?;
        let header = Header {
            version: Version {
                time_us: item.time_us,
                region: batch.from.region.clone(),
            },
            position: item.position,
            shown: if target.stamping {
                Shown::Own
            } else {
                Shown::Nothing
            },
            deleted: item.attributes.is_empty(),
        };
        let is_tombstoned = here.as_ref().is_some_and(|(header, _)| header.deleted);
        if is_tombstoned && self.has_defect(Defect::SkipTombstoned) {
            return Ok(());
        }
        if !self.accepts(
            &header.version,
            here.as_ref().map(|(header, _)| &header.version),
        ) {
            self.counters.versions_lost += 1;
            return Ok(());
        }
        self.counters.versions_applied += 1;
        let header = self.spoilt(now, header, here.as_ref().map(|(header, _)| header));
        let grave = header.deleted.then(|| Grave {
            origin: batch.from.clone(),
            position: header.position,
            time_us: header.version.time_us,
        });
        self.store_merged(
            now,
            &target.name,
            key,
            here,
            (&header, &item.attributes, grave),
            writes,
        );
        Ok(())
    }

    /// The rows of a version that replaces what is here.
    pub(super) fn store_merged(
        &mut self,
        now: Now,
        name: &str,
        key: Vec<u8>,
        here: Option<(Header, &[u8])>,
        (header, attributes, grave): (&Header, &[u8], Option<Grave>),
        writes: &mut Vec<Write>,
    ) {
        let old_bytes = here
            .as_ref()
            .filter(|(header, _)| !header.deleted)
            .map(|(_, attributes)| attributes.len());
        let new_bytes = (!header.deleted).then_some(attributes.len());
        self.tally(name, old_bytes, new_bytes);
        let was_tombstone = here.as_ref().is_some_and(|(header, _)| header.deleted);
        self.bury(&key, was_tombstone, grave, writes);
        self.tell_merge(now, name, here, (header, attributes), writes);
        let value = Some(header.row(attributes));
        writes.push(Write {
            space: Space::Items,
            key,
            value,
        });
    }

    /// The stream's record of a version that came from a peer, or from this region's former life.
    pub(super) fn tell_merge(
        &mut self,
        now: Now,
        name: &str,
        here: Option<(Header, &[u8])>,
        (header, attributes): (&Header, &[u8]),
        writes: &mut Vec<Write>,
    ) {
        let stamping = self.tables.get(name).is_some_and(Table::is_stamping);
        let record = || RecordRow {
            created_ms: now.wall_ms,
            shape: match (stamping, header.deleted) {
                (true, true) => Shape::TwoPhases,
                (true, false) | (false, _) => Shape::Once,
            },
            expired: false,
            old: here.and_then(|(header, attributes)| Image::live(&header, attributes)),
            new: Image::live(header, attributes),
        };
        self.tell_stream(name, record, writes);
    }

    /// A header as planted faults leave it; as it came, without them.
    fn spoilt(&self, now: Now, mut header: Header, here: Option<&Header>) -> Header {
        if self.has_defect(Defect::StampAtArrival) {
            header.version.time_us = super::stamp::stamp(now, None, 0);
        }
        if self.has_defect(Defect::WrongOrigin) {
            header.version.region = self.config.region.clone();
            header.position = 0;
        }
        if let Some(here) = here.filter(|_| self.has_defect(Defect::TornApply)) {
            header.version = here.version.clone();
            header.position = here.position;
        }
        header
    }

    fn accepts(&self, incoming: &Version, here: Option<&Version>) -> bool {
        if self.has_defect(Defect::LwwByArrival) {
            return true;
        }
        if self.has_defect(Defect::OlderWins) {
            return here.is_none_or(|here| incoming < here);
        }
        if self.has_defect(Defect::TieDivergence) {
            return here.is_none_or(|here| incoming.time_us > here.time_us);
        }
        replaces(incoming, here)
    }

    /// The newest version of a row, durable or not.
    pub(super) fn newest_row(
        &self,
        key: &[u8],
        read: &dyn Read,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self.ledger.newest(key) {
            Some(newest) => Ok(newest.value().map(<[u8]>::to_vec)),
            None => read.get(Space::Items, key),
        }
    }

    /// What a peer said of itself counts once its feed is consumed to the head it named.
    fn reported(&mut self, from: &Origin, report: &Report) {
        if let Some(peer) = self.peers.get_mut(&from.region) {
            peer.newest_report = Some((from.incarnation, report.clone()));
            match &mut peer.told {
                Some((life, told)) if *life == from.incarnation => told.raise(report),
                Some(_) | None => peer.told = Some((from.incarnation, report.clone())),
            }
        }
        self.settle_report(from);
    }

    /// Looks whether the report that waits has come true.
    pub(super) fn settle_report(&mut self, from: &Origin) {
        let consumed = self.consumed.get(from).map_or(0, |mark| mark.durable);
        let Some(peer) = self.peers.get_mut(&from.region) else {
            return;
        };
        if peer
            .pending_report
            .as_ref()
            .is_some_and(|(life, _)| *life != from.incarnation)
        {
            peer.pending_report = None;
        }
        for _ in 0..2 {
            if peer.pending_report.is_none() {
                peer.pending_report = peer.newest_report.take();
            }
            match &peer.pending_report {
                Some((_, report)) if report.head <= consumed => {
                    peer.effective = peer.pending_report.take();
                }
                Some(_) | None => return,
            }
        }
    }

    /// Says in the log that the store failed.
    pub(super) fn store_failed(&mut self, error: &StoreError, effects: &mut Effects) {
        self.counters.store_errors += 1;
        effects.push(Effect::Log(error.to_string()));
    }
}

#[cfg(test)]
mod tests;
