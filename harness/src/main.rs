//! `dateline`: tells whether a multi-region, last-writer-wins table keeps its promises.
//!
//! Read in this order: [`cli`] is what can be asked for, [`run`] is a run from set-up to verdict. A run has [`target`] regions, a
//! [`proxy`] on every link of its [`topology`], [`client`]s that an [`interpreter`] drives, a [`nemesis`] that makes things go wrong, and a
//! [`journal`] of all of it in a run folder ([`store`]). Beside it, [`gate`] decides between two builds and
//! [`suite`] runs a matrix of all of it every night.

mod cli;

mod run;

mod selftest;

mod shrink;

mod follow;

mod target;

mod disk;

mod topology;

mod proxy;

mod client;

mod conformance;

mod interpreter;

mod nemesis;

mod load;

mod gate;

mod suite;

mod journal;

mod cpu;

mod store;

mod progress;

mod stop;

mod gateway;

mod exit;

/// For the regions that this program is, too: a quarter more gets for each second of CPU than with the system's (`docs/proofs.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The version and the commit it was built from, as `run.json`, reports and `--version` state it.
const VERSION: &str = env!("DATELINE_VERSION");

fn main() -> std::process::ExitCode {
    cli::main()
}
