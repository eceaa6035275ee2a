//! A peer as this region knows it: which life of it, how far the flow to it went, and what it said of itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::message::Report;
use super::{CallId, Limits};

/// What is durable of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LinkRow {
    /// Which life of the peer is a member.
    pub(super) incarnation: u64,
    /// Entries up to this are of no concern to it.
    pub(super) base: u64,
    /// What it has acknowledged, as last saved.
    pub(super) cursor: u64,
}

/// The flow to a peer that shares a global table with this region.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) row: LinkRow,
    pub(super) cursor: u64,
    /// The next batch goes on after this.
    pub(super) next: u64,
}

impl Link {
    /// A flow that begins after this position.
    pub(super) fn new(incarnation: u64, base: u64) -> Self {
        Self::open(LinkRow {
            incarnation,
            base,
            cursor: base,
        })
    }

    /// A flow as it was saved.
    pub(super) fn open(row: LinkRow) -> Self {
        Self {
            cursor: row.cursor,
            next: row.cursor,
            row,
        }
    }
}

/// A batch under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) through: u64,
    /// The update time of the oldest version in it.
    pub(super) oldest_us: Option<i64>,
    /// Whether more was durable than had room in it.
    pub(super) leaves_more: bool,
    /// Whether it says that this region's store was rolled back.
    pub(super) tells_of_roll_back: bool,
}

/// A peer.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// Which life of it was last heard of.
    pub(super) incarnation: Option<u64>,
    pub(super) link: Option<Link>,
    pub(super) flights: BTreeMap<CallId, Flight>,
    /// How long ago the oldest version in the batch that was acknowledged last had been written.
    pub(super) latency_ms: Option<u64>,
    /// What it said in this process of how far it consumed this region's feed; nothing is sent before.
    pub(super) claimed: Option<u64>,
    /// Whether it has answered, in its present life, to word of the roll-back of this region: its floor stays until the renewal.
    pub(super) knows_of_roll_back: bool,
    /// The life of it that was rolled back, by its own words, and until when that counts unless it says so again.
    pub(super) rolled_back: Option<(u64, u64)>,
    /// The greatest position that it said it consumed of any life of this region.
    pub(super) of_any_life: u64,
    /// The floor that it told of then.
    pub(super) floor_us: i64,
    /// The greatest position that it can have consumed, unless the store was rolled back.
    pub(super) offered: u64,
    /// Where the feed ended when this region began to wait for word of it; durable until it was heard.
    pub(super) unverified: Option<u64>,
    /// The commit by which that it was heard is durable.
    pub(super) verified_by: u64,
    /// Its tables that are not whole, by its own words.
    pub(super) filling: BTreeSet<String>,
    /// Tables that it was made a replica of and has not said to know of: it fills them when it does.
    pub(super) unaware: BTreeSet<String>,
    pub(super) rewind: bool,
    pub(super) failures: u32,
    pub(super) not_before_ns: u64,
    pub(super) last_sent_ns: Option<u64>,
    pub(super) last_gossip_ns: Option<u64>,
    pub(super) last_contact_ns: Option<u64>,
    pub(super) connected: bool,
    pub(super) last_refusal: Option<String>,
    /// All that its present life has reported, as far as it went.
    pub(super) told: Option<(u64, Report)>,
    /// The report that waits until this region has consumed the peer's feed to the head in it; and the newest one.
    pub(super) pending_report: Option<(u64, Report)>,
    pub(super) newest_report: Option<(u64, Report)>,
    /// The report that counts: everything the peer wrote before it has arrived here.
    pub(super) effective: Option<(u64, Report)>,
}

impl Peer {
    /// A peer as the store knows it.
    pub(super) fn linked(link: Option<Link>) -> Self {
        Self {
            link,
            ..Self::default()
        }
    }

    /// Whether it has said what it consumed, as far as commits are durable to this one.
    pub(super) fn is_heard(&self, committed: u64) -> bool {
        self.claimed.is_some() && self.verified_by <= committed
    }

    /// Whether there is something to be sent now; when to look again otherwise.
    pub(super) fn due(
        &self,
        now_ns: u64,
        (head, committed): (u64, u64),
        limits: &Limits,
    ) -> Result<(), Option<u64>> {
        if now_ns < self.not_before_ns {
            return Err(Some(self.not_before_ns));
        }
        // Only a backlog is worth a second batch under way: a link carries one after the other, and what is written meanwhile goes sooner with
        // the next batch than behind a small one.
        let is_backlog = self.flights.values().all(|flight| flight.leaves_more);
        let busy = self.flights.len() >= limits.feed_calls
            || (!self.flights.is_empty() && (self.rewind || self.failures > 0 || !is_backlog));
        if busy {
            return Err(None);
        }
        // After a failure a heartbeat goes first: a dead link costs no more than that.
        let behind = self.link.as_ref().is_some_and(|link| {
            let next = if self.rewind { link.cursor } else { link.next };
            self.incarnation == Some(link.row.incarnation)
                && self.is_heard(committed)
                && next < head
        });
        if behind && self.failures == 0 {
            return Ok(());
        }
        if !self.flights.is_empty() {
            return Err(None);
        }
        let beat_ns = limits.heartbeat_ms * 1_000_000;
        match self.last_sent_ns {
            Some(sent_ns) if self.failures == 0 && now_ns < sent_ns + beat_ns => {
                Err(Some(sent_ns + beat_ns))
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_batch_goes_beside_one_that_left_more_and_waits_for_one_that_did_not() {
        let limits = Limits::default();
        let mut peer = Peer::linked(Some(Link::new(7, 0)));
        (peer.incarnation, peer.claimed) = (Some(7), Some(0));
        assert_eq!(peer.due(1, (9, 1), &limits), Ok(()));
        for (leaves_more, due) in [(true, Ok(())), (false, Err(None))] {
            let flight = Flight {
                through: 5,
                oldest_us: None,
                leaves_more,
                tells_of_roll_back: false,
            };
            peer.flights.insert(CallId(1), flight);
            assert_eq!(peer.due(1, (9, 1), &limits), due, "{leaves_more}");
        }
    }
}
