//! What always holds of a region, whatever happened. Called after every step in tests and simulation; walks the whole store.

use std::ops::Bound;

use super::Core;
use super::record::decode_header;
use super::rows::Origin;
use super::table::split_row_key;
use super::tombstone::Grave;
use crate::store::{Direction, Read, Space, StoreError};

impl Core {
    /// Panics when an invariant is broken: that is a bug of ours, never of a client or a peer.
    ///
    /// # Errors
    /// When the store cannot be read.
    ///
    /// # Panics
    /// See above.
    pub fn check_invariants(&self, read: &dyn Read) -> Result<(), StoreError> {
        self.ledger.check_invariants();
        self.streams.check_invariants();
        let head = &self.feed.head;
        assert!(head.durable <= head.decided, "what is durable was decided");
        for (origin, mark) in &self.consumed {
            assert!(
                mark.durable <= mark.decided,
                "{origin:?}: what is durable was decided"
            );
            assert_ne!(*origin, self.me(), "a region does not consume its own feed");
        }
        for (region, peer) in &self.peers {
            let Some(link) = &peer.link else { continue };
            assert!(
                link.row.base <= link.cursor,
                "{region}: nothing before the base is waited for"
            );
            assert!(
                link.cursor <= link.next,
                "{region}: what is acknowledged is not sent again"
            );
            assert!(
                link.next <= head.decided,
                "{region}: only what was written is sent"
            );
        }
        for (name, table) in &self.tables {
            assert_eq!(name, table.name(), "tables are filed under their names");
            assert!(table.row.number < self.next_table, "numbers are given once");
            let member = self
                .groups
                .get(name)
                .is_some_and(|group| group.has(&self.me()));
            assert_eq!(
                table.replicated, member,
                "{name}: membership follows the records"
            );
        }
        self.check_rows(read)
    }

    fn check_rows(&self, read: &dyn Read) -> Result<(), StoreError> {
        let everything = (Bound::Unbounded, Bound::Unbounded);
        let me = &self.config.region;
        for (key, row) in read.range(Space::Items, everything, Direction::Forward, usize::MAX)? {
            let (header, _) = decode_header(&row)?;
            assert!(header.version.time_us > 0, "every version has a time");
            let number = split_row_key(&key).map(|(number, _)| number);
            let table = self
                .tables
                .values()
                .find(|table| Some(table.row.number) == number);
            let Some(table) = table else { continue };
            let grave = read.get(Space::Tombstones, &key)?;
            let newer = self.ledger.newest(&key).is_some();
            assert!(
                newer || grave.is_some() == header.deleted,
                "the index of tombstones holds the tombstones"
            );
            let ours = header.version.region == *me && header.position > 0 && table.fed;
            if !newer && ours && self.is_awaited(table.name(), header.position) {
                assert!(
                    self.feed.holds(header.position, read)?,
                    "what a peer has not acknowledged is in the feed"
                );
            }
        }
        for (key, value) in read.range(
            Space::Tombstones,
            everything,
            Direction::Forward,
            usize::MAX,
        )? {
            let grave: Grave = postcard::from_bytes(&value)
                .map_err(|error| StoreError(format!("a tombstone's row is unreadable: {error}")))?;
            let row = read.get(Space::Items, &key)?;
            let header = row
                .as_deref()
                .map(decode_header)
                .transpose()?
                .map(|(header, _)| header);
            let header = header.expect("a tombstone in the index is a tombstone");
            assert!(header.deleted, "a tombstone in the index is a tombstone");
            assert_eq!(
                (grave.position, grave.time_us),
                (header.position, header.version.time_us),
                "the index knows when a tombstone may go"
            );
        }
        Ok(())
    }

    /// Whether a member has not acknowledged this position yet.
    pub(super) fn is_awaited(&self, name: &str, position: u64) -> bool {
        self.peers.iter().any(|(region, peer)| {
            peer.link.as_ref().is_some_and(|link| {
                let life = Origin {
                    region: region.clone(),
                    incarnation: link.row.incarnation,
                };
                link.cursor < position
                    && self.groups.get(name).is_some_and(|group| group.has(&life))
            })
        })
    }
}
