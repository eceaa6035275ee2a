//! Opening a region, and what it does by itself now and then, in bounded steps.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::exchange::Exchanges;
use super::expiry::Walk;
use super::feed::{Entry, Epochs, Feed, Watermark};
use super::group::Group;
use super::ledger::Ledger;
use super::peer::{Link, LinkRow, Peer};
use super::record::{Shown, decode_header};
use super::renewal::Rollback;
use super::rows::{self, Identity, Origin, named};
use super::salvage::{Salvage, SalvageRow};
use super::stream::Streams;
use super::table::{Count, Table, TableRow, split_row_key};
use super::tombstone::Grave;
use super::{Config, Core, Counters, Effects, Now, OpenError, Region};
use crate::defects::Defect;
use crate::store::{Direction, Read, Row, Space, StoreError, Write};

/// Rows read at once while opening.
const OPEN_ROWS: usize = 1_000;

impl Core {
    /// Reads the state that is not kept per item. `entropy` becomes the incarnation of a new region; it must differ from one data directory to the
    /// next.
    ///
    /// # Errors
    /// When the store fails or belongs to another region or version.
    pub fn open(
        config: Config,
        entropy: u64,
        now: Now,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<Self, OpenError> {
        let (identity, is_new) = match read.get(Space::Meta, rows::IDENTITY)? {
            Some(row) => (rows::parse::<Identity>(rows::IDENTITY, &row)?, false),
            None => {
                let region = config.region.clone();
                (
                    Identity {
                        region,
                        incarnation: entropy,
                        next_table: 1,
                    },
                    true,
                )
            }
        };
        if identity.region != config.region {
            return Err(OpenError::OtherRegion {
                found: identity.region.to_string(),
                asked: config.region.to_string(),
            });
        }
        let feed = Feed::open(open_epochs(read)?, config.limits.epoch_rows, read)?;
        let mut core = Self {
            incarnation: identity.incarnation,
            next_table: identity.next_table,
            tables: open_tables(config.last_commit, read)?,
            leftovers: each(rows::LEFTOVER, read, |_, number: u32| (number, 0))?,
            salvages: open_salvages(read)?,
            groups: each(rows::GROUP, read, |name, group: Group| {
                (name.to_owned(), group)
            })?,
            groups_commit: 0,
            ledger: Ledger::after(config.last_commit),
            feed,
            peers: open_peers(&config, read)?,
            consumed: open_consumed(read)?,
            coordinations: BTreeMap::new(),
            next_coordination: 0,
            calls: BTreeMap::new(),
            next_call: 1,
            upkeep_due_ns: now.monotonic_ns,
            tombstones: 0,
            collected_through: None,
            counters: Counters::default(),
            previous: BTreeMap::new(),
            stale_reads: 0,
            last_read: None,
            streams: Streams::open(now, read)?,
            expiry: Walk::default(),
            exchanges: Exchanges::default(),
            rollback: Rollback {
                began_ns: now.monotonic_ns,
                entropy,
                ..Rollback::default()
            },
            wake_ns: None,
            config,
        };
        core.forget_pending();
        core.tombstones = count(Space::Tombstones, read)?;
        core.derive_memberships();
        core.derive_streams();
        if is_new {
            core.commit(vec![core.identity()], effects);
        }
        core.begin_unverified(effects);
        core.carry_on(now, read, effects);
        Ok(core)
    }

    /// The defect `restart-forgets`.
    fn forget_pending(&mut self) {
        let forgets = self.has_defect(Defect::RestartForgets);
        let head = self.feed.head.durable;
        let peers = self.peers.values_mut().filter(|_| forgets);
        for link in peers.filter_map(|peer| peer.link.as_mut()) {
            (link.row.base, link.cursor, link.next) = (head, head, head);
        }
    }

    /// The row that says whose directory this is.
    pub(super) fn identity(&self) -> Write {
        let identity = Identity {
            region: self.config.region.clone(),
            incarnation: self.incarnation,
            next_table: self.next_table,
        };
        rows::put(rows::IDENTITY.to_vec(), &identity)
    }

    /// One round of what goes on by itself.
    pub(super) fn upkeep(&mut self, now: Now, read: &dyn Read, effects: &mut Effects) {
        self.verify(now, effects);
        let done = self
            .salvage(now, read, effects)
            .and_then(|()| self.refeed(now, read, effects))
            .and_then(|()| self.sweep_leftovers(read, effects))
            .and_then(|()| self.collect(now, read, effects))
            .and_then(|()| self.expire_items(now, read, effects))
            .and_then(|()| self.exchange(now, read, effects));
        if let Err(error) = done {
            self.store_failed(&error, effects);
        }
        self.activate_whole(effects);
        self.rotate_streams(now, effects);
        self.trim_feed(effects);
        self.save_counts(effects);
        self.expire_coordinations(now, effects);
    }

    /// Feeds this region's own rows of a table again, since a region joined: what was written before it did must reach it, too.
    fn refeed(
        &mut self,
        now: Now,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        if self.may_be_rolled_back(now) {
            return Ok(());
        }
        let mut waiting = self.tables.values().filter(|table| table.row.refeed);
        let Some(table) = waiting.find(|table| !self.is_salvaging(table.name())) else {
            return Ok(());
        };
        // Rows on their way to the disk are not seen by the walk; it begins when they are there.
        if table.refeed_after.is_none() && self.groups_commit > self.ledger.durable {
            return Ok(());
        }
        let (name, number) = (table.name().to_owned(), table.row.number);
        let stamping = table.is_stamping();
        let prefix = number.to_be_bytes();
        let end = number.saturating_add(1).to_be_bytes();
        let start = match &table.refeed_after {
            Some(after) => Bound::Excluded(after.as_slice()),
            None => Bound::Included(prefix.as_slice()),
        };
        let limit = self.config.limits.upkeep_rows;
        let bounds = (start, Bound::Excluded(end.as_slice()));
        let found = read.range(Space::Items, bounds, Direction::Forward, limit)?;
        let last = found.last().map(|(key, _)| key.clone());
        let is_last = found.len() < limit;
        let mut writes = Vec::new();
        for row in found {
            self.refeed_row((number, stamping), row, &mut writes)?;
        }
        let head = self.feed.head.decided;
        let table = self.tables.get_mut(&name).expect("it was found above");
        table.refeed_after = last;
        if is_last {
            table.row.refeed = false;
            table.refeed_after = None;
            table.refed_through = head;
            writes.push(table.save());
        }
        if !writes.is_empty() {
            self.commit(writes, effects);
        }
        Ok(())
    }

    fn refeed_row(
        &mut self,
        (table, stamping): (u32, bool),
        (key, row): Row,
        writes: &mut Vec<Write>,
    ) -> Result<(), StoreError> {
        // A newer version was written since the region joined: it is in the feed.
        if self.ledger.newest(&key).is_some() {
            return Ok(());
        }
        let (mut header, attributes) = decode_header(&row)?;
        if header.version.region != self.config.region {
            return Ok(());
        }
        let Some((_, item_key)) = split_row_key(&key) else {
            return Ok(());
        };
        let time_us = header.version.time_us;
        let entry = Entry {
            table,
            key: item_key.to_vec(),
            time_us,
        };
        header.position = self.feed.append(&entry, writes);
        if stamping {
            header.shown = Shown::Own;
        }
        let value = Some(header.row(attributes));
        let grave = header.deleted.then(|| Grave {
            origin: self.me(),
            position: header.position,
            time_us,
        });
        self.bury(&key, header.deleted && grave.is_some(), grave, writes);
        writes.push(Write {
            space: Space::Items,
            key,
            value,
        });
        Ok(())
    }

    /// Removes the rows of deleted tables.
    fn sweep_leftovers(
        &mut self,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let Some((number, commit)) = self.leftovers.first_key_value().map(|(n, c)| (*n, *c)) else {
            return Ok(());
        };
        if commit > self.ledger.durable {
            return Ok(());
        }
        let (start, end) = (number.to_be_bytes(), number.saturating_add(1).to_be_bytes());
        let bounds = (
            Bound::Included(start.as_slice()),
            Bound::Excluded(end.as_slice()),
        );
        let limit = self.config.limits.upkeep_rows;
        let mut writes = Vec::new();
        for space in [Space::Items, Space::Tombstones] {
            for (key, _) in read.range(space, bounds, Direction::Forward, limit)? {
                if space == Space::Tombstones {
                    self.tombstones = self.tombstones.saturating_sub(1);
                }
                writes.push(Write {
                    space,
                    key,
                    value: None,
                });
            }
        }
        if writes.is_empty() {
            self.leftovers.remove(&number);
            writes.push(rows::remove(named(rows::LEFTOVER, &number.to_string())));
            self.commit(writes, effects);
        } else {
            let commit = self.commit(writes, effects);
            self.leftovers.insert(number, commit);
        }
        Ok(())
    }

    fn save_counts(&mut self, effects: &mut Effects) {
        let mut writes = Vec::new();
        for (name, table) in &mut self.tables {
            if table.count != table.saved_count {
                table.saved_count = table.count;
                writes.push(rows::put(named(rows::COUNT, name), &table.count));
            }
        }
        if !writes.is_empty() {
            self.commit(writes, effects);
        }
    }
}

fn open_epochs(read: &dyn Read) -> Result<Epochs, OpenError> {
    match read.get(Space::Meta, rows::FEED)? {
        Some(row) => rows::parse(rows::FEED, &row),
        None => Ok(Epochs { first: 0, last: 0 }),
    }
}

fn open_tables(last_commit: u64, read: &dyn Read) -> Result<BTreeMap<String, Table>, OpenError> {
    let floors = each(rows::FLOOR, read, |name, floor_us: i64| {
        (name.to_owned(), floor_us)
    })?;
    let counts = each(rows::COUNT, read, |name, count: Count| {
        (name.to_owned(), count)
    })?;
    each(rows::TABLE, read, |name, row: TableRow| {
        let mut table = Table::new(row);
        table.floor_us = floors.get(name).copied().unwrap_or(0);
        table.count = counts.get(name).copied().unwrap_or_default();
        table.saved_count = table.count;
        table.foreign_commit = last_commit;
        (name.to_owned(), table)
    })
}

fn open_salvages(read: &dyn Read) -> Result<BTreeMap<u32, Salvage>, OpenError> {
    let rows = each(rows::SALVAGE, read, |number, row: SalvageRow| {
        (number.to_owned(), row)
    })?;
    let numbered = rows.into_iter().map(|(name, row)| match name.parse() {
        Ok(number) => Ok((number, Salvage::after_commit(row, 0))),
        Err(_) => Err(OpenError::Row {
            row: format!("{}{name}", rows::SALVAGE),
            reason: "its name is no number".to_owned(),
        }),
    });
    numbered.collect()
}

fn open_peers(config: &Config, read: &dyn Read) -> Result<BTreeMap<Region, Peer>, OpenError> {
    let mut links = each(rows::LINK, read, |name, row: LinkRow| {
        (Region::new(name), row)
    })?;
    let unverified = each(rows::UNVERIFIED, read, |name, at: u64| {
        (Region::new(name), at)
    })?;
    Ok(config
        .peers
        .iter()
        .filter(|region| **region != config.region)
        .map(|region| {
            let link = links.remove(region).map(Link::open);
            let mut peer = Peer::linked(link);
            peer.unverified = unverified.get(region).copied();
            (region.clone(), peer)
        })
        .collect())
}

fn open_consumed(read: &dyn Read) -> Result<BTreeMap<Origin, Watermark>, OpenError> {
    let mut consumed = BTreeMap::new();
    for (name, position) in each(rows::CONSUMED, read, |name, at: u64| (name.to_owned(), at))? {
        let origin = name.rsplit_once('/').and_then(|(region, incarnation)| {
            let incarnation = u64::from_str_radix(incarnation, 16).ok()?;
            Some(Origin {
                region: Region::new(region),
                incarnation,
            })
        });
        let Some(origin) = origin else {
            let reason = "its name is no region and incarnation".to_owned();
            return Err(OpenError::Row { row: name, reason });
        };
        consumed.insert(origin, Watermark::at(position));
    }
    Ok(consumed)
}

/// Every row of the meta space whose key begins with this prefix.
pub(super) fn each<T: serde::de::DeserializeOwned, K: Ord, V>(
    prefix: &str,
    read: &dyn Read,
    mut make: impl FnMut(&str, T) -> (K, V),
) -> Result<BTreeMap<K, V>, OpenError> {
    let mut made = BTreeMap::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let start = match &after {
            Some(after) => Bound::Excluded(after.as_slice()),
            None => Bound::Included(prefix.as_bytes()),
        };
        let bounds = (start, Bound::Unbounded);
        let rows = read.range(Space::Meta, bounds, Direction::Forward, OPEN_ROWS)?;
        let is_last = rows.len() < OPEN_ROWS;
        after = rows.last().map(|(key, _)| key.clone());
        for (key, value) in rows {
            let Some(name) = key.strip_prefix(prefix.as_bytes()) else {
                return Ok(made);
            };
            let parsed = rows::parse(&key, &value)?;
            let (key, value) = make(&String::from_utf8_lossy(name), parsed);
            made.insert(key, value);
        }
        if is_last {
            return Ok(made);
        }
    }
}

/// How many rows a space has.
pub(super) fn count(space: Space, read: &dyn Read) -> Result<u64, StoreError> {
    let mut counted = 0;
    let mut after: Option<Vec<u8>> = None;
    loop {
        let start = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = (start, Bound::Unbounded);
        let rows = read.range(space, bounds, Direction::Forward, OPEN_ROWS)?;
        counted += rows.len() as u64;
        match rows.into_iter().last() {
            Some((key, _)) => after = Some(key),
            None => return Ok(counted),
        }
    }
}

#[cfg(test)]
mod tests;
