//! `UpdateGlobalTableSettings`, `DescribeGlobalTableSettings` (version 2017.11.29), and `Update` in `ReplicaUpdates` (version 2019.11.21).
//!
//! Every region keeps the settings of every replica as a register per region in which the last writer wins, beside the memberships, and passes them on with
//! them. So whichever region is asked answers for all, and a replica that was out of reach follows when it hears of it. Write capacity is the same
//! everywhere, read capacity each replica's own; a table is billed per request in all regions or in none.
//!
//! Absent: auto scaling and table classes (refused by `wire`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::group::{Decided, Group};
use super::stamp::stamp;
use super::{
    ApiError, Billing, Core, Effects, ErrorKind, Now, Region, ReplicaSettings, ReplicaStatus,
    Response, SettingsUpdate, TableDefinition,
};
use crate::store::Write;

/// What was last decided about one replica's capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) decided: Decided,
    pub(super) billing: Billing,
    /// That of the global secondary indexes, by name.
    pub(super) indexes: BTreeMap<String, Option<Billing>>,
    /// `OnDemandThroughputOverride` of version 2019.11.21.
    pub(super) max_read_units: Option<i64>,
}

impl Settings {
    /// Those that a table has.
    pub(super) fn of(definition: &TableDefinition, decided: Decided) -> Self {
        let indexes = definition.global_indexes.iter();
        Self {
            decided,
            billing: definition.billing,
            indexes: indexes
                .map(|index| (index.name.clone(), index.billing))
                .collect(),
            max_read_units: None,
        }
    }
}

impl Core {
    /// `DescribeGlobalTableSettings`.
    pub(super) fn describe_settings(&self, name: &str) -> Result<Response, ApiError> {
        let group = self.global_table(name)?;
        Ok(settings_answer(group, ReplicaStatus::Active))
    }

    /// `UpdateGlobalTableSettings`.
    pub(super) fn update_settings(
        &mut self,
        now: Now,
        asked: &SettingsUpdate,
        effects: &mut Effects,
    ) -> Result<Response, ApiError> {
        let name = asked.name.as_str();
        let mut group = self.global_table(name)?.clone();
        if self.is_coordinating(name) {
            return Err(ApiError::new(
                ErrorKind::ResourceInUse,
                format!("Global table '{name}' is being changed: wait until that is done"),
            ));
        }
        check_named(&group, asked)?;
        let present: Vec<Region> = group.present().map(|(region, _)| region.clone()).collect();
        let newest_us = group.settings.values().map(|it| it.decided.time_us).max();
        let decided = Decided {
            time_us: stamp(now, newest_us, 0),
            by: self.config.region.clone(),
        };
        for region in present {
            if let Some(settings) = group.settings.get_mut(&region) {
                *settings = changed(&region, settings, asked, decided.clone())?;
            }
        }
        let answer = settings_answer(&group, ReplicaStatus::Updating);
        self.adopt(now, &[group], effects);
        Ok(answer)
    }

    /// A replica's own table was changed: the others are to know.
    pub(super) fn share_settings(&mut self, now: Now, name: &str, effects: &mut Effects) -> u64 {
        let me = self.config.region.clone();
        let table = self.tables.get(name).filter(|table| table.is_stamping());
        let (Some(table), Some(group)) = (table, self.groups.get(name)) else {
            return 0;
        };
        let before_us = group.settings.get(&me).map(|it| it.decided.time_us);
        let decided = Decided {
            time_us: stamp(now, before_us, 0),
            by: me.clone(),
        };
        let mut group = group.clone();
        let settings = Settings::of(&table.row.definition, decided);
        group.settings.insert(me, settings);
        self.adopt(now, &[group], effects)
    }

    /// `Update` of a replica of version 2019.11.21. The caller has seen that it is one.
    pub(super) fn override_replica(
        &mut self,
        now: Now,
        (name, region): (&str, &Region),
        max_read_units: i64,
        effects: &mut Effects,
    ) -> u64 {
        let (Some(table), Some(group)) = (self.tables.get(name), self.groups.get(name)) else {
            return 0;
        };
        let mut group = group.clone();
        let before = group.settings.get(region);
        let decided = Decided {
            time_us: stamp(now, before.map(|it| it.decided.time_us), 0),
            by: self.config.region.clone(),
        };
        let mut settings = Settings::of(&table.row.definition, decided);
        // AWS's way to say "no limit any more".
        settings.max_read_units = (max_read_units > 0).then_some(max_read_units);
        group.settings.insert(region.clone(), settings);
        self.adopt(now, &[group], effects)
    }

    /// This region's table follows the settings that were decided for it.
    pub(super) fn fit_settings(&mut self, name: &str, writes: &mut Vec<Write>) {
        let group = self.groups.get(name);
        let settings = group.and_then(|group| group.settings.get(&self.config.region));
        let table = self.tables.get_mut(name);
        let (Some(table), Some(settings)) = (table.filter(|it| it.is_stamping()), settings) else {
            return;
        };
        let definition = &mut table.row.definition;
        let before = definition.clone();
        definition.billing = settings.billing;
        for index in &mut definition.global_indexes {
            if let Some(billing) = settings.indexes.get(&index.name) {
                index.billing = *billing;
            }
        }
        if *definition != before {
            writes.push(table.save());
        }
    }
}

fn settings_answer(group: &Group, status: ReplicaStatus) -> Response {
    let present = group.present().filter_map(|(region, _)| {
        let settings = group.settings.get(region)?;
        Some(ReplicaSettings {
            region: region.clone(),
            status,
            decided_ms: settings.decided.time_us / 1000,
            billing: settings.billing,
            indexes: settings.indexes.clone().into_iter().collect(),
        })
    });
    Response::GlobalTableSettings {
        name: group.name.clone(),
        replicas: present.collect(),
    }
}

/// Every region and every index that is named must be there.
fn check_named(group: &Group, asked: &SettingsUpdate) -> Result<(), ApiError> {
    let name = &asked.name;
    for replica in &asked.replicas {
        let region = &replica.region;
        if !group.present().any(|(present, _)| present == region) {
            return Err(ApiError::new(
                ErrorKind::ReplicaNotFound,
                format!("Replica in region '{region}' is not part of global table '{name}'"),
            ));
        }
    }
    let reads = asked.replicas.iter().flat_map(|it| it.index_reads.keys());
    for index in asked.index_writes.keys().chain(reads) {
        let mut known = group.settings.values();
        if !known.any(|settings| settings.indexes.contains_key(index)) {
            return Err(ApiError::new(
                ErrorKind::IndexNotFound,
                format!("Global table '{name}' has no global secondary index '{index}'"),
            ));
        }
    }
    Ok(())
}

/// One replica's settings after an update.
fn changed(
    region: &Region,
    before: &Settings,
    asked: &SettingsUpdate,
    decided: Decided,
) -> Result<Settings, ApiError> {
    let mut settings = Settings {
        decided,
        ..before.clone()
    };
    if asked.is_per_request {
        settings.billing = Billing::PayPerRequest;
        settings
            .indexes
            .values_mut()
            .for_each(|billing| *billing = None);
        return Ok(settings);
    }
    let own = asked.replicas.iter().find(|it| it.region == *region);
    let read = own.and_then(|it| it.read);
    settings.billing = provisioned(region, "", Some(before.billing), (read, asked.write))?;
    for (index, billing) in &mut settings.indexes {
        let read = own.and_then(|it| it.index_reads.get(index)).copied();
        let write = asked.index_writes.get(index).copied();
        let of = format!(" of index '{index}'");
        *billing = Some(provisioned(region, &of, *billing, (read, write))?);
    }
    Ok(settings)
}

fn provisioned(
    region: &Region,
    of: &str,
    before: Option<Billing>,
    (read, write): (Option<u64>, Option<u64>),
) -> Result<Billing, ApiError> {
    let (old_read, old_write) = match before {
        Some(Billing::Provisioned { read, write }) => (Some(read), Some(write)),
        Some(Billing::PayPerRequest) | None => (None, None),
    };
    match (read.or(old_read), write.or(old_write)) {
        (Some(read), Some(write)) => Ok(Billing::Provisioned { read, write }),
        (_, _) => Err(ApiError::validation(format!(
            "One or more parameter values were invalid: the replica in region '{region}' is billed per request: to change it to PROVISIONED, both its read and the global table's write capacity units{of} must be specified"
        ))),
    }
}
