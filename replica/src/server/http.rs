//! Connections: accepted up to a limit, served with HTTP/1.1, and let finish their request at shutdown.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::routes::Routes;

/// A connection on which no request's headers arrive for this long is closed: an idle one, or one that trickles.
const HEADER_TIMEOUT: Duration = Duration::from_secs(120);
/// How long requests in work may take to finish at shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait when the system has no file descriptor for the next connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop` turns true, then lets the requests in work finish.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Arc<Routes>,
    connections_max: usize,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let stopping = stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < connections_max => {
                    connections.spawn(connection(stream, Arc::clone(&routes), stopping.clone()));
                }
                Ok((stream, from)) => {
                    tracing::warn!(%from, connections_max, "connection closed: too many are open");
                    drop(stream);
                }
                Err(error) => {
                    tracing::error!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stop) => break,
        }
    }
    drop(listener);
    let open = connections.len();
    let drain = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIMEOUT, drain).await.is_err() {
        tracing::warn!(
            open,
            "requests in work did not finish in time; their connections are cut"
        );
    }
}

async fn connection(stream: TcpStream, routes: Arc<Routes>, mut stop: watch::Receiver<bool>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| {
        let routes = Arc::clone(&routes);
        async move { Ok::<_, Infallible>(routes.answer(request).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        // A client that went away is no event: it knows.
        _ = serving.as_mut() => return,
        () = stopped(&mut stop) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

/// Waits until the server is told to end, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
