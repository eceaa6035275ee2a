//! The processes, links and gateway of `dateline up`, and what is said about them.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Instant,
};

use reports::run_folder::{FaultAction, FaultResult, Moment};
use tempfile::TempDir;

use super::{Wish, links::Look};
use crate::{
    exit::Failure,
    gateway::{Gateway, Route},
    nemesis::{Nemesis, NoClients, Plan},
    proxy::Network,
    run::blocking,
    stop::Stop,
    target::{Below, LocalOptions, LocalTarget, Target as _},
    topology::{End, Topology},
};

/// A running cluster.
pub(super) struct Cluster {
    regions: Vec<String>,
    target: Arc<LocalTarget>,
    network: Arc<Network>,
    gateway: tokio::task::JoinHandle<()>,
    data: Data,
    nemesis: Mutex<Option<Spoiling>>,
}

/// Where the data lies.
enum Data {
    Kept(PathBuf),
    Temporary(TempDir),
}

struct Spoiling {
    nemesis: Arc<Nemesis>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Cluster {
    /// Starts everything; what was started is stopped again when something fails.
    pub(super) async fn start(wish: &Wish) -> Result<Cluster, Failure> {
        let data = Data::prepare(wish.data_dir.as_deref())?;
        let regions = wish.topology.regions().to_vec();
        let addresses = wish.ports.regions.clone();
        let network =
            Network::start(&wish.topology, &addresses, wish.seed).map_err(Failure::harness)?;
        let routes: Vec<Route> = regions
            .iter()
            .zip(&addresses)
            .map(|(region, &address)| Route {
                region: region.clone(),
                address,
            })
            .collect();
        let gateway = Gateway::bind(wish.ports.gateway, &routes)
            .await
            .map_err(|error| {
                Failure::Harness(format!(
                    "the gateway cannot listen on {}: {error}",
                    wish.ports.gateway
                ))
            })?;
        let options = LocalOptions {
            peers: peers(&network, &wish.topology, &addresses),
            regions: regions.clone(),
            addresses,
            data: data.path().to_owned(),
            logs: data.path().join("logs"),
            defects: wish.defects.clone(),
            replicas: None,
            below: Below::Nothing,
            cables: None,
        };
        let target = LocalTarget::prepare(&options).map_err(|error| data.unusable(&error))?;
        let target = Arc::new(target);
        let starting = Arc::clone(&target);
        let started = blocking(move || starting.start()).await;
        if let Err(reason) = started {
            let target = Arc::clone(&target);
            blocking(move || target.stop()).await;
            return Err(Failure::Harness(reason));
        }
        let gateway = tokio::spawn(gateway.serve());
        let network = Arc::new(network);
        Ok(Cluster {
            regions,
            target,
            network,
            gateway,
            data,
            nemesis: Mutex::default(),
        })
    }

    /// Endpoints and a first command to copy.
    pub(super) fn welcome(&self, wish: &Wish) -> String {
        let mut text = String::new();
        let width = self
            .regions
            .iter()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max("gateway".len());
        let mut line = |name: &str, address, note: &str| {
            writeln!(text, "  {name:<width$}  http://{address}{note}").expect("a string grows");
        };
        line(
            "gateway",
            wish.ports.gateway,
            "  (goes to the region that a request is signed for)",
        );
        for (region, &address) in self.regions.iter().zip(&wish.ports.regions) {
            line(region, address, "");
        }
        let kept = match &self.data {
            Data::Kept(path) => format!("Data and logs are kept in {}", path.display()),
            Data::Temporary(folder) => format!(
                "Data and logs are in {} until it stops; --data-dir DIRECTORY keeps them",
                folder.path().display()
            ),
        };
        format!(
            "{} regions are up. Nothing but an endpoint and any credentials is needed:\n{text}\n\
             \x20 export AWS_ENDPOINT_URL=http://{} AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any\n\
             \x20 aws dynamodb list-tables --region {}\n\n\
             {kept}. Ctrl-C stops everything.\n",
            self.regions.len(),
            wish.ports.gateway,
            self.regions[0],
        )
    }

    /// Lets things go wrong from now on, and says so as it happens.
    pub(super) fn spoil(&self, plan: Plan, stop: Stop) -> std::io::Result<()> {
        let target = Arc::clone(&self.target);
        let nemesis = Nemesis::new(
            target,
            Arc::clone(&self.network),
            Arc::new(NoClients),
            Instant::now(),
        );
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = nemesis.spawn(
            plan,
            |moment| eprintln!("{}", in_words(&moment)),
            move || over.load(Ordering::Relaxed) || stop.is_set(),
        )?;
        *self.spoiling() = Some(Spoiling {
            nemesis,
            is_over,
            thread,
        });
        Ok(())
    }

    /// How every link is now.
    pub(super) async fn look(&self) -> Vec<Look> {
        let (target, regions) = (Arc::clone(&self.target), self.regions.clone());
        blocking(move || super::links::look(&target, &regions)).await
    }

    /// A region that ended by itself, and its last words. One that the nemesis killed is not meant.
    pub(super) fn unexpected_end(&self) -> Option<String> {
        self.target.unexpected_end()
    }

    /// Stops everything and waits until it is gone.
    pub(super) async fn stop(self) {
        self.gateway.abort();
        let Cluster {
            target,
            network,
            nemesis,
            ..
        } = self;
        let spoiling = nemesis.into_inner().expect("no holder of this lock panics");
        blocking(move || {
            if let Some(Spoiling {
                nemesis,
                is_over,
                thread,
            }) = spoiling
            {
                is_over.store(true, Ordering::Relaxed);
                if thread.join().is_err() {
                    eprintln!("the thread of the nemesis panicked");
                }
                drop(nemesis);
            }
            target.stop();
            network.shutdown();
        })
        .await;
    }

    fn spoiling(&self) -> std::sync::MutexGuard<'_, Option<Spoiling>> {
        self.nemesis.lock().expect("no holder of this lock panics")
    }
}

impl Data {
    fn prepare(asked: Option<&Path>) -> Result<Data, Failure> {
        let Some(path) = asked else {
            let folder = tempfile::Builder::new().prefix("dateline-up-").tempdir();
            return folder.map(Data::Temporary).map_err(|error| {
                Failure::Harness(format!(
                    "no temporary folder: {error}; set TMPDIR or use --data-dir"
                ))
            });
        };
        let kept = Data::Kept(path.to_owned());
        std::fs::create_dir_all(path).map_err(|error| kept.unusable(&error))?;
        let probe = tempfile::Builder::new()
            .prefix(".dateline-")
            .tempfile_in(path);
        probe.map_err(|error| kept.unusable(&error))?;
        Ok(kept)
    }

    fn path(&self) -> &Path {
        match self {
            Data::Kept(path) => path,
            Data::Temporary(folder) => folder.path(),
        }
    }

    fn unusable(&self, error: &std::io::Error) -> Failure {
        Failure::Usage(format!(
            "--data-dir {}: cannot be written ({error}); give a folder that is yours",
            self.path().display()
        ))
    }
}

fn peers(
    network: &Network,
    topology: &Topology,
    addresses: &[std::net::SocketAddr],
) -> Vec<Vec<std::net::SocketAddr>> {
    let count = topology.regions().len();
    let towards = |from: usize, to: usize| {
        // A region needs no way to itself; its own address fills the place.
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

fn in_words(moment: &Moment) -> String {
    match moment {
        Moment::Phase { name, .. } => name.clone(),
        Moment::Fault {
            fault,
            action,
            what,
            result,
            why,
            ..
        } => {
            let action = match action {
                FaultAction::Start => "begins",
                FaultAction::Stop => "ends",
            };
            let result = match result {
                FaultResult::Installed => "",
                FaultResult::Skipped => " (skipped)",
                FaultResult::Indeterminate => " (indeterminate)",
            };
            let why = why
                .as_ref()
                .map_or_else(String::new, |why| format!(": {why}"));
            format!("fault {fault} {action}{result}: {what}{why}")
        }
    }
}
