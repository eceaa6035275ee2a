//! A link for each ordered pair of regions and one for each region's clients, on a thread of their own.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, OnceLock},
    thread::JoinHandle,
};

use nix::sys::resource::UsageWho;
use tokio::{runtime, sync::oneshot};
use workloads::seed::Seed;

use super::{
    gate,
    link::{Link, LinkError},
};
use crate::{
    cpu,
    topology::{End, Topology},
};

/// Every link of a run. Dropping it closes every socket.
pub(crate) struct Network {
    links: BTreeMap<(End, usize), Arc<Link>>,
    /// By region; none where regions have an address for each of the others.
    gates: Vec<SocketAddr>,
    thread: Mutex<Option<Running>>,
    spent_us: OnceLock<i64>,
}

struct Running {
    stop: oneshot::Sender<()>,
    /// Ends with the CPU time that it has spent.
    thread: JoinHandle<Option<i64>>,
}

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetworkError {
    /// A link could not be opened.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A gate could not be opened.
    #[error("the gate in front of {region} cannot listen on the loopback interface: {source}")]
    Gate {
        /// Whose.
        region: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused a thread or its event queue.
    #[error(
        "cannot start the proxy's thread: {0}; are there enough processes and file descriptors left? (ulimit -u, ulimit -n)"
    )]
    Thread(std::io::Error),
}

impl Network {
    /// Opens every link of the topology on a free port of the loopback interface, and serves them until shut down.
    ///
    /// # Errors
    /// When ports, threads or file descriptors run out.
    pub(crate) fn start(
        topology: &Topology,
        upstreams: &[SocketAddr],
        seed: u64,
    ) -> Result<Network, NetworkError> {
        assert_eq!(
            upstreams.len(),
            topology.regions().len(),
            "one upstream for each region"
        );
        let local = |_| Ipv4Addr::LOCALHOST.into();
        Self::leading(topology, &local, &|_, to| upstreams[to], &[], seed)
    }

    /// The same with an address of ours at which each opener finds its links, an upstream for each link, and gates in front of regions whose own addresses these are.
    ///
    /// # Errors
    /// When ports, threads or file descriptors run out.
    pub(crate) fn leading(
        topology: &Topology,
        found_at: &dyn Fn(End) -> IpAddr,
        upstream: &dyn Fn(End, usize) -> SocketAddr,
        hosts: &[IpAddr],
        seed: u64,
    ) -> Result<Network, NetworkError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(NetworkError::Thread)?;
        let mut links = BTreeMap::new();
        for (from, to, weather) in topology.links() {
            let name = format!(
                "{} -> {}",
                topology.end_name(from, to),
                topology.regions()[to]
            );
            let any = SocketAddr::from((found_at(from), 0));
            let handle = runtime.handle();
            let link = Link::open(&name, any, upstream(from, to), weather, Seed(seed), handle)?;
            links.insert((from, to), link);
        }
        let gate = |to: usize| {
            let others = (0..hosts.len()).filter(|from| *from != to);
            let behind =
                others.map(|from| (hosts[from], Arc::clone(&links[&(End::Region(from), to)])));
            gate::open(behind.collect(), runtime.handle()).map_err(|source| NetworkError::Gate {
                region: topology.regions()[to].clone(),
                source,
            })
        };
        let gates = (0..hosts.len()).map(gate).collect::<Result<_, _>>()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || {
                // Everything that the proxy does is a task of this runtime, so its end is the end of all of them.
                runtime.block_on(stopped).ok();
                drop(runtime);
                cpu::spent_us(UsageWho::RUSAGE_THREAD)
            })
            .map_err(NetworkError::Thread)?;
        Ok(Network {
            links,
            gates,
            thread: Mutex::new(Some(Running { stop, thread })),
            spent_us: OnceLock::new(),
        })
    }

    /// Where to connect in order to go from there to this region.
    pub(crate) fn address(&self, from: End, to: usize) -> SocketAddr {
        self.link(from, to).address()
    }

    /// Where any other region reaches this one, if there are gates.
    pub(crate) fn gate(&self, to: usize) -> Option<SocketAddr> {
        self.gates.get(to).copied()
    }

    /// The link from there to this region. Asking for a link of a region to itself is a bug.
    pub(crate) fn link(&self, from: End, to: usize) -> &Arc<Link> {
        self.links
            .get(&(from, to))
            .expect("a link leads from a region, or from clients, to another region")
    }

    /// What ended a link although nobody asked for that.
    pub(crate) fn failure(&self) -> Option<String> {
        self.links
            .values()
            .find_map(|link| link.failure().map(str::to_owned))
    }

    /// Every link.
    pub(crate) fn links(&self) -> impl Iterator<Item = (End, usize, &Arc<Link>)> {
        self.links
            .iter()
            .map(|(&(from, to), link)| (from, to, link))
    }

    /// Lets every link to this region lead to another address from now on.
    #[cfg(test)]
    pub(crate) fn set_upstream(&self, region: usize, upstream: SocketAddr) {
        for (_, to, link) in self.links() {
            if to == region {
                link.set_upstream(upstream);
            }
        }
    }

    /// Takes every fault from every link.
    pub(crate) fn heal_all(&self) {
        for link in self.links.values() {
            link.heal();
        }
    }

    /// Closes every listener and connection, and returns when all are closed. Nothing happens the second time.
    pub(crate) fn shutdown(&self) {
        let running = self
            .thread
            .lock()
            .expect("no holder of this lock panics")
            .take();
        if let Some(Running { stop, thread }) = running {
            stop.send(()).ok();
            let spent_us = thread.join().expect("the proxy's thread does not panic");
            if let Some(spent_us) = spent_us {
                self.spent_us.get_or_init(|| spent_us);
            }
        }
    }

    /// Microseconds of CPU that all links together took; known once they are shut down.
    pub(crate) fn spent_us(&self) -> Option<i64> {
        self.spent_us.get().copied()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.shutdown();
    }
}
