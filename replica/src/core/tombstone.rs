//! Deletes leave tombstones; when forgetting one is safe.
//!
//! A tombstone written by region O at position p of its feed may go, here, when no older version of the item can arrive any more: every member
//! P other than O has said that it consumed O's feed through p, *and* this region has consumed P's feed to where it ended when P said so. What P
//! wrote before it knew of the tombstone has then arrived; what it writes after is greater. No clock is asked.
//!
//! Collecting raises the table's stamp floor: otherwise a new item could, after a clock step back, get a stamp below a tombstone that a peer still
//! holds. Nothing is collected while a region may be joining or rows are fed again.

use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::exchange::is_living;
use super::group::Group;
use super::rows::Origin;
use super::table::{Table, split_row_key};
use super::{Core, Effects, Now};
use crate::defects::Defect;
use crate::store::{Direction, Read, Row, Space, StoreError, Write};

/// A tombstone's row in the index of tombstones: when it may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grave {
    pub(super) origin: Origin,
    pub(super) position: u64,
    pub(super) time_us: i64,
}

impl Core {
    /// Keeps the index of tombstones in step with a row that is being written.
    pub(super) fn bury(
        &mut self,
        key: &[u8],
        was_tombstone: bool,
        grave: Option<Grave>,
        writes: &mut Vec<Write>,
    ) {
        let value = match grave {
            Some(grave) => {
                self.tombstones += u64::from(!was_tombstone);
                Some(postcard::to_stdvec(&grave).expect("a vector takes every grave"))
            }
            None if was_tombstone => {
                self.tombstones = self.tombstones.saturating_sub(1);
                None
            }
            None => return,
        };
        writes.push(Write {
            space: Space::Tombstones,
            key: key.to_vec(),
            value,
        });
    }

    /// Walks a stretch of the tombstones and drops those that may go.
    pub(super) fn collect(
        &mut self,
        now: Now,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        // What a pull brings may be older than a tombstone that goes meanwhile.
        if self.exchanges.is_open() {
            return Ok(());
        }
        let limit = self.config.limits.upkeep_rows;
        let after = self.collected_through.take();
        let start = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = (start, Bound::Unbounded);
        let rows = read.range(Space::Tombstones, bounds, Direction::Forward, limit)?;
        if rows.len() >= limit {
            self.collected_through = rows.last().map(|(key, _)| key.clone());
        }
        let mut writes = Vec::new();
        for row in rows {
            self.collect_one(now, row, &mut writes)?;
        }
        if !writes.is_empty() {
            self.commit(writes, effects);
        }
        Ok(())
    }

    fn collect_one(
        &mut self,
        now: Now,
        (key, value): Row,
        writes: &mut Vec<Write>,
    ) -> Result<(), StoreError> {
        let grave: Grave = postcard::from_bytes(&value)
            .map_err(|error| StoreError(format!("a tombstone's row is unreadable: {error}")))?;
        let Some((number, _)) = split_row_key(&key) else {
            return Err(StoreError("a tombstone's key names no table".to_owned()));
        };
        // Somebody is writing this item: its rows are about to change.
        if self.ledger.newest(&key).is_some() {
            return Ok(());
        }
        let table = self
            .tables
            .values()
            .find(|table| table.row.number == number);
        let Some(table) = table else { return Ok(()) };
        if !self.may_go(now, table, &grave) {
            return Ok(());
        }
        let name = table.name().to_owned();
        if let Some(table) = self.tables.get_mut(&name) {
            table.raise_floor(grave.time_us, writes);
        }
        self.counters.tombstones_collected += 1;
        self.tombstones = self.tombstones.saturating_sub(1);
        writes.push(Write {
            space: Space::Items,
            key: key.clone(),
            value: None,
        });
        writes.push(Write {
            space: Space::Tombstones,
            key,
            value: None,
        });
        Ok(())
    }

    fn may_go(&self, now: Now, table: &Table, grave: &Grave) -> bool {
        if self.is_salvaging(table.name()) {
            return false;
        }
        if !table.replicated || self.has_defect(Defect::EagerCollect) {
            return true;
        }
        if table.row.refeed || now.monotonic_ns < table.hold_until_ns {
            return false;
        }
        let Some(group) = self.groups.get(table.name()) else {
            return true;
        };
        if !self.is_settled(now, group) {
            return false;
        }
        let is_living =
            group.has(&grave.origin) && is_living(group, &grave.origin.region, grave.position);
        if !is_living {
            return table.has_settled_departed || !table.fed;
        }
        group
            .present()
            .filter(|(region, _)| **region != grave.origin.region)
            .all(|(region, member)| {
                let member = Origin {
                    region: region.clone(),
                    incarnation: member.incarnation,
                };
                self.known_consumed(&member, &grave.origin) >= grave.position
            })
    }

    /// Whether every other member has called this process, and none waits to be renewed: it may hold versions older than tombstones that it had consumed.
    fn is_settled(&self, now: Now, group: &Group) -> bool {
        let others = group.present();
        let mut others = others.filter(|(region, _)| **region != self.config.region);
        others.all(|(region, member)| {
            let is_life = |life: u64| life == member.incarnation;
            self.peers.get(region).is_some_and(|peer| {
                let waits = |(life, until_ns)| is_life(life) && now.monotonic_ns < until_ns;
                peer.told.as_ref().is_some_and(|(told, _)| is_life(*told))
                    && !peer.rolled_back.is_some_and(waits)
            })
        })
    }

    /// How far a member has consumed an origin's feed, as far as it can be relied on here.
    fn known_consumed(&self, member: &Origin, origin: &Origin) -> u64 {
        if *member == self.me() {
            return self.consumed.get(origin).map_or(0, |mark| mark.durable);
        }
        let peer = self.peers.get(&member.region);
        let Some((life, report)) = peer.and_then(|peer| peer.effective.as_ref()) else {
            return 0;
        };
        let consumed = report
            .consumed
            .iter()
            .find(|(consumed, _)| consumed == origin);
        match consumed {
            Some((_, position)) if *life == member.incarnation => *position,
            Some(_) | None => 0,
        }
    }
}
