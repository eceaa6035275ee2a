//! What goes wrong during a run, when, and how it is undone.
//!
//! A fault is a [`Package`]: its name, what it needs of a target, its rhythm, and how one occurrence of it is drawn. What an occurrence does
//! is a [`Deed`](deed::Deed), a word of a small vocabulary (links, packets, processes, clocks, disks, data, clients); the executor knows deeds and no packages. So a new fault is one
//! small file and a line in [`registry`]; only a new kind of mischief needs a new deed.
//!
//! The [`Plan`] is drawn before the run from the seed alone, and can be saved and repeated. The executor ([`Nemesis`]) walks through it on a
//! thread of its own, verifies that each action took hold, and journals it as installed, skipped or indeterminate.

mod absence;
mod deed;
mod executor;
mod habits;
mod hold;
mod package;
mod plan;
mod schedule;
mod storm;

mod client_link;
mod clock;
mod clock_extremes;
mod connection_storm;
mod demand;
mod disk;
mod flapping;
mod kill;
mod lost_replies;
mod membership;
mod packets;
mod partition;
mod pause;
mod poor_links;
mod power_loss;
mod provider;
mod repeated_requests;
mod restart;
mod roll_back;
mod slow;
mod spoilt_disk;

pub(crate) use executor::Nemesis;
pub(crate) use habits::{Clients, NoClients};
pub(crate) use package::Package;
pub(crate) use plan::Plan;

/// Every fault there is, in the order of `dateline list faults`.
pub(crate) fn registry() -> &'static [&'static dyn Package] {
    &[
        &partition::Partition,
        &kill::Kill,
        &pause::Pause,
        &clock::Clock,
        &client_link::ClientLink,
        &lost_replies::LostReplies,
        &slow::SlowClients,
        &slow::SlowLinks,
        &flapping::Flapping,
        &restart::Restart,
        &restart::RollingRestart,
        &poor_links::PoorLinks,
        &packets::PacketLoss,
        &packets::BlackHole,
        &connection_storm::ConnectionStorm,
        &clock_extremes::ClockExtremes,
        &repeated_requests::RepeatedRequests,
        &roll_back::RollBack,
        &membership::Membership,
        &membership::Lose,
        &disk::SlowFsync,
        &disk::DiskFull,
        &power_loss::PowerLoss,
        &spoilt_disk::ReadErrors,
        &spoilt_disk::FlippedBits,
        &demand::Burst,
        &demand::HotKey,
        &demand::ForgedStamps,
        &provider::Provider,
    ]
}

/// The names of all faults.
pub(crate) fn names() -> Vec<&'static str> {
    registry().iter().map(|package| package.name()).collect()
}

/// The faults of these names, in the registry's order. `none` alone means no faults, `all` all of them.
///
/// # Errors
/// Which name is unknown, and which there are.
pub(crate) fn by_names(names: &[String]) -> Result<Vec<&'static dyn Package>, UnknownFault> {
    let known =
        |name: &str| name == "none" || name == "all" || registry().iter().any(|p| p.name() == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        return Err(UnknownFault { name: name.clone() });
    }
    if names.len() > 1 && names.iter().any(|name| name == "none") {
        return Err(UnknownFault {
            name: "none (beside others)".to_owned(),
        });
    }
    let asked = |package: &&'static dyn Package| {
        names
            .iter()
            .any(|name| name == "all" || name == package.name())
    };
    Ok(registry().iter().copied().filter(asked).collect())
}

/// A fault that there is not.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error(
    "--faults: there is no fault {name:?}; choose some of {}, or all, or none alone (`dateline list faults` describes them)",
    names().join(", ")
)]
pub(crate) struct UnknownFault {
    /// As given.
    pub(crate) name: String,
}

#[cfg(test)]
mod tests;
