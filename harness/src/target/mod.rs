//! What is tested: one region after another, started here or somewhere else.

mod health;
mod local;

mod elsewhere;
mod endpoints;
mod hook;

mod command;
mod data_dir;
mod faketime;
mod template;

mod fleet;
mod process;
mod replicas;
mod spawner;

use std::{io, net::SocketAddr, path::Path};

pub(crate) use command::CommandTarget;
pub(crate) use elsewhere::{Elsewhere, EndpointError, Intent, RemoteRegion};
pub(crate) use endpoints::EndpointsTarget;
pub(crate) use health::Health;
pub(crate) use hook::{Hook, Phase};
pub(crate) use local::{LocalOptions, LocalTarget, free_addresses};
pub(crate) use replicas::Replicas;
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
    /// Copy its data aside and put the copy back, where regions say what the others have.
    RollBack,
    /// Remove it from the table and add it again, while the table holds data.
    Membership,
    /// Make its disk slow or full.
    Disk,
    /// Put a proxy between regions.
    PeerLinks,
    /// Put a proxy between clients and their region.
    ClientLinks,
    /// Tell clients what to do differently.
    Clients,
    /// Count there how much of a reply has passed.
    Replies,
    /// Have whoever runs it break it.
    Provider,
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
    /// Copy its data directory aside, in place of the copy before, while the process is stopped for as long as that takes.
    CopyData,
    /// Put the copy in the data directory's place. The process must be gone.
    PutCopyBack,
    /// Remove everything in its data directory. The process must be gone.
    LoseData,
    /// Let another region remove it from the table; returns when that one has answered.
    Leave {
        /// Who is asked.
        by: usize,
    },
    /// Let another region add it to the table; returns when that one has answered.
    Join {
        /// Who is asked.
        by: usize,
    },
    /// Set the skew of its clock; returns when the region reports it. The default is no skew.
    Clock(Skew),
    /// Set what is wrong with its disk; returns when the region reports it. The default is nothing.
    Disk(Trouble),
    /// Have whoever runs it break or heal it; returns when they say that it is so.
    Provider(Phase),
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Trouble {
    /// Each commit takes so much longer.
    pub(crate) fsync_delay_ms: u64,
    /// Commits fail, since there is no space left.
    pub(crate) is_full: bool,
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
