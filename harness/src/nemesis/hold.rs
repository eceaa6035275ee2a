//! Deeds done and undone on real links and processes, each verified: a probe through the link, the target's word for a process or a clock.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    absence::Absences,
    deed::{Deed, Way},
    habits::{Clients, Habits},
    packets::Unheard,
    storm::Storms,
};
use crate::{
    disk::{Order, Spoiling},
    proxy::{Carried, Direction, Link, LinkFault, Network, probe_all},
    target::{Ability, Action, Phase, Skew, Target, Trouble},
    topology::End,
};

/// How long a healed link may take to carry a probe, besides its own delays.
const HEALING: Duration = Duration::from_secs(5);
/// How long a probe waits for what should not come, besides the link's own delays.
const SILENCE: Duration = Duration::from_millis(60);

/// How often a link is looked at that does not listen yet.
const GLANCE: Duration = Duration::from_millis(20);

/// How an action went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It took hold, and that was verified.
    Installed,
    /// It took hold where it could; the rest is somebody else's.
    InstalledBut(String),
    /// It was not tried.
    Skipped(String),
    /// Nobody knows.
    Indeterminate(String),
    /// It is under way and takes hold by itself; ask again.
    NotYet(String),
}

/// What deeds are done to.
pub(super) struct Field {
    pub(super) target: Arc<dyn Target>,
    pub(super) network: Arc<Network>,
    pub(super) storms: Storms,
    pub(super) unheard: Unheard,
    pub(super) absences: Absences,
    pub(super) clients: Arc<dyn Clients>,
    pub(super) habits: Habits,
}

impl Field {
    /// Begins a deed in the name of this holder.
    pub(super) fn begin(&self, deed: &Deed, holder: &str) -> Outcome {
        if let Err(reason) = self.target.can(deed.needs()) {
            return Outcome::Skipped(reason);
        }
        match deed {
            Deed::Links { ways, fault } => {
                for way in ways {
                    self.link(way).install(holder, way.direction, *fault);
                }
                self.verify_begun(ways, *fault)
            }
            Deed::Storm {
                region,
                connections,
            } => {
                let link = self.network.link(End::Client, *region);
                self.storms.begin(holder, link, *connections)
            }
            Deed::Packets { region, loss } => self.lose_packets(*region, *loss, holder),
            Deed::Kill { region } => self.act(*region, &Action::Kill),
            Deed::Restart { region } => self.act(*region, &Action::Stop),
            Deed::Pause { region } => self.act(*region, &Action::Pause),
            Deed::Clock { region, skew } => self.act(*region, &Action::Clock(*skew)),
            Deed::SlowDisk {
                region,
                fsync_delay_ms,
            } => {
                let slow = Trouble {
                    fsync_delay_ms: *fsync_delay_ms,
                    ..Trouble::default()
                };
                self.act(*region, &Action::Disk(slow))
            }
            Deed::FullDisk { region } => self.fill_disk(*region),
            Deed::PowerLoss { region, torn } => self.lose_power(*region, *torn),
            Deed::Spoil {
                region,
                spoiling,
                places,
                pick,
            } => {
                let order = Order::Spoil {
                    spoiling: *spoiling,
                    places: *places,
                    pick: *pick,
                };
                match spoiling {
                    Spoiling::Unreadable => self.start_spoilt(*region, order),
                    Spoiling::Flipped => self.spoil_out_of_service(*region, order, holder),
                }
            }
            Deed::Provider { region } => self.act(*region, &Action::Provider(Phase::Begin)),
            Deed::Clients { habit } => self.begin_habit(*habit, holder),
            Deed::Copy { region } => self.copy(*region),
            Deed::RollBack { region } => self.roll_back(*region, holder),
            Deed::Leave { region } => self.leave(*region, holder),
            Deed::Lose { region } => self.lose(*region, holder),
        }
    }

    /// Ends what this holder began.
    pub(super) fn end(&self, deed: &Deed, holder: &str) -> Outcome {
        match deed {
            Deed::Links { ways, fault } => {
                for way in ways {
                    self.link(way).remove(holder);
                }
                match (self.verify_ended(ways), fault) {
                    (Outcome::Installed, LinkFault::Repeat { .. }) => self.told_repeats(ways),
                    (outcome, _) => outcome,
                }
            }
            Deed::Storm { region, .. } => {
                let link = self.network.link(End::Client, *region);
                self.storms.end(holder, link)
            }
            Deed::Packets { region, .. } => self.pass_packets(*region, holder),
            Deed::Spoil {
                region,
                spoiling: Spoiling::Unreadable,
                ..
            } => self.start_mended(*region),
            Deed::Spoil {
                region,
                spoiling: Spoiling::Flipped,
                ..
            } => self.readmit(*region, holder),
            Deed::Kill { region } | Deed::Restart { region } | Deed::PowerLoss { region, .. } => {
                self.act(*region, &Action::Start)
            }
            Deed::Pause { region } => self.act(*region, &Action::Resume),
            Deed::Clock { region, .. } => self.act(*region, &Action::Clock(Skew::default())),
            Deed::SlowDisk { region, .. } => self.act(*region, &Action::Disk(Trouble::default())),
            Deed::FullDisk { region } => self.free_disk(*region),
            Deed::Provider { region } => self.act(*region, &Action::Provider(Phase::End)),
            Deed::Clients { .. } => self.end_habit(holder),
            // The copy stays until the next one, or until the data of the run is removed.
            Deed::Copy { .. } => Outcome::Installed,
            Deed::RollBack { region } | Deed::Leave { region } | Deed::Lose { region } => {
                self.readmit(*region, holder)
            }
        }
    }

    /// Takes every fault from every link and names those that do not carry bytes nevertheless.
    pub(super) fn heal_links(&self) -> Vec<String> {
        self.network.heal_all();
        let has_links = [Ability::ClientLinks, Ability::PeerLinks]
            .iter()
            .any(|ability| self.target.can(*ability).is_ok());
        if !has_links {
            // They lead nowhere, and nobody could do anything to them.
            return Vec::new();
        }
        let links: Vec<Arc<Link>> = self
            .network
            .links()
            .map(|(_, _, link)| Arc::clone(link))
            .collect();
        let begun = Instant::now();
        let mut carried = probe(&links, HEALING);
        // A link needs a moment to notice that its region is back.
        while carried.iter().any(|carried| carried.refused) && begun.elapsed() < HEALING {
            std::thread::sleep(GLANCE);
            carried = probe(&links, HEALING);
        }
        let both = Carried {
            forward: true,
            backward: true,
            refused: false,
        };
        let dumb = links
            .iter()
            .zip(carried)
            .filter(|(_, carried)| *carried != both);
        dumb.map(|(link, carried)| format!("link {} carries {}", link.name(), in_words(carried)))
            .collect()
    }

    pub(super) fn act(&self, region: usize, action: &Action) -> Outcome {
        match self.target.act(region, action) {
            Ok(()) => Outcome::Installed,
            Err(reason) => Outcome::Indeterminate(reason),
        }
    }

    /// One after the other, until one fails.
    pub(super) fn act_all(&self, region: usize, actions: &[Action]) -> Outcome {
        let mut done = actions.iter().map(|action| self.target.act(region, action));
        done.find_map(Result::err)
            .map_or(Outcome::Installed, Outcome::Indeterminate)
    }

    fn verify_begun(&self, ways: &[Way], fault: LinkFault) -> Outcome {
        match fault {
            LinkFault::Blackhole { .. } | LinkFault::Stall { .. } => {}
            LinkFault::Refuse => return self.verify_refused(ways),
            // Pumps ask what holds at every turn, so these hold from now on; how much they do is for the traffic to show.
            LinkFault::Latency { .. }
            | LinkFault::Tail { .. }
            | LinkFault::Bandwidth { .. }
            | LinkFault::SlowClose { .. }
            | LinkFault::Slice { .. }
            | LinkFault::Repeat { .. }
            | LinkFault::Truncate { .. } => return Outcome::Installed,
        }
        self.verify_silent(ways, "a probe still passed")
    }

    /// What a fault did that shows in nothing but what it did.
    fn told_repeats(&self, ways: &[Way]) -> Outcome {
        let counts = ways.iter().map(|way| self.link(way).traffic().repeated);
        Outcome::InstalledBut(format!(
            "{} requests in all have arrived again on this link, and were answered",
            counts.sum::<u64>()
        ))
    }

    fn verify_refused(&self, ways: &[Way]) -> Outcome {
        self.verify_silent(ways, "still listening")
    }

    fn verify_silent(&self, ways: &[Way], complaint: &str) -> Outcome {
        let carrying = names(&self.probe_ways(ways, SILENCE), Arrived::Yes);
        if carrying.is_empty() {
            Outcome::Installed
        } else {
            Outcome::Indeterminate(format!("{complaint}: {}", carrying.join(", ")))
        }
    }

    fn verify_ended(&self, ways: &[Way]) -> Outcome {
        let mut free = Vec::new();
        let mut held = BTreeSet::new();
        for way in ways {
            let holders = self.link(way).barred_by(way.direction);
            if holders.is_empty() {
                free.push(*way);
            } else {
                held.extend(holders);
            }
        }
        let probed = self.probe_ways(&free, HEALING);
        let dumb = names(&probed, Arrived::No);
        if !dumb.is_empty() {
            return Outcome::Indeterminate(format!("a probe did not pass: {}", dumb.join(", ")));
        }
        let dead = names(&probed, Arrived::NobodyThere);
        if free.len() == ways.len() && dead.is_empty() {
            return Outcome::Installed;
        }
        if free.len() == ways.len() {
            return Outcome::InstalledBut(format!(
                "no probe can tell while nobody listens at the far end of {}",
                dead.join(", ")
            ));
        }
        let holders: Vec<String> = held.into_iter().collect();
        Outcome::InstalledBut(format!(
            "{} of {} ways are still held by {}",
            ways.len() - free.len(),
            ways.len(),
            holders.join(", ")
        ))
    }

    /// Probes the links of these ways and says what arrived.
    fn probe_ways(&self, ways: &[Way], patience: Duration) -> Vec<(String, Arrived)> {
        let ends: BTreeSet<(End, usize)> = ways.iter().map(|way| (way.from, way.to)).collect();
        let links: Vec<Arc<Link>> = ends
            .iter()
            .map(|&(from, to)| Arc::clone(self.network.link(from, to)))
            .collect();
        let carried = probe(&links, patience);
        let arrived = |way: &Way| {
            let place = ends.iter().position(|&end| end == (way.from, way.to));
            let carried = carried[place.expect("every way's link was probed")];
            let passed = match way.direction {
                Direction::Forward => carried.forward,
                Direction::Backward => carried.backward,
            };
            match (passed, carried.refused) {
                (true, _) => Arrived::Yes,
                (false, true) => Arrived::NobodyThere,
                (false, false) => Arrived::No,
            }
        };
        let name =
            |way: &Way| format!("{} ({:?})", self.link(way).name(), way.direction).to_lowercase();
        ways.iter().map(|way| (name(way), arrived(way))).collect()
    }

    fn link(&self, way: &Way) -> &Arc<Link> {
        self.network.link(way.from, way.to)
    }
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrived {
    Yes,
    No,
    /// The link refuses connections.
    NobodyThere,
}

fn names(probed: &[(String, Arrived)], wanted: Arrived) -> Vec<String> {
    let those = probed.iter().filter(|(_, arrived)| *arrived == wanted);
    those.map(|(name, _)| name.clone()).collect()
}

/// Probes links for as long as their own delays take and this much more.
fn probe(links: &[Arc<Link>], patience: Duration) -> Vec<Carried> {
    let slowest = links
        .iter()
        .map(|link| link.round_trip_max())
        .max()
        .unwrap_or_default();
    probe_all(links, slowest + patience)
}

fn in_words(carried: Carried) -> &'static str {
    if carried.refused {
        return "nothing: it refuses connections, or nobody listens at its far end";
    }
    match (carried.forward, carried.backward) {
        (true, true) => "both ways",
        (true, false) => "forward only",
        (false, true) => "backward only",
        (false, false) => "nothing",
    }
}
