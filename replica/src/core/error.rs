//! What a client is told when a request cannot be served: AWS's names and texts.

use super::Item;

/// An error answer: its kind decides the name, the `__type` prefix and the HTTP status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Which error.
    pub kind: ErrorKind,
    /// The text.
    pub message: String,
    /// The item that made a condition fail, when the request asked for it.
    pub item: Option<Item>,
}

impl ApiError {
    /// An error of this kind with this text.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            item: None,
        }
    }

    /// `ValidationException` with this text.
    #[must_use]
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Validation, message)
    }
}

/// The errors of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    missing_docs,
    reason = "each is AWS's error of that name; `wire::error` holds names, prefixes and statuses"
)]
pub enum ErrorKind {
    Validation,
    Serialization,
    UnknownOperation,
    /// A body of another content type than DynamoDB's: 404 and XML.
    UnknownContentType,
    MissingAuthenticationToken,
    IncompleteSignature,
    InvalidSignature,
    UnrecognizedClient,
    AccessDenied,
    ConditionalCheckFailed,
    ResourceNotFound,
    ResourceInUse,
    LimitExceeded,
    TableNotFound,
    TableAlreadyExists,
    GlobalTableNotFound,
    GlobalTableAlreadyExists,
    ReplicaNotFound,
    ReplicaAlreadyExists,
    IndexNotFound,
    ItemCollectionSizeLimitExceeded,
    ProvisionedThroughputExceeded,
    RequestLimitExceeded,
    Throttling,
    ExpiredIterator,
    TrimmedDataAccess,
    TransactionConflict,
    InternalServerError,
    ServiceUnavailable,
}
