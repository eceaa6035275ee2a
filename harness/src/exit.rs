//! How the process ends: 0 valid, 1 invalid, 2 unknown, 3 harness failure, 64 bad usage.

use std::process::ExitCode;

pub(crate) use reports::results::Ending;

/// The exit code of a command line that makes no sense (`EX_USAGE` of sysexits).
const USAGE: u8 = 64;

/// What a command that could not do its job says, and how it ends.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The user asked for something that cannot be: what, and what to do.
    Usage(String),
    /// We could not do our job: what happened, where the evidence is.
    Harness(String),
}

impl Failure {
    /// A harness failure from any error.
    pub(crate) fn harness(error: impl std::fmt::Display) -> Self {
        Self::Harness(error.to_string())
    }

    /// Bad usage from any error.
    pub(crate) fn usage(error: impl std::fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }
}

/// The exit code of a command.
pub(crate) fn code(outcome: Result<Ending, Failure>) -> ExitCode {
    match outcome {
        Ok(ending) => ExitCode::from(ending.exit_code()),
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}");
            usage()
        }
        Err(Failure::Harness(message)) => {
            eprintln!("harness failure: {message}");
            ExitCode::from(Ending::HarnessFailure.exit_code())
        }
    }
}

/// The exit code of bad usage, when the message has been printed already.
pub(crate) fn usage() -> ExitCode {
    ExitCode::from(USAGE)
}
