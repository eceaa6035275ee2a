//! DynamoDB's JSON, both ways: bytes to [`Request`], [`Response`](crate::core::Response) and [`ApiError`] to bytes. Pure: no sockets, no clock.
//!
//! Reading goes from the body straight into typed requests; there is no JSON tree in between. The order of checks is AWS's: the JSON itself, the
//! operation, JSON types, the constraints of the service model (all of them told at once), what the members say together. What needs the table is
//! left to the core. Signatures are the server's business.

mod constraint;
mod error;
mod global;
mod header;
mod item;
mod json;
mod legacy;
mod query;
mod response;
mod scalar;
mod schema;
mod settings;
mod stream;
mod table;
mod time_to_live;
mod value;

#[cfg(test)]
mod tests;

pub use error::render_error;
pub use header::{crc32, request_id};
pub use response::render;

use serde::Deserialize;

use crate::core::{ApiError, ErrorKind, Request};

/// The largest body that a request may have; a larger one is answered 413 by the server.
pub const BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Before the name of an operation on tables and items.
const TABLES: &str = "DynamoDB_20120810";

/// The same of an operation on streams.
const STREAMS: &str = "DynamoDBStreams_20120810";

/// Reads a request: its `X-Amz-Target`, its `Content-Type`, its body.
///
/// # Errors
/// What AWS answers to a request that is malformed, before any table is looked at.
pub fn parse(
    target: Option<&str>,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Request, ApiError> {
    let media = content_type
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .trim();
    if !body.is_empty() && media != "application/x-amz-json-1.0" && media != "application/json" {
        return Err(ApiError::new(ErrorKind::UnknownContentType, ""));
    }
    let body =
        std::str::from_utf8(body).map_err(|_| ApiError::new(ErrorKind::Serialization, ""))?;
    let Some(number) = target.and_then(operation_number) else {
        if serde_json::from_str::<serde::de::IgnoredAny>(body).is_err() && !body.is_empty() {
            return Err(ApiError::new(ErrorKind::Serialization, ""));
        }
        return Err(ApiError::new(ErrorKind::UnknownOperation, ""));
    };
    let (_, _, read) = OPERATIONS[number];
    read(body)
}

/// Reads an operation's body.
type Reader = fn(&str) -> Result<Request, ApiError>;

/// The operations, the hottest first: API, name, reader.
const OPERATIONS: [(&str, &str, Reader); 23] = [
    (TABLES, "PutItem", item::put),
    (TABLES, "GetItem", item::get),
    (TABLES, "UpdateItem", item::update),
    (TABLES, "DeleteItem", item::delete),
    (TABLES, "Query", query::query),
    (TABLES, "Scan", query::scan),
    (TABLES, "CreateTable", table::create),
    (TABLES, "DescribeTable", table::describe),
    (TABLES, "ListTables", table::list),
    (TABLES, "DeleteTable", table::delete),
    (TABLES, "UpdateTable", table::update),
    (TABLES, "UpdateTimeToLive", time_to_live::update),
    (TABLES, "DescribeTimeToLive", time_to_live::describe),
    (STREAMS, "GetRecords", stream::records),
    (STREAMS, "GetShardIterator", stream::iterator),
    (STREAMS, "DescribeStream", stream::describe),
    (STREAMS, "ListStreams", stream::list),
    (TABLES, "CreateGlobalTable", global::create),
    (TABLES, "UpdateGlobalTable", global::update),
    (TABLES, "DescribeGlobalTable", global::describe),
    (TABLES, "ListGlobalTables", global::list),
    (TABLES, "DescribeGlobalTableSettings", settings::describe),
    (TABLES, "UpdateGlobalTableSettings", settings::update),
];

/// How many operations there are.
pub const OPERATIONS_COUNT: usize = OPERATIONS.len();

/// The names of the operations, by number.
pub fn operation_names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(_, name, _)| *name)
}

/// The number of the operation that an `X-Amz-Target` names.
#[must_use]
pub fn operation_number(target: &str) -> Option<usize> {
    let (api, name) = target.split_once('.')?;
    OPERATIONS
        .iter()
        .position(|(its_api, its_name, _)| *its_name == name && *its_api == api)
}

/// The members of a body, or AWS's refusal of its JSON.
fn members<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, ApiError> {
    serde_json::from_str(body).map_err(|error| serialization_error(&error))
}

/// AWS's words for an error of JSON types; none for an error of JSON itself.
fn serialization_error(error: &serde_json::Error) -> ApiError {
    let refused = |text: &str| ApiError::new(ErrorKind::Serialization, text);
    if !error.is_data() {
        return refused("");
    }
    let text = error.to_string();
    // serde_json appends the place to what we said.
    let said = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(said, _)| said);
    if let Some(ours) = said.strip_prefix(scalar::MARK) {
        return refused(ours);
    }
    if said.starts_with("invalid type: map") {
        return refused("Start of structure or map found where not expected");
    }
    if said.starts_with("invalid type: sequence") || said.starts_with("invalid length") {
        return refused("Unrecognized collection type");
    }
    refused("Unexpected field type")
}
