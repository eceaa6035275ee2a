//! Refusals on the wire: AWS's name, prefix and HTTP status of every [`ErrorKind`].

use super::json;
use crate::core::{ApiError, ErrorKind};

/// Errors of the DynamoDB service.
const SERVICE: &str = "com.amazonaws.dynamodb.v20120810";
/// Errors of AWS's service framework.
const FRAMEWORK: &str = "com.amazon.coral.service";
/// Its validation.
const VALIDATION: &str = "com.amazon.coral.validate";
/// Its throttling.
const AVAILABILITY: &str = "com.amazon.coral.availability";

/// The HTTP status and body of a refusal.
#[must_use]
pub fn render_error(error: &ApiError) -> (u16, Vec<u8>) {
    if error.kind == ErrorKind::UnknownContentType {
        return (404, b"<UnknownOperationException/>\n".to_vec());
    }
    let (status, prefix, name) = identity(error.kind);
    let mut body = Vec::with_capacity(128 + error.message.len());
    body.extend(b"{\"__type\":\"");
    body.extend(prefix.as_bytes());
    body.push(b'#');
    body.extend(name.as_bytes());
    body.push(b'"');
    if !error.message.is_empty() {
        // AWS spells the member so in errors of JSON types.
        let member = if error.kind == ErrorKind::Serialization {
            "Message"
        } else {
            "message"
        };
        body.extend(format!(",\"{member}\":").as_bytes());
        json::string(&mut body, &error.message);
    }
    if let Some(item) = &error.item {
        body.extend(b",\"Item\":");
        json::item(&mut body, item);
    }
    body.push(b'}');
    (status, body)
}

/// Status, prefix and name.
fn identity(kind: ErrorKind) -> (u16, &'static str, &'static str) {
    match kind {
        ErrorKind::Validation => (400, VALIDATION, "ValidationException"),
        ErrorKind::Serialization => (400, FRAMEWORK, "SerializationException"),
        ErrorKind::UnknownOperation => (400, FRAMEWORK, "UnknownOperationException"),
        ErrorKind::UnknownContentType => (404, FRAMEWORK, "UnknownOperationException"),
        ErrorKind::MissingAuthenticationToken => {
            (400, FRAMEWORK, "MissingAuthenticationTokenException")
        }
        ErrorKind::IncompleteSignature => (400, FRAMEWORK, "IncompleteSignatureException"),
        ErrorKind::InvalidSignature => (400, FRAMEWORK, "InvalidSignatureException"),
        ErrorKind::UnrecognizedClient => (400, FRAMEWORK, "UnrecognizedClientException"),
        ErrorKind::AccessDenied => (400, FRAMEWORK, "AccessDeniedException"),
        ErrorKind::ConditionalCheckFailed => (400, SERVICE, "ConditionalCheckFailedException"),
        ErrorKind::ResourceNotFound => (400, SERVICE, "ResourceNotFoundException"),
        ErrorKind::ResourceInUse => (400, SERVICE, "ResourceInUseException"),
        ErrorKind::LimitExceeded => (400, SERVICE, "LimitExceededException"),
        ErrorKind::TableNotFound => (400, SERVICE, "TableNotFoundException"),
        ErrorKind::TableAlreadyExists => (400, SERVICE, "TableAlreadyExistsException"),
        ErrorKind::GlobalTableNotFound => (400, SERVICE, "GlobalTableNotFoundException"),
        ErrorKind::GlobalTableAlreadyExists => (400, SERVICE, "GlobalTableAlreadyExistsException"),
        ErrorKind::ReplicaNotFound => (400, SERVICE, "ReplicaNotFoundException"),
        ErrorKind::ReplicaAlreadyExists => (400, SERVICE, "ReplicaAlreadyExistsException"),
        ErrorKind::IndexNotFound => (400, SERVICE, "IndexNotFoundException"),
        ErrorKind::ItemCollectionSizeLimitExceeded => {
            (400, SERVICE, "ItemCollectionSizeLimitExceededException")
        }
        ErrorKind::ProvisionedThroughputExceeded => {
            (400, SERVICE, "ProvisionedThroughputExceededException")
        }
        ErrorKind::RequestLimitExceeded => (400, SERVICE, "RequestLimitExceeded"),
        ErrorKind::Throttling => (400, AVAILABILITY, "ThrottlingException"),
        ErrorKind::ExpiredIterator => (400, SERVICE, "ExpiredIteratorException"),
        ErrorKind::TrimmedDataAccess => (400, SERVICE, "TrimmedDataAccessException"),
        ErrorKind::TransactionConflict => (400, SERVICE, "TransactionConflictException"),
        ErrorKind::InternalServerError => (500, SERVICE, "InternalServerError"),
        ErrorKind::ServiceUnavailable => (503, AVAILABILITY, "ServiceUnavailableException"),
    }
}
