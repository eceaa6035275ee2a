//! `dateline replica`: one reference replica in this process.

use std::process::ExitCode;

use replica::server::Options;

/// Serves until told to end.
pub(super) fn run(options: Options) -> ExitCode {
    match replica::server::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Also into the log that the harness keeps of this region.
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
