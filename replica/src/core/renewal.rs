//! A region whose store was rolled back (an older copy of its directory, an engine that lost its tail) becomes a new member by itself.
//!
//! It shows in two ways. A peer has consumed more of this region's feed than this process, or the store that it found, ever sent: the numbers of those
//! positions would be given twice, and the peer would ignore what is new. Or a peer waits for nothing before a position up to which this region had
//! consumed the peer's feed, and has not any more. So nothing is sent to a peer before it has said what it consumed: an empty call goes first.
//!
//! What the region held may since have been deleted elsewhere, and the tombstones be gone: not all of its rows can be trusted. So it starts anew as a region
//! does that joins. It takes a new incarnation, keeps what can be trusted (`salvage`), and lets the others feed theirs again. What it had written in its
//! former life and lost comes back from the peers by anti-entropy, as that of any departed life; until then readers miss it here. For this it waits
//! until every member has answered, and knows that it waits: from then on that member forgets no tombstone until it has seen the renewal (for a minute
//! after the last word of it), so that what it said of its floor stays true. The last member of a table keeps what it has, and waits for nobody.
//!
//! Absent: what reached no peer before the roll-back is lost with the disk. A lost directory is no roll-back: it holds no member at all.

use super::group::{Decided, Group};
use super::message::{FeedAnswer, FeedBatch};
use super::peer::Peer;
use super::rows::{self, Origin, named};
use super::salvage::Sieve;
use super::{Core, Effect, Effects, Now, Region};
use crate::store::Write;

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
            // Else there is no member that it waits for: it has said that it has no table.
            if self.shares_a_table() {
                effects.push(Effect::Log(format!(
                    "the store of this region was rolled back: {region} {what}. The region becomes a new member as soon as every member has answered; what it lost comes back from them, look at the disk"
                )));
            }
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

    /// Whether this region and another are members of a global table.
    fn shares_a_table(&self) -> bool {
        let me = self.me();
        let mut mine = self.groups.values().filter(|group| group.has(&me));
        mine.any(|group| group.present().nth(1).is_some())
    }

    /// Becomes a new member when the store was rolled back and everybody has been heard.
    pub(super) fn verify(&mut self, now: Now, effects: &mut Effects) {
        if !self.shares_a_table() {
            // Removed meanwhile: whoever makes it a member again does so under the incarnation that it has now. Or alone: nobody has seen more, or would
            // feed anything again.
            self.rollback.is_found = false;
        }
        if !self.rollback.is_found || !self.is_heard() {
            return;
        }
        let mut writes = Vec::new();
        self.renew(now, &mut writes, effects);
        self.rollback.is_found = false;
        self.groups_commit = self.commit(writes, effects);
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

    /// Which rows of this region can be trusted.
    fn sieve(&self) -> Sieve {
        let shared = self.groups.values().filter(|group| group.has(&self.me()));
        let members = shared.flat_map(Group::present).map(|(region, _)| region);
        let floors = members.filter_map(|region| Some(self.peers.get(region)?.floor_us));
        Sieve {
            floor_us: floors.max().unwrap_or(0),
            new: self.rollback.began_at,
            is_unfed: false,
        }
    }

    fn renew(&mut self, now: Now, writes: &mut Vec<Write>, effects: &mut Effects) {
        let me = self.me();
        // A life that this region has forgotten may have had positions after those of this one: peers would take its rows for the new life's.
        let given = self.peers.values().map(|peer| peer.of_any_life).max();
        let given = given.unwrap_or(0).max(self.feed.head.decided);
        let sieve = self.sieve();
        let salt = now.wall_ms.unsigned_abs() ^ self.rollback.entropy.rotate_left(32);
        let mine = self.groups.values().filter(|group| group.has(&me));
        let mine: Vec<Group> = mine.cloned().collect();
        for group in &mine {
            self.replace_stream(now, (&group.name, salt), writes);
            self.begin_salvage(now, (&group.name, &sieve), writes);
        }
        self.feed.skip_to(given + 1, writes);
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
