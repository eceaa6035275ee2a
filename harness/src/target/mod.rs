//! What is tested: one region after another, started here or somewhere else.

mod health;
mod local;

mod elsewhere;
mod endpoints;
mod hook;

mod command;
mod data_dir;
mod disks;
mod faketime;
mod template;

mod cables;
mod fleet;
mod ports;
mod process;
mod replicas;
mod spawner;

use std::{io, net::SocketAddr, path::Path};

use crate::disk::Order;

pub(crate) use cables::{Cables, Wiring, console, enter, gateway, wire};
pub(crate) use command::CommandTarget;
pub(crate) use disks::Below;
pub(crate) use elsewhere::{Elsewhere, EndpointError, Intent, RemoteRegion};
pub(crate) use endpoints::EndpointsTarget;
pub(crate) use health::Health;
pub(crate) use hook::{Hook, Phase};
pub(crate) use local::{LocalOptions, LocalTarget};
pub(crate) use ports::Ports;
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

    /// Tells the file system below a region's data something; brings what that did, in words.
    ///
    /// # Errors
    /// Why it did not do it, or that there is none.
    fn order(&self, _region: usize, _order: Order) -> Result<String, String> {
        Err("no file system of ours lies below the regions' data".to_owned())
    }

    /// Lets packets to and from a region be lost, none by default; returns when that has taken hold, and brings what was seen of it, in words.
    ///
    /// # Errors
    /// What failed, or that there is no way to them.
    fn lose_packets(&self, _region: usize, _loss: Loss) -> Result<String, String> {
        Err("the regions have no network of their own".to_owned())
    }

    /// How many connections to and from a region wait until they send again what was lost.
    ///
    /// # Errors
    /// Why nobody knows.
    fn held_back(&self, _region: usize) -> Result<usize, String> {
        Err("the regions have no network of their own".to_owned())
    }

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
    /// Put a file system of ours below its data.
    FileSystem,
    /// Lose packets of its network.
    Packets,
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

/// How many of a thousand packets are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Loss {
    /// Of those to the region.
    pub(crate) to_per_mille: u64,
    /// Of those from it.
    pub(crate) from_per_mille: u64,
}

impl Loss {
    /// All of one way.
    pub(crate) const ALL: u64 = 1000;

    /// Whether no question is answered.
    pub(crate) fn is_total(self) -> bool {
        self.to_per_mille == Self::ALL || self.from_per_mille == Self::ALL
    }
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
