//! One kept connection to a replica, one request under way on it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// How long an answer may take before nobody waits for it any more.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// A connection.
pub(crate) struct Client(SendRequest<Full<Bytes>>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Self(sender))
    }

    /// The bytes of a successful answer.
    pub(crate) async fn call(&mut self, operation: &str, body: String) -> anyhow::Result<Bytes> {
        let request = Request::post("/")
            .header("host", "localhost")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
            .body(Full::new(Bytes::from(body)))?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let text = || String::from_utf8_lossy(&body).into_owned();
        anyhow::ensure!(status.is_success(), "{operation}: {status}: {}", text());
        Ok(body)
    }

    /// The JSON of a successful answer, which must come in time.
    pub(crate) async fn ask(&mut self, operation: &str, body: Value) -> anyhow::Result<Value> {
        let answer = tokio::time::timeout(ANSWER_LIMIT, self.call(operation, body.to_string()));
        Ok(serde_json::from_slice(&answer.await??)?)
    }

    /// What `GET /health` says.
    pub(crate) async fn health(&mut self) -> anyhow::Result<Value> {
        let request = Request::get("/health")
            .header("host", "localhost")
            .body(Full::default())?;
        let response = self.0.send_request(request).await?;
        let body = response.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }
}
