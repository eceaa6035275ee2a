//! `CreateGlobalTable`, `UpdateGlobalTable`: the region that is asked coordinates.
//!
//! It asks every replica, old and new, how its table is; checks all preconditions; makes the new membership durable here; tells everybody. A
//! region that cannot be asked stops a joining before anything changed. One that cannot be told learns of it by gossip. Leaving needs nobody's
//! consent: a region that is lost for good must be removable.

use std::collections::{BTreeMap, BTreeSet};

use super::group::{Decided, GlobalVersion, Group, Member};
use super::ledger::Answer;
use super::message::{AnswerMessage, Described, Message};
use super::preconditions;
use super::replicas::check_replicas;
use super::settings::Settings;
use super::stamp::stamp;
use super::table::no_such_table_named;
use super::{
    ApiError, Core, Effects, ErrorKind, GlobalTableStatus, Now, Region, ReplicaUpdate, RequestId,
    Response, TableStatus,
};
use crate::store::Read;

/// What a change of membership was asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// `CreateGlobalTable`.
    Create,
    /// `UpdateGlobalTable`.
    Update,
    /// `UpdateTable` with `ReplicaUpdates`.
    Replicas,
}

/// A change of membership under way.
#[derive(Debug)]
pub(super) struct Coordination {
    id: RequestId,
    name: String,
    purpose: Purpose,
    joining: Vec<Region>,
    leaving: Vec<Region>,
    /// What was answered; `None` is still asked.
    asked: BTreeMap<Region, Option<Described>>,
    /// Who has not yet confirmed the new membership, once there is one.
    telling: Option<Telling>,
    deadline_ns: u64,
}

#[derive(Debug)]
struct Telling {
    pending: BTreeSet<Region>,
    commit: u64,
}

impl Core {
    /// `CreateGlobalTable`.
    pub(super) fn create_global_table(
        &mut self,
        now: Now,
        id: RequestId,
        name: String,
        regions: Vec<Region>,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), ApiError> {
        self.check_regions(&regions, "replicationGroup")?;
        no_region_twice(&regions)?;
        self.check_no_global_table(&name)?;
        self.coordinate(
            now,
            (id, name, Purpose::Create),
            (regions, Vec::new()),
            read,
            effects,
        )
    }

    /// `UpdateGlobalTable`.
    pub(super) fn update_global_table(
        &mut self,
        now: Now,
        id: RequestId,
        name: String,
        updates: Vec<ReplicaUpdate>,
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), ApiError> {
        let group = self.global_table(&name)?;
        let members: BTreeSet<Region> = group.present().map(|(region, _)| region.clone()).collect();
        let (mut joining, mut leaving) = (Vec::new(), Vec::new());
        for update in updates {
            match update {
                ReplicaUpdate::Create(region) => joining.push(region),
                ReplicaUpdate::Delete(region) => leaving.push(region),
                ReplicaUpdate::Update(region, _) => {
                    return Err(ApiError::validation(format!(
                        "One or more parameter values were invalid: the replica in region '{region}' can be created or deleted here; UpdateGlobalTableSettings changes it"
                    )));
                }
            }
        }
        let all: Vec<Region> = joining.iter().chain(&leaving).cloned().collect();
        no_region_twice(&all)?;
        self.check_regions(&joining, "replicaUpdates")?;
        if let Some(region) = joining.iter().find(|region| members.contains(region)) {
            return Err(ApiError::new(
                ErrorKind::ReplicaAlreadyExists,
                format!("Replica in region '{region}' is already part of global table '{name}'"),
            ));
        }
        if let Some(region) = leaving.iter().find(|region| !members.contains(region)) {
            return Err(ApiError::new(
                ErrorKind::ReplicaNotFound,
                format!("Replica in region '{region}' is not part of global table '{name}'"),
            ));
        }
        let asked = (id, name, Purpose::Update);
        self.coordinate(now, asked, (joining, leaving), read, effects)
    }

    /// Whether a change of this global table is under way here.
    pub(super) fn is_coordinating(&self, name: &str) -> bool {
        self.coordinations
            .values()
            .any(|coordination| coordination.name == name)
    }

    fn check_no_global_table(&self, name: &str) -> Result<(), ApiError> {
        let group = self.groups.get(name);
        let is_free = group.is_none_or(|group| match group.version {
            GlobalVersion::Legacy => group.present().next().is_none(),
            GlobalVersion::Current => group.present().count() < 2,
        });
        if is_free {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorKind::GlobalTableAlreadyExists,
            format!("Global table with name '{name}' already exists."),
        ))
    }

    /// Refuses regions that are not in the cluster, in AWS's words; `path` is where they stand in the request.
    pub(super) fn check_regions(&self, regions: &[Region], path: &str) -> Result<(), ApiError> {
        let mut known: Vec<&str> = self.peers.keys().map(Region::as_str).collect();
        known.push(self.config.region.as_str());
        known.sort_unstable();
        let unknown: Vec<String> = (1..)
            .zip(regions)
            .filter(|(_, region)| !known.contains(&region.as_str()))
            .map(|(index, region)| {
                let path = match path {
                    "replicationGroup" => format!("replicationGroup.{index}.member.regionName"),
                    "replicaUpdates" => format!("replicaUpdates.{index}.member.create.regionName"),
                    path => path.to_owned(),
                };
                format!(
                    "Value '{region}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
                    known.join(", ")
                )
            })
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let plural = if unknown.len() == 1 { "" } else { "s" };
        Err(ApiError::validation(format!(
            "One or more parameter values were invalid: {} validation error{plural} detected: {}",
            unknown.len(),
            unknown.join("; ")
        )))
    }

    pub(super) fn coordinate(
        &mut self,
        now: Now,
        (id, name, purpose): (RequestId, String, Purpose),
        (joining, leaving): (Vec<Region>, Vec<Region>),
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), ApiError> {
        if self.is_coordinating(&name) {
            return Err(ApiError::new(
                ErrorKind::ResourceInUse,
                format!("Global table '{name}' is being changed: wait until that is done"),
            ));
        }
        if self.coordinations.len() >= self.config.limits.coordinations {
            return Err(ApiError::new(
                ErrorKind::LimitExceeded,
                "Too many global tables are being changed at once: wait until some are done",
            ));
        }
        let mut asked: BTreeMap<Region, Option<Described>> = BTreeMap::new();
        if !joining.is_empty() {
            let members = self.groups.get(&name).into_iter().flat_map(Group::present);
            let staying = members
                .map(|(region, _)| region)
                .filter(|it| !leaving.contains(it));
            asked = staying
                .chain(&joining)
                .map(|region| (region.clone(), None))
                .collect();
            if purpose == Purpose::Replicas {
                asked.insert(self.config.region.clone(), None);
            }
        }
        let number = self.next_coordination;
        self.next_coordination += 1;
        let me = self.config.region.clone();
        for region in asked.keys().filter(|region| **region != me) {
            let message = Message::Describe {
                from: me.clone(),
                name: name.clone(),
            };
            let call = self.call(region, &message, effects);
            self.calls.insert(call, number);
        }
        if let Some(own) = asked.get_mut(&me) {
            *own = Some(self.described(now, &name, read).map_err(|error| {
                self.store_failed(&error, effects);
                ApiError::new(ErrorKind::InternalServerError, "Internal server error")
            })?);
        }
        let wait_ms = 2 * self.config.limits.call_deadline_ms;
        let deadline_ns = now.monotonic_ns + wait_ms * 1_000_000;
        let coordination = Coordination {
            id,
            name,
            purpose,
            joining,
            leaving,
            asked,
            telling: None,
            deadline_ns,
        };
        self.coordinations.insert(number, coordination);
        self.decide(now, number, effects);
        Ok(())
    }

    /// A region answered a step of a coordination, or did not.
    pub(super) fn coordination_answered(
        &mut self,
        now: Now,
        number: u64,
        from: &Region,
        answer: Result<AnswerMessage, String>,
        effects: &mut Effects,
    ) {
        let Some(coordination) = self.coordinations.get_mut(&number) else {
            return;
        };
        if let Some(telling) = &mut coordination.telling {
            // Who did not hear it now hears it by gossip.
            telling.pending.remove(from);
            self.finish(number, effects);
            return;
        }
        let reason = match answer {
            Ok(AnswerMessage::Described(described)) => {
                coordination.asked.insert(from.clone(), Some(*described));
                self.decide(now, number, effects);
                return;
            }
            Ok(AnswerMessage::Refused(reason)) | Err(reason) => reason,
            Ok(AnswerMessage::Feed(_) | AnswerMessage::Adopted | AnswerMessage::Compared(_)) => {
                "it answered something else".to_owned()
            }
        };
        self.fail(number, unreachable(from, &reason), effects);
    }

    /// Gives up on regions that do not answer at all.
    pub(super) fn expire_coordinations(&mut self, now: Now, effects: &mut Effects) {
        let expired: Vec<u64> = self
            .coordinations
            .iter()
            .filter(|(_, coordination)| now.monotonic_ns >= coordination.deadline_ns)
            .map(|(number, _)| *number)
            .collect();
        for number in expired {
            let Some(coordination) = self.coordinations.get_mut(&number) else {
                continue;
            };
            if let Some(telling) = &mut coordination.telling {
                telling.pending.clear();
                self.finish(number, effects);
                continue;
            }
            let silent = coordination
                .asked
                .iter()
                .find(|(_, answer)| answer.is_none());
            let silent = silent.map_or(&self.config.region, |(region, _)| region);
            let error = unreachable(silent, "no answer in time");
            self.fail(number, error, effects);
        }
    }

    fn fail(&mut self, number: u64, error: ApiError, effects: &mut Effects) {
        if let Some(coordination) = self.coordinations.remove(&number) {
            self.ledger
                .answer(0, Answer::Client(coordination.id, Err(error)), effects);
        }
    }

    /// Once everybody has answered: checks, decides, tells.
    fn decide(&mut self, now: Now, number: u64, effects: &mut Effects) {
        let Some(coordination) = self.coordinations.get(&number) else {
            return;
        };
        let answers: Option<Vec<(Region, Described)>> = coordination
            .asked
            .iter()
            .map(|(region, described)| Some((region.clone(), described.clone()?)))
            .collect();
        let Some(answers) = answers else { return };
        let name = coordination.name.clone();
        let (purpose, joining) = (coordination.purpose, coordination.joining.clone());
        let known: Vec<Group> = answers
            .iter()
            .filter_map(|(_, it)| it.group.clone())
            .collect();
        self.adopt(now, &known, effects);
        let checked = match purpose {
            Purpose::Create => self
                .check_no_global_table(&name)
                .and_then(|()| preconditions::check(&name, &answers)),
            Purpose::Update => preconditions::check(&name, &answers),
            Purpose::Replicas => check_replicas(&name, &joining, &answers),
        };
        if let Err(error) = checked {
            self.fail(number, error, effects);
            return;
        }
        let group = self.next_group(now, number, &name, &answers);
        let commit = self.adopt(now, std::slice::from_ref(&group), effects);
        let me = self.config.region.clone();
        let mut pending = BTreeSet::new();
        for region in group.members.keys().filter(|region| **region != me) {
            if !self.peers.contains_key(region) {
                continue;
            }
            let message = Message::Adopt {
                from: me.clone(),
                group: group.clone(),
            };
            let call = self.call(region, &message, effects);
            self.calls.insert(call, number);
            pending.insert(region.clone());
        }
        if let Some(coordination) = self.coordinations.get_mut(&number) {
            coordination.telling = Some(Telling { pending, commit });
        }
        self.finish(number, effects);
    }

    /// The membership as it will be.
    fn next_group(
        &self,
        now: Now,
        number: u64,
        name: &str,
        answers: &[(Region, Described)],
    ) -> Group {
        let coordination = self
            .coordinations
            .get(&number)
            .expect("the caller found it");
        let newest_us = self.groups.get(name).map(Group::newest_us);
        let time_us = stamp(now, newest_us, 0);
        let decided = Decided {
            time_us,
            by: self.config.region.clone(),
        };
        let mut group = match self.groups.get(name) {
            Some(group) => group.clone(),
            None => Group {
                name: name.to_owned(),
                created: decided.clone(),
                version: GlobalVersion::Legacy,
                definition: None,
                expiry: None,
                has_lost_members: false,
                members: BTreeMap::new(),
                settings: BTreeMap::new(),
            },
        };
        self.found(&mut group, coordination.purpose, &decided);
        let tables = answers
            .iter()
            .filter_map(|(_, described)| described.table.as_ref());
        let floor_us = tables.map(|table| table.floor_us).max().unwrap_or(0);
        for (region, described) in answers {
            let is_founder = coordination.purpose == Purpose::Replicas
                && *region == self.config.region
                && !group.has(&self.me());
            if coordination.joining.contains(region) || is_founder {
                let incarnation = described.incarnation;
                let member = Member {
                    incarnation,
                    present: true,
                    decided: decided.clone(),
                    floor_us,
                    // Nobody else has the founder's rows: none of them is of a former membership.
                    base: base_of(region, described.head, answers),
                    is_founder,
                };
                group.members.insert(region.clone(), member);
                if let Some(table) = &described.table {
                    let settings = Settings::of(&table.definition, decided.clone());
                    group.settings.insert(region.clone(), settings);
                }
            }
        }
        group.has_lost_members |= !coordination.leaving.is_empty();
        for region in &coordination.leaving {
            if let Some(member) = group.members.get_mut(region) {
                member.present = false;
                member.decided = decided.clone();
            }
        }
        group
    }

    /// Answers once everybody was told.
    fn finish(&mut self, number: u64, effects: &mut Effects) {
        let Some(coordination) = self.coordinations.get(&number) else {
            return;
        };
        let Some(telling) = &coordination.telling else {
            return;
        };
        if !telling.pending.is_empty() {
            return;
        }
        let (commit, name) = (telling.commit, &coordination.name);
        let group = self
            .groups
            .get(name)
            .expect("it was adopted before anybody was told");
        let described = |status| Response::GlobalTable(self.global_description(group, status));
        let response = match coordination.purpose {
            Purpose::Create => Ok(described(GlobalTableStatus::Creating)),
            Purpose::Update => Ok(described(GlobalTableStatus::Updating)),
            Purpose::Replicas => self
                .tables
                .get(name)
                .map(|table| {
                    Response::TableDescription(self.description(table, TableStatus::Updating))
                })
                .ok_or_else(|| no_such_table_named(name)),
        };
        let id = coordination.id;
        self.coordinations.remove(&number);
        let answer = Answer::Client(id, response);
        self.ledger.answer(commit, answer, effects);
    }
}

/// Where a region's feed begins in this membership: after everything that a former life of it may have given positions to.
fn base_of(region: &Region, head: u64, answers: &[(Region, Described)]) -> u64 {
    let consumed = answers.iter().flat_map(|(_, it)| &it.consumed);
    let of_former = consumed
        .filter(|(of, _)| of == region)
        .map(|(_, position)| *position);
    of_former.max().unwrap_or(0).max(head)
}

fn no_region_twice(regions: &[Region]) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    match regions.iter().find(|region| !seen.insert(*region)) {
        None => Ok(()),
        Some(region) => Err(ApiError::validation(format!(
            "One or more parameter values were invalid: region '{region}' is named more than once"
        ))),
    }
}

fn unreachable(region: &Region, reason: &str) -> ApiError {
    ApiError::new(
        ErrorKind::InternalServerError,
        format!(
            "Region '{region}' could not be asked about its table, so nothing was changed: {reason}; try again when it is reachable"
        ),
    )
}
