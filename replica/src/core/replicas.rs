//! Version 2019.11.21: `UpdateTable` with `ReplicaUpdates`, and what a region does with its table when memberships change.
//!
//! The table may hold data: a region that joins makes its table from the record, and every other member feeds its own rows again while writes go on. A
//! replica that is removed is deleted. The attributes of replication are hidden, a stream records one change per write, and the time-to-live setting is
//! shared. A new replica serves nothing until all that the others held has come (`filling`).
//!
//! `Update` overrides a replica's greatest rate of reads. Absent: other overrides, several updates in one request, global secondary indexes of one
//! replica alone, `Disassociate`, strong consistency over regions.

use std::collections::BTreeSet;

use super::group::{Decided, GlobalVersion, Group, SharedExpiry};
use super::join::Purpose;
use super::ledger::Answer;
use super::message::Described;
use super::stamp::stamp;
use super::table::no_such_table_named;
use super::{
    ApiError, Billing, Core, Effect, Effects, ErrorKind, Now, Region, ReplicaDescription,
    ReplicaStatus, ReplicaUpdate, RequestId, Response, StreamView, TableStatus,
};
use crate::store::{Read, Write};

impl Core {
    /// `UpdateTable` with `ReplicaUpdates`.
    pub(super) fn update_replicas(
        &mut self,
        now: Now,
        id: RequestId,
        (name, update): (String, ReplicaUpdate),
        read: &dyn Read,
        effects: &mut Effects,
    ) -> Result<(), ApiError> {
        let table = self.tables.get(&name);
        let table = table.ok_or_else(|| no_such_table_named(&name))?;
        let (ReplicaUpdate::Create(region)
        | ReplicaUpdate::Delete(region)
        | ReplicaUpdate::Update(region, _)) = &update;
        if *region == self.config.region {
            return Err(ApiError::validation(
                "Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required.",
            ));
        }
        if table.is_stamping() {
            return Err(ApiError::validation(format!(
                "One or more parameter values were invalid: Table {name} is a replica of a global table of version 2017.11.29: change its replicas with UpdateGlobalTable"
            )));
        }
        table.check_created()?;
        // While this region waits for word of every member, one that is lost for good must be removable.
        let is_freeing = matches!(update, ReplicaUpdate::Delete(_)) && self.may_be_rolled_back(now);
        if table.row.refeed && !is_freeing {
            return Err(ApiError::new(
                ErrorKind::ResourceInUse,
                format!(
                    "Attempt to change a resource which is still in use: Table is being updated: {name}"
                ),
            ));
        }
        let members: BTreeSet<Region> = self.replicas_of(&name).into_iter().collect();
        let (joining, leaving) = match update {
            ReplicaUpdate::Create(region) => {
                if members.contains(&region) {
                    return Err(already_a_table(&name));
                }
                if table.row.definition.billing != Billing::PayPerRequest {
                    return Err(ApiError::validation(
                        "Table write capacity should either be Pay-Per-Request or AutoScaled.",
                    ));
                }
                (vec![region], Vec::new())
            }
            ReplicaUpdate::Delete(region) if members.contains(&region) => {
                (Vec::new(), vec![region])
            }
            ReplicaUpdate::Update(region, units) if members.contains(&region) => {
                let commit = self.override_replica(now, (&name, &region), units, effects);
                let table = self.tables.get(&name).expect("it was found above");
                let response =
                    Response::TableDescription(self.description(table, TableStatus::Updating));
                self.ledger
                    .answer(commit, Answer::Client(id, Ok(response)), effects);
                return Ok(());
            }
            ReplicaUpdate::Delete(_) | ReplicaUpdate::Update(_, _) => {
                return Err(ApiError::validation(
                    "Replica specified in the Replica Update or Replica Delete action of the request was not found.",
                ));
            }
        };
        self.check_regions(&joining, "replicaUpdates.1.member.create.regionName")?;
        let asked = (id, name, Purpose::Replicas);
        self.coordinate(now, asked, (joining, leaving), read, effects)
    }

    /// What a global table is from its beginning.
    pub(super) fn found(&self, group: &mut Group, purpose: Purpose, decided: &Decided) {
        let is_alone = group.present().count() < 2;
        match purpose {
            Purpose::Create => {
                group.created = decided.clone();
                group.version = GlobalVersion::Legacy;
                group.definition = None;
            }
            Purpose::Update => {}
            Purpose::Replicas if is_alone => {
                let table = self.tables.get(&group.name);
                group.created = decided.clone();
                group.version = GlobalVersion::Current;
                group.definition = table.map(|table| {
                    let mut definition = table.row.definition.clone();
                    let view = definition.stream.unwrap_or(StreamView::NewAndOldImages);
                    definition.stream = Some(view);
                    definition.deletion_protection = false;
                    definition
                });
                group.expiry = table.map(|table| SharedExpiry {
                    decided: decided.clone(),
                    attribute: table.row.ttl.clone(),
                });
            }
            Purpose::Replicas => {}
        }
    }

    /// The regions of a global table of version 2019.11.21; none when this one is alone.
    fn replicas_of(&self, name: &str) -> Vec<Region> {
        let group = self.groups.get(name);
        let group = group.filter(|group| group.version == GlobalVersion::Current);
        let regions: Vec<Region> = group
            .into_iter()
            .flat_map(|group| group.present())
            .map(|(region, _)| region.clone())
            .collect();
        if regions.len() > 1 && regions.contains(&self.config.region) {
            regions
        } else {
            Vec::new()
        }
    }

    /// The other replicas and how they are, for `DescribeTable`.
    pub(super) fn replica_statuses(&self, name: &str) -> Vec<ReplicaDescription> {
        let Some(table) = self.tables.get(name) else {
            return Vec::new();
        };
        let regions = self.replicas_of(name).into_iter();
        regions
            .filter(|region| *region != self.config.region)
            .map(|region| {
                let link = self.peers.get(&region).and_then(|peer| peer.link.as_ref());
                let behind = link.is_none_or(|link| link.cursor < table.refed_through);
                let is_filling = self.is_filling_at(name, &region);
                let status = if table.row.refeed || behind || is_filling {
                    ReplicaStatus::Creating
                } else {
                    ReplicaStatus::Active
                };
                let group = self.groups.get(name);
                let settings = group.and_then(|group| group.settings.get(&region));
                ReplicaDescription {
                    max_read_units: settings.and_then(|it| it.max_read_units),
                    region,
                    status,
                }
            })
            .collect()
    }

    /// The table follows the record: made when this region has become a replica, deleted when it is one no more, with a stream while it is.
    pub(super) fn fit_table(
        &mut self,
        now: Now,
        name: &str,
        joined: &[Region],
        writes: &mut Vec<Write>,
        effects: &mut Effects,
    ) {
        let me = self.me();
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let is_current = group.version == GlobalVersion::Current;
        let is_member = group.has(&me);
        let founder = group
            .members
            .get(&me.region)
            .is_some_and(|it| it.is_founder);
        let definition = group.definition.clone();
        let was = self.tables.get(name).map(|table| table.replicated);
        let joins = is_member && joined.contains(&me.region);
        match (was, is_member, definition) {
            (Some(true), false, _) if is_current => {
                effects.push(Effect::Log(format!(
                    "this region was removed from global table {name}: its replica is deleted"
                )));
                if let Some(number) = self.forget_table(now, name, writes) {
                    // The commit that is about to be asked for.
                    self.leftovers.insert(number, self.ledger.last + 1);
                }
            }
            (None, true, Some(definition)) if is_current => {
                let mut table = self.new_table(now, definition, writes);
                table.row.is_filling = true;
                writes.push(table.save());
                self.tables.insert(name.to_owned(), table);
            }
            (None, true, _) => self.step_out(name, "it has no table for", effects),
            (Some(false), true, _) if is_current && joins && !founder => {
                self.step_out(name, "whose name a table of its own has", effects);
            }
            (Some(_), true, _) if is_current => self.ensure_stream(now, name, writes),
            (Some(_), _, _) | (None, false, _) => {}
        }
    }

    /// This region cannot be the member it was made: it says so, so that nobody waits for it.
    fn step_out(&mut self, name: &str, why: &str, effects: &mut Effects) {
        let me = self.config.region.clone();
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let newest_us = group.newest_us();
        if let Some(member) = group.members.get_mut(&me) {
            member.present = false;
            member.decided = Decided {
                time_us: newest_us + 1,
                by: me,
            };
        }
        effects.push(Effect::Log(format!(
            "this region was made a replica of global table {name}, which {why}: it steps out"
        )));
    }

    fn ensure_stream(&mut self, now: Now, name: &str, writes: &mut Vec<Write>) {
        let Some(table) = self.tables.get(name).filter(|table| table.stream.is_none()) else {
            return;
        };
        let mut row = table.row.clone();
        self.change_stream(now, &mut row, Some(StreamView::NewAndOldImages), writes);
        if let Some(table) = self.tables.get_mut(name) {
            table.row = row;
            writes.push(table.save());
        }
    }

    /// A time-to-live setting that all replicas take over. Gives the commit, or `None` when the table has no other replica that shares it.
    pub(super) fn share_expiry(
        &mut self,
        now: Now,
        name: &str,
        attribute: Option<String>,
        effects: &mut Effects,
    ) -> Option<u64> {
        let table = self.tables.get(name)?;
        if table.is_stamping() || !table.fed {
            return None;
        }
        let mut group = self.groups.get(name)?.clone();
        let before_us = group.expiry.as_ref().map(|it| it.decided.time_us);
        let decided = Decided {
            time_us: stamp(now, before_us, 0),
            by: self.config.region.clone(),
        };
        group.expiry = Some(SharedExpiry { decided, attribute });
        Some(self.adopt(now, &[group], effects))
    }
}

/// What must hold before a region may become a replica of version 2019.11.21.
pub(super) fn check_replicas(
    name: &str,
    joining: &[Region],
    answers: &[(Region, Described)],
) -> Result<(), ApiError> {
    let accounts: BTreeSet<&str> = answers.iter().map(|(_, it)| it.account.as_str()).collect();
    if accounts.len() > 1 {
        return Err(ApiError::validation(format!(
            "One or more parameter values were invalid: the replicas of table {name} would belong to different accounts"
        )));
    }
    for (region, described) in answers {
        if joining.contains(region) && described.table.is_some() {
            return Err(already_a_table(name));
        }
    }
    Ok(())
}

fn already_a_table(name: &str) -> ApiError {
    ApiError::validation(format!(
        "Failed to create a the new replica of table with name: '{name}' because one or more replicas already existed as tables."
    ))
}

#[cfg(test)]
mod tests;
