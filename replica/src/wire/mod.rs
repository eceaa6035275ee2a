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
mod response;
mod scalar;
mod schema;
mod table;
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

/// The prefix of the targets of this API.
const TARGET: &str = "DynamoDB_20120810.";

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
    let Some(operation) = target
        .and_then(|target| target.strip_prefix(TARGET))
        .and_then(operation)
    else {
        if serde_json::from_str::<serde::de::IgnoredAny>(body).is_err() && !body.is_empty() {
            return Err(ApiError::new(ErrorKind::Serialization, ""));
        }
        return Err(ApiError::new(ErrorKind::UnknownOperation, ""));
    };
    operation(body)
}

/// Reads an operation's body.
type Reader = fn(&str) -> Result<Request, ApiError>;

/// The reader of an operation.
fn operation(name: &str) -> Option<Reader> {
    Some(match name {
        "PutItem" => item::put,
        "GetItem" => item::get,
        "UpdateItem" => item::update,
        "DeleteItem" => item::delete,
        "CreateTable" => table::create,
        "DescribeTable" => table::describe,
        "ListTables" => table::list,
        "DeleteTable" => table::delete,
        "UpdateTable" => table::update,
        "CreateGlobalTable" => global::create,
        "UpdateGlobalTable" => global::update,
        "DescribeGlobalTable" => global::describe,
        "ListGlobalTables" => global::list,
        _ => return None,
    })
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
