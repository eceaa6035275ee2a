//! The default target: every region is a reference replica, started here as a process of its own.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{
    Ability, Action, Loss, Replicas, Skew, Target, Trouble, Wiring,
    cables::{self, Cables},
    data_dir,
    disks::{Below, Disks},
    fleet::Fleet,
    health::{self, Health},
    process::{ProcessSpec, Readiness},
    spawner::Spawner,
};
use crate::{
    client::control::{ReplicaChange, Tables},
    disk::Order,
};

/// How long a region may take to report what it was told.
const REPORT_LIMIT: Duration = Duration::from_secs(2);

/// How often to look.
const POLL: Duration = Duration::from_millis(5);

/// What the regions are started with.
#[derive(Clone, Debug)]
pub(crate) struct LocalOptions {
    /// Region names.
    pub(crate) regions: Vec<String>,
    /// Where we find each.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Where each reaches each other: `[from][to]`.
    pub(crate) peers: Vec<Vec<SocketAddr>>,
    /// One folder below this for each region's data.
    pub(crate) data: PathBuf,
    /// One file in here for each region's log.
    pub(crate) logs: PathBuf,
    /// Planted faults.
    pub(crate) defects: Vec<String>,
    /// The table whose replicas come and go, where they can.
    pub(crate) replicas: Option<Replicas>,
    /// What the data lies on.
    pub(crate) below: Below,
    /// What leads to each, where each has a network of its own.
    pub(crate) cables: Option<Arc<Cables>>,
}

/// Regions as child processes.
pub(crate) struct LocalTarget {
    regions: Vec<String>,
    addresses: Vec<SocketAddr>,
    fleet: Fleet,
    /// Dropped after the processes that write there.
    disks: Disks,
    /// As are these.
    cables: Option<Arc<Cables>>,
    replicas: Option<Replicas>,
}

impl LocalTarget {
    /// Prepares the folders; nothing runs yet.
    pub(crate) fn prepare(options: &LocalOptions) -> io::Result<Self> {
        fs::create_dir_all(&options.data)?;
        fs::create_dir_all(&options.logs)?;
        let key_file = options.data.join("peer.key");
        write_peer_key(&key_file)?;
        let executable = std::env::current_exe()?;
        let spawner = Spawner::start()?;
        let names = options.regions.iter();
        let data_dirs: Vec<PathBuf> = names.map(|name| options.data.join(name)).collect();
        let disks = Disks::mount(options.below, &spawner, &data_dirs, &options.logs)?;
        let specs = (0..options.regions.len())
            .map(|region| {
                let data_dir = disks.data_dir(region, &data_dirs[region]);
                let spec = spec(options, region, &executable, &key_file, data_dir);
                fs::create_dir_all(&spec.data_dir)?;
                disks.settle(region).map_err(io::Error::other)?;
                Ok(spec)
            })
            .collect::<io::Result<Vec<_>>>()?;
        let spawners = match &options.cables {
            Some(cables) => cables.spawners(),
            None => vec![spawner; specs.len()],
        };
        Ok(Self {
            regions: options.regions.clone(),
            addresses: options.addresses.clone(),
            fleet: Fleet::new(specs, spawners),
            disks,
            cables: options.cables.clone(),
            replicas: options.replicas.clone(),
        })
    }

    /// Starts every region and waits until all are healthy.
    pub(crate) fn start(&self) -> Result<(), String> {
        self.fleet.start()
    }

    /// What a region says of itself.
    pub(crate) fn health(&self, region: usize) -> io::Result<Health> {
        health::ask(self.address(region))
    }

    /// What can be done to replicas of ours, of which there are so many, with such a table, so connected.
    pub(crate) fn can(
        ability: Ability,
        region_count: usize,
        tables: Tables,
        wiring: Wiring,
    ) -> Result<(), String> {
        match ability {
            Ability::Packets if wiring == Wiring::Namespaces => Ok(()),
            Ability::Packets => {
                Err("packets are lost where each region has a network of its own; give --network netns".into())
            }
            Ability::Kill
            | Ability::Pause
            | Ability::Clock
            | Ability::Disk
            | Ability::FileSystem
            | Ability::ClientLinks
            | Ability::Replies
            | Ability::Clients => Ok(()),
            Ability::PeerLinks | Ability::RollBack if region_count > 1 => Ok(()),
            Ability::PeerLinks => Err("there is only one region, so there are no links".into()),
            Ability::Membership if tables == Tables::Version2017 => Err(
                "nobody joins a global table of version 2017.11.29 once it holds data; give --global-tables 2019.11.21".into(),
            ),
            Ability::Membership if region_count > 1 => Ok(()),
            Ability::Provider => {
                Err("nobody else runs the regions; --fault-hook is for endpoints".into())
            }
            Ability::RollBack | Ability::Membership => {
                Err("there is only one region, so what it loses comes back from nobody".into())
            }
        }
    }

    fn cables(&self) -> Result<&Cables, String> {
        self.can(Ability::Packets)?;
        Ok(self.cables.as_ref().expect("it can have the fault"))
    }

    fn change(&self, change: ReplicaChange, region: usize, by: usize) -> Result<(), String> {
        self.can(Ability::Membership)?;
        let replicas = self.replicas.as_ref().expect("it can have the fault");
        replicas.change(change, region, by)
    }

    fn set_clock(&self, region: usize, skew: Skew) -> Result<(), String> {
        let text = serde_json::to_vec(&skew).expect("numbers are plain data");
        self.tell(region, data_dir::CLOCK, &text)?;
        self.reports(region, "skew", |health| health.clock == skew)
    }

    fn set_disk(&self, region: usize, trouble: Trouble) -> Result<(), String> {
        let text = serde_json::to_vec(&trouble).expect("numbers are plain data");
        self.tell(region, data_dir::DISK, &text)?;
        self.reports(region, "trouble with its disk", |health| {
            health.disk == trouble
        })
    }

    /// Writes a file that the region looks at when it is told to, and tells it.
    fn tell(&self, region: usize, file: &str, text: &[u8]) -> Result<(), String> {
        let process = self.fleet.process(region);
        let file = process.spec().data_dir.join(file);
        reports::run_folder::write_atomically(&file, text).map_err(|error| error.to_string())?;
        process.signal(Signal::SIGUSR1).map(|_pid| ())
    }

    fn reports(
        &self,
        region: usize,
        what: &str,
        is_so: impl Fn(&Health) -> bool,
    ) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < REPORT_LIMIT {
            let health = health::ask_even_poisoned(self.address(region));
            if health.is_ok_and(|health| is_so(&health)) {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        let name = &self.regions[region];
        Err(format!(
            "{name} has not reported the new {what} within {} s",
            REPORT_LIMIT.as_secs()
        ))
    }
}

impl Target for LocalTarget {
    fn regions(&self) -> &[String] {
        &self.regions
    }

    fn address(&self, region: usize) -> SocketAddr {
        self.addresses[region]
    }

    fn can(&self, ability: Ability) -> Result<(), String> {
        let tables = match self.replicas {
            Some(_) => Tables::Version2019,
            None => Tables::Version2017,
        };
        let wiring = match self.cables {
            Some(_) => Wiring::Namespaces,
            None => Wiring::Loopback,
        };
        Self::can(ability, self.regions.len(), tables, wiring)?;
        self.disks.allow(ability)
    }

    fn act(&self, region: usize, action: &Action) -> Result<(), String> {
        match action {
            Action::Clock(skew) => self.set_clock(region, *skew),
            Action::Disk(trouble) => self.set_disk(region, *trouble),
            Action::Kill | Action::Stop | Action::Start | Action::Pause | Action::Resume => self
                .fleet
                .act(region, action)
                .expect("a process is enough for it"),
            Action::CopyData | Action::PutCopyBack | Action::LoseData => {
                let done = self.fleet.act(region, action);
                done.expect("a process is enough for it")?;
                self.disks.settle(region)
            }
            Action::Leave { by } => self.change(ReplicaChange::Delete, region, *by),
            Action::Join { by } => self.change(ReplicaChange::Create, region, *by),
            Action::Provider(_) => self.can(Ability::Provider),
        }
    }

    fn order(&self, region: usize, order: Order) -> Result<String, String> {
        self.disks.order(region, order)
    }

    fn lose_packets(&self, region: usize, loss: Loss) -> Result<String, String> {
        self.cables()?.lose(region, loss)
    }

    fn held_back(&self, region: usize) -> Result<usize, String> {
        self.cables()?.held_back(region)
    }

    fn status(&self, region: usize) -> Option<io::Result<Health>> {
        Some(self.health(region))
    }

    fn save_health(&self, logs: &Path) {
        for (region, name) in self.regions.iter().enumerate() {
            let text = health::text(self.address(region))
                .unwrap_or_else(|error| format!("no answer: {error}"));
            if let Err(error) = fs::write(logs.join(format!("{name}.health.json")), text) {
                tracing::warn!(%error, region = name, "its health could not be saved");
            }
        }
    }

    fn unexpected_end(&self) -> Option<String> {
        let ended = self.fleet.unexpected_end();
        ended.or_else(|| self.disks.unexpected_end())
    }

    fn stop(&self) {
        self.fleet.stop();
        self.disks.end();
        if let Some(cables) = &self.cables {
            cables.take_up();
        }
    }
}

fn spec(
    options: &LocalOptions,
    region: usize,
    executable: &Path,
    key_file: &Path,
    data_dir: PathBuf,
) -> ProcessSpec {
    let name = &options.regions[region];
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let listen = match &options.cables {
        Some(_) => cables::listen(),
        None => options.addresses[region],
    };
    let mut arguments: Vec<String> = [
        "replica",
        "--region",
        name,
        "--listen",
        &listen.to_string(),
        "--data-dir",
        &path(&data_dir),
        "--peer-key-file",
        &path(key_file),
        "--log",
        "json",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--die-with-parent={}", std::process::id()));
    for (to, other) in options
        .regions
        .iter()
        .enumerate()
        .filter(|(to, _)| *to != region)
    {
        arguments.push("--peer".into());
        arguments.push(format!("{other}=http://{}", options.peers[region][to]));
    }
    for defect in &options.defects {
        arguments.push("--defect".into());
        arguments.push(defect.clone());
    }
    ProcessSpec {
        region: name.clone(),
        executable: executable.to_owned(),
        arguments,
        environment: Vec::new(),
        readiness: Readiness::Health,
        stop_signal: Signal::SIGTERM,
        address: options.addresses[region],
        log: options.logs.join(format!("{name}.log")),
        data_dir,
    }
}

/// A fresh key for the calls between regions, readable by nobody else. Data that was kept keeps its key.
fn write_peer_key(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")
}
