//! What `/health` and the metrics show of a region.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Core, Now, Region};

/// A region seen from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its name.
    pub region: String,
    /// The number its data directory was born with.
    pub incarnation: u64,
    /// Its tables, by name.
    pub tables: BTreeMap<String, TableStatusLine>,
    /// Position of the newest durable entry of its feed.
    pub feed_head: u64,
    /// Its peers, by region.
    pub peers: BTreeMap<String, PeerStatus>,
    /// Tombstones not yet collected (an estimate while the first count after a start is under way).
    pub tombstones: u64,
    /// Batches on their way to the disk.
    pub undurable_batches: u64,
    /// Answers that wait for a commit.
    pub waiting_answers: u64,
    /// What has happened since the process began.
    pub counters: Counters,
}

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableStatusLine {
    /// The regions of its global table; empty when it is in none.
    pub replicas: Vec<String>,
    /// Live items (an estimate after a crash).
    pub items: u64,
    /// New items get stamps above this.
    pub floor_us: i64,
    /// Whether rows that lie here have still to move, since this region became a new member, or to be fed again, since another did; or
    /// whether this is a new replica to which not everything has come.
    pub is_moving: bool,
    /// Members from which what departed lives had written was not pulled since the members last changed.
    pub unpulled: Vec<String>,
}

/// One peer, over the link from here to there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    /// Which life of the peer is a member of a table of this region's; `None` when none is.
    pub incarnation: Option<u64>,
    /// Position of this region's feed up to which the peer has made everything durable.
    pub acknowledged: u64,
    /// Feed entries it has not acknowledged (entries that a newer write made needless are counted).
    pub pending: u64,
    /// By this region's clock, how long the oldest version of the batch acknowledged last took to be durable there; `None` before the first.
    pub replication_latency_ms: Option<u64>,
    /// Whether the last call succeeded.
    pub connected: bool,
    /// Milliseconds since the last sign of life in either direction; `None` before the first.
    pub last_contact_ms: Option<u64>,
    /// Position of the peer's feed up to which this region has consumed.
    pub consumed: u64,
}

/// What has happened since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each name says what it counts")]
pub struct Counters {
    pub requests: u64,
    pub writes: u64,
    pub reads: u64,
    pub conditions_failed: u64,
    pub throttled: u64,
    pub feed_batches_sent: u64,
    pub versions_sent: u64,
    pub versions_coalesced: u64,
    pub feed_batches_received: u64,
    pub versions_applied: u64,
    pub versions_lost: u64,
    pub versions_refused: u64,
    pub versions_pulled: u64,
    /// Batches that were refused since a version in them lay too far ahead of the clock.
    pub batches_ahead: u64,
    pub calls_failed: u64,
    /// How often this region became a new member, since its store had been rolled back.
    pub renewals: u64,
    pub tombstones_collected: u64,
    pub items_expired: u64,
    pub store_errors: u64,
}

impl Core {
    /// What `/health` and the metrics show.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        Status {
            region: self.config.region.to_string(),
            incarnation: self.incarnation,
            tables: self
                .tables
                .iter()
                .map(|(name, table)| {
                    let group = self.groups.get(name).filter(|_| table.replicated);
                    let replicas = group.into_iter().flat_map(super::group::Group::present);
                    let line = TableStatusLine {
                        replicas: replicas.map(|(region, _)| region.to_string()).collect(),
                        items: u64::try_from(table.count.items).unwrap_or(0),
                        floor_us: table.floor_us,
                        is_moving: table.row.refeed
                            || table.row.is_filling
                            || self.is_salvaging(name),
                        unpulled: self.unpulled(name),
                    };
                    (name.clone(), line)
                })
                .collect(),
            feed_head: self.feed.head.durable,
            peers: self
                .peers
                .keys()
                .map(|region| (region.to_string(), self.peer_status(now, region)))
                .collect(),
            tombstones: self.tombstones,
            undurable_batches: self.ledger.undurable_count() as u64,
            waiting_answers: self.ledger.waiting_count() as u64,
            counters: self.counters,
        }
    }

    /// The members from which a table was not yet pulled since its members changed.
    pub(super) fn unpulled(&self, table: &str) -> Vec<String> {
        let pairs = self.exchanged().into_iter();
        let unpulled = pairs.filter(|pair| {
            let exchange = self.exchanges.by_table.get(pair);
            pair.0 == table && exchange.is_none_or(|exchange| exchange.pulled.is_none())
        });
        unpulled.map(|(_, region)| region.to_string()).collect()
    }

    fn peer_status(&self, now: Now, region: &Region) -> PeerStatus {
        let Some(peer) = self.peers.get(region) else {
            return PeerStatus::default();
        };
        let head = self.feed.head.durable;
        let acknowledged = peer.link.as_ref().map_or(head, |link| link.cursor);
        let contact = |ns: u64| now.monotonic_ns.saturating_sub(ns) / 1_000_000;
        let origin = peer.incarnation.map(|incarnation| super::rows::Origin {
            region: region.clone(),
            incarnation,
        });
        let consumed = origin.and_then(|origin| self.consumed.get(&origin));
        PeerStatus {
            incarnation: peer.link.as_ref().map(|link| link.row.incarnation),
            acknowledged,
            pending: head.saturating_sub(acknowledged),
            replication_latency_ms: peer.latency_ms,
            connected: peer.connected,
            last_contact_ms: peer.last_contact_ns.map(contact),
            consumed: consumed.map_or(0, |mark| mark.durable),
        }
    }
}
