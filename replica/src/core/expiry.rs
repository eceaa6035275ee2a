//! Time to live: `UpdateTimeToLive`, `DescribeTimeToLive`, and the deleting of what has expired.
//!
//! A walk over the tables looks at a bounded number of items each time, so a large table takes a while, as it does at AWS. Who deletes, and who is told:
//!
//! - outside a global table: the region, with one stream record that names the service;
//! - version 2017.11.29: every region for itself, for its own setting. The deletion is not replicated: a tombstone of the *same* version stays behind, which
//!   loses against every later write and keeps what is older from coming back. It waits until every peer has the item, since it could not be sent any more;
//! - version 2019.11.21: the region that wrote the item, or the first of the replicas when that one is no replica any more; the deletion is replicated like
//!   any other, and only the record of that region names the service.
//!
//! Absent: AWS's limit of one `UpdateTimeToLive` per table and hour.

use std::ops::Bound;

use super::record::{Header, Shown, decode_header, decode_item};
use super::rows::Origin;
use super::stream::{Image, RecordRow, Shape};
use super::table::{no_such_table_named, split_row_key};
use super::tombstone::Grave;
use super::write::{Before, Cause};
use super::{ApiError, AttributeValue, Core, Effects, Item, Now, Response, TimeToLiveChange};
use crate::defects::Defect;
use crate::store::{Direction, Read, Row, Space, StoreError, Write};

/// What expired longer ago than this is left alone, as at AWS.
const LONG_AGO_S: i64 = 5 * 365 * 86_400;

/// Where the walk over the tables goes on.
#[derive(Debug, Default)]
pub(super) struct Walk {
    due_ns: u64,
    table: u32,
    after: Option<Vec<u8>>,
}

impl Core {
    /// `UpdateTimeToLive`.
    pub(super) fn update_time_to_live(
        &mut self,
        now: Now,
        name: &str,
        change: TimeToLiveChange,
        effects: &mut Effects,
    ) -> Result<(Response, u64), ApiError> {
        let table = self.tables.get(name);
        let table = table.ok_or_else(|| no_such_table_named(name))?;
        table.check_created()?;
        let refused = |text: String| Err(ApiError::validation(text));
        let attribute = match (&table.row.ttl, &change) {
            (Some(_), TimeToLiveChange::Enable(_)) => {
                return refused("TimeToLive is already enabled".to_owned());
            }
            (None, TimeToLiveChange::Disable(_)) => {
                return refused("TimeToLive is already disabled".to_owned());
            }
            (Some(used), TimeToLiveChange::Disable(named)) if used != named => {
                return refused(format!(
                    "TimeToLive is active on a different AttributeName: current AttributeName is {used}"
                ));
            }
            (Some(_), TimeToLiveChange::Disable(_)) => None,
            (None, TimeToLiveChange::Enable(named)) => Some(named.clone()),
        };
        if let Some(commit) = self.share_expiry(now, name, attribute.clone(), effects) {
            return Ok((Response::TimeToLiveChanged(change), commit));
        }
        let table = self.tables.get_mut(name).expect("it was found above");
        table.row.ttl = attribute;
        let write = table.save();
        let commit = self.commit(vec![write], effects);
        if let Some(table) = self.tables.get_mut(name) {
            table.commit = commit;
        }
        Ok((Response::TimeToLiveChanged(change), commit))
    }

    /// `DescribeTimeToLive`.
    pub(super) fn describe_time_to_live(&self, name: &str) -> Result<(Response, u64), ApiError> {
        let table = self.tables.get(name);
        let table = table.ok_or_else(|| no_such_table_named(name))?;
        Ok((Response::TimeToLive(table.row.ttl.clone()), table.commit))
    }

    /// Deletes what has expired in the next stretch of a table.
    pub(super) fn expire_items(
        &mut self,
        now: Now,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        if now.monotonic_ns < self.expiry.due_ns {
            return Ok(());
        }
        self.expiry.due_ns = now.monotonic_ns + self.config.limits.expiry_ms * 1_000_000;
        let Some((name, number)) = self.next_expiring() else {
            return Ok(());
        };
        let (prefix, end) = (number.to_be_bytes(), number.saturating_add(1).to_be_bytes());
        let after = self.expiry.after.take();
        let start = match &after {
            Some(after) => Bound::Excluded(after.as_slice()),
            None => Bound::Included(prefix.as_slice()),
        };
        let limit = self.config.limits.upkeep_rows;
        let bounds = (start, Bound::Excluded(end.as_slice()));
        let found = read.range(Space::Items, bounds, Direction::Forward, limit)?;
        if found.len() < limit {
            self.expiry.table = number.saturating_add(1);
        } else {
            self.expiry.after = found.last().map(|(key, _)| key.clone());
        }
        let mut writes = Vec::new();
        for row in found {
            self.expire_one(now, &name, row, &mut writes)?;
        }
        if !writes.is_empty() {
            self.commit(writes, effects);
        }
        Ok(())
    }

    /// A planted defect: whether an item that has expired stays.
    fn keeps_expired(&self, key: &[u8]) -> bool {
        self.strikes(Defect::KeptExpired, digits(key), 3)
    }

    /// A planted defect: whether an item goes before its time, if it has one.
    fn is_hasty(&self, key: &[u8], has_time: bool) -> bool {
        has_time && self.strikes(Defect::HastyExpiry, digits(key), 10)
    }

    /// The table whose turn it is.
    fn next_expiring(&mut self) -> Option<(String, u32)> {
        let turn = self.expiry.table;
        let expiring = self.tables.values().filter(|table| table.row.ttl.is_some());
        let expiring = expiring.map(|table| (table.row.number, table.name()));
        // Those from the cursor on come before those behind it.
        let (number, name) = expiring.min_by_key(|(number, _)| (*number < turn, *number))?;
        let name = name.to_owned();
        if number != turn {
            self.expiry.table = number;
            self.expiry.after = None;
        }
        Some((name, number))
    }

    fn expire_one(
        &mut self,
        now: Now,
        name: &str,
        (key, row): Row,
        writes: &mut Vec<Write>,
    ) -> Result<(), StoreError> {
        let (header, attributes) = decode_header(&row)?;
        // Somebody is writing this item: it is looked at next time.
        if header.deleted || self.ledger.newest(&key).is_some() {
            return Ok(());
        }
        let table = self.tables.get(name).expect("its turn came");
        let attribute = table.row.ttl.as_deref().unwrap_or_default();
        let item = decode_item(attributes)?;
        let is_due = is_expired(now, attribute, &item) && !self.keeps_expired(&key);
        if !is_due && !self.is_hasty(&key, item.contains_key(attribute)) {
            return Ok(());
        }
        if table.is_stamping() && table.fed {
            self.expire_here(now, name, (key, &header, attributes), writes);
            return Ok(());
        }
        if table.fed && !self.deletes_expired(name, &header) {
            return Ok(());
        }
        let Some((_, item_key)) = split_row_key(&key) else {
            return Ok(());
        };
        let item_key = item_key.to_vec();
        let before = Before::of(header.clone(), attributes);
        let gone = (None, Shown::Nothing, Cause::Expiry);
        let (made, _) = self.versioned(now, name, (&item_key, key), &before, gone);
        self.counters.items_expired += 1;
        writes.extend(made);
        Ok(())
    }

    /// Version 2017.11.29: the item goes here and nowhere else.
    fn expire_here(
        &mut self,
        now: Now,
        name: &str,
        (key, header, attributes): (Vec<u8>, &Header, &[u8]),
        writes: &mut Vec<Write>,
    ) {
        let own = header.version.region == self.config.region;
        if header.position == 0 || (own && self.is_awaited(name, header.position)) {
            return;
        }
        let member = self
            .groups
            .get(name)
            .and_then(|group| group.members.get(&header.version.region));
        let Some(incarnation) = member.map(|member| member.incarnation) else {
            return;
        };
        let origin = Origin {
            region: header.version.region.clone(),
            incarnation,
        };
        let gone = Header {
            deleted: true,
            ..header.clone()
        };
        let grave = Grave {
            origin,
            position: header.position,
            time_us: header.version.time_us,
        };
        self.counters.items_expired += 1;
        self.tally(name, Some(attributes.len()), None);
        self.bury(&key, false, Some(grave), writes);
        let record = || RecordRow {
            created_ms: now.wall_ms,
            shape: Shape::Once,
            expired: true,
            old: Some(Image::of(header, attributes)),
            new: None,
        };
        self.tell_stream(name, record, writes);
        writes.push(Write {
            space: Space::Items,
            key,
            value: Some(gone.row(&[])),
        });
    }

    /// Version 2019.11.21: whether it is this region that deletes an expired item.
    fn deletes_expired(&self, name: &str, header: &Header) -> bool {
        let Some(group) = self.groups.get(name) else {
            return true;
        };
        let home = &header.version.region;
        let mut members = group.present().map(|(region, _)| region);
        let deletes = if group.members.get(home).is_some_and(|member| member.present) {
            Some(home)
        } else {
            members.next()
        };
        deletes == Some(&self.config.region)
    }
}

/// The sum of a key's bytes: the same in every region.
fn digits(key: &[u8]) -> u64 {
    key.iter().map(|byte| u64::from(*byte)).sum()
}

/// Whether an item's time has come: a number of seconds since the epoch, not too long ago.
fn is_expired(now: Now, attribute: &str, item: &Item) -> bool {
    let Some(AttributeValue::N(number)) = item.get(attribute) else {
        return false;
    };
    let now_s = now.wall_ms.div_euclid(1000);
    let whole = number.as_str().split('.').next().unwrap_or_default();
    let Ok(expires_s) = whole.parse::<i64>() else {
        return false;
    };
    (now_s.saturating_sub(LONG_AGO_S)..=now_s).contains(&expires_s)
}

#[cfg(test)]
mod tests;
