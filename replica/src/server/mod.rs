//! The shell around the core: one process that listens, commits, calls its peers and tells the time.
//!
//! Read in this order: [`options`] (what it is told), this file (the order in which it starts and ends), `shell` (the core under its lock),
//! `commits` (group commit), `http` and `routes` (connections, requests), `sigv4` (who asks), `peers` and `peer_key` (links to other regions),
//! `timer`, `clock`, `disk`, `health`, `metrics`, `failure`, `applied` (when versions became readable, for those who measure lag).
//!
//! Threads: one (or `--threads`) for everything asynchronous, one for commits, one of the storage engine.
//!
//! Absent: TLS (put a terminating proxy in front), HTTP/2 (no DynamoDB client speaks it).

mod applied;
mod clock;
mod commits;
mod disk;
mod failure;
mod health;
mod http;
mod log;
mod metrics;
mod options;
mod parent;
mod peer_key;
mod peers;
mod routes;
mod shell;
mod sigv4;
mod timer;
mod timestamp;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::applied::ApplyLog;
use self::clock::Clock;
pub use self::clock::Skew;
use self::disk::Disk;
pub use self::failure::ServerError;
pub use self::log::LogFormat;
use self::metrics::RequestCounts;
pub use self::options::Options;
use self::peers::{Link, LinkQueue};
use self::routes::Routes;
use self::shell::Shell;
use crate::core::{Config, Core, Effects};
#[cfg(feature = "defects")]
use crate::defects::Defect;
use crate::store::{DataDir, DataDirError, DiskStore, Store as _, write_atomically};

/// Runs one replica until it is told to end (`SIGTERM`, `SIGINT`) or cannot go on.
///
/// # Errors
/// When it cannot start, or when a commit failed while it ran.
pub fn run(options: Options) -> Result<(), ServerError> {
    if let Some(parent) = options.die_with_parent {
        parent::die_with_parent(parent)?;
    }
    log::start(options.log);
    failure::end_process_on_panic();
    let (shell, links) = open(&options)?;
    let applied = options.apply_log.as_deref().map(ApplyLog::create);
    let committer = commits::start(Arc::clone(&shell), applied.transpose()?)
        .map_err(ServerError::system("start the commit thread"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(usize::from(options.threads))
        .enable_all()
        .build()
        .map_err(ServerError::system("start the runtime"))?;
    let served = serve(&runtime, options, Arc::clone(&shell), links);
    drop(runtime);
    finish(shell, committer)?;
    served
}

/// Opens the data and puts the core into its shell.
fn open(options: &Options) -> Result<(Arc<Shell>, Vec<Link>), ServerError> {
    let peers = options.peers()?;
    let peer_key = options.peer_key()?;
    let data_dir = DataDir::open(&options.data_dir)?;
    // Whoever waits for the address must not find that of the process before this one.
    let address = data_dir.path().join("address");
    if address.exists() {
        std::fs::remove_file(&address)
            .map_err(ServerError::system("remove the old address file"))?;
    }
    let clock = Clock::new(data_dir.path().join("clock.json"));
    if let Err(error) = clock.reload() {
        tracing::error!("{error}");
    }
    let disk = Disk::new(data_dir.path().join("disk.json"));
    if let Err(error) = disk.reload() {
        tracing::error!("{error}");
    }
    let store = DiskStore::open(data_dir)?;
    #[cfg(feature = "defects")]
    if options.defects().contains(&Defect::AckBeforeFsync) {
        store.sync_late();
    }
    let mut config = Config::new(options.region.clone(), peers.keys().cloned().collect());
    config.last_commit = store.last_commit()?;
    config.max_clock_skew_ms = options.max_clock_skew;
    config.limits.keep_stream_records(options.stream_retention);
    config.global_tables = options.global_tables;
    config.defects = options.defects().iter().copied().collect::<BTreeSet<_>>();
    let mut effects = Effects::new();
    let core =
        Core::open(config, entropy(), clock.now(), &store, &mut effects).map_err(|source| {
            ServerError::Core {
                data_dir: options.data_dir.display().to_string(),
                source,
            }
        })?;
    let mut queues = BTreeMap::new();
    let mut links = Vec::new();
    for (region, address) in peers {
        let (queue, waiting) = LinkQueue::new();
        queues.insert(region.clone(), queue);
        links.push(Link {
            region,
            address,
            key: peer_key.clone(),
            queue: waiting,
        });
    }
    Ok((
        Arc::new(Shell::new(core, effects, store, (clock, disk), queues)),
        links,
    ))
}

/// Listens until a signal ends it, and lets the requests in work finish.
fn serve(
    runtime: &Runtime,
    options: Options,
    shell: Arc<Shell>,
    links: Vec<Link>,
) -> Result<(), ServerError> {
    let _inside = runtime.enter();
    let refused = |source| ServerError::Listen {
        address: options.listen,
        source,
    };
    let listener = std::net::TcpListener::bind(options.listen).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let listener = TcpListener::from_std(listener).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let signals = Signals::new().map_err(ServerError::system("listen for signals"))?;
    let routes = Arc::new(Routes {
        shell: Arc::clone(&shell),
        region: options.region.clone(),
        credentials: options.credentials.clone(),
        peer_key: options.peer_key()?,
        requests_max: options.requests_max as usize,
        in_work: 0.into(),
        requests: RequestCounts::default(),
        id_seed: entropy(),
        last_id: 0.into(),
    });
    let (stop, stopped) = watch::channel(false);
    let mut background = JoinSet::new();
    background.spawn_on(timer::run(Arc::clone(&shell)), runtime.handle());
    for link in links {
        background.spawn_on(link.run(Arc::clone(&shell)), runtime.handle());
    }
    announce(&options, &shell, address)?;
    let connections_max = options.connections_max as usize;
    let serving = runtime.spawn(http::serve(listener, routes, connections_max, stopped));
    runtime.spawn(signals.follow(Arc::clone(&shell), stop));
    // The main thread only waits, so that every task runs on the runtime's own threads.
    runtime.block_on(serving).expect("a panic ends the process");
    background.abort_all();
    Ok(())
}

/// Tells where the server listens: in a file for programs, in the log for people.
fn announce(options: &Options, shell: &Shell, address: SocketAddr) -> Result<(), ServerError> {
    let data_dir = shell.store.data_dir().path();
    let peers: Vec<String> = options
        .peers
        .iter()
        .map(|(region, address)| format!("{region}={address}"))
        .collect();
    let defects: Vec<&str> = options
        .defects()
        .iter()
        .map(|defect| defect.description().name)
        .collect();
    tracing::info!(
        region = %options.region,
        %address,
        data_dir = %data_dir.display(),
        peers = peers.join(" "),
        defects = defects.join(" "),
        commit = shell.store.last_commit()?,
        pid = std::process::id(),
        "replica serves"
    );
    // Last: whoever finds the address finds in the log what this process is.
    write_atomically(&data_dir.join("address"), format!("{address}\n").as_bytes()).map_err(
        |source| DataDirError::Unwritable {
            path: data_dir.to_owned(),
            what: "the address file",
            source,
        },
    )?;
    Ok(())
}

/// Makes durable what is queued and closes the store.
fn finish(shell: Arc<Shell>, committer: JoinHandle<()>) -> Result<(), ServerError> {
    shell.commits.close();
    committer.join().expect("a panic ends the process");
    let result = match shell.poison.reason() {
        Some(reason) => Err(ServerError::Poisoned(reason.to_owned())),
        None => Ok(()),
    };
    assert_eq!(
        Arc::strong_count(&shell),
        1,
        "every task has ended, so the store closes here"
    );
    drop(shell);
    tracing::info!("replica ended");
    result
}

/// The signals that this process acts on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Clock and disk are to be looked at again.
    trouble: Signal,
}

impl Signals {
    /// From here on none of them ends the process by itself.
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            trouble: signal(SignalKind::user_defined1())?,
        })
    }

    async fn follow(mut self, shell: Arc<Shell>, stop: watch::Sender<bool>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => tracing::info!("SIGTERM: ending"),
                _ = self.interrupt.recv() => tracing::info!("SIGINT: ending"),
                _ = self.trouble.recv() => {
                    match shell.clock.reload() {
                        Ok(skew) => tracing::info!(?skew, "SIGUSR1: clock skew read"),
                        Err(error) => tracing::error!("{error}"),
                    }
                    match shell.disk.reload() {
                        Ok(trouble) => tracing::info!(?trouble, "SIGUSR1: what is wrong with the disk read"),
                        Err(error) => tracing::error!("{error}"),
                    }
                    continue;
                }
            }
            // Nobody listens any more once the server ends by itself.
            let _ = stop.send(true);
        }
    }
}

/// Bits that differ from one process to the next, as the standard library gets them from the system for its hash maps.
fn entropy() -> u64 {
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}
