//! Proofs of the replica that take a machine for a while: how fast it is, and what survives.
//!
//! `cargo run --release -p replica --example proof -- speed` (or `crash-loops`, `isolation`, `soak`; `--help` says more). The servers are processes:
//! this program again, in another role. Figures of the last runs are in `docs/proofs.md`.

mod client;
mod cluster;
mod crash_loops;
mod isolation;
mod machine;
mod replication;
mod server;
mod soak;
mod speed;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// As the binaries have it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(name = "proof")]
struct Line {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, clap::Subcommand)]
enum Role {
    /// The speed table: requests per CPU-second beside a bare HTTP server, replication, memory
    Speed {
        /// How long each part runs
        #[arg(default_value_t = 5)]
        seconds: u64,
        /// Items that are written to be replicated and kept
        #[arg(long, default_value_t = 1_000_000)]
        items: u64,
        /// Another server to ask the same, with {port} and {data} filled in: 'dynalite --port {port} --path {data}'
        #[arg(long, value_name = "COMMAND")]
        beside: Option<String>,
    },
    /// `kill -9` at random moments under load: no acknowledged write is lost
    CrashLoops {
        /// How many loops
        #[arg(default_value_t = 200)]
        loops: u64,
        /// Draws the moments and the victims
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// One region cut off while the others take writes: memory, time to drain, equality
    Isolation {
        /// Writes that are taken elsewhere meanwhile
        #[arg(default_value_t = 1_000_000)]
        writes: u64,
    },
    /// Replication lag alone, as in `speed`
    Lag {
        /// For how long
        #[arg(default_value_t = 20)]
        seconds: u64,
    },
    /// Puts and deletes over the same keys for long: memory must stay flat
    Soak {
        /// For how long
        #[arg(default_value_t = 30)]
        minutes: u64,
    },
    /// The bare server (started by `speed`)
    #[command(hide = true)]
    Echo {
        /// Where to write its address
        file: PathBuf,
    },
    /// A replica (started by all of them)
    #[command(hide = true)]
    Replica {
        #[command(flatten)]
        options: Box<replica::server::Options>,
    },
}

fn main() -> anyhow::Result<()> {
    match Line::parse().role {
        Role::Speed {
            seconds,
            items,
            beside,
        } => {
            speed::compare(Duration::from_secs(seconds), beside.as_deref())?;
            wait(replication::lag(Duration::from_secs(seconds)))?;
            wait(isolation::run(items))
        }
        Role::CrashLoops { loops, seed } => wait(crash_loops::run(loops, seed)),
        Role::Lag { seconds } => wait(replication::lag(Duration::from_secs(seconds))),
        Role::Isolation { writes } => wait(isolation::run(writes)),
        Role::Soak { minutes } => wait(soak::run(Duration::from_secs(60 * minutes))),
        Role::Echo { file } => speed::echo(&file),
        Role::Replica { options } => Ok(replica::server::run(*options)?),
    }
}

/// Drives the clients on one thread.
fn wait(proof: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(proof)
}
