//! A consumer of a table's stream: which request comes next, and what its answer adds. Pure; the client asks.
//!
//! It begins at the oldest record there is, reads each shard after the one that it came from, and goes on where it was: what a fetch had
//! brought when a later request of it failed is in the next fetch. An iterator that expired is asked for again, after the last record.
//!
//! When the stream has ended or is gone, it asks the table for its newest one. If that is another, the table was created again or its region began anew: the
//! consumer drops what it has not passed on of the former, starts over with the new one, and says so.

use checker::history::{EventKind, Key, Observed, Reply};

use super::answer::{Body, Reader, RecordOf};
use crate::client::{Dialect, Request, connection::Answer, errors};

/// What has been read so far.
#[derive(Debug, Default)]
pub(crate) struct Consumer {
    /// The stream's name, once the table was asked.
    stream: Option<String>,
    is_stream_due: bool,
    /// Whether the fetch is of a stream that took the place of another.
    is_anew: bool,
    /// What becomes of the fetch if the table has no other stream than the one that is gone.
    gone: Option<EventKind>,
    /// In the order in which the stream names them: parents before their children.
    shards: Vec<Shard>,
    is_list_due: bool,
    asked: Asked,
    /// Key, new image, old image.
    records: Vec<(Key, Observed, Observed)>,
}

#[derive(Debug)]
struct Shard {
    id: String,
    parent: Option<String>,
    iterator: Option<String>,
    /// The last record that came.
    after: Option<String>,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// There may be more.
    Due,
    /// There was no more at this fetch.
    Drained,
    /// There will be no more.
    Closed,
}

/// What the last request asked for.
#[derive(Clone, Copy, Debug, Default)]
enum Asked {
    #[default]
    Table,
    Shards,
    Iterator(usize),
    Records(usize),
}

impl Consumer {
    /// Begins a fetch.
    pub(crate) fn begin(&mut self) {
        for shard in &mut self.shards {
            if shard.progress == Progress::Drained {
                shard.progress = Progress::Due;
            }
        }
        self.gone = None;
        self.is_list_due |= self.is_ended();
    }

    /// Whether no shard is open.
    fn is_ended(&self) -> bool {
        let mut shards = self.shards.iter();
        !shards.any(|shard| shard.progress != Progress::Closed)
    }

    /// The next request of a fetch; none when everything has come.
    pub(crate) fn request(&mut self, dialect: &Dialect) -> Option<Request> {
        let (asked, operation, body) = match &self.stream {
            Some(stream) if !self.is_stream_due => self.read(stream)?,
            Some(_) | None => (
                Asked::Table,
                "DescribeTable",
                serde_json::json!({ "TableName": dialect.table }),
            ),
        };
        self.asked = asked;
        Some(Request {
            operation,
            body: body.to_string().into(),
        })
    }

    /// The next request to this stream.
    fn read(&self, stream: &str) -> Option<(Asked, &'static str, serde_json::Value)> {
        if self.is_list_due {
            let mut body = serde_json::json!({ "StreamArn": stream });
            if let Some(last) = self.shards.last() {
                body["ExclusiveStartShardId"] = last.id.as_str().into();
            }
            return Some((Asked::Shards, "DescribeStream", body));
        }
        let place = (0..self.shards.len()).find(|place| self.is_due(*place))?;
        let shard = &self.shards[place];
        Some(match &shard.iterator {
            Some(iterator) => (
                Asked::Records(place),
                "GetRecords",
                serde_json::json!({ "ShardIterator": iterator }),
            ),
            None => (
                Asked::Iterator(place),
                "GetShardIterator",
                from_where(stream, shard),
            ),
        })
    }

    /// Whether a shard has to be read now: its parent, if it is still there, was read to its end.
    fn is_due(&self, place: usize) -> bool {
        let shard = &self.shards[place];
        let is_parent = |other: &&Shard| Some(&other.id) == shard.parent.as_ref();
        let parent = self.shards.iter().find(is_parent);
        shard.progress == Progress::Due && parent.is_none_or(|p| p.progress == Progress::Closed)
    }

    /// Takes the answer to the last request. Returns the outcome of the fetch if it cannot go on.
    pub(crate) fn take(&mut self, answer: &Answer, reader: &Reader<'_>) -> Option<EventKind> {
        let asked = self.asked;
        let taken = reader.read(answer, None, |body| match asked {
            Asked::Table => self.learn_stream(body),
            Asked::Shards => self.learn_shards(body),
            Asked::Iterator(place) => {
                let iterator = body.iterator.ok_or(errors::BAD_REPLY)?;
                self.shards[place].iterator = Some(iterator.into_owned());
                Ok(())
            }
            Asked::Records(place) => self.learn_records(place, body, reader),
        });
        match (taken, asked) {
            (Ok(()), Asked::Table) => self.gone.take(),
            (Ok(()), _) => None,
            (Err(EventKind::Fail { error, .. }), Asked::Records(place))
                if error == errors::EXPIRED_ITERATOR =>
            {
                self.shards[place].iterator = None;
                None
            }
            (Err(outcome), Asked::Shards | Asked::Iterator(_) | Asked::Records(_))
                if errors::of(&outcome) == Some(errors::NOT_FOUND) =>
            {
                self.is_stream_due = true;
                self.gone = Some(outcome);
                None
            }
            (Err(outcome), _) => Some(outcome),
        }
    }

    fn learn_stream(&mut self, body: Body<'_>) -> Result<(), &'static str> {
        let table = body.table.ok_or(errors::BAD_REPLY)?;
        let newest = table.stream.ok_or(errors::NO_STREAM)?.into_owned();
        self.is_stream_due = false;
        if self.stream.as_ref() == Some(&newest) {
            return Ok(());
        }
        self.is_anew |= self.stream.is_some();
        self.gone = None;
        self.shards.clear();
        self.records.clear();
        self.stream = Some(newest);
        self.is_list_due = true;
        Ok(())
    }

    fn learn_shards(&mut self, body: Body<'_>) -> Result<(), &'static str> {
        let stream = body.stream.ok_or(errors::BAD_REPLY)?;
        // Another page begins after the last shard of this one.
        self.is_list_due = stream.last_shard.is_some() && !stream.shards.is_empty();
        self.is_stream_due = stream.shards.is_empty() && self.is_ended();
        for shard in stream.shards {
            self.shards.push(Shard {
                id: shard.id.into_owned(),
                parent: shard.parent.map(|parent| parent.into_owned()),
                iterator: None,
                after: None,
                progress: Progress::Due,
            });
        }
        Ok(())
    }

    fn learn_records(
        &mut self,
        place: usize,
        body: Body<'_>,
        reader: &Reader<'_>,
    ) -> Result<(), &'static str> {
        let page = body.records.ok_or(errors::BAD_REPLY)?;
        let records = page.iter().map(|record| understood(&record.change, reader));
        let records = records.collect::<Result<Vec<_>, _>>()?;
        let shard = &mut self.shards[place];
        if let Some(last) = page.last() {
            shard.after = Some(last.change.sequence.clone().into_owned());
        }
        shard.iterator = body.next_iterator.map(|next| next.into_owned());
        if shard.iterator.is_none() {
            shard.progress = Progress::Closed;
            self.is_list_due = true;
        } else if records.is_empty() {
            shard.progress = Progress::Drained;
        }
        self.records.extend(records);
        Ok(())
    }

    /// Everything that came, as the outcome of a fetch that ended well.
    pub(crate) fn finish(&mut self) -> EventKind {
        let records = std::mem::take(&mut self.records);
        EventKind::Ok(if std::mem::take(&mut self.is_anew) {
            Reply::StreamAnew(records)
        } else {
            Reply::Stream(records)
        })
    }
}

fn from_where(stream: &str, shard: &Shard) -> serde_json::Value {
    let mut body = serde_json::json!({ "StreamArn": stream, "ShardId": shard.id });
    match &shard.after {
        None => body["ShardIteratorType"] = "TRIM_HORIZON".into(),
        Some(after) => {
            body["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER".into();
            body["SequenceNumber"] = after.as_str().into();
        }
    }
    body
}

/// The key and both images of a record of ours.
fn understood(
    record: &RecordOf<'_>,
    reader: &Reader<'_>,
) -> Result<(Key, Observed, Observed), &'static str> {
    let key = record.keys.key().ok_or(errors::BAD_REPLY)?;
    let new = reader.observed(key, record.new.as_ref())?;
    let old = reader.observed(key, record.old.as_ref())?;
    Ok((key, new, old))
}
