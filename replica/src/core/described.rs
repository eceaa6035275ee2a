//! What a region tells another that asks about its table, before it joins a global table.

use std::ops::Bound;

use super::message::{AnswerMessage, Described, DescribedTable};
use super::record::decode_header;
use super::{Core, Effects, Now, Region};
use crate::store::{Direction, Read, Space, StoreError};

impl Core {
    /// Answers a region that asks about this one's table.
    pub(super) fn described_to(
        &mut self,
        now: Now,
        from: &Region,
        name: &str,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> AnswerMessage {
        if !self.peers.contains_key(from) {
            return AnswerMessage::Refused(format!(
                "{} does not know {from}: start it with --peer {from}=URL",
                self.config.region
            ));
        }
        match self.described(now, name, read) {
            Ok(described) => AnswerMessage::Described(Box::new(described)),
            Err(error) => {
                self.store_failed(&error, effects);
                AnswerMessage::Refused("the store failed: see the log of that region".to_owned())
            }
        }
    }

    pub(super) fn described(
        &mut self,
        now: Now,
        name: &str,
        read: &dyn Read,
    ) -> Result<Described, StoreError> {
        let hold_ns = self.config.limits.join_hold_ms * 1_000_000;
        let mut described = Described {
            incarnation: self.incarnation,
            account: self.config.account.clone(),
            head: self.feed.head.decided,
            consumed: self
                .consumed
                .iter()
                .map(|(origin, mark)| (origin.region.clone(), mark.decided))
                .collect(),
            table: None,
            group: self.groups.get(name).cloned(),
        };
        let empty = match self.tables.get(name) {
            Some(table) => !self.is_salvaging(name) && self.is_empty(table.row.number, read)?,
            None => return Ok(described),
        };
        let table = self.tables.get_mut(name).expect("it was found above");
        table.hold_until_ns = now.monotonic_ns + hold_ns;
        described.table = Some(DescribedTable {
            definition: table.row.definition.clone(),
            empty,
            floor_us: table.floor_us,
        });
        Ok(described)
    }

    /// Whether a table holds no live item. One with very many tombstones counts as holding some until they are collected.
    fn is_empty(&self, number: u32, read: &dyn Read) -> Result<bool, StoreError> {
        let (start, end) = (number.to_be_bytes(), number.saturating_add(1).to_be_bytes());
        let bounds = (
            Bound::Included(start.as_slice()),
            Bound::Excluded(end.as_slice()),
        );
        let limit = self.config.limits.upkeep_rows;
        let rows = read.range(Space::Items, bounds, Direction::Forward, limit)?;
        if rows.len() >= limit {
            return Ok(false);
        }
        let durable = rows.iter().map(|(_, row)| row.as_slice());
        let coming = self.ledger.newest_rows(&start, &end);
        for row in durable.chain(coming.map(|(_, row)| row)) {
            if !decode_header(row)?.0.deleted {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
