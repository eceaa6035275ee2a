//! Links to the peers: one task and one kept connection for each, calls one after the other.
//!
//! A link decides nothing: when to call, what to do after a failure and how long to wait before the next attempt is the core's. A failed or
//! late call costs the connection, since its answer could otherwise be taken for the next call's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::options::PeerAddress;
use super::peer_key::{Half, PeerKey, SIGNATURE_HEADER};
use super::shell::Shell;
use crate::core::{CallId, Input, Region};

/// Where peers call each other.
pub(crate) const PEER_PATH: &str = "/_dateline/peer";
/// More than any batch that a core sends or answers.
pub(crate) const PEER_BODY_MAX_BYTES: usize = 64 << 20;
/// Calls that may wait for their turn on a link.
const QUEUE_CALLS: usize = 256;

/// A call to carry out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    id: CallId,
    body: Vec<u8>,
    deadline: Instant,
}

impl Outgoing {
    /// A call whose deadline counts from now.
    pub(crate) fn new(id: CallId, body: Vec<u8>, deadline_ms: u64) -> Self {
        Self {
            id,
            body,
            deadline: Instant::now() + Duration::from_millis(deadline_ms),
        }
    }
}

/// The calls that wait for their turn.
#[derive(Debug)]
pub(crate) struct LinkQueue(mpsc::Sender<Outgoing>);

impl LinkQueue {
    /// A queue and its other end.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Outgoing>) {
        let (tx, rx) = mpsc::channel(QUEUE_CALLS);
        (Self(tx), rx)
    }

    /// Adds a call, or answers false when too many wait already.
    pub(crate) fn push(&self, call: Outgoing) -> bool {
        // At shutdown the links end before the core does, and nobody waits for their answers any more.
        !matches!(
            self.0.try_send(call),
            Err(mpsc::error::TrySendError::Full(_))
        )
    }
}

/// The link from this region to one peer.
pub(crate) struct Link {
    pub(crate) region: Region,
    pub(crate) address: PeerAddress,
    pub(crate) key: Option<PeerKey>,
    pub(crate) queue: mpsc::Receiver<Outgoing>,
}

/// A kept connection; dropping it closes it.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Link {
    /// Carries out calls until the server ends.
    pub(crate) async fn run(mut self, shell: Arc<Shell>) {
        let mut connection = None;
        while let Some(Outgoing { id, body, deadline }) = self.queue.recv().await {
            let call = self.call(&mut connection, Bytes::from(body));
            let result = match tokio::time::timeout_at(deadline, call).await {
                Ok(result) => result,
                Err(_) => Err(format!(
                    "no answer from {} before the deadline",
                    self.address
                )),
            };
            if result.is_err() {
                connection = None;
            }
            shell.tell(Input::Answered {
                id,
                from: self.region.clone(),
                result,
            });
        }
    }

    async fn call(
        &self,
        connection: &mut Option<Connection>,
        body: Bytes,
    ) -> Result<Vec<u8>, String> {
        let mut kept = match connection.take().filter(|kept| !kept.sender.is_closed()) {
            Some(kept) => kept,
            None => self.connect().await?,
        };
        let mut request = Request::post(PEER_PATH)
            .header(
                "host",
                format!("{}:{}", self.address.host, self.address.port),
            )
            .header("content-type", "application/octet-stream");
        if let Some(key) = &self.key {
            request = request.header(SIGNATURE_HEADER, key.sign(Half::Call, &self.region, &body));
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| self.failed(&error))?;
        let response = kept
            .sender
            .send_request(request)
            .await
            .map_err(|error| self.failed(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, PEER_BODY_MAX_BYTES).collect().await;
        let body = body
            .map_err(|error| self.failed(error.as_ref()))?
            .to_bytes();
        if head.status != StatusCode::OK {
            let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            return Err(format!("{} answered {}: {text}", self.address, head.status));
        }
        if let Some(key) = &self.key {
            let signature = head.headers.get(SIGNATURE_HEADER);
            let signature = signature.map_or(&b""[..], |value| value.as_bytes());
            if !key.verify(Half::Answer, &self.region, &body, signature) {
                return Err(format!("{} answered without our key", self.address));
            }
        }
        *connection = Some(kept);
        Ok(body.into())
    }

    async fn connect(&self) -> Result<Connection, String> {
        let target = (self.address.host.as_str(), self.address.port);
        let stream = TcpStream::connect(target)
            .await
            .map_err(|error| self.failed(&error))?;
        stream
            .set_nodelay(true)
            .map_err(|error| self.failed(&error))?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.failed(&error))?;
        let driver = tokio::spawn(async move {
            // How a connection ended is told to the call that waits on it.
            let _ = driver.await;
        });
        Ok(Connection {
            sender,
            driver: driver.abort_handle(),
        })
    }

    fn failed(&self, error: &dyn std::error::Error) -> String {
        let mut text = format!("{}: {error}", self.address);
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }
}
