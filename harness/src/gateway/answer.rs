//! What the gateway says itself, in the JSON form in which DynamoDB reports errors, so that CLIs and SDKs show the message.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};

use super::scope::ScopeError;

/// The body of an answer: a region's, streamed, or our own.
pub(super) type Body = BoxBody<Bytes, hyper::Error>;

/// AWS's own name for a request without a signature; SDKs do not retry it.
pub(super) fn no_region(error: ScopeError, regions: &[String]) -> Response<Body> {
    let message = format!(
        "{error}. This port routes by the region in the signature: sign for one of {} (aws CLI: --region, any credentials), or use a region's own port",
        regions.join(", ")
    );
    let kind = match error {
        ScopeError::Missing | ScopeError::OtherScheme => "MissingAuthenticationTokenException",
        ScopeError::NoScope => "IncompleteSignatureException",
    };
    refuse(StatusCode::BAD_REQUEST, kind, &message)
}

pub(super) fn unknown_region(region: &str, regions: &[String]) -> Response<Body> {
    let message = format!(
        "Region {region:?} is not part of this cluster. Its regions are {}. Use one of them (--region or AWS_REGION), or start the cluster with --regions",
        regions.join(", ")
    );
    refuse(StatusCode::BAD_REQUEST, "ValidationException", &message)
}

/// Retryable, as the same from AWS would be.
pub(super) fn unreachable_region(region: &str, reason: &str) -> Response<Body> {
    let message = format!("Region {region} cannot be reached: {reason}. Is its process running?");
    refuse(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailable",
        &message,
    )
}

fn refuse(status: StatusCode, kind: &str, message: &str) -> Response<Body> {
    let kind = format!("com.amazon.coral.service#{kind}");
    let text = serde_json::json!({ "__type": kind, "message": message }).to_string();
    let body = Full::from(text).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    headers.insert(
        HeaderName::from_static("x-amzn-requestid"),
        HeaderValue::from_static("GATEWAY0000000000000000000000000000000000000000000000"),
    );
    response
}
