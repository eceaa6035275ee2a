//! The replica alone, without the harness: flags, then [`replica::server::run`].

use std::process::ExitCode;

use clap::Parser;

/// A quarter more gets for each second of CPU than with the system's (`docs/proofs.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One region of a global table, over the DynamoDB API
#[derive(Debug, Parser)]
#[command(name = "replica", version)]
struct Line {
    #[command(flatten)]
    options: replica::server::Options,
}

fn main() -> ExitCode {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Nothing is left to try when the terminal is gone, too.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    match replica::server::run(line.options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replica: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
