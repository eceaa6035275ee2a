//! One listener in front of several links: for regions that tell everybody the same address of theirs.
//!
//! A link stands for one ordered pair of regions, so each pair can be cut alone; but a store whose members gossip one address each leaves no
//! room for a link per pair. A gate is that one address. Whoever connects is told apart by the address that it connects from, so each
//! region needs a loopback address of its own, and the connection goes on over the link from that region.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{runtime::Handle, task::JoinSet, time::sleep};

use super::{
    link::Link,
    listener::{Port, serve},
};

/// After a failed accept: file descriptors come back.
const RETRY: Duration = Duration::from_millis(20);

/// Opens a gate on this runtime, and says where it listens. Whoever comes from nowhere is turned away.
pub(super) fn open(links: Vec<(IpAddr, Arc<Link>)>, runtime: &Handle) -> io::Result<SocketAddr> {
    let _context = runtime.enter();
    let port = Port::open(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = port.address()?;
    runtime.spawn(run(port, links));
    Ok(address)
}

async fn run(port: Port, links: Vec<(IpAddr, Arc<Link>)>) {
    let mut connections = JoinSet::new();
    let Port::Listening(listener) = port else {
        unreachable!("a port listens when it is opened");
    };
    loop {
        match listener.accept().await {
            Ok((stream, from)) => match links.iter().find(|(host, _)| *host == from.ip()) {
                Some((_, link)) => {
                    connections.spawn(serve(stream, from, Arc::clone(link)));
                }
                None => {
                    tracing::warn!(%from, "a connection through a gate that comes from no region is closed")
                }
            },
            Err(error) => {
                tracing::warn!(%error, "a gate cannot accept; out of file descriptors?");
                sleep(RETRY).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}
