//! The vocabulary of mischief: what an occurrence of a fault does, whichever package drew it.

use serde::{Deserialize, Serialize};

use crate::{
    proxy::{Direction, LinkFault},
    target::{Ability, Skew},
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
    /// So many connections more to the region, over its clients' link.
    Storm {
        /// Whose.
        region: usize,
        /// How many.
        connections: u64,
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
    /// It must answer when the deed begins and when it ends.
    Skewed(usize),
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
            Deed::Kill { .. } | Deed::Restart { .. } => Ability::Kill,
            Deed::Pause { .. } => Ability::Pause,
            Deed::Clock { .. } => Ability::Clock,
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
            Deed::Kill { region }
            | Deed::Restart { region }
            | Deed::Pause { region }
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
            Deed::Links { .. } | Deed::Storm { .. } => Touch::None,
            Deed::Kill { region } | Deed::Restart { region } | Deed::Pause { region } => {
                Touch::Down(*region)
            }
            Deed::Clock { region, .. } => Touch::Skewed(*region),
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
