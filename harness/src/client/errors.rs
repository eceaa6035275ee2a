//! Every error code that an attempt can end with, once: what it means, and whether the operation definitely did not happen.
//!
//! The client classifies by this table, the journal writes its codes, `dateline list errors` and the documentation print it. A code
//! that is not here is recorded as [`UNREGISTERED`], which is indefinite: what we do not know cannot be ruled out.
//! Absent on purpose: retries. Whoever wants another attempt asks for one, and it is recorded as such.

use checker::history::EventKind;

/// Whether an operation that ended with a code can have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It did not happen, and will not.
    Definite,
    /// It may have happened, or may happen later.
    Indefinite,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorCode {
    /// As it stands in histories.
    pub(crate) code: &'static str,
    /// Whether it can have taken effect.
    pub(crate) effect: Effect,
    /// When it arises, in one sentence.
    pub(crate) meaning: &'static str,
}

pub(crate) const CONNECTION_REFUSED: &str = "connection-refused";
pub(crate) const CONNECT_FAILED: &str = "connect-failed";
pub(crate) const CONNECT_TIMEOUT: &str = "connect-timeout";
pub(crate) const TLS_FAILED: &str = "tls-failed";
pub(crate) const NOT_SENT: &str = "not-sent";
pub(crate) const CONNECTION_RESET: &str = "connection-reset";
pub(crate) const CONNECTION_CLOSED: &str = "connection-closed";
pub(crate) const TIMEOUT: &str = "timeout";
pub(crate) const HTTP_5XX: &str = "http-5xx";
pub(crate) const BAD_REPLY: &str = "bad-reply";
pub(crate) const CORRUPT_VALUE: &str = "corrupt-value";
pub(crate) const ADAPTER_REFUSED: &str = "adapter-refused";
pub(crate) const ADAPTER_UNSURE: &str = "adapter-unsure";
pub(crate) const UNREGISTERED: &str = "unregistered-error";
pub(crate) const FORETOLD: &str = "foretold";
pub(crate) const NO_STREAM: &str = "no-stream";
pub(crate) const EXPIRED_ITERATOR: &str = "ExpiredIteratorException";
pub(crate) const NOT_FOUND: &str = "ResourceNotFoundException";
pub(crate) const CONDITION_FAILED: &str = "ConditionalCheckFailedException";

const fn definite(code: &'static str, meaning: &'static str) -> ErrorCode {
    ErrorCode {
        code,
        effect: Effect::Definite,
        meaning,
    }
}

const fn indefinite(code: &'static str, meaning: &'static str) -> ErrorCode {
    ErrorCode {
        code,
        effect: Effect::Indefinite,
        meaning,
    }
}

/// The table: the transport's codes first, then DynamoDB's by name.
pub(crate) const ERRORS: &[ErrorCode] = &[
    definite(
        CONNECTION_REFUSED,
        "nobody listened at the endpoint, so nothing was sent",
    ),
    definite(
        CONNECT_FAILED,
        "the connection could not be opened, so nothing was sent",
    ),
    definite(
        CONNECT_TIMEOUT,
        "the connection was not open within the time limit, so nothing was sent",
    ),
    definite(
        TLS_FAILED,
        "TLS could not be agreed on (a certificate, a version), so nothing was sent",
    ),
    definite(
        NOT_SENT,
        "the connection was lost before any byte of the request was written",
    ),
    indefinite(
        CONNECTION_RESET,
        "the connection was reset after the request may have been sent",
    ),
    indefinite(
        CONNECTION_CLOSED,
        "the connection ended before the whole answer was read",
    ),
    indefinite(TIMEOUT, "no whole answer within the time limit"),
    indefinite(
        HTTP_5XX,
        "a status of 500 or above without a registered error name",
    ),
    indefinite(
        BAD_REPLY,
        "an answer that is no well-formed DynamoDB answer to the request",
    ),
    definite(
        CORRUPT_VALUE,
        "a read of a load brought a value that no operation writes to that item",
    ),
    definite(
        ADAPTER_REFUSED,
        "the adapter reported an error and that nothing was done",
    ),
    indefinite(
        ADAPTER_UNSURE,
        "the adapter reported an error after which nobody knows what was done",
    ),
    indefinite(
        FORETOLD,
        "nobody asked for it: the store does this by itself, in its own time",
    ),
    definite(NO_STREAM, "the table has no stream to read"),
    indefinite(
        UNREGISTERED,
        "an error name that this table does not hold; the harness log has it",
    ),
    definite("AccessDeniedException", "the credentials may not do this"),
    definite(
        CONDITION_FAILED,
        "the condition of a write did not hold; the write was not applied",
    ),
    definite(
        EXPIRED_ITERATOR,
        "the place in a stream was asked for too long ago; it is asked for again",
    ),
    definite(
        "ExpiredTokenException",
        "the session token had expired; nothing was done",
    ),
    definite(
        "IdempotentParameterMismatchException",
        "a client token was used again with another request",
    ),
    definite(
        "IncompleteSignatureException",
        "the signature was not complete; nothing was done",
    ),
    indefinite("InternalFailure", "the server failed while working on it"),
    indefinite(
        "InternalServerError",
        "the server failed while working on it",
    ),
    definite(
        "InvalidSignatureException",
        "the signature did not match; nothing was done",
    ),
    definite(
        "ItemCollectionSizeLimitExceededException",
        "an item collection was full; nothing was written",
    ),
    definite(
        "LimitExceededException",
        "too many control-plane operations at once",
    ),
    definite(
        "MissingAuthenticationTokenException",
        "there was no signature; nothing was done",
    ),
    definite(
        "ProvisionedThroughputExceededException",
        "throttled by the table's throughput; nothing was done",
    ),
    definite(
        "ReplicatedWriteConflictException",
        "another region is writing the item (strong global tables)",
    ),
    definite(
        "RequestLimitExceeded",
        "throttled by the account's limits; nothing was done",
    ),
    definite(
        "ResourceInUseException",
        "the table is being created or deleted, or exists already",
    ),
    definite(NOT_FOUND, "there is no such table, or no such stream"),
    definite(
        "SerializationException",
        "the request's JSON was refused; nothing was done",
    ),
    indefinite(
        "ServiceUnavailable",
        "the server could not say what became of it",
    ),
    definite("ThrottlingException", "throttled; nothing was done"),
    definite(
        "TransactionCanceledException",
        "a transaction was cancelled as a whole",
    ),
    definite(
        "TransactionConflictException",
        "a transaction was working on the item; nothing was done",
    ),
    definite(
        "TransactionInProgressException",
        "the same transaction is being worked on by another request",
    ),
    definite(
        "TrimmedDataAccessException",
        "the place in a stream is older than what the stream still has",
    ),
    definite(
        "UnknownOperationException",
        "the server does not have this operation",
    ),
    definite(
        "UnrecognizedClientException",
        "the access key is not known; nothing was done",
    ),
    definite(
        "ValidationException",
        "the request was refused as not valid; nothing was done",
    ),
];

/// The row of a code.
pub(crate) fn look_up(code: &str) -> Option<&'static ErrorCode> {
    ERRORS.iter().find(|row| row.code == code)
}

/// The registered code of an outcome that is no success.
pub(crate) fn of(outcome: &EventKind) -> Option<&'static str> {
    match outcome {
        EventKind::Ok(_) => None,
        EventKind::Fail { error, .. } | EventKind::Info { error } => {
            Some(look_up(error).map_or(UNREGISTERED, |row| row.code))
        }
        EventKind::Invoke(_) => unreachable!("an attempt does not end with its beginning"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_there_once_with_a_meaning() {
        for row in ERRORS {
            assert_eq!(
                ERRORS.iter().filter(|other| other.code == row.code).count(),
                1,
                "{}",
                row.code
            );
            assert!(
                row.meaning.len() > 15 && !row.meaning.ends_with('.'),
                "{}",
                row.code
            );
        }
    }

    #[test]
    fn whatever_the_client_names_is_registered() {
        let sent = [
            CONNECTION_RESET,
            CONNECTION_CLOSED,
            TIMEOUT,
            HTTP_5XX,
            BAD_REPLY,
            UNREGISTERED,
        ];
        let unsent = [
            CONNECTION_REFUSED,
            CONNECT_FAILED,
            CONNECT_TIMEOUT,
            TLS_FAILED,
            NOT_SENT,
            CONDITION_FAILED,
        ];
        for code in sent {
            assert_eq!(
                look_up(code).map(|row| row.effect),
                Some(Effect::Indefinite),
                "{code}"
            );
        }
        for code in unsent {
            assert_eq!(
                look_up(code).map(|row| row.effect),
                Some(Effect::Definite),
                "{code}"
            );
        }
    }

    #[test]
    fn what_a_server_says_after_starting_to_work_is_indefinite() {
        for code in [
            "InternalServerError",
            "InternalFailure",
            "ServiceUnavailable",
        ] {
            assert_eq!(
                look_up(code).map(|row| row.effect),
                Some(Effect::Indefinite),
                "{code}"
            );
        }
    }
}
