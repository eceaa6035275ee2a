//! The vocabulary of mischief: what an occurrence of a fault does, whichever package drew it.

use serde::{Deserialize, Serialize};

use super::habits::Habit;
use crate::{
    disk::Spoiling,
    proxy::{Direction, LinkFault},
    target::{Ability, Loss, Skew},
    topology::End,
};

/// What is done while a fault lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "kebab-case")]
pub(crate) enum Deed {
    /// Something is wrong with these directions of these links.
    Links {
        /// Which.
        ways: Vec<Way>,
        /// What.
        fault: LinkFault,
    },
    /// Packets to and from the region are lost.
    Packets {
        /// Whose.
        region: usize,
        /// How many.
        loss: Loss,
    },
    /// The region's process is killed, and started again at the end.
    Kill {
        /// Whose.
        region: usize,
    },
    /// The region's process is asked to end, and started again at the end.
    Restart {
        /// Whose.
        region: usize,
    },
    /// The region's process is stopped, and continued at the end.
    Pause {
        /// Whose.
        region: usize,
    },
    /// The region's data directory is copied aside; nothing is undone at the end.
    Copy {
        /// Whose.
        region: usize,
    },
    /// The region goes out of service and its data directory back to the copy; at the end it is started, and back in service when it is whole.
    RollBack {
        /// Whose.
        region: usize,
    },
    /// The region is removed from the table, and added again at the end.
    Leave {
        /// Whose.
        region: usize,
    },
    /// The region's process and data are lost; at the end it is started with none, and joins the table as somebody new.
    Lose {
        /// Whose.
        region: usize,
    },
    /// So many connections more to the region, over its clients' link.
    Storm {
        /// Whose.
        region: usize,
        /// How many.
        connections: u64,
    },
    /// The region's commits take longer.
    SlowDisk {
        /// Whose.
        region: usize,
        /// By how much.
        fsync_delay_ms: u64,
    },
    /// The region's commits fail; at the end it is started again if it was poisoned.
    FullDisk {
        /// Whose.
        region: usize,
    },
    /// The region's machine loses its power: its process is killed and its disk forgets what was not synced; at the end it is started.
    PowerLoss {
        /// Whose.
        region: usize,
        /// Let some of what was not synced survive, drawn from this number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        torn: Option<u64>,
    },
    /// The region's process is killed and started on a disk of which some places are spoilt; at the end it is started again on the mended disk. Where bits are
    /// flipped it is out of service meanwhile, if it can be.
    Spoil {
        /// Whose.
        region: usize,
        /// How.
        spoiling: Spoiling,
        /// How many.
        places: u64,
        /// What they are drawn from.
        pick: u64,
    },
    /// Whoever runs the region breaks it, and heals it at the end.
    Provider {
        /// Whose.
        region: usize,
    },
    /// Clients of all regions do something differently.
    Clients {
        /// What.
        #[serde(flatten)]
        habit: Habit,
    },
    /// The region's clock is wrong.
    Clock {
        /// Whose.
        region: usize,
        /// How.
        skew: Skew,
    },
}

/// One direction of one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Way {
    /// Where connections of the link begin.
    pub(crate) from: End,
    /// Where they lead.
    pub(crate) to: usize,
    /// Which direction of it.
    pub(crate) direction: Direction,
}

/// What a deed does to one region's process, as far as other deeds must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// It does not answer meanwhile, so nothing else can be done to it.
    Down(usize),
    /// The same, and no other region may be out of service meanwhile: what this one lost comes back from the others.
    Absent(usize),
    /// It must answer when the deed begins and when it ends.
    Skewed(usize),
    /// Its packets are lost, as this deed says and no other.
    Unheard(usize),
    /// Nothing.
    None,
}

impl Deed {
    /// What a target must be able to do for it.
    pub(crate) fn needs(&self) -> Ability {
        match self {
            Deed::Links {
                ways,
                fault: LinkFault::Truncate { .. },
            } if ways.iter().all(|way| way.from == End::Client) => Ability::Replies,
            Deed::Links { ways, .. } if ways.iter().all(|way| way.from == End::Client) => {
                Ability::ClientLinks
            }
            Deed::Links { .. } => Ability::PeerLinks,
            Deed::Storm { .. } => Ability::ClientLinks,
            Deed::Packets { .. } => Ability::Packets,
            Deed::Kill { .. } | Deed::Restart { .. } => Ability::Kill,
            Deed::Pause { .. } => Ability::Pause,
            Deed::Clock { .. } => Ability::Clock,
            Deed::Clients { .. } => Ability::Clients,
            Deed::Provider { .. } => Ability::Provider,
            Deed::SlowDisk { .. } | Deed::FullDisk { .. } => Ability::Disk,
            Deed::PowerLoss { .. } | Deed::Spoil { .. } => Ability::FileSystem,
            Deed::Copy { .. } | Deed::RollBack { .. } => Ability::RollBack,
            Deed::Leave { .. } | Deed::Lose { .. } => Ability::Membership,
        }
    }

    /// Every region that it names.
    pub(crate) fn regions(&self) -> Vec<usize> {
        match self {
            Deed::Links { ways, .. } => ways
                .iter()
                .flat_map(|way| match way.from {
                    End::Client => vec![way.to],
                    End::Region(from) => vec![from, way.to],
                })
                .collect(),
            Deed::Clients { .. } => Vec::new(),
            Deed::Packets { region, .. }
            | Deed::Kill { region }
            | Deed::Restart { region }
            | Deed::Pause { region }
            | Deed::Copy { region }
            | Deed::RollBack { region }
            | Deed::Leave { region }
            | Deed::Lose { region }
            | Deed::SlowDisk { region, .. }
            | Deed::FullDisk { region }
            | Deed::PowerLoss { region, .. }
            | Deed::Spoil { region, .. }
            | Deed::Provider { region }
            | Deed::Storm { region, .. }
            | Deed::Clock { region, .. } => {
                vec![*region]
            }
        }
    }

    /// What is wrong with it, whatever the regions.
    ///
    /// # Errors
    /// Which part, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Deed::Clients {
            habit: Habit::Burst { times: 0 },
        } = self
        {
            return Err("a burst is 1 time as many operations or more".to_owned());
        }
        if let Deed::Packets { loss, .. } = self
            && (*loss == Loss::default() || loss.to_per_mille.max(loss.from_per_mille) > Loss::ALL)
        {
            return Err("of a thousand packets 1 to 1000 are lost, one way or both".to_owned());
        }
        let Deed::Links { ways, .. } = self else {
            return Ok(());
        };
        match ways.iter().find(|way| way.from == End::Region(way.to)) {
            Some(way) => Err(format!("a link leads from region {} to itself", way.to)),
            None if ways.is_empty() => Err("it names no links".to_owned()),
            None => Ok(()),
        }
    }

    /// How it gets in the way of other deeds.
    pub(crate) fn touch(&self) -> Touch {
        match self {
            Deed::Links { .. }
            | Deed::Storm { .. }
            | Deed::Clients { .. }
            | Deed::Provider { .. } => Touch::None,
            Deed::Packets { region, .. } => Touch::Unheard(*region),
            Deed::Kill { region }
            | Deed::Restart { region }
            | Deed::Pause { region }
            | Deed::FullDisk { region }
            | Deed::PowerLoss { region, .. }
            | Deed::Spoil {
                region,
                spoiling: Spoiling::Unreadable,
                ..
            } => Touch::Down(*region),
            Deed::RollBack { region }
            | Deed::Leave { region }
            | Deed::Lose { region }
            | Deed::Spoil {
                region,
                spoiling: Spoiling::Flipped,
                ..
            } => Touch::Absent(*region),
            Deed::Copy { region } | Deed::SlowDisk { region, .. } | Deed::Clock { region, .. } => {
                Touch::Skewed(*region)
            }
        }
    }
}

/// The ways that packets from one region to another take: requests over its own link, replies over the other's.
pub(crate) fn packets(from: usize, to: usize) -> [Way; 2] {
    [
        Way {
            from: End::Region(from),
            to,
            direction: Direction::Forward,
        },
        Way {
            from: End::Region(to),
            to: from,
            direction: Direction::Backward,
        },
    ]
}
