//! Does a link carry bytes? A probe is a connection through the real listener and the real pumps that ends in a sink of ours.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, mpsc},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use super::link::Link;

/// What a probe sends each way.
const WORD: &[u8; 8] = b"dateline";

/// Which directions carried a probe in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// From the opener to the other end.
    pub(crate) forward: bool,
    /// Back to the opener.
    pub(crate) backward: bool,
    /// Neither, because the link refuses connections: it is told to, or nobody listens at its far end.
    pub(crate) refused: bool,
}

/// Probes all these links at the same time and says what each carried within the limit. A probe goes through the real listener and pumps but
/// ends in a sink of ours, so it tells a cut link from a region that does not answer; one whose port nobody holds makes the link refuse it. Blocks; not to be called on the proxy's own thread.
pub(crate) fn probe_all(links: &[Arc<Link>], within: Duration) -> Vec<Carried> {
    let waiting: Vec<mpsc::Receiver<Carried>> = links
        .iter()
        .map(|link| {
            let (tx, rx) = mpsc::channel();
            let probed = Arc::clone(link);
            link.runtime.spawn(async move {
                tx.send(probe(&probed, within).await).ok();
            });
            rx
        })
        .collect();
    // A sender is dropped unused only when the proxy was shut down: then nothing is carried.
    waiting
        .into_iter()
        .map(|rx| rx.recv().unwrap_or_default())
        .collect()
}

/// Sends a word each way, independently of each other.
async fn probe(link: &Link, within: Duration) -> Carried {
    let (opener, far) = match timeout(within, connect(link)).await {
        Ok(Ok(ends)) => ends,
        Ok(Err(error)) => {
            return Carried {
                // Reset: the link stopped listening in the middle of it.
                refused: matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
                ),
                ..Carried::default()
            };
        }
        Err(_elapsed) => return Carried::default(),
    };
    let (mut opener_read, mut opener_write) = opener.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let forward = timeout(within, pass(&mut opener_write, &mut far_read));
    let backward = timeout(within, pass(&mut far_write, &mut opener_read));
    let (forward, backward) = tokio::join!(forward, backward);
    Carried {
        forward: matches!(forward, Ok(Ok(()))),
        backward: matches!(backward, Ok(Ok(()))),
        refused: false,
    }
}

/// A connection through the link and its far end.
async fn connect(link: &Link) -> io::Result<(TcpStream, TcpStream)> {
    let any = SocketAddr::new(link.address().ip(), 0);
    let sink = TcpListener::bind(any).await?;
    let socket = TcpSocket::new_v4()?;
    socket.bind(any)?;
    let registered = Registered::new(link, socket.local_addr()?, sink.local_addr()?);
    let opener = socket.connect(link.address()).await?;
    let far = tokio::select! {
        accepted = sink.accept() => accepted?.0,
        // Nothing can have been sent yet: it is the end of a connection that waited in the backlog of a link that stopped listening.
        _ = opener.readable() => return Err(io::ErrorKind::ConnectionRefused.into()),
    };
    drop(registered);
    Ok((opener, far))
}

async fn pass(
    from: &mut (impl AsyncWriteExt + Unpin),
    to: &mut (impl AsyncReadExt + Unpin),
) -> io::Result<()> {
    let mut arrived = [0; WORD.len()];
    from.write_all(WORD).await?;
    to.read_exact(&mut arrived).await?;
    if &arrived == WORD {
        Ok(())
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// The listener leads this address to our sink, for as long as this lives.
struct Registered<'a> {
    link: &'a Link,
    from: SocketAddr,
}

impl Registered<'_> {
    fn new(link: &Link, from: SocketAddr, sink: SocketAddr) -> Registered<'_> {
        link.probes().insert(from, sink);
        Registered { link, from }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.link.probes().remove(&self.from);
    }
}
