//! What is tested: one region after another, started here or somewhere else.

mod health;
mod local;

mod elsewhere;
mod endpoints;

mod command;
mod faketime;
mod template;

mod fleet;
mod process;
mod spawner;

use std::{io, net::SocketAddr, path::Path};

pub(crate) use command::CommandTarget;
pub(crate) use elsewhere::{Elsewhere, EndpointError, Intent, RemoteRegion};
pub(crate) use endpoints::EndpointsTarget;
pub(crate) use health::Health;
pub(crate) use local::{LocalOptions, LocalTarget, free_addresses};
pub(crate) use spawner::Spawner;
pub(crate) use template::{Meaning, Template, TemplateError, fill};

/// What can be done to a target's regions. Calls block until done; they come from the run and from the nemesis thread.
pub(crate) trait Target: Send + Sync {
    /// Region names, in the order of the history's header.
    fn regions(&self) -> &[String];

    /// Where the region really listens. Clients and peers go through the proxy in front of it.
    fn address(&self, region: usize) -> SocketAddr;

    /// Whether this target can do this at all; the reason if not.
    ///
    /// # Errors
    /// The reason why not, for the journal (`skipped`) and for bad-usage messages.
    fn can(&self, ability: Ability) -> Result<(), String>;

    /// Does it, and returns when it has taken hold.
    ///
    /// # Errors
    /// What failed; whether it took hold is then unknown.
    fn act(&self, region: usize, action: &Action) -> Result<(), String>;

    /// What a region says of itself; `None` where regions are not asked, because they are not ours.
    fn status(&self, _region: usize) -> Option<io::Result<Health>> {
        None
    }

    /// Writes what each region says of itself into the folder of logs: evidence of how they came to rest, or did not.
    fn save_health(&self, _logs: &Path) {}

    /// A region that ended although nobody ended it: its name and last words.
    fn unexpected_end(&self) -> Option<String> {
        None
    }

    /// Stops what was started here, and waits until it is gone.
    fn stop(&self) {}
}

/// What a target may be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ability {
    /// Kill and start a region's process.
    Kill,
    /// Stop and continue it.
    Pause,
    /// Skew its clock.
    Clock,
    /// Put a proxy between regions.
    PeerLinks,
    /// Put a proxy between clients and their region.
    ClientLinks,
    /// Count there how much of a reply has passed.
    Replies,
}

/// What can be done to one region.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// `SIGKILL`; returns when the process is gone.
    Kill,
    /// Ask it to stop; returns when the process is gone.
    Stop,
    /// Start it again on its data; returns when it is healthy.
    Start,
    /// `SIGSTOP`; returns when the kernel says it is stopped.
    Pause,
    /// `SIGCONT`.
    Resume,
    /// Set the skew of its clock; returns when the region reports it. The default is no skew.
    Clock(Skew),
}

/// A clock's skew: `wall = system + offset_ms + drift_ppm * (time since set)`, strobing between that and the true time if asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Skew {
    /// Constant part.
    pub(crate) offset_ms: i64,
    /// Rate, parts per million.
    pub(crate) drift_ppm: i64,
    /// When not 0: half of each such period the skew holds, half it does not.
    pub(crate) strobe_period_ms: u64,
}
