//! One link, as those who set faults see it. All setters are synchronous and reach open connections at once.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
};
use workloads::seed::{Seed, Stream};

use super::{
    alarm::Alarm,
    fault::{DIRECTIONS, Direction, LinkFault},
    listener::Port,
    repeat::Copies,
    state::{ALL, State},
};
use crate::topology::Weather;

/// A listener, what it leads to, and what is wrong with it.
pub(crate) struct Link {
    name: String,
    address: SocketAddr,
    seed: Seed,
    pub(super) runtime: Handle,
    pub(super) state: watch::Sender<State>,
    /// Probes on their way: the address that one comes from, and the sink that it leads to.
    pub(super) probes: Mutex<BTreeMap<SocketAddr, SocketAddr>>,
    /// Requests that are sent again.
    pub(super) copies: Arc<Copies>,
    /// Wakes what is held on the way.
    pub(super) alarm: Alarm,
    pub(super) forward: Gauge,
    pub(super) backward: Gauge,
    pub(super) open: AtomicU64,
    pub(super) accepted: AtomicU64,
    /// What ended it although nobody asked for that.
    failure: OnceLock<String>,
    /// Told when it has ended because somebody asked for it.
    pub(super) ended: Notify,
}

/// What one direction of a link has carried, and when its bandwidth is free again.
#[derive(Default)]
pub(super) struct Gauge {
    pub(super) bytes: AtomicU64,
    pub(super) free_at: Mutex<Option<Instant>>,
}

/// What went over a link since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Connections open now.
    pub(crate) open: u64,
    /// Connections accepted since the start.
    pub(crate) accepted: u64,
    /// Bytes passed on, forward.
    pub(crate) forward_bytes: u64,
    /// Bytes passed on, backward.
    pub(crate) backward_bytes: u64,
    /// Requests that were repeated, and answered once more.
    pub(crate) repeated: u64,
}

/// Why a link cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("link {name}: cannot listen on {address}: {source}; is the port in use? Choose another")]
pub(crate) struct LinkError {
    /// The link's name.
    pub(crate) name: String,
    /// Where it was to listen.
    pub(crate) address: SocketAddr,
    /// What the system said.
    pub(crate) source: io::Error,
}

#[cfg(test)]
use super::probe::{Carried, probe_all};

impl Link {
    /// Opens a listener on this runtime. Port 0 asks for any free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(crate) fn open(
        name: &str,
        listen: SocketAddr,
        upstream: SocketAddr,
        weather: Weather,
        seed: Seed,
        runtime: &Handle,
    ) -> Result<Arc<Link>, LinkError> {
        let _context = runtime.enter();
        let wrong = |source| LinkError {
            name: name.to_owned(),
            address: listen,
            source,
        };
        let port = Port::open(listen).map_err(wrong)?;
        let address = port.address().map_err(wrong)?;
        let link = Arc::new(Link {
            name: name.to_owned(),
            address,
            seed,
            runtime: runtime.clone(),
            state: watch::Sender::new(State::new(weather, upstream)),
            probes: Mutex::default(),
            copies: Arc::default(),
            alarm: Alarm::new().map_err(wrong)?,
            forward: Gauge::default(),
            backward: Gauge::default(),
            open: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            failure: OnceLock::new(),
            ended: Notify::new(),
        });
        runtime.spawn(super::listener::run(port, Arc::clone(&link)));
        Ok(link)
    }

    /// What ended the link although nobody asked for that. What did not pass it since is the harness's failure, and nobody else's.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    pub(super) fn die(&self, failure: String) {
        tracing::error!("{failure}");
        // The first failure is the one that counts.
        let _ = self.failure.set(failure);
    }

    /// How it is called: `us-east-1 -> eu-west-1`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets new connections lead elsewhere.
    pub(crate) fn set_upstream(&self, upstream: SocketAddr) {
        self.state.send_modify(|state| state.upstream = upstream);
    }

    /// Adds a fault in the name of this holder, who may hold several.
    pub(crate) fn install(&self, holder: &str, direction: Direction, fault: LinkFault) {
        self.install_for(ALL, holder, direction, fault);
    }

    /// The same for so many in a million connections. Which ones is drawn for each connection and holder, once.
    pub(crate) fn install_for(
        &self,
        share: u32,
        holder: &str,
        direction: Direction,
        fault: LinkFault,
    ) {
        self.state
            .send_modify(|state| state.install(holder, direction, fault, share));
    }

    /// Ends the link: returns when its port is free and its connections are closed.
    pub(crate) async fn close(&self) {
        self.state.send_modify(|state| state.closed = true);
        self.ended.notified().await;
    }

    /// Takes away every fault of this holder; nothing if there is none.
    pub(crate) fn remove(&self, holder: &str) {
        self.state.send_modify(|state| state.remove(holder));
        self.forget_pace();
    }

    /// Takes away every fault.
    pub(crate) fn heal(&self) {
        self.state.send_modify(State::clear);
        self.forget_pace();
    }

    /// Resets (RST, both ends) every connection that exists now.
    pub(crate) fn reset_connections(&self) {
        self.state.send_modify(|state| state.resets += 1);
    }

    /// Who holds this direction cut.
    pub(crate) fn cut_by(&self, direction: Direction) -> Vec<String> {
        self.state.borrow().cut_by(direction)
    }

    /// Who may keep a new connection from carrying bytes in this direction.
    pub(crate) fn barred_by(&self, direction: Direction) -> Vec<String> {
        self.state.borrow().barred_by(direction)
    }

    /// Whether anybody holds any direction cut.
    pub(crate) fn is_cut(&self) -> bool {
        let mut cuts = DIRECTIONS.iter().map(|&way| self.cut_by(way));
        cuts.any(|holders| !holders.is_empty())
    }

    /// The longest that a byte may take there and back, by weather and faults, when nothing is cut; but for a tail's one in 20,000.
    pub(crate) fn round_trip_max(&self) -> Duration {
        let state = self.state.borrow();
        DIRECTIONS
            .iter()
            .map(|&way| state.effect(way))
            .map(|effect| effect.delay + effect.jitter + effect.tail * 10)
            .sum()
    }

    /// What went over it.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            open: self.open.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            forward_bytes: self.forward.bytes.load(Ordering::Relaxed),
            backward_bytes: self.backward.bytes.load(Ordering::Relaxed),
            repeated: self.copies.answered(),
        }
    }

    /// Sends a few bytes both ways through this listener and these pumps to a sink of ours, and says what arrived in time. It does not
    /// need the upstream, so it tells a cut link from a dead region. Blocks; not to be called on the proxy's own thread.
    #[cfg(test)]
    pub(crate) fn probe(self: &Arc<Link>, within: Duration) -> Carried {
        probe_all(std::slice::from_ref(self), within)[0]
    }

    /// Sends a request again that has passed.
    pub(super) fn repeat(&self, request: Vec<u8>, delay: Duration) {
        self.copies
            .send(&self.runtime, self.address, request, delay);
    }

    pub(super) fn gauge(&self, direction: Direction) -> &Gauge {
        match direction {
            Direction::Forward => &self.forward,
            Direction::Backward => &self.backward,
        }
    }

    /// Where in a million this connection falls, for a fault of this holder.
    pub(super) fn luck(&self, holder: &str, connection: u64) -> u32 {
        let name = format!("share/{}/{holder}/{connection}", self.name);
        u32::try_from(self.seed.stream(&name).below(u64::from(ALL))).expect("less than a million")
    }

    /// Draws for one direction of one connection.
    pub(super) fn stream(&self, direction: Direction, connection: u64) -> Stream {
        self.seed
            .stream(&format!("link/{}/{direction:?}/{connection}", self.name))
    }

    pub(super) fn probes(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, SocketAddr>> {
        self.probes.lock().expect("no holder of this lock panics")
    }

    /// Without this, bytes sent under a narrow limit would hold up those sent after it was lifted.
    fn forget_pace(&self) {
        for gauge in [&self.forward, &self.backward] {
            *gauge.free_at.lock().expect("no holder of this lock panics") = None;
        }
    }
}
