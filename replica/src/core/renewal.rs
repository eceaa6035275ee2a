//! A region whose store was rolled back (an older copy of its directory, an engine that lost its tail) becomes a new member by itself.
//!
//! It shows in two ways. A peer has consumed more of this region's feed than this process, or the store that it found, ever sent: the numbers of those
//! positions would be given twice, and the peer would ignore what is new. Or a peer waits for nothing before a position up to which this region had
//! consumed the peer's feed, and has not any more. So nothing is sent to a peer before it has said what it consumed: an empty call goes first.
//!
//! What the region held may since have been deleted elsewhere, and the tombstones be gone: its rows cannot be trusted. So it starts anew as a region does that
//! joins. It takes a new incarnation, keeps of its own rows those that some peer has not seen, and lets the others feed theirs again. What it had written in its
//! former life and lost comes back from the peers by anti-entropy, as that of any departed life; until then readers miss it here. For this it waits
//! until every member has answered, and knows that it waits: from then on that member forgets no tombstone until it has seen the renewal (for a minute
//! after the last word of it), so that what it said of its floor stays true.
//!
//! Absent: what reached no peer before the roll-back is lost with the disk. A lost directory is no roll-back: it holds no member at all.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::group::{Decided, Group};
use super::ledger::Ledger;
use super::message::{FeedAnswer, FeedBatch};
use super::peer::Peer;
use super::record::{Header, decode_header};
use super::rows::{self, Origin, named};
use super::table::{Count, row_key, split_row_key};
use super::tombstone::Grave;
use super::{Core, Effect, Effects, Now, Region};
use crate::store::{Direction, Read, Space, StoreError, Write};

/// Entries of the feed that are read at once.
const ENTRIES: usize = 1_000;

/// What this process knows of its store.
#[derive(Debug, Default)]
pub(super) struct Rollback {
    /// A peer has shown that the store was rolled back.
    pub(super) is_found: bool,
    /// Where the feed ended when this process began.
    pub(super) began_at: u64,
    /// When that was.
    pub(super) began_ns: u64,
    /// Bits that differ from process to process: part of the next incarnation.
    pub(super) entropy: u64,
}

/// Which of this region's own rows need not be kept.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Every member has consumed what lies up to here,
    by_all: u64,
    /// and what lies up to here before it was a member, in this life: it may hold nothing of that.
    before: u64,
    /// What lies after this was written, and not only fed again, by this process.
    new: u64,
    /// No member has collected a tombstone above this.
    floor_us: i64,
}

impl Seen {
    /// Whether a row lies with every member, or may have been deleted there without a trace. The numbers of positions alone do not tell: those of the lost
    /// tail were given again until the roll-back was found. But a row above the floor can only lose against what is still known.
    fn has(&self, header: &Header) -> bool {
        let position = header.position;
        position > self.before && position <= self.by_all
            || position <= self.new && header.version.time_us <= self.floor_us
    }
}

impl Core {
    /// Notes at a start for every peer where the feed ended, where that was not noted before. Nothing after it is sent before the peer has answered, so the
    /// peer cannot have consumed more.
    pub(super) fn begin_unverified(&mut self, effects: &mut Effects) {
        let head = self.feed.head.durable;
        self.rollback.began_at = head;
        let mut writes = Vec::new();
        for (region, peer) in &mut self.peers {
            peer.offered = head;
            if peer.link.is_none() {
                continue;
            }
            let unverified = peer.unverified.get_or_insert_with(|| {
                writes.push(rows::put(row_of(region), &head));
                head
            });
            peer.offered = *unverified;
        }
        if !writes.is_empty() {
            self.commit(writes, effects);
        }
    }

    /// A peer has said how far it consumed this region's feed; says whether that is what it can have consumed.
    pub(super) fn claims(
        &mut self,
        region: &Region,
        answer: &FeedAnswer,
        effects: &mut Effects,
    ) -> bool {
        let consumed = answer.consumed;
        let Some(peer) = self.peers.get_mut(region) else {
            return false;
        };
        peer.claimed = peer.claimed.max(Some(consumed));
        peer.floor_us = peer.floor_us.max(answer.floor_us);
        if consumed > peer.offered {
            let what = format!(
                "has consumed its feed to {consumed}, but nothing after {} was sent",
                peer.offered
            );
            self.roll_back_found(region, &what, effects);
            return false;
        }
        if !self.rollback.is_found && peer.unverified.take().is_some() {
            let commit = self.commit(vec![rows::remove(row_of(region))], effects);
            if let Some(peer) = self.peers.get_mut(region) {
                peer.verified_by = commit;
            }
        }
        true
    }

    /// A peer shows that this region lost what it had.
    pub(super) fn roll_back_found(&mut self, region: &Region, what: &str, effects: &mut Effects) {
        if !self.rollback.is_found {
            effects.push(Effect::Log(format!(
                "the store of this region was rolled back: {region} {what}. The region becomes a new member as soon as every member has answered; what it lost comes back from them, look at the disk"
            )));
            // They are told at once, so that they forget no tombstones until this region is a new member.
            for peer in self.peers.values_mut() {
                peer.last_sent_ns = None;
            }
        }
        self.rollback.is_found = true;
    }

    /// Whether every other member knows of the roll-back, and has said in this process how far it consumed this region's feed.
    fn is_heard(&self) -> bool {
        let me = self.me();
        let shared = self.groups.values().filter(|group| group.has(&me));
        let mut others = shared
            .flat_map(Group::present)
            .filter(|(region, _)| **region != me.region);
        others.all(|(region, _)| {
            self.peers
                .get(region)
                .is_none_or(|peer| peer.claimed.is_some() && peer.knows_of_roll_back)
        })
    }

    /// Becomes a new member when the store was rolled back and everybody has been heard.
    pub(super) fn verify(
        &mut self,
        now: Now,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let me = self.me();
        if !self.groups.values().any(|group| group.has(&me)) {
            // Removed meanwhile: whoever makes it a member again does so under the incarnation that it has now.
            self.rollback.is_found = false;
        }
        if !self.rollback.is_found || !self.is_heard() {
            return Ok(());
        }
        let mut writes = Vec::new();
        self.renew(now, &mut writes, read, effects)?;
        self.rollback.is_found = false;
        self.groups_commit = self.commit(writes, effects);
        Ok(())
    }

    /// Whether old rows had better not be written again, as new positions of a feed, yet: the store was rolled back, or a peer that would know has not been
    /// heard. A peer that is down for long, or somebody else now, keeps no new member waiting.
    pub(super) fn may_be_rolled_back(&self, now: Now) -> bool {
        let wait_ns = 4 * self.config.limits.join_hold_ms * 1_000_000;
        let is_early = now.monotonic_ns < self.rollback.began_ns.saturating_add(wait_ns);
        let mut linked = self
            .peers
            .values()
            .filter_map(|peer| Some((peer, peer.link.as_ref()?)));
        let is_silent = linked.any(|(peer, link)| {
            let is_same = peer.incarnation.is_none_or(|it| it == link.row.incarnation);
            peer.unverified.is_some() && is_same
        });
        is_early && (self.rollback.is_found || is_silent)
    }

    /// The position after which the numbers of positions may have been given twice.
    fn unverified(&self) -> Option<u64> {
        self.peers.values().filter_map(|peer| peer.unverified).min()
    }

    /// Which of this region's own rows need not be kept.
    fn seen(&self) -> Seen {
        let me = self.config.region.clone();
        let shared = self.groups.values().filter(|group| group.has(&self.me()));
        let others = shared.flat_map(Group::present).map(|(region, _)| region);
        let others = others.filter(|region| **region != me);
        let peers: Vec<&Peer> = others.filter_map(|region| self.peers.get(region)).collect();
        let bases = peers.iter().filter_map(|peer| peer.link.as_ref());
        let claims = || peers.iter().filter_map(|peer| peer.claimed);
        let unverified = self.unverified().unwrap_or(u64::MAX);
        Seen {
            by_all: claims().min().unwrap_or(0).min(unverified),
            before: bases.map(|link| link.row.base).max().unwrap_or(0),
            new: self.rollback.began_at,
            floor_us: peers.iter().map(|peer| peer.floor_us).max().unwrap_or(0),
        }
    }

    fn renew(
        &mut self,
        now: Now,
        writes: &mut Vec<Write>,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let me = self.me();
        // A life that this region has forgotten may have had positions after those of this one: peers would take its rows for the new life's.
        let given = self.peers.values().map(|peer| peer.of_any_life).max();
        let given = given.unwrap_or(0).max(self.feed.head.decided);
        let seen = self.seen();
        let mine = self.groups.values().filter(|group| group.has(&me));
        let mine: Vec<Group> = mine.cloned().collect();
        for group in &mine {
            self.move_unseen(&group.name, &seen, writes, read)?;
        }
        self.feed.skip_to(given + 1, writes);
        let salt = now.wall_ms.unsigned_abs() ^ self.rollback.entropy.rotate_left(32);
        self.incarnation = next_incarnation(self.incarnation, salt);
        writes.push(self.identity());
        for (region, peer) in &mut self.peers {
            *peer = Peer::linked(None);
            writes.push(rows::remove(row_of(region)));
        }
        for mut group in mine {
            let floor_us = self
                .tables
                .get(&group.name)
                .map_or(0, |table| table.floor_us);
            group.has_lost_members = true;
            if let Some(member) = group.members.get_mut(&me.region) {
                member.incarnation = self.incarnation;
                member.base = self.feed.head.decided;
                member.floor_us = member.floor_us.max(floor_us);
                // Hardly newer: a removal that this region has forgotten still wins. Not always the same: it may have forgotten such a decision of its own.
                member.decided = Decided {
                    time_us: member.decided.time_us
                        + 1
                        + i64::try_from(salt % 1_000).expect("below a thousand"),
                    by: me.region.clone(),
                };
            }
            self.adopt_one(now, &group, writes, effects);
        }
        self.relink(writes);
        self.counters.renewals += 1;
        effects.push(Effect::Log(format!(
            "this region is a new member: incarnation {:016x}, its feed goes on after {}",
            self.incarnation, self.feed.head.decided
        )));
        Ok(())
    }

    /// A record of a membership that this region decided for itself in a life which it has forgotten: the store went back to before a renewal. That
    /// life is the member, so this region goes on as that one, and is renewed again.
    pub(super) fn follow_own_future(
        &mut self,
        incoming: &Group,
        writes: &mut Vec<Write>,
        effects: &mut Effects,
    ) {
        let me = self.me();
        let known = self.groups.get(&incoming.name);
        let known = known.filter(|group| group.has(&me));
        let known = known.and_then(|group| group.members.get(&me.region));
        let Some((known, future)) = known.zip(incoming.members.get(&me.region)) else {
            return;
        };
        let is_own = future.present && future.decided.by == me.region;
        if !is_own || future.rank() <= known.rank() || future.incarnation == me.incarnation {
            return;
        }
        self.incarnation = future.incarnation;
        writes.push(self.identity());
        let groups = self.groups.values_mut().filter(|group| group.has(&me));
        for member in groups.filter_map(|group| group.members.get_mut(&me.region)) {
            member.incarnation = future.incarnation;
        }
        // Peers will speak of another life's positions from now on. Of this one's, those are seen that they have claimed so far.
        let claims = self.peers.values().filter_map(|peer| peer.claimed);
        let seen = self.unverified().or(claims.max()).unwrap_or(0);
        for (region, peer) in &mut self.peers {
            *peer = Peer::linked(None);
            peer.unverified = Some(seen);
            writes.push(rows::put(row_of(region), &seen));
        }
        let by = me.region;
        self.roll_back_found(
            &by,
            "has been a new member since, by its peers' records",
            effects,
        );
    }

    /// Gives a table a new number, under which only those of its rows are that no peer has seen.
    fn move_unseen(
        &mut self,
        name: &str,
        seen: &Seen,
        writes: &mut Vec<Write>,
        read: &dyn Read,
    ) -> Result<(), StoreError> {
        let Some(table) = self.tables.get(name) else {
            return Ok(());
        };
        let (old, is_unfed) = (table.row.number, table.row.refeed);
        let refed_through = if is_unfed {
            u64::MAX
        } else {
            table.refed_through
        };
        let new = self.next_table;
        self.next_table += 1;
        let mut seen = *seen;
        seen.new = seen.new.max(refed_through);
        let mut kept = self.unseen(old, &seen, read)?;
        if is_unfed {
            kept.extend(self.unfed(old, &seen, read)?);
        }
        if let Some(table) = self.tables.get_mut(name) {
            table.row.number = new;
            table.count = Count::default();
            table.refeed_after = None;
        }
        writes.push(rows::put(named(rows::LEFTOVER, &old.to_string()), &old));
        // The commit that is about to be asked for.
        self.leftovers.insert(old, self.ledger.last + 1);
        for (key, row) in kept {
            let (header, attributes) = decode_header(&row)?;
            let Some((_, item_key)) = split_row_key(&key) else {
                continue;
            };
            let key = row_key(new, item_key);
            let grave = header.deleted.then(|| Grave {
                origin: self.me(),
                position: header.position,
                time_us: header.version.time_us,
            });
            self.tally(name, None, (!header.deleted).then_some(attributes.len()));
            self.bury(&key, false, grave, writes);
            let (space, value) = (Space::Items, Some(row));
            writes.push(Write { space, key, value });
        }
        Ok(())
    }

    /// This region's own rows of a table with positions after this one, durable or not.
    fn unseen(
        &self,
        table: u32,
        seen: &Seen,
        read: &dyn Read,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
        let mut keys: Vec<Vec<u8>> = undurable(&self.ledger, table);
        let mut after = seen.by_all;
        loop {
            let entries = self.feed.after(after, ENTRIES, read)?;
            let is_last = entries.len() < ENTRIES;
            after = entries.last().map_or(after, |(position, _)| *position);
            let of_table = entries.iter().filter(|(_, entry)| entry.table == table);
            keys.extend(of_table.map(|(_, entry)| row_key(table, &entry.key)));
            if is_last {
                break;
            }
        }
        let mut rows = BTreeMap::new();
        for key in keys {
            let Some(row) = self.newest_row(&key, read)? else {
                continue;
            };
            let (header, _) = decode_header(&row)?;
            if header.version.region == self.config.region && !seen.has(&header) {
                rows.insert(key, row);
            }
        }
        Ok(rows)
    }

    /// This region's own rows, whether or not the feed still has them, but for those on their way to the disk.
    fn unfed(
        &self,
        table: u32,
        seen: &Seen,
        read: &dyn Read,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
        let end = row_key(table.saturating_add(1), &[]);
        let mut start = Bound::Included(row_key(table, &[]));
        let mut rows = BTreeMap::new();
        loop {
            let bounds = (
                start.as_ref().map(Vec::as_slice),
                Bound::Excluded(end.as_slice()),
            );
            let found = read.range(Space::Items, bounds, Direction::Forward, ENTRIES)?;
            let Some((last, _)) = found.last() else {
                return Ok(rows);
            };
            start = Bound::Excluded(last.clone());
            for (key, row) in found {
                let (header, _) = decode_header(&row)?;
                let is_own = header.version.region == self.config.region;
                let is_unseen = header.position == 0 || !seen.has(&header);
                if is_own && is_unseen && self.ledger.newest(&key).is_none() {
                    rows.insert(key, row);
                }
            }
        }
    }

    /// Looks whether a peer relies on, or was told of, more than this region has.
    pub(super) fn check_relied_on(&mut self, batch: &FeedBatch<'_>, effects: &mut Effects) {
        let consumed = |core: &Self, origin: &Origin| {
            let mark = core.consumed.get(origin);
            mark.map_or(0, |mark| mark.decided)
        };
        let has = consumed(self, &batch.from);
        let (life, acknowledged) = batch.relied_on;
        let mut what = None;
        if life == self.incarnation && acknowledged > has.max(batch.base) {
            what = Some(format!(
                "was told that its feed is consumed here to {acknowledged}, but it is to {has}"
            ));
        }
        let told = batch.told.as_ref();
        if let Some((_, told)) = told.filter(|(life, _)| *life == self.incarnation) {
            let mut each = told.consumed.iter();
            if let Some((origin, position)) = each.find(|(of, at)| *at > consumed(self, of)) {
                what = Some(format!(
                    "was told that the feed of {} is consumed here to {position}, which it is not",
                    origin.region
                ));
            }
            let head = self.feed.head.decided;
            if told.head > head {
                what = Some(format!(
                    "was told that the feed goes to {}, but it goes to {head}",
                    told.head
                ));
            }
        }
        if let Some(what) = what {
            self.roll_back_found(&batch.from.region, &what, effects);
        }
    }
}

/// The row that says after which position a peer was sent nothing.
fn row_of(peer: &Region) -> Vec<u8> {
    named(rows::UNVERIFIED, peer.as_str())
}

/// Keys of a table's rows that may not be durable yet.
fn undurable(ledger: &Ledger, table: u32) -> Vec<Vec<u8>> {
    let (start, end) = (row_key(table, &[]), row_key(table.saturating_add(1), &[]));
    let keys = ledger.newest_keys(&start, &end);
    keys.map(<[u8]>::to_vec).collect()
}

/// Another incarnation, from the one before and bits that differ from time to time (the finaliser of SplitMix64).
fn next_incarnation(before: u64, salt: u64) -> u64 {
    let mut bits = before
        .wrapping_add(salt)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests;
