//! The regions of a run: processes, a proxy on every link, and the global table on them.

use std::{path::Path, path::PathBuf, sync::Arc, time::Duration};

use checker::history::RegionId;

use super::Settings;
use crate::{
    client::{Client, Credentials, Dialect, Endpoint, FailedCondition, control},
    proxy::Network,
    target::{LocalOptions, LocalTarget, free_addresses},
    topology::End,
};

/// The table that workloads use.
const TABLE: &str = "dateline";

/// Regions, links and what clients need to talk to them.
pub(crate) struct Regions {
    pub(crate) target: Arc<LocalTarget>,
    pub(crate) network: Arc<Network>,
    dialect: Arc<Dialect>,
    endpoints: Vec<Endpoint>,
    data: Data,
}

/// What the regions store; removed at the end unless it is to be kept.
struct Data {
    folder: PathBuf,
    keep: bool,
}

impl Data {
    fn remove(&self) {
        if self.keep || !self.folder.exists() {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "the regions' data stays");
        }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Regions {
    /// Starts them, and makes the global table.
    pub(crate) async fn set_up(settings: &Settings, folder: &Path) -> Result<Self, String> {
        let names = settings.topology.regions().to_vec();
        let addresses = free_addresses(names.len())
            .map_err(|error| format!("no free ports on the loopback interface: {error}"))?;
        let network = Network::start(&settings.topology, &addresses, settings.seed)
            .map_err(|error| error.to_string())?;
        // Made before the target, so dropped after it: nobody writes there any more when it is removed.
        // Absolute, so that whoever sees such a process knows which run it belongs to.
        let folder = std::path::absolute(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let data = Data {
            folder: folder.join("data"),
            keep: settings.keep_data,
        };
        let options = LocalOptions {
            regions: names.clone(),
            peers: peer_addresses(&network, &addresses),
            addresses,
            data: data.folder.clone(),
            logs: folder.join("logs"),
            defects: settings.defects.clone(),
        };
        let target = LocalTarget::prepare(&options).map_err(|error| {
            format!(
                "the regions' folders in {} cannot be made: {error}",
                folder.display()
            )
        })?;
        let target = Arc::new(target);
        let starting = target.clone();
        blocking(move || starting.start()).await?;
        let endpoints = endpoints(settings, &names, &network);
        control::create_tables(&endpoints, TABLE)
            .await
            .map_err(|error| error.to_string())?;
        let dialect = Dialect {
            table: TABLE.to_owned(),
            regions: names,
            failed_condition: FailedCondition::ProvesAbsence,
        };
        Ok(Self {
            target,
            network: Arc::new(network),
            dialect: Arc::new(dialect),
            endpoints,
            data,
        })
    }

    /// A client beside this region.
    pub(crate) fn client(&self, region: RegionId) -> Client {
        Client::new(
            self.endpoints[usize::from(region.0)].clone(),
            self.dialect.clone(),
        )
    }

    /// What broke by itself: a region that nobody ended, a link that lost its port.
    pub(crate) fn failure(&self) -> Option<String> {
        self.network
            .failure()
            .or_else(|| self.target.unexpected_end())
    }

    /// Stops every process and closes every link, and removes the data unless it is to be kept.
    pub(crate) async fn tear_down(&self) {
        let target = self.target.clone();
        blocking(move || target.stop()).await;
        let network = self.network.clone();
        blocking(move || network.shutdown()).await;
        self.data.remove();
    }
}

fn peer_addresses(
    network: &Network,
    addresses: &[std::net::SocketAddr],
) -> Vec<Vec<std::net::SocketAddr>> {
    let count = addresses.len();
    let towards = |from, to| {
        // Nobody goes to itself through a proxy; its own address fills the place.
        if from == to {
            addresses[to]
        } else {
            network.address(End::Region(from), to)
        }
    };
    (0..count)
        .map(|from| (0..count).map(|to| towards(from, to)).collect())
        .collect()
}

fn endpoints(settings: &Settings, names: &[String], network: &Network) -> Vec<Endpoint> {
    let credentials = Arc::new(Credentials {
        access_key: "DATELINE".into(),
        secret_key: "local regions take any key".into(),
    });
    names
        .iter()
        .enumerate()
        .map(|(index, name)| Endpoint {
            address: network.address(End::Client, index),
            region: name.clone(),
            credentials: credentials.clone(),
            timeout: settings.op_timeout,
        })
        .collect()
}

/// Does something that blocks, beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("it does not panic, and nobody cancels it")
}

/// How long a pause between two looks at the regions is.
pub(super) const POLL: Duration = Duration::from_millis(100);
