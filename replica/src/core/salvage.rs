//! What a renewed region keeps of the rows of its former life.
//!
//! The table of a region that becomes a new member (`renewal`) goes on empty, under a new number. The rows under the old number are walked in bounded steps,
//! and those that can be trusted move over. A row above every member's floor can: no tombstone above it was ever forgotten, so whatever has beaten it is
//! still known somewhere and arrives, or lies here already. That goes for every region's rows, and does not depend on what peers have seen: a peer that was
//! rolled back, too, may have lost what it said it had. A row below a floor may have been deleted without a trace, and does not move; whoever has it
//! rightly feeds it again. Of this region's own, those written since this process began do move: nobody had forgotten a tombstone of theirs.
//!
//! Until the walk is over no tombstone is forgotten here, nothing is fed again and no peer pulls: a row that comes late must find what has beaten it; and
//! clients are told to come again, since they would miss rows that have still to move. A stretch follows when the one before it is durable. The walk
//! begins anew with a restart, which changes nothing. Each row that moves is a record of the table's stream, which began with the renewal.

use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::exchange::is_living;
use super::merge::replaces;
use super::record::{Header, decode_header};
use super::rows::{self, named};
use super::table::{row_key, split_row_key};
use super::tombstone::Grave;
use super::{Core, Effects, Now, Region};
use crate::store::{Direction, Read, Row, Space, StoreError, Write};

/// Which rows can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sieve {
    /// No member has collected a tombstone above this.
    pub(super) floor_us: i64,
    /// What this region gave later positions was written, and not only fed again, by the process that found the roll-back.
    pub(super) new: u64,
    /// Whether rows that were in no feed yet are this region's alone.
    pub(super) is_unfed: bool,
}

impl Sieve {
    fn keeps(&self, me: &Region, header: &Header) -> bool {
        let is_own = header.version.region == *me;
        let is_unfed = self.is_unfed && header.position == 0;
        header.version.time_us > self.floor_us || is_own && (header.position > self.new || is_unfed)
    }
}

/// What is durable of a walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SalvageRow {
    pub(super) table: String,
    pub(super) sieve: Sieve,
}

/// A walk through the rows under an old number.
#[derive(Debug)]
pub(super) struct Salvage {
    pub(super) row: SalvageRow,
    /// Its next stretch waits until this commit is durable.
    pub(super) commit: u64,
    /// It goes on after this row.
    pub(super) after: Option<Vec<u8>>,
}

impl Salvage {
    /// A walk that begins after a commit.
    pub(super) fn after_commit(row: SalvageRow, commit: u64) -> Self {
        let after = None;
        Self { row, commit, after }
    }

    /// Its row.
    pub(super) fn save(&self, number: u32) -> Write {
        rows::put(name_of(number), &self.row)
    }
}

impl Core {
    /// Whether rows of this table are still walked.
    pub(super) fn is_salvaging(&self, name: &str) -> bool {
        self.salvages.values().any(|it| it.row.table == name)
    }

    /// Moves a table to a new number, under which it is empty until the old rows were walked.
    pub(super) fn begin_salvage(
        &mut self,
        now: Now,
        (name, sieve): (&str, &Sieve),
        writes: &mut Vec<Write>,
    ) {
        // The commit that is about to be asked for.
        let commit = self.ledger.last + 1;
        let Some(table) = self.tables.get_mut(name) else {
            return;
        };
        for (number, salvage) in &mut self.salvages {
            // Nothing was written under that number since, and what has been forgotten since may have beaten its rows, too.
            if salvage.row.table == name {
                let former = &mut salvage.row.sieve;
                (former.floor_us, former.new) = (former.floor_us.max(sieve.floor_us), u64::MAX);
                writes.push(salvage.save(*number));
                (salvage.commit, salvage.after) = (commit, None);
            }
        }
        let old = std::mem::replace(&mut table.row.number, self.next_table);
        self.next_table += 1;
        let is_unfed = table.row.refeed;
        let new = if is_unfed {
            u64::MAX
        } else {
            sieve.new.max(table.refed_through)
        };
        table.count = super::table::Count::default();
        table.refeed_after = None;
        // Its peers feed another life from now on.
        table.fed_by.clear();
        table.raise_floor(sieve.floor_us, writes);
        writes.push(table.save());
        let sieve = Sieve {
            new,
            is_unfed,
            ..sieve.clone()
        };
        let table = name.to_owned();
        let salvage = Salvage::after_commit(SalvageRow { table, sieve }, commit);
        writes.push(salvage.save(old));
        self.move_undurable(now, (old, &salvage.row), writes);
        self.salvages.insert(old, salvage);
    }

    /// Own rows that are on their way to the disk move at once: whoever is told of them in a moment must find them.
    fn move_undurable(
        &mut self,
        now: Now,
        (old, walk): (u32, &SalvageRow),
        writes: &mut Vec<Write>,
    ) {
        let (start, end) = (row_key(old, &[]), row_key(old.saturating_add(1), &[]));
        let rows = self.ledger.newest_rows(&start, &end);
        let rows: Vec<Row> = rows
            .map(|(key, row)| (key.to_vec(), row.to_vec()))
            .collect();
        for (key, row) in rows {
            let (header, attributes) = decode_header(&row).expect("this process wrote it");
            let is_own = header.version.region == self.config.region;
            if !is_own || !walk.sieve.keeps(&self.config.region, &header) {
                continue;
            }
            let grave = header.deleted.then(|| Grave {
                origin: self.me(),
                position: header.position,
                time_us: header.version.time_us,
            });
            let Some((_, item_key)) = split_row_key(&key) else {
                continue;
            };
            let Some(table) = self.tables.get(&walk.table) else {
                return;
            };
            let key = table.row_key(item_key);
            self.tally(
                &walk.table,
                None,
                (!header.deleted).then_some(attributes.len()),
            );
            self.bury(&key, false, grave, writes);
            self.tell_merge(now, &walk.table, None, (&header, attributes), writes);
            let (space, value) = (Space::Items, Some(row));
            writes.push(Write { space, key, value });
        }
    }

    /// The table is gone: so are the rows that would have moved there.
    pub(super) fn give_up_salvage(&mut self, name: &str, writes: &mut Vec<Write>) {
        let of_table = |(_, it): &(&u32, &Salvage)| it.row.table == name;
        let numbers = self.salvages.iter().filter(of_table);
        for number in numbers.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.end_salvage(number, writes);
        }
    }

    /// What is left under the old number is dropped.
    fn end_salvage(&mut self, number: u32, writes: &mut Vec<Write>) {
        let removed = self.salvages.remove(&number);
        assert!(removed.is_some(), "a walk ends once");
        writes.push(rows::remove(name_of(number)));
        writes.push(rows::put(
            named(rows::LEFTOVER, &number.to_string()),
            &number,
        ));
        // The commit that is about to be asked for.
        self.leftovers.insert(number, self.ledger.last + 1);
    }

    /// Walks a stretch.
    pub(super) fn salvage(
        &mut self,
        now: Now,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let Some((number, salvage)) = self.salvages.first_key_value() else {
            return Ok(());
        };
        if salvage.commit > self.ledger.durable {
            return Ok(());
        }
        let (number, row) = (*number, salvage.row.clone());
        let (first, end) = (row_key(number, &[]), row_key(number.saturating_add(1), &[]));
        let start = match &salvage.after {
            Some(after) => Bound::Excluded(after.as_slice()),
            None => Bound::Included(first.as_slice()),
        };
        let limit = self.config.limits.upkeep_rows;
        let bounds = (start, Bound::Excluded(end.as_slice()));
        let found = read.range(Space::Items, bounds, Direction::Forward, limit)?;
        let (is_last, last) = (
            found.len() < limit,
            found.last().map(|(key, _)| key.clone()),
        );
        let mut writes = Vec::new();
        for old in found {
            self.salvage_row(now, (&row, old), &mut writes, read)?;
        }
        if is_last {
            self.end_salvage(number, &mut writes);
        } else if let Some(salvage) = self.salvages.get_mut(&number) {
            salvage.after = last;
        }
        if writes.is_empty() {
            // No commit brings the next stretch.
            self.upkeep_due_ns = now.monotonic_ns;
            return Ok(());
        }
        let commit = self.commit(writes, effects);
        if let Some(salvage) = self.salvages.get_mut(&number) {
            salvage.commit = commit;
        }
        if let Some(table) = self.tables.get_mut(&row.table) {
            table.moved_by = commit;
        }
        Ok(())
    }

    fn salvage_row(
        &mut self,
        now: Now,
        (walk, (old_key, row)): (&SalvageRow, Row),
        writes: &mut Vec<Write>,
        read: &dyn Read,
    ) -> Result<(), StoreError> {
        let (header, attributes) = decode_header(&row)?;
        let Some((_, item_key)) = split_row_key(&old_key) else {
            return Ok(());
        };
        let Some(table) = self.tables.get(&walk.table) else {
            return Ok(());
        };
        let key = table.row_key(item_key);
        let here = self.newest_row(&key, read)?;
        let here = here.as_deref().map(decode_header).transpose()?;
        let beaten_by = here.as_ref().map(|(header, _)| &header.version);
        if !walk.sieve.keeps(&self.config.region, &header) || !replaces(&header.version, beaten_by)
        {
            return Ok(());
        }
        let grave = match read.get(Space::Tombstones, &old_key)? {
            Some(grave) => Some(postcard::from_bytes::<Grave>(&grave).map_err(|error| {
                StoreError(format!("a tombstone's row is unreadable: {error}"))
            })?),
            None => None,
        };
        assert_eq!(
            grave.is_some(),
            header.deleted,
            "the index of tombstones holds the tombstones"
        );
        let group = self.groups.get(&walk.table);
        let is_fed = group.is_some_and(|it| is_living(it, &header.version.region, header.position));
        let commit = self.ledger.last + 1;
        if let Some(table) = self.tables.get_mut(&walk.table).filter(|_| !is_fed) {
            table.foreign_commit = commit;
        }
        let live = here.as_ref().filter(|(header, _)| !header.deleted);
        self.tally(
            &walk.table,
            live.map(|(_, attributes)| attributes.len()),
            (!header.deleted).then_some(attributes.len()),
        );
        let was_tombstone = here.as_ref().is_some_and(|(header, _)| header.deleted);
        self.bury(&key, was_tombstone, grave, writes);
        self.tell_merge(now, &walk.table, here, (&header, attributes), writes);
        let (space, value) = (Space::Items, Some(row));
        writes.push(Write { space, key, value });
        Ok(())
    }
}

fn name_of(number: u32) -> Vec<u8> {
    named(rows::SALVAGE, &number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Version;
    use crate::core::record::Shown;

    #[test]
    fn what_lies_above_every_floor_is_kept_and_of_what_lies_below_what_was_just_written_here() {
        let me = Region::new("eu-west-1");
        let header = |region: &str, time_us, position| Header {
            version: Version {
                time_us,
                region: Region::new(region),
            },
            position,
            shown: Shown::Nothing,
            deleted: false,
        };
        let mut sieve = Sieve {
            floor_us: 10,
            new: 5,
            is_unfed: false,
        };
        assert!(sieve.keeps(&me, &header("eu-west-1", 11, 3)));
        assert!(sieve.keeps(&me, &header("us-east-1", 11, 3)));
        assert!(!sieve.keeps(&me, &header("us-east-1", 10, 9)));
        assert!(!sieve.keeps(&me, &header("eu-west-1", 10, 5)));
        assert!(sieve.keeps(&me, &header("eu-west-1", 10, 6)));
        assert!(!sieve.keeps(&me, &header("eu-west-1", 10, 0)));
        sieve.is_unfed = true;
        assert!(sieve.keeps(&me, &header("eu-west-1", 10, 0)));
    }
}
