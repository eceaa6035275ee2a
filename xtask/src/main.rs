//! The project's own tools: everything that continuous integration calls, and nothing that a user needs.
//!
//! Read in this order: [`step`] is how a command of somebody else's is run and how its failure is told, [`verify`] and [`fix`] are the
//! rules of the house, [`tidy`] are the rules that no other tool checks, [`e2e`] walks through the product as a person would, [`nightly`]
//! is what takes too long for every change. There is no Makefile and no shell script beside it, but for `.ci/run`, which installs
//! Debian packages and then calls these.

mod e2e;
mod fix;
mod nightly;
mod step;
mod tidy;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks, fixes and end-to-end runs of the Dateline workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check everything that must hold before a change lands; writes nothing
    Verify,
    /// Format, and apply what clippy can repair by itself
    Fix,
    /// Check the rules of this repository that no other tool checks
    Tidy,
    /// Walk through the product as a person would: the real aws CLI, real processes, a real browser
    E2e(e2e::Arguments),
    /// Run what takes too long for every change
    Nightly(nightly::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Verify => verify::run(),
        Command::Fix => fix::run(),
        Command::Tidy => tidy::run(),
        Command::E2e(arguments) => e2e::run(&arguments),
        Command::Nightly(arguments) => nightly::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
