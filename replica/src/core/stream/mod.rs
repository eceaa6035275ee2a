//! Streams: the records of what was written, kept for a day, in every region its own.
//!
//! All streams of a region share one log of epochs; an epoch of one stream is a shard. Epochs rotate and are dropped whole, so that old records cost
//! nothing to forget: a record is kept for a day of the region's own age, and until its shard goes. A record lies in the commit of the write it tells of:
//! nobody reads what is not durable. Sequence numbers only rise; a restart may leave a gap.
//!
//! A region that was rolled back has forgotten records that somebody read, and would give their numbers again. So it shows no records while it may be
//! one, and with its renewal the stream is gone, and another, with another ARN, takes its place: that of a table that begins empty, with a record of every row
//! that moves or comes back. A reader that finds its stream gone asks the table for its newest one and starts over.
//!
//! `row` says what is stored and which records it stands for, `age` how time is counted, `read` serves the API, `iterator` is the text that a reader goes on
//! from.
//!
//! Absent: splitting by key (a stream has one open shard), `AT_TIMESTAMP`, the limit of two readers per shard.

mod age;
mod iterator;
mod read;
mod row;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use read::sequence_text;
pub(super) use row::{Image, RecordRow, Shape};

use age::Age;

use super::feed::Watermark;
use super::rows::{self, named};
use super::{Core, Effects, KeySchema, Now, OpenError, StreamView, TableDefinition};
use crate::defects::Defect;
use crate::store::{Read, Space, Write};

/// Sequence numbers are reserved so many at a time: one row in so many writes, and a gap after a restart.
const RESERVED: u64 = 100_000;

/// What is durable of a stream: one enablement of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StreamRow {
    number: u32,
    table: String,
    label: String,
    created_ms: i64,
    view: StreamView,
    keys: KeySchema,
    first_epoch: u64,
    first_sequence: u64,
    ended: Option<Ended>,
}

/// When a stream was disabled, and its last shard and sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ended {
    at_age_ms: i64,
    epoch: u64,
    sequence: u64,
}

/// What is durable of the log that all streams share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LogRow {
    next_number: u32,
    reserved: u64,
    /// The region's age, as last saved.
    age_ms: i64,
    /// Without gaps in their numbers; the last one is written to.
    epochs: Vec<Epoch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Epoch {
    number: u64,
    /// By the wall clock, for its name.
    started_ms: i64,
    started_age_ms: i64,
    first_sequence: u64,
}

/// All streams of a region.
#[derive(Debug, Default)]
pub(super) struct Streams {
    log: LogRow,
    pub(super) sequence: Watermark,
    age: Age,
    /// Sequence numbers that this process has given in the last epoch. The gap that a restart leaves is none of them.
    given: u64,
    streams: BTreeMap<u32, StreamRow>,
}

impl Streams {
    /// The streams as the store holds them.
    pub(super) fn open(now: Now, read: &dyn Read) -> Result<Self, OpenError> {
        let log = match read.get(Space::Meta, rows::STREAM_LOG)? {
            Some(row) => rows::parse(rows::STREAM_LOG, &row)?,
            None => LogRow::default(),
        };
        Ok(Self {
            sequence: Watermark::at(log.reserved),
            age: Age::after(log.age_ms, now),
            given: 0,
            log,
            streams: super::upkeep::each(rows::STREAM, read, |_, row: StreamRow| {
                (row.number, row)
            })?,
        })
    }

    /// The streams that are enabled: table and number.
    pub(super) fn enabled(&self) -> impl Iterator<Item = (&str, u32)> {
        self.streams
            .values()
            .filter(|stream| stream.ended.is_none())
            .map(|stream| (stream.table.as_str(), stream.number))
    }

    /// Begins a stream of this table; gives its number and its label, which no other stream of a table of this name has.
    pub(super) fn begin(
        &mut self,
        now: Now,
        definition: &TableDefinition,
        view: StreamView,
        writes: &mut Vec<Write>,
    ) -> (u32, String) {
        let name = &definition.name;
        let before = self.streams.values().filter(|it| it.table == *name);
        let newest_ms = before.map(|stream| stream.created_ms).max();
        let created_ms = now.wall_ms.max(newest_ms.map_or(i64::MIN, |ms| ms + 1));
        if self.log.epochs.is_empty() {
            self.log.epochs.push(Epoch {
                number: 1,
                started_ms: now.wall_ms,
                started_age_ms: self.age.ms(now),
                first_sequence: self.sequence.decided + 1,
            });
        }
        let number = self.log.next_number;
        self.log.next_number += 1;
        let label = super::describe::label(created_ms);
        let stream = StreamRow {
            number,
            table: name.clone(),
            label: label.clone(),
            created_ms,
            view,
            keys: definition.keys.clone(),
            first_epoch: self.last_epoch().number,
            first_sequence: self.sequence.decided + 1,
            ended: None,
        };
        writes.push(rows::put(rows::STREAM_LOG.to_vec(), &self.log));
        writes.push(stream.save());
        self.streams.insert(number, stream);
        (number, label)
    }

    /// Ends a stream; it can be read for as long as its records are kept.
    pub(super) fn end(&mut self, now: Now, number: u32, writes: &mut Vec<Write>) {
        let (epoch, sequence) = (self.last_epoch().number, self.sequence.decided);
        let at_age_ms = self.age.ms(now);
        if let Some(stream) = self.streams.get_mut(&number) {
            stream.ended = Some(Ended {
                at_age_ms,
                epoch,
                sequence,
            });
            writes.push(stream.save());
        }
    }

    /// Forgets a stream at once, with all its records.
    pub(super) fn forget(&mut self, number: u32, writes: &mut Vec<Write>) {
        if let Some(stream) = self.streams.remove(&number) {
            writes.push(rows::remove(stream.key()));
        }
    }

    /// Adds what a write did to the writes of its commit, unless it changed nothing that a reader sees.
    pub(super) fn append(&mut self, stream: u32, row: &RecordRow<'_>, writes: &mut Vec<Write>) {
        let count = row.sequences();
        if count == 0 {
            return;
        }
        let sequence = self.sequence.decided + 1;
        self.sequence.decided += count;
        self.given += count;
        if self.sequence.decided > self.log.reserved {
            self.log.reserved = self.sequence.decided + RESERVED;
            writes.push(rows::put(rows::STREAM_LOG.to_vec(), &self.log));
        }
        writes.push(Write {
            space: Space::Stream(self.last_epoch().number),
            key: record_key(stream, sequence),
            value: Some(row.encode()),
        });
    }

    fn last_epoch(&self) -> &Epoch {
        let last = self.log.epochs.last();
        last.expect("the first stream begins the first epoch")
    }

    /// Begins a new epoch when the last one is full or old; drops those that nobody may read any more, and streams that ended with them.
    fn rotate(&mut self, now: Now, limits: &super::Limits, writes: &mut Vec<Write>) -> Vec<Space> {
        let Some(last) = self.log.epochs.last().copied() else {
            return Vec::new();
        };
        let before = self.log.clone();
        let is_empty = self.sequence.decided < last.first_sequence;
        let age_ms = self.age.ms(now);
        let open_ms = age_ms.saturating_sub(last.started_age_ms);
        let is_full = self.given >= limits.stream_epoch_rows;
        if !is_empty && (is_full || open_ms >= limits.stream_epoch_ms) {
            self.given = 0;
            self.log.epochs.push(Epoch {
                number: last.number + 1,
                started_ms: now.wall_ms,
                started_age_ms: age_ms,
                first_sequence: self.sequence.decided + 1,
            });
        }
        let mut drops = Vec::new();
        let horizon_ms = age_ms.saturating_sub(limits.stream_retention_ms);
        // An epoch ended when the next one began.
        while let [first, next, ..] = self.log.epochs[..]
            && (next.started_age_ms <= horizon_ms || self.log.epochs.len() > limits.stream_epochs)
        {
            drops.push(Space::Stream(first.number));
            self.log.epochs.remove(0);
        }
        if self.log != before || self.age.is_due(self.log.age_ms, now) {
            self.log.age_ms = age_ms;
            writes.push(rows::put(rows::STREAM_LOG.to_vec(), &self.log));
        }
        self.streams.retain(|_, stream| {
            let gone = stream.ended.is_some_and(|ended| ended.at_age_ms <= horizon_ms);
            if gone {
                writes.push(rows::remove(stream.key()));
            }
            !gone
        });
        drops
    }

    /// What must always hold here.
    pub(super) fn check_invariants(&self) {
        assert!(
            self.sequence.durable <= self.sequence.decided,
            "what is durable was decided"
        );
        assert!(
            self.sequence.decided <= self.log.reserved,
            "sequence numbers are reserved before they are given"
        );
        for pair in self.log.epochs.windows(2) {
            assert_eq!(
                pair[0].number + 1,
                pair[1].number,
                "epochs follow each other"
            );
            assert!(
                pair[0].started_age_ms <= pair[1].started_age_ms,
                "a region does not grow younger"
            );
            assert!(
                pair[0].first_sequence < pair[1].first_sequence,
                "an epoch that ended holds records"
            );
        }
    }
}

impl StreamRow {
    fn key(&self) -> Vec<u8> {
        named(rows::STREAM, &format!("{:08x}", self.number))
    }

    fn save(&self) -> Write {
        rows::put(self.key(), self)
    }
}

impl Core {
    /// Tells the table's stream, if it has one, what a write or a merge did. A table without a stream pays nothing.
    pub(super) fn tell_stream<'a>(
        &mut self,
        table: &str,
        row: impl FnOnce() -> RecordRow<'a>,
        writes: &mut Vec<Write>,
    ) {
        let stream = self.tables.get(table).and_then(|table| table.stream);
        let is_skipped = self.strikes(Defect::SkipRecord, self.counters.writes, 50);
        if let Some(stream) = stream.filter(|_| !is_skipped) {
            let row = row();
            self.streams.append(stream, &row, writes);
            if self.strikes(Defect::RepeatRecord, self.counters.writes, 50) {
                self.streams.append(stream, &row, writes);
            }
        }
    }

    /// The stream of a table is gone, and another takes its place, with the same view: that of a table that begins empty.
    ///
    /// `salt` differs from one renewal to the next: a clock that was set back would else give two streams one label.
    pub(super) fn replace_stream(
        &mut self,
        now: Now,
        (name, salt): (&str, u64),
        writes: &mut Vec<Write>,
    ) {
        let Some(table) = self.tables.get_mut(name) else {
            return;
        };
        let Some(former) = table.stream.take() else {
            return;
        };
        let newest_ms = self.streams.streams.values().map(|it| it.created_ms).max();
        let salt_ms = i64::try_from(salt % 60_000).expect("below a minute");
        let now = Now {
            wall_ms: now.wall_ms.max(newest_ms.unwrap_or(0) + 1 + salt_ms),
            ..now
        };
        let definition = &table.row.definition;
        let view = definition.stream.expect("an enabled stream has a view");
        let (number, label) = self.streams.begin(now, definition, view, writes);
        assert_ne!(number, former, "numbers of streams only rise");
        self.streams.forget(former, writes);
        table.stream = Some(number);
        table.row.stream_label = Some(label);
        writes.push(table.save());
    }

    /// Epochs of stream records: new ones, old ones.
    pub(super) fn rotate_streams(&mut self, now: Now, effects: &mut Effects) {
        let mut writes = Vec::new();
        let drops = self.streams.rotate(now, &self.config.limits, &mut writes);
        if !writes.is_empty() {
            self.commit_dropping(writes, drops, effects);
        }
    }
}

/// The key of a record's row: the stream, then the sequence number.
fn record_key(stream: u32, sequence: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(12);
    key.extend_from_slice(&stream.to_be_bytes());
    key.extend_from_slice(&sequence.to_be_bytes());
    key
}
