//! The API of streams: `ListStreams`, `DescribeStream`, `GetShardIterator`, `GetRecords`.

use serde::Deserialize;

use super::constraint::Constraints;
use super::json::{self, Object};
use super::response::{key_schema, seconds, stream_view};
use super::scalar::{Text, Whole};
use crate::core::{
    ApiError, IteratorStart, RecordPage, Request, Shard, StreamDescription, StreamEvent,
    StreamRecord, StreamsRequest, sequence_text,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    #[serde(borrow)]
    table_name: Option<Text<'a>>,
    #[serde(borrow)]
    stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    shard_id: Option<Text<'a>>,
    #[serde(borrow)]
    shard_iterator: Option<Text<'a>>,
    #[serde(borrow)]
    shard_iterator_type: Option<Text<'a>>,
    #[serde(borrow)]
    sequence_number: Option<Text<'a>>,
    #[serde(borrow)]
    exclusive_start_stream_arn: Option<Text<'a>>,
    #[serde(borrow)]
    exclusive_start_shard_id: Option<Text<'a>>,
    #[serde(borrow)]
    shard_filter: Option<Filter<'a>>,
    limit: Option<Whole>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter<'a> {
    #[serde(borrow, rename = "Type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    shard_id: Option<Text<'a>>,
}

/// `ShardIteratorType`.
#[derive(Clone, Copy)]
enum Start {
    TrimHorizon,
    Latest,
    At,
    After,
}

/// `ListStreams`.
pub(super) fn list(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    constraints.optional_name(members.table_name.as_ref(), "tableName");
    let after = members.exclusive_start_stream_arn;
    constraints.text(after.as_ref(), "exclusiveStartStreamArn", 37, 1024);
    let limit = constraints.limit(members.limit, "limit", 100);
    constraints.finish()?;
    Ok(Request::Streams(StreamsRequest::ListStreams {
        table: members.table_name.map(Text::into_string),
        after: after.map(Text::into_string),
        limit,
    }))
}

/// `DescribeStream`.
pub(super) fn describe(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    constraints.required(members.stream_arn.as_ref(), "streamArn");
    constraints.text(members.stream_arn.as_ref(), "streamArn", 37, 1024);
    let after = members.exclusive_start_shard_id;
    constraints.text(after.as_ref(), "exclusiveStartShardId", 28, 65);
    let filter = members.shard_filter.as_ref();
    let words = [("CHILD_SHARDS", ())];
    let kind = filter.and_then(|filter| filter.kind.as_ref());
    constraints.word(kind, "shardFilter.type", &words);
    let parent = members.shard_filter.and_then(|filter| filter.shard_id);
    constraints.text(parent.as_ref(), "shardFilter.shardId", 28, 65);
    let limit = constraints.limit(members.limit, "limit", 100);
    constraints.finish()?;
    Ok(Request::Streams(StreamsRequest::DescribeStream {
        arn: owned(members.stream_arn),
        after: after.map(Text::into_string),
        parent: parent.map(Text::into_string),
        limit,
    }))
}

/// `GetShardIterator`.
pub(super) fn iterator(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    constraints.required(members.stream_arn.as_ref(), "streamArn");
    constraints.text(members.stream_arn.as_ref(), "streamArn", 37, 1024);
    constraints.required(members.shard_id.as_ref(), "shardId");
    constraints.text(members.shard_id.as_ref(), "shardId", 28, 65);
    let kind = members.shard_iterator_type.as_ref();
    constraints.required(kind, "shardIteratorType");
    let words = [
        ("AT_SEQUENCE_NUMBER", Start::At),
        ("TRIM_HORIZON", Start::TrimHorizon),
        ("LATEST", Start::Latest),
        ("AFTER_SEQUENCE_NUMBER", Start::After),
    ];
    let start = constraints.word(kind, "shardIteratorType", &words);
    constraints.text(members.sequence_number.as_ref(), "sequenceNumber", 21, 40);
    constraints.finish()?;
    let refused = |text: &str| Err(ApiError::validation(text));
    let start = match (start, members.sequence_number) {
        (Some(Start::At), Some(number)) => IteratorStart::At(number.into_string()),
        (Some(Start::After), Some(number)) => IteratorStart::After(number.into_string()),
        (Some(Start::At | Start::After), None) => {
            return refused(
                "The parameter 'SequenceNumber' is required for this ShardIteratorType but was not present in the request",
            );
        }
        (Some(Start::TrimHorizon | Start::Latest), Some(_)) => {
            return refused(
                "The parameter 'SequenceNumber' goes with AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER only",
            );
        }
        (Some(Start::Latest), None) => IteratorStart::Latest,
        (Some(Start::TrimHorizon) | None, _) => IteratorStart::TrimHorizon,
    };
    Ok(Request::Streams(StreamsRequest::GetShardIterator {
        arn: owned(members.stream_arn),
        shard: owned(members.shard_id),
        start,
    }))
}

/// `GetRecords`.
pub(super) fn records(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    let iterator = members.shard_iterator;
    constraints.required(iterator.as_ref(), "shardIterator");
    constraints.text(iterator.as_ref(), "shardIterator", 1, 2048);
    constraints.within(members.limit, "limit", 1, 1000);
    constraints.finish()?;
    let limit = members.limit.map_or(1000, |Whole(limit)| limit);
    Ok(Request::Streams(StreamsRequest::GetRecords {
        iterator: owned(iterator),
        limit: usize::try_from(limit).unwrap_or(1),
    }))
}

fn owned(text: Option<Text<'_>>) -> String {
    text.map(Text::into_string).unwrap_or_default()
}

/// `Streams` of `ListStreams`.
pub(super) fn answer_list(
    body: &mut Object<'_>,
    streams: &[(String, String, String)],
    last: Option<&str>,
) {
    body.list("Streams", streams, |out, (arn, table, label)| {
        let mut stream = Object::open(out);
        stream.text("StreamArn", arn);
        stream.text("TableName", table);
        stream.text("StreamLabel", label);
        stream.close();
    });
    if let Some(last) = last {
        body.text("LastEvaluatedStreamArn", last);
    }
}

/// `StreamDescription`.
pub(super) fn answer_description(object: &mut Object<'_>, stream: &StreamDescription) {
    object.text("StreamArn", &stream.arn);
    object.text("StreamLabel", &stream.label);
    let status = if stream.is_enabled {
        "ENABLED"
    } else {
        "DISABLED"
    };
    object.text("StreamStatus", status);
    object.text("StreamViewType", stream_view(stream.view));
    object.bare("CreationRequestDateTime", seconds(stream.created_ms));
    object.text("TableName", &stream.table);
    key_schema(object, &stream.keys);
    object.list("Shards", &stream.shards, |out, shard: &Shard| {
        let mut object = Object::open(out);
        object.text("ShardId", &shard.id);
        object.object("SequenceNumberRange", |range| {
            range.text("StartingSequenceNumber", &sequence_text(shard.starting));
            if let Some(ending) = shard.ending {
                range.text("EndingSequenceNumber", &sequence_text(ending));
            }
        });
        if let Some(parent) = &shard.parent {
            object.text("ParentShardId", parent);
        }
        object.close();
    });
    if let Some(last) = &stream.last {
        object.text("LastEvaluatedShardId", last);
    }
}

/// What `GetRecords` answers.
pub(super) fn answer_records(body: &mut Object<'_>, page: &RecordPage) {
    body.list("Records", &page.records, |out, record| {
        let mut object = Object::open(out);
        answer_record(&mut object, page.region.as_str(), record);
        object.close();
    });
    if let Some(next) = &page.next {
        body.text("NextShardIterator", next);
    }
}

fn answer_record(object: &mut Object<'_>, region: &str, record: &StreamRecord) {
    object.text("eventID", &record.id);
    let event = match record.event {
        StreamEvent::Insert => "INSERT",
        StreamEvent::Modify => "MODIFY",
        StreamEvent::Remove => "REMOVE",
    };
    object.text("eventName", event);
    object.text("eventVersion", "1.1");
    object.text("eventSource", "aws:dynamodb");
    object.text("awsRegion", region);
    object.object("dynamodb", |inner| {
        let created_s = record.created_ms.div_euclid(1000);
        inner.bare("ApproximateCreationDateTime", created_s);
        json::item(inner.member("Keys"), &record.keys);
        if let Some(new) = &record.new {
            json::item(inner.member("NewImage"), new);
        }
        if let Some(old) = &record.old {
            json::item(inner.member("OldImage"), old);
        }
        inner.text("SequenceNumber", &record.sequence);
        inner.bare("SizeBytes", record.size_bytes);
        inner.text("StreamViewType", stream_view(record.view));
    });
    if record.expired {
        object.object("userIdentity", |identity| {
            identity.text("PrincipalId", "dynamodb.amazonaws.com");
            identity.text("Type", "Service");
        });
    }
}
