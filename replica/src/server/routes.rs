//! What is served where.
//!
//! | method and path        | what                                                        |
//! |------------------------|-------------------------------------------------------------|
//! | `POST /`               | the DynamoDB API                                            |
//! | `GET /`                | DynamoDB's own liveness line                                |
//! | `GET /health`          | state of the server, its clock and its core, as JSON        |
//! | `GET /metrics`         | counts and lags, in Prometheus' text format                 |
//! | `POST /_dateline/peer` | a peer's call, in the core's own bytes                      |

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};

use super::clock;
use super::health;
use super::metrics::{self, RequestCounts};
use super::peer_key::{Half, PeerKey, SIGNATURE_HEADER};
use super::peers::{PEER_BODY_MAX_BYTES, PEER_PATH};
use super::shell::{Shell, poisoned};
use super::sigv4::{self, Credentials, Signed};
use crate::core::{self as api, ApiError, ErrorKind, Region};
use crate::wire;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");

/// How long a request's body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// A whole answer.
pub(crate) type Reply = Response<Full<Bytes>>;

/// Everything that answering a request needs.
#[derive(Debug)]
pub(crate) struct Routes {
    pub(crate) shell: Arc<Shell>,
    pub(crate) region: Region,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) peer_key: Option<PeerKey>,
    pub(crate) requests_max: usize,
    pub(crate) in_work: AtomicUsize,
    pub(crate) requests: RequestCounts,
    pub(crate) id_seed: u64,
    pub(crate) last_id: AtomicU64,
}

/// Why a body was not read.
enum Unread {
    TooLarge,
    Broken,
}

impl Routes {
    /// Answers any request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        match (&head.method, head.uri.path()) {
            (&Method::POST, "/") => self.api(&head, body).await,
            (&Method::POST, PEER_PATH) => self.peer(&head.headers, body).await,
            (&Method::GET, "/") => plain(
                StatusCode::OK,
                format!("healthy: dynamodb.{}.amazonaws.com ", self.region),
            ),
            (&Method::GET, "/health") => health::reply(&self.shell, &self.region),
            (&Method::GET, "/metrics") => metrics::reply(&self.shell, &self.requests),
            (method, path) => plain(
                StatusCode::NOT_FOUND,
                format!("{method} {path} is not served here\n"),
            ),
        }
    }

    async fn api(&self, head: &Parts, body: Incoming) -> Reply {
        let (status, body) = match read(body, wire::BODY_MAX_BYTES).await {
            Ok(body) => match self.carry_out(head, &body).await {
                Ok(response) => (StatusCode::OK, wire::render(&response)),
                Err(error) => {
                    let (status, body) = wire::render_error(&error);
                    let status = StatusCode::from_u16(status);
                    (status.expect("wire answers with real statuses"), body)
                }
            },
            Err(Unread::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, Vec::new()),
            Err(Unread::Broken) => (StatusCode::BAD_REQUEST, Vec::new()),
        };
        self.requests.add(head.headers.get(TARGET), status);
        let mut reply = Response::new(Full::default());
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        let content_type = head.headers.get(CONTENT_TYPE).cloned();
        let default = HeaderValue::from_static("application/x-amz-json-1.0");
        headers.insert(CONTENT_TYPE, content_type.unwrap_or(default));
        let number = self.last_id.fetch_add(1, Ordering::Relaxed);
        let id = wire::request_id(self.id_seed, number);
        headers.insert(
            REQUEST_ID,
            HeaderValue::try_from(id).expect("letters and digits"),
        );
        headers.insert(CRC32, HeaderValue::from(wire::crc32(&body)));
        *reply.body_mut() = Full::new(Bytes::from(body));
        reply
    }

    /// One request of the API, from its bytes to the core's answer.
    async fn carry_out(&self, head: &Parts, body: &[u8]) -> Result<api::Response, ApiError> {
        let Some(_permit) = Permit::take(&self.in_work, self.requests_max) else {
            return Err(ApiError::new(
                ErrorKind::ServiceUnavailable,
                "The service is temporarily unable to handle the request: too many are in work.",
            ));
        };
        let text = |name| {
            head.headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let request = wire::parse(text(TARGET.as_str()), text(CONTENT_TYPE.as_str()), body);
        // AWS looks at the form of the body first, then at who asks, and only then at what is asked.
        if let Err(error) = &request
            && matches!(
                error.kind,
                ErrorKind::Serialization | ErrorKind::UnknownOperation
            )
        {
            return Err(error.clone());
        }
        self.authenticate(head, body)?;
        let answer = self.shell.request(request?).get().await;
        answer.unwrap_or_else(|| Err(poisoned(&self.shell.poison)))
    }

    fn authenticate(&self, head: &Parts, body: &[u8]) -> Result<(), ApiError> {
        let Some(credentials) = &self.credentials else {
            return sigv4::check_presence(&head.headers);
        };
        let signed = Signed {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            body,
        };
        sigv4::verify(credentials, &self.region, clock::system_ms(), &signed)
    }

    async fn peer(&self, headers: &HeaderMap, body: Incoming) -> Reply {
        let body = match read(body, PEER_BODY_MAX_BYTES).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => {
                return plain(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the call is too large\n".to_owned(),
                );
            }
            Err(Unread::Broken) => {
                return plain(StatusCode::BAD_REQUEST, "the call broke off\n".to_owned());
            }
        };
        if let Some(key) = &self.peer_key {
            let signature = headers
                .get(SIGNATURE_HEADER)
                .map_or(&b""[..], HeaderValue::as_bytes);
            if !key.verify(Half::Call, &self.region, &body, signature) {
                tracing::warn!(
                    "a call without our peer key was refused; do all regions have the same --peer-key-file, and does each --peer name the region that listens there?"
                );
                return plain(
                    StatusCode::FORBIDDEN,
                    format!("{}: not signed with this region's peer key\n", self.region),
                );
            }
        }
        let Some(answer) = self.shell.called(body.into()).get().await else {
            let text = poisoned(&self.shell.poison).message;
            return plain(StatusCode::INTERNAL_SERVER_ERROR, text);
        };
        let mut reply = Response::new(Full::default());
        if let Some(key) = &self.peer_key {
            let signature = key.sign(Half::Answer, &self.region, &answer);
            let signature = HeaderValue::try_from(signature).expect("hexadecimal");
            reply.headers_mut().insert(SIGNATURE_HEADER, signature);
        }
        *reply.body_mut() = Full::new(Bytes::from(answer));
        reply
    }
}

/// One of a limited number of requests in work.
struct Permit<'a>(&'a AtomicUsize);

impl<'a> Permit<'a> {
    fn take(in_work: &'a AtomicUsize, max: usize) -> Option<Self> {
        // Made before the comparison, so that a refusal gives its count back by dropping it.
        let before = in_work.fetch_add(1, Ordering::Relaxed);
        let permit = Self(in_work);
        (before < max).then_some(permit)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads a whole body, up to a limit and in bounded time.
async fn read(body: Incoming, limit: usize) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Unread::TooLarge);
    }
    let whole = Limited::new(body, limit).collect();
    match tokio::time::timeout(BODY_TIMEOUT, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) | Err(_) => Err(Unread::Broken),
    }
}

/// An answer for people.
pub(crate) fn plain(status: StatusCode, text: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(text)));
    *reply.status_mut() = status;
    reply
}
