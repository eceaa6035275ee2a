//! A region out of service: taken out before something is done to its data, back in when it is whole again.
//!
//! What a region acknowledged and had not replicated is lost with its data, by the deed of an operator and not by a defect; and until the others have fed it
//! again, reads in it go back. Who judges a history could tell neither from a defect, and a run in which that is excused shows less. So clients are cut
//! off first, the deed is done only when every other region has all that this one holds, and clients come back when the region has all of that again.
//! Then nothing has to be excused: every check judges such a run as any other.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    deed::Deed,
    hold::{Field, Outcome},
};
use crate::{
    disk::Order,
    proxy::{AfterHeal, DIRECTIONS, LinkFault},
    target::{Ability, Action, Health},
    topology::End,
};

/// How long what a region wrote may take to reach the others, once no client reaches it any more.
const CONFIRMING: Duration = Duration::from_secs(2);

/// How often to look.
const GLANCE: Duration = Duration::from_millis(20);

/// How often another region is asked to add this one, at most.
const ASKING: Duration = Duration::from_secs(1);

/// How many looks in a row must show the same rest: a request that slipped through before the cut has then been carried out.
const QUIET_LOOKS: u32 = 3;

/// Regions out of service, by who took them out.
#[derive(Default)]
pub(super) struct Absences {
    gone: Mutex<BTreeMap<String, Absence>>,
    /// What each region said of itself just after its data was copied, by region.
    copies: Mutex<BTreeMap<usize, Health>>,
}

/// What was done to a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    RolledBack,
    Removed,
    Lost,
    Spoilt,
}

/// One region out of service.
#[derive(Clone, Debug)]
struct Absence {
    cause: Cause,
    /// What it said of itself when clients had been cut off.
    was: Health,
    /// Whether its way back has begun: clients are cut off and its process runs.
    is_returning: bool,
    /// What its way back had to tell.
    told: Option<String>,
    /// How often others were asked to add it in vain, and when the last time.
    tries: usize,
    asked: Option<Instant>,
    /// Where the feeds of the others ended when they had fed their rows for it.
    fed: Option<BTreeMap<usize, u64>>,
}

impl Field {
    /// Copies a region's data aside.
    pub(super) fn copy(&self, region: usize) -> Outcome {
        self.copies().remove(&region);
        let outcome = self.act(region, &Action::CopyData);
        if outcome == Outcome::Installed {
            match self.ask(region) {
                Ok(health) => drop(self.copies().insert(region, health)),
                Err(why) => return Outcome::Indeterminate(why),
            }
        }
        outcome
    }

    /// Takes a region out of service and puts the copy of its data back. The process is gone afterwards.
    pub(super) fn roll_back(&self, region: usize, holder: &str) -> Outcome {
        let copied = self.copies().get(&region).cloned();
        let Some(copied) = copied else {
            return Outcome::Skipped("there is no copy of its data".to_owned());
        };
        let health = match self.withdraw(region, holder) {
            Ok(health) => health,
            Err(why) => return Outcome::NotYet(why),
        };
        self.copies().remove(&region);
        if !is_behind(&copied, &health) {
            self.let_clients_in(region, holder);
            let why = "nothing has changed since its data was copied";
            return Outcome::Skipped(why.to_owned());
        }
        self.note(holder, Cause::RolledBack, &health);
        self.act_all(region, &[Action::Kill, Action::PutCopyBack])
    }

    /// Takes a region out of service, and starts it on a disk of which places are spoilt.
    pub(super) fn spoil_out_of_service(
        &self,
        region: usize,
        order: Order,
        holder: &str,
    ) -> Outcome {
        let health = match self.withdraw(region, holder) {
            Ok(health) => health,
            Err(why) => return Outcome::NotYet(why),
        };
        self.note(holder, Cause::Spoilt, &health);
        self.start_spoilt(region, order)
    }

    /// Takes a region out of service, loses its process and all its data.
    pub(super) fn lose(&self, region: usize, holder: &str) -> Outcome {
        let health = match self.withdraw(region, holder) {
            Ok(health) => health,
            Err(why) => return Outcome::NotYet(why),
        };
        self.note(holder, Cause::Lost, &health);
        self.act_all(region, &[Action::Kill, Action::LoseData])
    }

    /// Takes a region out of service and removes it from the table. Then clients may come: it refuses them in words.
    pub(super) fn leave(&self, region: usize, holder: &str) -> Outcome {
        let health = match self.withdraw(region, holder) {
            Ok(health) => health,
            Err(why) => return Outcome::NotYet(why),
        };
        self.note(holder, Cause::Removed, &health);
        let by = self.others(region).next();
        let by = by.expect("it has peers, else it could not leave them");
        let removed = self.act(region, &Action::Leave { by });
        if removed != Outcome::Installed {
            return removed;
        }
        let begun = Instant::now();
        while self.is_member(region) != Ok(false) {
            if begun.elapsed() > CONFIRMING {
                let why = "it does not say that it was removed";
                return Outcome::Indeterminate(why.to_owned());
            }
            std::thread::sleep(GLANCE);
        }
        self.let_clients_in(region, holder);
        Outcome::Installed
    }

    /// Whether a region shares a table with any other, by its own word.
    fn is_member(&self, region: usize) -> Result<bool, String> {
        let peers = self.ask(region)?.core.peers;
        Ok(peers.values().any(|peer| peer.incarnation.is_some()))
    }

    /// Starts the region's process, makes it a member where it is none, and lets clients in once it is whole.
    pub(super) fn readmit(&self, region: usize, holder: &str) -> Outcome {
        let absence = self.gone().get(holder).cloned();
        let Some(mut absence) = absence else {
            return Outcome::Skipped("it was in service".to_owned());
        };
        if !absence.is_returning {
            match absence.cause {
                Cause::Removed => self.cut_clients_off(region, holder),
                Cause::Spoilt => match self.start_mended(region) {
                    Outcome::InstalledBut(told) => absence.told = Some(told),
                    Outcome::Installed => {}
                    failed @ (Outcome::Skipped(_)
                    | Outcome::Indeterminate(_)
                    | Outcome::NotYet(_)) => return failed,
                },
                Cause::RolledBack | Cause::Lost => {
                    if let Err(why) = self.target.act(region, &Action::Start) {
                        return Outcome::Indeterminate(why);
                    }
                }
            }
            absence.is_returning = true;
        }
        let member = match absence.cause {
            Cause::RolledBack => Ok(()),
            Cause::Spoilt => match self.lost_table(region, &absence) {
                Ok(None) => Ok(()),
                Ok(Some(table)) => {
                    // It is a member of nothing any more.
                    absence.cause = Cause::Lost;
                    Err(format!("its table {table} is gone"))
                }
                Err(why) => Err(why),
            },
            Cause::Removed | Cause::Lost => self.join(region, &mut absence),
        };
        if absence.cause == Cause::Lost
            && let Err(why) = self.target.can(Ability::Membership)
        {
            self.gone().insert(holder.to_owned(), absence);
            return Outcome::Indeterminate(format!(
                "the region lost its table itself, and cannot be added again: {why}"
            ));
        }
        match member.and_then(|()| self.is_whole(region, &mut absence)) {
            Ok(()) => {
                self.gone().remove(holder);
                self.let_clients_in(region, holder);
                absence
                    .told
                    .map_or(Outcome::Installed, Outcome::InstalledBut)
            }
            Err(why) => {
                self.gone().insert(holder.to_owned(), absence);
                Outcome::NotYet(why)
            }
        }
    }

    /// Whether it is worth while to try again what could not be begun: every region that it needs answers and reaches the others.
    pub(super) fn is_ready(&self, deed: &Deed) -> Result<(), String> {
        if !self.gone().is_empty() {
            return Err("another region is out of service".to_owned());
        }
        for region in deed.regions() {
            let peers = self.ask(region)?.core.peers;
            for other in self.others(region) {
                let name = self.name(other);
                self.ask(other)?;
                match peers.get(name) {
                    Some(peer) if peer.connected => {}
                    Some(_) | None => return Err(format!("it does not reach {name}")),
                }
            }
        }
        Ok(())
    }

    /// Cuts clients off, and waits until every other region has all that this one holds; lets them in again when that takes too long.
    fn withdraw(&self, region: usize, holder: &str) -> Result<Health, String> {
        if !self.gone().is_empty() {
            return Err("another region is out of service".to_owned());
        }
        self.cut_clients_off(region, holder);
        let begun = Instant::now();
        let (mut quiet, mut head) = (0, None);
        loop {
            let seen = self.all_confirmed(region);
            match &seen {
                Ok(health) if head == Some(health.core.feed_head) => quiet += 1,
                Ok(health) => (quiet, head) = (0, Some(health.core.feed_head)),
                Err(_) => (quiet, head) = (0, None),
            }
            match seen {
                Ok(health) if quiet >= QUIET_LOOKS => return Ok(health),
                Err(why) if begun.elapsed() > CONFIRMING => {
                    self.let_clients_in(region, holder);
                    return Err(why);
                }
                Ok(_) | Err(_) => std::thread::sleep(GLANCE),
            }
        }
    }

    fn cut_clients_off(&self, region: usize, holder: &str) {
        let link = self.network.link(End::Client, region);
        // Held requests are lost when it heals, not carried out late.
        let fault = LinkFault::Blackhole {
            after: AfterHeal::Reset,
        };
        link.remove(holder);
        for direction in DIRECTIONS {
            link.install(holder, direction, fault);
        }
    }

    fn let_clients_in(&self, region: usize, holder: &str) {
        self.network.link(End::Client, region).remove(holder);
    }

    /// Whether every other region has all that this one wrote; what this one says of itself.
    fn all_confirmed(&self, region: usize) -> Result<Health, String> {
        let health = self.ask(region)?;
        let core = &health.core;
        if core.undurable_batches > 0 || core.waiting_answers > 0 {
            return Err("it was still writing to its disk".to_owned());
        }
        for peer in self.others(region).map(|other| self.name(other)) {
            match core.peers.get(peer) {
                Some(link) if link.incarnation.is_none() => {
                    return Err(format!("{peer} shares no table with it"));
                }
                Some(link) if link.pending == 0 => {}
                Some(_) | None => return Err(format!("{peer} had not yet all that it wrote")),
            }
        }
        Ok(health)
    }

    /// Sees to it that another region knows this one as a member in the life that it has: its former life is removed, it is added.
    fn join(&self, region: usize, absence: &mut Absence) -> Result<(), String> {
        let asked = absence.asked;
        if asked.is_some_and(|asked| asked.elapsed() < ASKING) {
            return Err("another region has yet to add it".to_owned());
        }
        let life = self.ask(region)?.core.incarnation;
        let others: Vec<usize> = self.others(region).collect();
        let by = others[absence.tries % others.len()];
        for _step in ["remove", "add", "look"] {
            let changed = self.known_life(by, region).and_then(|known| match known {
                Some(known) if known == life => Ok(true),
                Some(_former) => self
                    .target
                    .act(region, &Action::Leave { by })
                    .map(|()| false),
                None => self
                    .target
                    .act(region, &Action::Join { by })
                    .map(|()| false),
            });
            match changed {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(why) => {
                    // Another one may be able to.
                    absence.tries += 1;
                    absence.asked = Some(Instant::now());
                    return Err(why);
                }
            }
        }
        Err(format!("{} has yet to add it", self.name(by)))
    }

    /// The life of a region that is a member by the word of another.
    fn known_life(&self, by: usize, region: usize) -> Result<Option<u64>, String> {
        let peers = self.ask(by)?.core.peers;
        Ok(peers
            .get(self.name(region))
            .and_then(|peer| peer.incarnation))
    }

    /// A table that the region had and has no more: its record of it went with what was spoilt.
    fn lost_table(&self, region: usize, absence: &Absence) -> Result<Option<String>, String> {
        let now = self.ask(region)?.core.tables;
        let mut before = absence.was.core.tables.keys();
        Ok(before.find(|table| !now.contains_key(*table)).cloned())
    }

    /// Whether the region is a member in a new life and the others have fed it all that they have.
    fn is_whole(&self, region: usize, absence: &mut Absence) -> Result<(), String> {
        let now = self.ask(region)?;
        let must_renew = match absence.cause {
            Cause::RolledBack => true,
            Cause::Spoilt => has_lost(&absence.was, &now),
            Cause::Removed | Cause::Lost => false,
        };
        let health = now.core;
        if must_renew && health.incarnation == absence.was.core.incarnation {
            return Err("it has not become a new member yet".to_owned());
        }
        let mut fed = BTreeMap::new();
        let mut behind = None;
        for other in self.others(region) {
            let (name, core) = (self.name(other), self.ask(other)?.core);
            let link = core.peers.get(self.name(region));
            let Some(link) = link.filter(|link| link.incarnation == Some(health.incarnation))
            else {
                return Err(format!("{name} does not know yet that it is a new member"));
            };
            if core.tables.values().any(|table| table.is_moving) {
                return Err(format!("{name} has yet to feed its own rows again"));
            }
            let wanted = absence.fed.as_ref().and_then(|fed| fed.get(&other));
            if link.acknowledged < *wanted.unwrap_or(&core.feed_head) {
                behind = Some(format!("it has not yet all that {name} fed"));
            }
            fed.insert(other, core.feed_head);
        }
        absence.fed.get_or_insert(fed);
        if let Some(why) = behind {
            return Err(why);
        }
        if health.tables.values().any(|table| table.is_moving) {
            return Err("it still looks through the rows that it had".to_owned());
        }
        let unpulled = health.tables.values().flat_map(|table| &table.unpulled);
        match unpulled.into_iter().next() {
            Some(peer) => Err(format!(
                "it has yet to pull from {peer} what departed lives wrote"
            )),
            None => Ok(()),
        }
    }

    fn note(&self, holder: &str, cause: Cause, health: &Health) {
        let absence = Absence {
            cause,
            was: health.clone(),
            is_returning: false,
            told: None,
            tries: 0,
            asked: None,
            fed: None,
        };
        self.gone().insert(holder.to_owned(), absence);
    }

    fn ask(&self, region: usize) -> Result<Health, String> {
        let name = self.name(region);
        let status = self.target.status(region);
        let status = status.ok_or_else(|| format!("{name} says nothing of itself"))?;
        status.map_err(|error| format!("{name} does not answer: {error}"))
    }

    fn others(&self, region: usize) -> impl Iterator<Item = usize> {
        (0..self.target.regions().len()).filter(move |other| *other != region)
    }

    fn name(&self, region: usize) -> &str {
        &self.target.regions()[region]
    }

    fn gone(&self) -> MutexGuard<'_, BTreeMap<String, Absence>> {
        let gone = self.absences.gone.lock();
        gone.unwrap_or_else(PoisonError::into_inner)
    }

    fn copies(&self) -> MutexGuard<'_, BTreeMap<usize, Health>> {
        let copies = self.absences.copies.lock();
        copies.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a region has less than when it said this.
fn has_lost(was: &Health, now: &Health) -> bool {
    let consumed = |health: &Health, peer: &str| {
        let peer = health.core.peers.get(peer);
        peer.map_or(0, |peer| peer.consumed)
    };
    let mut peers = was.core.peers.keys();
    now.core.feed_head < was.core.feed_head
        || peers.any(|peer| consumed(now, peer) < consumed(was, peer))
}

/// Whether a region has changed since it said this.
fn is_behind(copied: &Health, now: &Health) -> bool {
    let consumed = |health: &Health| -> Vec<u64> {
        let peers = health.core.peers.values();
        peers.map(|peer| peer.consumed).collect()
    };
    now.core.feed_head > copied.core.feed_head || consumed(now) != consumed(copied)
}
