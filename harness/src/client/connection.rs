//! One HTTP/1.1 connection, owned by one slot: opened when first needed, closed after any doubt. A second one where streams have a host of their own.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};

use super::{Endpoint, errors, sigv4, tls};

/// What a stream is asked for with.
const OF_STREAMS: [&str; 4] = [
    "ListStreams",
    "DescribeStream",
    "GetShardIterator",
    "GetRecords",
];

/// The API that an operation belongs to, with its version, as every request names it.
fn api(operation: &str) -> &'static str {
    if OF_STREAMS.contains(&operation) {
        "DynamoDBStreams_20120810"
    } else {
        "DynamoDB_20120810"
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// What kept the connection from bringing an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Transport {
    #[error("nobody listens there")]
    Refused,
    #[error("the connection could not be opened")]
    ConnectFailed,
    #[error("TLS could not be agreed on")]
    Tls,
    #[error("the connection was lost before the request was sent")]
    NotSent,
    #[error("the connection was reset")]
    Reset,
    #[error("the connection ended before the answer did")]
    Closed,
}

impl Transport {
    /// Its row in the table of errors.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Refused => errors::CONNECTION_REFUSED,
            Self::ConnectFailed => errors::CONNECT_FAILED,
            Self::Tls => errors::TLS_FAILED,
            Self::NotSent => errors::NOT_SENT,
            Self::Reset => errors::CONNECTION_RESET,
            Self::Closed => errors::CONNECTION_CLOSED,
        }
    }
}

/// A connection that is open or not.
pub(crate) struct Connection {
    endpoint: Endpoint,
    signer: sigv4::Signer,
    open: Option<Open>,
    is_connecting: bool,
    /// The way to the host of its streams, if that is another.
    streams: Option<Box<Connection>>,
}

struct Open {
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; ending it closes the socket at once.
    driver: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(crate) fn new(mut endpoint: Endpoint) -> Self {
        let streams = endpoint.streams.take();
        let signer = sigv4::Signer::new(
            endpoint.credentials.clone(),
            endpoint.region.clone(),
            endpoint.host.clone(),
        );
        Self {
            endpoint,
            signer,
            open: None,
            is_connecting: false,
            streams: streams.map(|endpoint| Box::new(Self::new(*endpoint))),
        }
    }

    /// Whether the last call was given up before its connection was open.
    pub(crate) fn is_connecting(&self) -> bool {
        let streams = self.streams.as_ref();
        self.is_connecting || streams.is_some_and(|streams| streams.is_connecting)
    }

    /// Closes the connection; the next request opens another.
    pub(crate) fn close(&mut self) {
        self.open = None;
        if let Some(streams) = &mut self.streams {
            streams.close();
        }
    }

    /// Sends one request and reads the whole answer.
    pub(crate) async fn send(&mut self, operation: &str, body: Bytes) -> Result<Answer, Transport> {
        if let Some(streams) = &mut self.streams
            && OF_STREAMS.contains(&operation)
        {
            return Box::pin(streams.send(operation, body)).await;
        }
        let target = format!("{}.{operation}", api(operation));
        let request = self.signer.sign(&target, body);
        let sender = self.sender().await?;
        let answered = match sender.try_send_request(request).await {
            Ok(response) => {
                let status = response.status().as_u16();
                response
                    .into_body()
                    .collect()
                    .await
                    .map_err(|error| doubt(&error))
                    .map(|body| Answer {
                        status,
                        body: body.to_bytes(),
                    })
            }
            // hyper hands the request back iff it has not written any of it.
            Err(mut failure) => match failure.take_message() {
                Some(_unsent) => Err(Transport::NotSent),
                None => Err(doubt(failure.error())),
            },
        };
        if answered.is_err() {
            self.close();
        }
        answered
    }

    /// An open connection: the one at hand if the server has not closed it, else a new one. Nothing has been sent on either.
    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Transport> {
        let is_usable = match &mut self.open {
            Some(open) => open.sender.ready().await.is_ok(),
            None => false,
        };
        if !is_usable {
            self.open = None;
            self.is_connecting = true;
            let opened = open(&self.endpoint).await;
            self.is_connecting = false;
            self.open = Some(opened?);
        }
        Ok(&mut self.open.as_mut().expect("it was opened just above").sender)
    }
}

async fn open(endpoint: &Endpoint) -> Result<Open, Transport> {
    let stream = TcpStream::connect(endpoint.address)
        .await
        .map_err(|error| {
            let is_refused = error.kind() == std::io::ErrorKind::ConnectionRefused;
            if is_refused {
                Transport::Refused
            } else {
                Transport::ConnectFailed
            }
        })?;
    // Nagle's delay would be measured as the region's.
    stream
        .set_nodelay(true)
        .map_err(|_| Transport::ConnectFailed)?;
    match &endpoint.tls {
        None => speak(stream).await,
        Some(tls) => {
            let greeted = tls.connect(stream).await.map_err(|error| {
                // What breaks off in the middle of a greeting is a link's fault, not a certificate's.
                if tls::is_refusal(&error) {
                    Transport::Tls
                } else {
                    Transport::ConnectFailed
                }
            });
            speak(greeted?).await
        }
    }
}

/// HTTP over an open connection.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<Open, Transport> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Transport::ConnectFailed)?;
    let driver = tokio::spawn(async move {
        // How it ended is told to whoever waits for an answer on it.
        let _ = connection.await;
    });
    Ok(Open { sender, driver })
}

/// Something may have been sent: which of the two indefinite codes.
fn doubt(error: &hyper::Error) -> Transport {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::ConnectionReset
        {
            return Transport::Reset;
        }
        source = cause.source();
    }
    Transport::Closed
}
