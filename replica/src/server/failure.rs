//! How the server ends when it cannot go on, and what it says until then.
//!
//! A replica that failed to make something durable is *poisoned*: what it holds in memory may never reach the disk, so it answers nothing but
//! errors from then on. A panic is a bug of ours: state may be half changed, so the process ends at once, with its own exit code.

use std::io;
use std::net::SocketAddr;
use std::sync::OnceLock;

use crate::core::OpenError;
use crate::store::{DataDirError, StoreError};

/// The exit code after a panic: a bug of ours (`EX_SOFTWARE`).
const EXIT_PANIC: i32 = 70;

/// Why the server could not start or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The options do not go together.
    #[error("{0}")]
    Usage(String),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The rows cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows say what this server cannot go on from.
    #[error("the data in {data_dir} cannot be used: {source}")]
    Core {
        /// Where.
        data_dir: String,
        /// Why.
        source: OpenError,
    },
    /// Nobody could reach it.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system refused something else that the server needs.
    #[error("cannot {what}: {source}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It ran, and then a commit failed.
    #[error("the replica was poisoned: {0}")]
    Poisoned(String),
}

impl ServerError {
    /// The exit code: 64 for bad usage, 3 when the server could not do its job.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::DataDir(_)
            | Self::Store(_)
            | Self::Core { .. }
            | Self::Listen { .. }
            | Self::System { .. }
            | Self::Poisoned(_) => 3,
        }
    }

    /// For `map_err`: the system refused this.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

/// The first failure after which nothing may be acknowledged any more, if there was one.
#[derive(Debug, Default)]
pub(crate) struct Poison(OnceLock<String>);

impl Poison {
    /// Poisons the replica; the first reason stays.
    pub(crate) fn set(&self, reason: &str) {
        if self.0.set(reason.to_owned()).is_ok() {
            tracing::error!(
                reason,
                "the replica is poisoned: every request is refused from now on; look at the disk, then restart it"
            );
        }
    }

    /// Why it is poisoned.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// Makes a panic on any thread end the process.
pub(crate) fn end_process_on_panic() {
    std::panic::set_hook(Box::new(|info| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let backtrace = std::backtrace::Backtrace::force_capture();
        tracing::error!(thread = name, %backtrace, "a bug ended the replica: {info}");
        std::process::exit(EXIT_PANIC);
    }));
}
