//! The regions of a run: a target, a proxy on every link to and within it, and the table on it.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use checker::history::RegionId;

use super::{Settings, place::Place, steward::Steward};
use crate::{
    client::{
        Client, Credentials, Dialect, Endpoint, Forgery, Lifetimes, Locations,
        adapter::{Adapter, AdapterSpec, missing},
        control::{self, TableSpec},
    },
    proxy::Network,
    run::{data::Data, sites::Sites},
    stop::Stop,
    target::{
        Ability, Below, Cables, CommandTarget, Elsewhere, EndpointsTarget, LocalOptions,
        LocalTarget, Meaning, Replicas, Target, fill,
    },
    topology::End,
};

/// The table that workloads use where nobody else has one.
const TABLE: &str = "dateline";

/// What regions store is below this folder of the run's.
const DATA: &str = "data";

/// How often the names of regions that run elsewhere are looked up.
const LOOK_UP_EVERY: Duration = Duration::from_secs(60);

/// How long a link may take to notice that its region is there.
const LINK_LIMIT: Duration = Duration::from_secs(5);

/// Regions, links and what clients need to talk to them.
pub(crate) struct Regions {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) network: Arc<Network>,
    dialect: Arc<Dialect>,
    endpoints: Vec<Endpoint>,
    /// What speaks for each region, where that does not speak DynamoDB's API.
    adapters: Vec<AdapterSpec>,
    _follower: Follower,
    /// No other run takes their ports.
    _sites: Sites,
    tables: Option<Tables>,
    /// What to be careful about since they were set up.
    warnings: Vec<String>,
    data: Data,
}

/// The table where it is not ours alone: made at the start, removed at the end.
struct Tables {
    /// The regions themselves, past every proxy: a fault must not keep us from cleaning up.
    direct: Vec<Endpoint>,
    spec: TableSpec,
    /// Regions that go on without us, so that it must be removed there.
    outlive_us: Option<(Elsewhere, Duration)>,
}

impl Tables {
    /// Makes it, unless that fails or somebody stops it: then what was made is removed. Says what to be careful about.
    async fn create(&self, stop: &Stop) -> Result<Vec<String>, String> {
        // Whoever finds it later finds out here whose it is.
        tracing::info!(table = self.spec.name, "making the table");
        let created = tokio::select! {
            created = control::create_tables(&self.direct, &self.spec) => {
                created.map_err(|error| error.to_string())
            }
            () = stop.wait() => Err("stopped while the table was being made".to_owned()),
        };
        let error = match created {
            Ok(warnings) => return Ok(warnings),
            Err(error) => error,
        };
        let left = self.remove().await;
        Err([vec![error], left].concat().join("; "))
    }

    async fn remove(&self) -> Vec<String> {
        let Some((elsewhere, timeout)) = &self.outlive_us else {
            return Vec::new();
        };
        control::remove_tables(&elsewhere.direct(*timeout).await, &self.spec).await
    }
}

/// Leads links to where the names of regions lead, for as long as it lives.
struct Follower(Option<tokio::task::JoinHandle<()>>);

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Providers move their endpoints about, and a night is long. Connections that are open stay where they are.
async fn follow(elsewhere: &Elsewhere, network: &Network) {
    loop {
        tokio::time::sleep(LOOK_UP_EVERY).await;
        for (index, region) in elsewhere.regions.iter().enumerate() {
            if let Some(address) = region.moved().await {
                network.link(End::Client, index).set_upstream(address);
            }
        }
    }
}

impl Regions {
    /// Starts them, and makes the table.
    pub(crate) async fn set_up(
        settings: &Settings,
        folder: &Path,
        stop: &Stop,
    ) -> Result<Self, String> {
        let names = settings.topology.regions().to_vec();
        let sites = Sites::find(&settings.place, names.len())?;
        let cables = cables(settings).await?;
        let addresses = sites.addresses();
        let network = Network::leading(
            &settings.topology,
            &|from| sites.found_at(from),
            &|from, to| sites.upstream(from, to),
            &sites.gated_hosts(),
            settings.seed,
        );
        let network = Arc::new(network.map_err(|error| error.to_string())?);
        // Made before the target, so dropped after it: nobody writes there any more when it is removed.
        // Absolute, so that whoever sees such a process knows which run it belongs to.
        let folder = std::path::absolute(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let data = Data {
            folder: folder.join(DATA),
            keep: settings.keep_data,
        };
        let meanings = sites.meanings(&names, &network, &data.folder);
        let target = start(settings, &network, &addresses, cables, &meanings, &folder).await?;
        let links = network.clone();
        blocking(move || wait_for_links(&links)).await;
        let adapters = adapters(settings, &network, &folder, &meanings);
        greet(settings, &adapters).await?;
        // An adapter's store has no tables, or the adapter makes them.
        let tables = adapters.is_empty().then(|| Tables {
            direct: endpoints(settings, |index| addresses[index]),
            spec: TableSpec {
                name: table_name(settings),
                tables: settings.place.tables(),
                has_stream: settings.workload.needs.streams,
                has_expiry: settings.workload.needs.time_to_live,
                tags: settings.tags(),
            },
            outlive_us: settings
                .place
                .elsewhere()
                .map(|elsewhere| (elsewhere, settings.op_timeout)),
        });
        let warnings = match &tables {
            Some(tables) => tables.create(stop).await?,
            None => Vec::new(),
        };
        let dialect = Dialect {
            table: tables
                .as_ref()
                .map_or_else(String::new, |tables| tables.spec.name.clone()),
            regions: names,
            failed_condition: settings.place.failed_condition(),
            forgery: Arc::default(),
            lifetimes: lifetimes(settings),
            locations: locations(settings),
        };
        let follower = settings.place.elsewhere().map(|elsewhere| {
            let links = network.clone();
            tokio::spawn(async move { follow(&elsewhere, &links).await })
        });
        Ok(Self {
            target,
            endpoints: endpoints(settings, |index| network.address(End::Client, index)),
            network,
            adapters,
            dialect: Arc::new(dialect),
            _follower: Follower(follower),
            _sites: sites,
            tables,
            warnings,
            data,
        })
    }

    /// A client beside this region.
    pub(crate) fn client(&self, region: RegionId) -> Client {
        if let Some(adapter) = self.adapters.get(usize::from(region.0)) {
            return Client::adapter(adapter.clone());
        }
        Client::new(
            self.endpoints[usize::from(region.0)].clone(),
            self.dialect.clone(),
        )
    }

    /// What makes clients write versions of their own; `None` where adapters speak for them.
    pub(crate) fn forgery(&self) -> Option<Arc<Forgery>> {
        let speaks_itself = self.adapters.is_empty();
        speaks_itself.then(|| self.dialect.forgery.clone())
    }

    /// Who changes the tables that a workload asks for; `None` where there are none to be made.
    pub(super) fn steward(&self, settings: &Settings) -> Option<Steward> {
        let tables = self.tables.as_ref()?;
        let steward = Steward {
            target: self.target.clone(),
            endpoints: tables.direct.clone(),
            spec: tables.spec.clone(),
            patience: settings.op_timeout,
        };
        settings.workload.needs.tables.then_some(steward)
    }

    /// What to be careful about since they were set up.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What broke by itself: a region that nobody ended, a link that lost its port.
    pub(crate) fn failure(&self) -> Option<String> {
        self.network
            .failure()
            .or_else(|| self.target.unexpected_end())
    }

    /// Stops every process, closes every link, and removes the table and the data unless they are to be kept. Says what is left.
    pub(crate) async fn tear_down(&self) -> Vec<String> {
        let left = match &self.tables {
            Some(tables) => tables.remove().await,
            None => Vec::new(),
        };
        let target = self.target.clone();
        blocking(move || target.stop()).await;
        let network = self.network.clone();
        blocking(move || network.shutdown()).await;
        self.data.remove();
        left
    }
}

/// When what clients write expires, by what the workload says of each version.
fn lifetimes(settings: &Settings) -> Lifetimes {
    if !settings.workload.needs.time_to_live {
        return Lifetimes::default();
    }
    let asked = Mutex::new(settings.generator());
    Lifetimes::of(move |key, id| {
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.lifetime_s(key, id)
    })
}

/// Where items lie, by what the workload says of each.
fn locations(settings: &Settings) -> Locations {
    if !settings.workload.needs.tables {
        return Locations::default();
    }
    let asked = Mutex::new(settings.generator());
    Locations::of(move |key| {
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.location(key)
    })
}

/// One adapter for each region, none where regions speak DynamoDB's API. It goes through the proxy in front of its server.
fn adapters(
    settings: &Settings,
    network: &Network,
    folder: &Path,
    meanings: &[Meaning],
) -> Vec<AdapterSpec> {
    let Some(template) = settings.place.adapter() else {
        return Vec::new();
    };
    let spec = |(index, meaning): (usize, &Meaning)| {
        let proxy = network.address(End::Client, index);
        let meaning = Meaning {
            host: proxy.ip(),
            port: proxy.port(),
            ..meaning.clone()
        };
        let environment = template.environment.iter();
        AdapterSpec {
            command: template
                .adapter
                .iter()
                .map(|text| fill(text, &meaning))
                .collect(),
            environment: environment
                .map(|(name, value)| (name.clone(), fill(value, &meaning)))
                .collect(),
            log: folder.join(format!("logs/adapter-{}.log", meaning.region)),
            region: meaning.region,
            regions: template.regions.clone(),
            timeout: settings.op_timeout,
        }
    };
    meanings.iter().enumerate().map(spec).collect()
}

/// Asks an adapter of each region what it can do, and refuses what the workload cannot do without.
async fn greet(settings: &Settings, adapters: &[AdapterSpec]) -> Result<(), String> {
    for spec in adapters {
        let hello = Adapter::new(spec.clone()).hello().await?;
        let missing = missing(&settings.workload.needs, &hello.capabilities);
        if !missing.is_empty() {
            return Err(format!(
                "{} needs {}, which the adapter of {} does not offer (it offers {}); choose another workload",
                settings.workload.name,
                missing.join(", "),
                spec.region,
                hello.capabilities.join(", ")
            ));
        }
        let offers_stamps = hello.capabilities.iter().any(|name| name == "stamps");
        if settings.place.stamps_visible() && !offers_stamps {
            return Err(format!(
                "the template says stamps = true, but the adapter of {} does not offer stamps (it offers {}); correct one of them",
                spec.region,
                hello.capabilities.join(", ")
            ));
        }
        tracing::info!(region = spec.region, store = hello.store, "adapter");
    }
    Ok(())
}

/// A link whose region was not there yet when somebody called it refuses connections until it notices that the region is. Whoever still
/// refuses after the limit will be met by the first request.
fn wait_for_links(network: &Network) {
    let begun = Instant::now();
    let refuses = |address: SocketAddr| {
        let opened = TcpStream::connect_timeout(&address, POLL);
        opened.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    };
    while network.links().any(|(_, _, link)| refuses(link.address()))
        && begun.elapsed() < LINK_LIMIT
    {
        std::thread::sleep(POLL / 10);
    }
}

/// What leads to regions that have networks of their own.
async fn cables(settings: &Settings) -> Result<Option<Arc<Cables>>, String> {
    let (wiring, count) = (settings.place.wiring(), settings.topology.regions().len());
    blocking(move || Cables::lay(wiring, count)).await
}

/// The target, ready to be used.
async fn start(
    settings: &Settings,
    network: &Network,
    addresses: &[SocketAddr],
    cables: Option<Arc<Cables>>,
    meanings: &[Meaning],
    folder: &Path,
) -> Result<Arc<dyn Target>, String> {
    let unmade = |error: std::io::Error| {
        format!(
            "the regions' folders in {} cannot be made: {error}",
            folder.display()
        )
    };
    let logs = folder.join("logs");
    let below = match settings.plan().needs(Ability::FileSystem) {
        true => Below::Disks,
        false => Below::Nothing,
    };
    match &settings.place {
        Place::Local { tables, .. } => {
            let replicas = (*tables == control::Tables::Version2019).then(|| Replicas {
                endpoints: endpoints(settings, |index| addresses[index]),
                table: table_name(settings),
            });
            let options = LocalOptions {
                regions: settings.topology.regions().to_vec(),
                peers: peer_addresses(network, addresses),
                addresses: addresses.to_vec(),
                data: folder.join(DATA),
                logs,
                defects: settings.defects.clone(),
                replicas,
                below,
                cables,
            };
            let target = Arc::new(LocalTarget::prepare(&options).map_err(unmade)?);
            let starting = target.clone();
            blocking(move || starting.start()).await?;
            Ok(target)
        }
        Place::Endpoints {
            elsewhere, hook, ..
        } => {
            let target = Arc::new(EndpointsTarget::new(elsewhere.clone(), hook.clone()));
            let reaching = target.clone();
            blocking(move || reaching.reach()).await?;
            Ok(target)
        }
        Place::Command { template, .. } => {
            let target = CommandTarget::prepare(template, meanings.to_vec(), &logs, below);
            let target = Arc::new(target.map_err(unmade)?);
            let starting = target.clone();
            blocking(move || starting.start()).await?;
            Ok(target)
        }
    }
}

/// A name that nobody else has, where others may have tables.
fn table_name(settings: &Settings) -> String {
    match settings.place {
        Place::Local { .. } | Place::Command { .. } => TABLE.to_owned(),
        Place::Endpoints { .. } => {
            let now = jiff::Timestamp::now().as_millisecond();
            format!("{TABLE}-{now}-{}-{}", std::process::id(), settings.seed)
        }
    }
}

fn peer_addresses(network: &Network, addresses: &[SocketAddr]) -> Vec<Vec<SocketAddr>> {
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

/// How to talk to each region at the address that is given for it.
fn endpoints(settings: &Settings, address: impl Fn(usize) -> SocketAddr) -> Vec<Endpoint> {
    let credentials = Credentials::fixed("DATELINE", "local regions take any key");
    let names = settings.topology.regions().iter().enumerate();
    names
        .map(|(index, name)| match &settings.place {
            Place::Endpoints { elsewhere, .. } => {
                elsewhere.endpoint(index, address(index), settings.op_timeout)
            }
            Place::Local { .. } | Place::Command { .. } => Endpoint {
                address: address(index),
                host: address(index).to_string(),
                tls: None,
                streams: None,
                region: name.clone(),
                credentials: credentials.clone(),
                timeout: settings.op_timeout,
            },
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
