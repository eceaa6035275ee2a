//! `ListStreams`, `DescribeStream`, `GetShardIterator`, `GetRecords`.

use std::ops::Bound;

use super::super::region::Refusal;
use super::super::{
    ApiError, Core, ErrorKind, IteratorStart, Now, RecordPage, Response, Shard, StreamDescription,
    StreamRecord, StreamsRequest,
};
use super::iterator::Iterator;
use super::row::RecordRow;
use super::{StreamRow, Streams, record_key};
use crate::store::{Direction, Read, Space};

/// Most bytes of one answer of `GetRecords`.
const PAGE_MAX_BYTES: usize = 1_048_576;
/// Rows read at once.
const ROWS: usize = 128;
/// Sequence numbers count from here: AWS's have 21 digits and more.
const SEQUENCE_BASE: u128 = 100_000_000_000_000_000_000;

impl Streams {
    /// The shards of a stream that are still kept, oldest first.
    fn shards(&self, stream: &StreamRow) -> Vec<(u64, Shard)> {
        let last = stream.ended.map_or(u64::MAX, |ended| ended.epoch);
        let epochs = &self.log.epochs;
        let mut shards = Vec::new();
        for (index, epoch) in epochs.iter().enumerate() {
            if epoch.number < stream.first_epoch || epoch.number > last {
                continue;
            }
            let next = epochs.get(index + 1);
            let mut ending = next.map(|next| next.first_sequence - 1);
            if let Some(ended) = stream.ended {
                ending = Some(ending.unwrap_or(u64::MAX).min(ended.sequence));
            }
            let starting = epoch.first_sequence.max(stream.first_sequence);
            let parent = (epoch.number > stream.first_epoch).then(|| {
                // Also of one that is not kept any more, as AWS shows it.
                let before = index.checked_sub(1).and_then(|index| epochs.get(index));
                shard_id(before.map_or(0, |it| it.started_ms), epoch.number - 1)
            });
            shards.push((
                epoch.number,
                Shard {
                    id: shard_id(epoch.started_ms, epoch.number),
                    parent,
                    starting,
                    ending: ending.map(|ending| ending.max(starting - 1)),
                },
            ));
        }
        shards
    }
}

/// A sequence number as readers see it.
pub(crate) fn sequence_text(sequence: u64) -> String {
    (SEQUENCE_BASE + u128::from(sequence)).to_string()
}

fn parse_sequence(text: &str) -> Result<u64, ApiError> {
    let number = text.parse::<u128>().ok();
    number
        .and_then(|number| number.checked_sub(SEQUENCE_BASE))
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| ApiError::validation(format!("Invalid SequenceNumber: {text}")))
}

fn shard_id(started_ms: i64, epoch: u64) -> String {
    format!("shardId-{:020}-{epoch:08x}", started_ms.max(0))
}

impl Core {
    /// Any request of the API of streams.
    pub(in crate::core) fn serve_streams(
        &self,
        now: Now,
        asked: &StreamsRequest,
        read: &dyn Read,
    ) -> Result<Response, Refusal> {
        Ok(match asked {
            StreamsRequest::ListStreams {
                table,
                after,
                limit,
            } => self.list_streams(table.as_deref(), after.as_deref(), *limit)?,
            StreamsRequest::DescribeStream {
                arn,
                after,
                parent,
                limit,
            } => self.describe_stream(arn, after.as_deref(), parent.as_deref(), *limit)?,
            StreamsRequest::GetShardIterator { arn, shard, start } => {
                self.shard_iterator(now, arn, shard, start)?
            }
            StreamsRequest::GetRecords { iterator, limit } => {
                self.get_records(now, iterator, *limit, read)?
            }
        })
    }

    fn stream_arn(&self, stream: &StreamRow) -> String {
        format!(
            "arn:aws:dynamodb:{}:{}:table/{}/stream/{}",
            self.config.region, self.config.account, stream.table, stream.label
        )
    }

    fn stream(&self, arn: &str) -> Result<&StreamRow, ApiError> {
        self.streams
            .streams
            .values()
            .find(|stream| self.stream_arn(stream) == arn)
            .ok_or_else(|| {
                ApiError::new(
                    ErrorKind::ResourceNotFound,
                    format!("Requested resource not found: Stream: {arn} not found"),
                )
            })
    }

    /// `ListStreams`, in the order of their beginning.
    fn list_streams(
        &self,
        table: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Response, ApiError> {
        let after = after.map(|arn| self.stream(arn)).transpose()?;
        let mut streams = self.streams.streams.values().filter(|stream| {
            table.is_none_or(|name| stream.table == name)
                && after.is_none_or(|after| stream.number > after.number)
        });
        let line = |stream: &StreamRow| {
            (
                self.stream_arn(stream),
                stream.table.clone(),
                stream.label.clone(),
            )
        };
        let page: Vec<_> = streams.by_ref().take(limit).map(line).collect();
        let last = streams
            .next()
            .and(page.last())
            .map(|(arn, _, _)| arn.clone());
        Ok(Response::ListStreams {
            streams: page,
            last,
        })
    }

    /// `DescribeStream`.
    fn describe_stream(
        &self,
        arn: &str,
        after: Option<&str>,
        parent: Option<&str>,
        limit: usize,
    ) -> Result<Response, ApiError> {
        let stream = self.stream(arn)?;
        let mut shards = self
            .streams
            .shards(stream)
            .into_iter()
            .map(|(_, shard)| shard)
            .filter(|shard| parent.is_none() || shard.parent.as_deref() == parent)
            // Ids rise with the epochs' numbers, which stand last in them.
            .skip_while(|shard| after.is_some_and(|after| epoch_of(&shard.id) <= epoch_of(after)));
        let page: Vec<Shard> = shards.by_ref().take(limit).collect();
        let last = shards.next().and(page.last()).map(|shard| shard.id.clone());
        Ok(Response::Stream(StreamDescription {
            arn: arn.to_owned(),
            label: stream.label.clone(),
            is_enabled: stream.ended.is_none(),
            view: stream.view,
            created_ms: stream.created_ms,
            table: stream.table.clone(),
            keys: stream.keys.clone(),
            shards: page,
            last,
        }))
    }

    /// `GetShardIterator`.
    fn shard_iterator(
        &self,
        now: Now,
        arn: &str,
        shard: &str,
        start: &IteratorStart,
    ) -> Result<Response, ApiError> {
        let stream = self.stream(arn)?;
        let shards = self.streams.shards(stream);
        let found = shards.iter().find(|(_, found)| found.id == shard);
        let Some((epoch, found)) = found else {
            let oldest = shards.first().map(|(epoch, _)| *epoch);
            let was_kept = epoch_of(shard) >= Some(stream.first_epoch) && epoch_of(shard) < oldest;
            return Err(if was_kept {
                trimmed()
            } else {
                ApiError::new(
                    ErrorKind::ResourceNotFound,
                    format!(
                        "Requested resource not found: Shard: {shard} in stream: {arn} not found"
                    ),
                )
            });
        };
        let within = |text: &str| {
            let sequence = parse_sequence(text)?;
            let ending = found.ending.unwrap_or(u64::MAX);
            if sequence > ending || sequence < found.starting {
                return Err(ApiError::validation(format!(
                    "Invalid SequenceNumber: {text} lies outside shard {shard}"
                )));
            }
            Ok(sequence)
        };
        let after = match start {
            IteratorStart::TrimHorizon => found.starting - 1,
            IteratorStart::Latest => found.ending.unwrap_or(self.streams.sequence.decided),
            IteratorStart::At(text) => within(text)? - 1,
            IteratorStart::After(text) => within(text)?,
        };
        let made_age_ms = self.streams.age.ms(now);
        let iterator = Iterator::new(made_age_ms, stream.number, *epoch, after);
        Ok(Response::ShardIterator(iterator.text(arn)))
    }

    /// `GetRecords`.
    fn get_records(
        &self,
        now: Now,
        iterator: &str,
        limit: usize,
        read: &dyn Read,
    ) -> Result<Response, Refusal> {
        self.check_records_known(now)?;
        let age_ms = self.streams.age.ms(now);
        let (arn, place) = Iterator::parse(age_ms, iterator)?;
        // Its number alone may be another stream's, after a roll-back.
        let stream = self.stream(arn)?;
        if stream.number != place.stream {
            return Err(Refusal::Api(trimmed()));
        }
        let shards = self.streams.shards(stream);
        let shard = shards.iter().find(|(epoch, _)| *epoch == place.epoch);
        let (_, shard) = shard.ok_or_else(trimmed)?;
        let mut page = PageOfRecords::new(limit);
        // The record that was read last may be the first of a pair.
        let mut start = Bound::Included(record_key(place.stream, place.after));
        let end = record_key(place.stream, u64::MAX);
        let mut after = place.after;
        'rows: loop {
            let bounds = (
                start.as_ref().map(Vec::as_slice),
                Bound::Included(end.as_slice()),
            );
            let rows = read.range(Space::Stream(place.epoch), bounds, Direction::Forward, ROWS)?;
            let is_last = rows.len() < ROWS;
            for (key, row) in &rows {
                let row = RecordRow::decode(row)?;
                let first = sequence_of(key);
                for (step, record) in row.records(&stream.keys, stream.view)? {
                    let sequence = first + step;
                    if sequence <= place.after {
                        continue;
                    }
                    if !page.has_room(&record) {
                        break 'rows;
                    }
                    after = sequence;
                    page.push(self.named_record(sequence, record));
                }
            }
            match rows.into_iter().last() {
                Some((key, _)) if !is_last => start = Bound::Excluded(key),
                Some(_) | None => {
                    page.is_drained = true;
                    break;
                }
            }
        }
        let is_closed = shard
            .ending
            .is_some_and(|ending| self.streams.sequence.durable >= ending);
        let next = (!page.is_drained || !is_closed).then(|| {
            Iterator::new(age_ms, place.stream, place.epoch, after).text(&self.stream_arn(stream))
        });
        Ok(Response::Records(RecordPage {
            region: self.config.region.clone(),
            records: page.records,
            next,
        }))
    }

    /// A region that may have been rolled back, as far as it knows, does not know what it has told readers: it shows no records.
    fn check_records_known(&self, now: Now) -> Result<(), ApiError> {
        if !self.rollback.is_found && !self.may_be_rolled_back(now) {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorKind::Throttling,
            "Rate of requests exceeds the allowed throughput: the region asks its peers whether its store was rolled back and shows no stream records before it knows, send again later",
        ))
    }

    fn named_record(&self, sequence: u64, mut record: StreamRecord) -> StreamRecord {
        record.sequence = sequence_text(sequence);
        // Looks like AWS's: 32 digits, unrelated for neighbours, the same whenever it is read.
        let mixed = (self.incarnation ^ sequence).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        record.id = format!("{mixed:016x}{sequence:016x}");
        record
    }
}

/// An answer of `GetRecords` under construction.
struct PageOfRecords {
    limit: usize,
    bytes: usize,
    records: Vec<StreamRecord>,
    is_drained: bool,
}

impl PageOfRecords {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            records: Vec::new(),
            is_drained: false,
        }
    }

    /// A single record always fits.
    fn has_room(&self, record: &StreamRecord) -> bool {
        self.records.len() < self.limit
            && (self.records.is_empty() || self.bytes + record.size_bytes <= PAGE_MAX_BYTES)
    }

    fn push(&mut self, record: StreamRecord) {
        self.bytes += record.size_bytes;
        self.records.push(record);
    }
}

fn sequence_of(key: &[u8]) -> u64 {
    let bytes = key
        .last_chunk::<8>()
        .expect("record keys end in eight bytes");
    u64::from_be_bytes(*bytes)
}

fn epoch_of(shard: &str) -> Option<u64> {
    u64::from_str_radix(shard.rsplit_once('-')?.1, 16).ok()
}

fn trimmed() -> ApiError {
    ApiError::new(
        ErrorKind::TrimmedDataAccess,
        "The operation tried to read past the oldest stream record in a shard: what the iterator points at has been trimmed, start again with TRIM_HORIZON",
    )
}
