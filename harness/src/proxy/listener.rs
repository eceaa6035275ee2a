//! The listening end of a link: accepts, refuses, and refuses as well while nobody listens upstream.
//!
//! A refused connection must look refused (`ECONNREFUSED`), because a client may then say that its request definitely did not happen. So
//! the listener is closed for real, and a socket that is bound but does not listen keeps the port from being taken meanwhile.

use std::{
    io,
    net::{SocketAddr, TcpListener as PlainListener},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    connection::{self, Ended},
    fault::Passage,
    link::Link,
};

/// Connections of one link at the same time; more wait in the listener's backlog.
const CONNECTIONS_MAX: usize = 4096;
/// How many may wait to be accepted.
const BACKLOG: u32 = 1024;
/// How often a dead upstream is tried.
const RETRY: Duration = Duration::from_millis(20);
/// How long it has to answer: whoever answers not at all may be alive.
const ANSWER: Duration = Duration::from_millis(500);

/// A port that is ours, whether or not we listen on it.
pub(super) enum Port {
    Listening(TcpListener),
    Bound(TcpSocket),
}

impl Port {
    /// Takes a port and listens on it. Must be called inside a runtime.
    pub(super) fn open(address: SocketAddr) -> io::Result<Port> {
        if address.port() != 0 {
            // Our sockets share ports with each other, so only a plain socket notices that somebody else has this one.
            drop(PlainListener::bind(address)?);
        }
        Ok(Port::Listening(bind(address)?.listen(BACKLOG)?))
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Port::Listening(listener) => listener.local_addr(),
            Port::Bound(socket) => socket.local_addr(),
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves a link until it is closed or its runtime ends.
pub(super) async fn run(mut port: Port, link: Arc<Link>) {
    let mut connections = JoinSet::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut state = link.state.subscribe();
    let mut upstream_is_dead = false;
    loop {
        if state.borrow_and_update().closed {
            drop(port);
            connections.shutdown().await;
            link.ended.notify_one();
            return;
        }
        let refuse = {
            let state = state.borrow();
            // Through a cut link nobody learns that the other end is dead.
            state.refuses() || (upstream_is_dead && state.passage() == Passage::Open)
        };
        port = match turn(port, refuse, link.address()) {
            Ok(port) => port,
            Err(error) => {
                link.die(format!(
                    "the link {} lost its port {}: {error}",
                    link.name(),
                    link.address()
                ));
                return;
            }
        };
        match &port {
            Port::Bound(_) => tokio::select! {
                changed = state.changed() => assert!(changed.is_ok(), "the link outlives its listener"),
                () = sleep(RETRY), if upstream_is_dead => upstream_is_dead = is_dead(&link).await,
            },
            Port::Listening(listener) => tokio::select! {
                changed = state.changed() => assert!(changed.is_ok(), "the link outlives its listener"),
                accepted = accept(listener, &places) => match accepted {
                    Ok((stream, from, place)) => {
                        let link = Arc::clone(&link);
                        connections.spawn(async move {
                            let ended = serve(stream, from, link).await;
                            drop(place);
                            ended
                        });
                    }
                    Err(error) => {
                        tracing::warn!(link = link.name(), %error, "cannot accept; out of file descriptors?");
                        sleep(RETRY).await;
                    }
                },
                Some(ended) = connections.join_next() => {
                    upstream_is_dead = matches!(ended, Ok(Ended::UpstreamRefused));
                }
            },
        }
        while let Some(ended) = connections.try_join_next() {
            upstream_is_dead |= matches!(ended, Ok(Ended::UpstreamRefused));
        }
    }
}

/// A connection that somebody opened, and its place among those that may be open.
type Accepted = (TcpStream, SocketAddr, OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<Accepted> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let (stream, from) = listener.accept().await?;
    Ok((stream, from, place))
}

/// Carries a connection that somebody opened, and counts it.
pub(super) async fn serve(stream: TcpStream, from: SocketAddr, link: Arc<Link>) -> Ended {
    let number = link.accepted.fetch_add(1, Ordering::Relaxed);
    link.open.fetch_add(1, Ordering::Relaxed);
    let ended = connection::carry(stream, from, number, &link).await;
    link.open.fetch_sub(1, Ordering::Relaxed);
    ended
}

async fn is_dead(link: &Link) -> bool {
    let upstream = link.state.borrow().upstream;
    let answer = timeout(ANSWER, TcpStream::connect(upstream)).await;
    matches!(answer, Ok(Err(_)))
}

/// Listens, or stops listening and keeps the port.
fn turn(port: Port, refuse: bool, address: SocketAddr) -> io::Result<Port> {
    match (port, refuse) {
        (Port::Listening(listener), true) => {
            let socket = bind(address)?;
            drop(listener);
            Ok(Port::Bound(socket))
        }
        (Port::Bound(socket), false) => Ok(Port::Listening(socket.listen(BACKLOG)?)),
        (port @ Port::Listening(_), false) | (port @ Port::Bound(_), true) => Ok(port),
    }
}
