//! `PutItem`, `UpdateItem`, `DeleteItem`: decided against the newest version, durable or not; answered when durable.

use super::condition::Update;
use super::feed::Entry;
use super::ledger::Answer;
use super::record::{Header, Shown, decode_header, decode_item, encode_item, show, strip};
use super::region::Refusal;
use super::size::{check_item_size, check_updated_item_size, item_size_bytes, write_half_units};
use super::stamp::stamp;
use super::stream::{Image, RecordRow, Shape};
use super::tombstone::Grave;
use super::{
    ApiError, Capacity, Core, DeleteItem, Effects, ErrorKind, Item, ItemKey, Now, PutItem,
    RequestId, Response, ReturnCapacity, ReturnValues, UpdateItem, Version, WriteOptions,
    key_of_item, key_of_key_map,
};
use crate::defects::Defect;
use crate::store::{Read, Space, StoreError, Write};

/// What a write does to its item.
enum Change<'a> {
    Put(Item),
    Update(Option<&'a Update>, &'a Item),
    Delete,
}

/// An item as it is before the write.
pub(super) struct Before {
    header: Option<Header>,
    /// Its encoded attributes; `None` when there is no live item.
    attributes: Option<Vec<u8>>,
    /// The item with what readers see of its version, when the write must know.
    item: Option<Item>,
    /// The commit it stands on.
    commit: u64,
}

/// Who wants an item written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Client,
    /// Its time to live has passed.
    Expiry,
}

impl Before {
    /// A live item of which no more is known than its row.
    pub(super) fn of(header: Header, attributes: &[u8]) -> Self {
        Self {
            header: Some(header),
            attributes: Some(attributes.to_vec()),
            item: None,
            commit: 0,
        }
    }

    fn image(&self) -> Option<Image<'_>> {
        let (header, attributes) = (self.header.as_ref()?, self.attributes.as_ref()?);
        Some(Image::of(header, attributes))
    }
}

impl Core {
    /// `PutItem`.
    pub(super) fn put_item(
        &mut self,
        now: Now,
        id: RequestId,
        mut put: PutItem,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let key = key_of_item(&self.data_table(&put.table)?.row.definition.keys, &put.item)?;
        strip(&mut put.item);
        check_item_size(&put.item)?;
        let change = Change::Put(put.item);
        self.write(
            now,
            id,
            (&put.table, &key),
            change,
            &put.options,
            read,
            effects,
        )
    }

    /// `UpdateItem`.
    pub(super) fn update_item(
        &mut self,
        now: Now,
        id: RequestId,
        request: &UpdateItem,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let schema = &self.data_table(&request.table)?.row.definition.keys;
        let key = key_of_key_map(schema, &request.key)?;
        if let Some(update) = &request.update {
            for name in schema.names() {
                if update.touches(name) {
                    return Err(Refusal::Api(ApiError::validation(format!(
                        "One or more parameter values were invalid: Cannot update attribute {name}. This attribute is part of the key"
                    ))));
                }
            }
        }
        let change = Change::Update(request.update.as_ref(), &request.key);
        self.write(
            now,
            id,
            (&request.table, &key),
            change,
            &request.options,
            read,
            effects,
        )
    }

    /// `DeleteItem`.
    pub(super) fn delete_item(
        &mut self,
        now: Now,
        id: RequestId,
        request: &DeleteItem,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let schema = &self.data_table(&request.table)?.row.definition.keys;
        let key = key_of_key_map(schema, &request.key)?;
        self.write(
            now,
            id,
            (&request.table, &key),
            Change::Delete,
            &request.options,
            read,
            effects,
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the request taken apart, beside what every step carries"
    )]
    fn write(
        &mut self,
        now: Now,
        id: RequestId,
        (name, key): (&str, &ItemKey),
        change: Change<'_>,
        options: &WriteOptions,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        self.counters.writes += 1;
        let item_key = key.to_bytes();
        let row_key = self.data_table(name)?.row_key(&item_key);
        let before = self.before(&row_key, must_know(&change, options), read)?;
        if let Some(condition) = &options.condition
            && !condition.evaluate(before.item.as_ref())?
            && !self.strikes(Defect::SkipCondition, self.counters.writes, 10)
        {
            self.counters.conditions_failed += 1;
            let mut error = ApiError::new(
                ErrorKind::ConditionalCheckFailed,
                "The conditional request failed",
            );
            error.item = before.item.filter(|_| options.return_old_on_failure);
            self.ledger
                .answer(before.commit, Answer::Client(id, Err(error)), effects);
            return Ok(());
        }
        let (update, outside) = match &change {
            Change::Update(update, _) => (*update, former(before.header.as_ref())),
            Change::Put(_) | Change::Delete => (None, Shown::Nothing),
        };
        let is_update = matches!(change, Change::Update(..));
        let after = after(change, before.item.as_ref())?;
        let attributes = after.as_ref().map(encode_item);
        let stamping = self.data_table(name)?.is_stamping();
        if attributes == before.attributes && (after.is_none() || (is_update && stamping)) {
            // Nothing was there and nothing is deleted; or, where it is the stream that makes a region stamp and replicate (version 2017.11.29), an
            // update that changed nothing left no record. A put drops the stamps, and so changes something.
            let response = respond(name, &before, before.item.clone(), update, options);
            self.ledger
                .answer(before.commit, Answer::Client(id, Ok(response)), effects);
            return Ok(());
        }
        let (writes, header) = self.versioned(
            now,
            name,
            (&item_key, row_key),
            &before,
            (attributes, outside, Cause::Client),
        );
        let shown = after.map(|mut item| {
            show(&mut item, &header);
            item
        });
        let response = respond(name, &before, shown, update, options);
        if self.has_defect(Defect::AckBeforeWrite) {
            self.hold(now, writes);
            self.ledger
                .answer(0, Answer::Client(id, Ok(response)), effects);
            return Ok(());
        }
        if self.strikes(Defect::DropWrite, self.counters.writes, 50) {
            self.ledger
                .answer(before.commit, Answer::Client(id, Ok(response)), effects);
            return Ok(());
        }
        let commit = self.commit(writes, effects);
        let answer = if self.strikes(Defect::FailButWrite, self.counters.writes, 20) {
            Err(ApiError::new(
                ErrorKind::Throttling,
                "Rate of requests exceeds the allowed throughput.",
            ))
        } else {
            Ok(response)
        };
        self.ledger
            .answer(commit, Answer::Client(id, answer), effects);
        Ok(())
    }

    /// The item as it is before the write.
    fn before(
        &mut self,
        row_key: &[u8],
        whole: Whole,
        read: &dyn Read,
    ) -> Result<Before, StoreError> {
        let (row, commit) = match self.ledger.newest(row_key) {
            Some(newest) => (newest.value().map(<[u8]>::to_vec), newest.commit),
            None => (read.get(Space::Items, row_key)?, 0),
        };
        let Some(row) = row else {
            return Ok(Before {
                header: None,
                attributes: None,
                item: None,
                commit,
            });
        };
        let (header, attributes) = decode_header(&row)?;
        let mut item = None;
        if whole == Whole::Needed && !header.deleted {
            let mut decoded = decode_item(attributes)?;
            show(&mut decoded, &header);
            item = Some(decoded);
        }
        let attributes = (!header.deleted).then(|| attributes.to_vec());
        if self.has_defect(Defect::StaleStrongRead) {
            self.remember_previous(row_key, &row);
        }
        Ok(Before {
            header: Some(header),
            attributes,
            item,
            commit,
        })
    }

    /// The rows of a new version.
    pub(super) fn versioned(
        &mut self,
        now: Now,
        name: &str,
        (item_key, row_key): (&[u8], Vec<u8>),
        before: &Before,
        (after, outside, cause): (Option<Vec<u8>>, Shown, Cause),
    ) -> (Vec<Write>, Header) {
        let mut writes = Vec::with_capacity(4);
        let table = self
            .tables
            .get(name)
            .expect("the request's table was found");
        let (fed, replicated, number) = (table.fed, table.replicated, table.row.number);
        let fed = fed
            && !(after.is_none() && self.has_defect(Defect::DeleteUnreplicated))
            && !self.strikes(Defect::SkipFeed, self.counters.writes, 50);
        let stamping = table.is_stamping();
        let overwritten_us = before.header.as_ref().map(|header| header.version.time_us);
        let time_us = self.stamped(now, overwritten_us, (after.as_deref(), table.floor_us));
        let mut header = Header {
            version: Version {
                time_us,
                region: self.config.region.clone(),
            },
            position: 0,
            shown: if stamping {
                Shown::Own
            } else {
                outside.clone()
            },
            deleted: after.is_none(),
        };
        if fed {
            let entry = Entry {
                table: number,
                key: item_key.to_vec(),
                time_us,
            };
            header.position = self.feed.append(&entry, &mut writes);
        }
        // Where nobody else is told, a delete needs no tombstone, unless an older row may still move here; its stamp must not come again all the same.
        let is_kept = fed || !header.deleted || self.is_salvaging(name);
        let grave = (is_kept && header.deleted).then(|| Grave {
            origin: self.me(),
            position: header.position,
            time_us,
        });
        let was_tombstone = before.header.as_ref().is_some_and(|header| header.deleted);
        let value = is_kept.then(|| header.row(after.as_deref().unwrap_or(&[])));
        let bytes = after.as_ref().map(Vec::len);
        self.bury(&row_key, was_tombstone, grave, &mut writes);
        let old_bytes = before.attributes.as_ref().map(Vec::len);
        self.tally(name, old_bytes, bytes);
        let record = || RecordRow {
            created_ms: now.wall_ms,
            shape: match (stamping, outside) {
                (true, Shown::Former(version)) => Shape::Stamped(Some(version)),
                (true, Shown::Nothing | Shown::Own) => Shape::Stamped(None),
                (false, _) => Shape::Once,
            },
            expired: cause == Cause::Expiry,
            old: before.image(),
            new: after.as_deref().map(|it| Image::of(&header, it)),
        };
        self.tell_stream(name, record, &mut writes);
        writes.push(Write {
            space: Space::Items,
            key: row_key,
            value,
        });
        if !fed && header.deleted && replicated {
            let table = self
                .tables
                .get_mut(name)
                .expect("the request's table was found");
            table.raise_floor(time_us, &mut writes);
        }
        (writes, header)
    }

    /// The stamp of a new version.
    fn stamped(
        &self,
        now: Now,
        overwritten_us: Option<i64>,
        (after, floor_us): (Option<&[u8]>, i64),
    ) -> i64 {
        match overwritten_us {
            Some(former) if after.is_none() && self.has_defect(Defect::WeakDelete) => former,
            Some(_) | None if self.has_defect(Defect::ClockAlone) => stamp(now, None, 0),
            Some(_) | None => stamp(now, overwritten_us, floor_us),
        }
    }

    /// Keeps a table's counts.
    pub(super) fn tally(&mut self, name: &str, old: Option<usize>, new: Option<usize>) {
        let Some(table) = self.tables.get_mut(name) else {
            return;
        };
        let signed = |bytes: Option<usize>| {
            bytes.map_or(0, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX))
        };
        table.count.items += i64::from(new.is_some()) - i64::from(old.is_some());
        table.count.bytes += signed(new) - signed(old);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Needed,
    HeaderOnly,
}

/// An unconditional write that returns nothing needs no more than the version that it overwrites.
fn must_know(change: &Change<'_>, options: &WriteOptions) -> Whole {
    let plain = options.condition.is_none()
        && options.return_values == ReturnValues::None
        && options.return_capacity == ReturnCapacity::None
        && !matches!(change, Change::Update(..));
    if plain {
        Whole::HeaderOnly
    } else {
        Whole::Needed
    }
}

/// The item after the write, without what belongs to replication; `None` when it is deleted.
fn after(change: Change<'_>, before: Option<&Item>) -> Result<Option<Item>, ApiError> {
    match change {
        Change::Put(item) => Ok(Some(item)),
        Change::Delete => Ok(None),
        Change::Update(update, key) => {
            let base = before.unwrap_or(key);
            let mut item = match update {
                Some(update) => update.apply(base)?,
                None => base.clone(),
            };
            strip(&mut item);
            check_updated_item_size(&item)?;
            Ok(Some(item))
        }
    }
}

/// Outside a global table, an item that was shown keeps what it showed while it is updated; replacing it drops that.
fn former(before: Option<&Header>) -> Shown {
    let live = before.filter(|header| !header.deleted);
    match live.map(|header| (&header.shown, &header.version)) {
        None | Some((Shown::Nothing, _)) => Shown::Nothing,
        Some((Shown::Own, version) | (Shown::Former(version), _)) => Shown::Former(version.clone()),
    }
}

fn respond(
    name: &str,
    before: &Before,
    after: Option<Item>,
    update: Option<&Update>,
    options: &WriteOptions,
) -> Response {
    let size = |item: Option<&Item>| item.map_or(0, item_size_bytes);
    let capacity = match options.return_capacity {
        ReturnCapacity::None => None,
        ReturnCapacity::Total | ReturnCapacity::Indexes => Some(Capacity {
            table: name.to_owned(),
            half_units: write_half_units(size(before.item.as_ref()).max(size(after.as_ref()))),
            with_indexes: options.return_capacity == ReturnCapacity::Indexes,
        }),
    };
    let updated = |item: &Item| update.map(|update| update.updated_attributes(item));
    let attributes = match options.return_values {
        ReturnValues::None => None,
        ReturnValues::AllOld => before.item.clone(),
        ReturnValues::AllNew => after,
        ReturnValues::UpdatedOld => before.item.as_ref().and_then(updated),
        ReturnValues::UpdatedNew => after.as_ref().and_then(updated),
    };
    Response::Write {
        attributes: attributes.filter(|item| !item.is_empty()),
        capacity,
    }
}
