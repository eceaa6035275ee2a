//! DynamoDB's JSON, both ways: bytes to [`Request`], [`Response`] and [`ApiError`] to bytes. Pure: no sockets, no clock.

use crate::core::{ApiError, ErrorKind, Request, Response};

/// The largest body that a request may have; a larger one is answered 413 by the server.
pub const BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Reads a request: its `X-Amz-Target`, its `Content-Type`, its body.
///
/// # Errors
/// What AWS answers to a request that is malformed, before any table is looked at.
pub fn parse(
    _target: Option<&str>,
    _content_type: Option<&str>,
    _body: &[u8],
) -> Result<Request, ApiError> {
    Err(ApiError::new(ErrorKind::UnknownOperation, ""))
}

/// The body of a successful answer.
#[must_use]
pub fn render(_response: &Response) -> Vec<u8> {
    Vec::new()
}

/// The HTTP status and body of a refusal.
#[must_use]
pub fn render_error(_error: &ApiError) -> (u16, Vec<u8>) {
    (400, Vec::new())
}

/// The value of `x-amz-crc32` for a body.
#[must_use]
pub fn crc32(body: &[u8]) -> u32 {
    crc32fast::hash(body)
}

/// A request id as AWS forms them: 52 characters of `0-9A-Z`. Distinct for distinct numbers under one seed.
#[must_use]
pub fn request_id(_seed: u64, _number: u64) -> String {
    String::new()
}
