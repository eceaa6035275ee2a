//! `UpdateGlobalTableSettings` and `DescribeGlobalTableSettings`, version 2017.11.29.
//!
//! Refused, since ignoring them would mislead: auto scaling and table classes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::constraint::Constraints;
use super::json::Object;
use super::response::seconds;
use super::scalar::{Text, Whole};
use crate::core::{
    ApiError, Billing, GlobalRequest, Region, ReplicaSettings, ReplicaSettingsUpdate,
    ReplicaStatus, Request, SettingsUpdate,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    #[serde(borrow)]
    global_table_name: Option<Text<'a>>,
    #[serde(borrow)]
    global_table_billing_mode: Option<Text<'a>>,
    global_table_provisioned_write_capacity_units: Option<Whole>,
    global_table_provisioned_write_capacity_auto_scaling_settings_update: Option<IgnoredAny>,
    #[serde(borrow)]
    global_table_global_secondary_index_settings_update: Option<Vec<IndexStep<'a>>>,
    #[serde(borrow)]
    replica_settings_update: Option<Vec<ReplicaStep<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaStep<'a> {
    #[serde(borrow)]
    region_name: Option<Text<'a>>,
    replica_provisioned_read_capacity_units: Option<Whole>,
    replica_provisioned_read_capacity_auto_scaling_settings_update: Option<IgnoredAny>,
    #[serde(borrow)]
    replica_global_secondary_index_settings_update: Option<Vec<IndexStep<'a>>>,
    replica_table_class: Option<IgnoredAny>,
}

/// Of an index; one of the two units, by where it stands.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexStep<'a> {
    #[serde(borrow)]
    index_name: Option<Text<'a>>,
    provisioned_read_capacity_units: Option<Whole>,
    provisioned_write_capacity_units: Option<Whole>,
    provisioned_read_capacity_auto_scaling_settings_update: Option<IgnoredAny>,
    provisioned_write_capacity_auto_scaling_settings_update: Option<IgnoredAny>,
}

fn invalid(reason: &str) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: {reason}"
    ))
}

/// `DescribeGlobalTableSettings`.
pub(super) fn describe(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    constraints.name(members.global_table_name.as_ref(), "globalTableName");
    constraints.finish()?;
    Ok(Request::Global(GlobalRequest::DescribeSettings {
        name: text(members.global_table_name.as_ref()),
    }))
}

/// `UpdateGlobalTableSettings`.
pub(super) fn update(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    constraints.name(members.global_table_name.as_ref(), "globalTableName");
    let modes = [("PROVISIONED", false), ("PAY_PER_REQUEST", true)];
    let mode = constraints.word(
        members.global_table_billing_mode.as_ref(),
        "globalTableBillingMode",
        &modes,
    );
    let write = units(
        &mut constraints,
        members.global_table_provisioned_write_capacity_units,
        "globalTableProvisionedWriteCapacityUnits",
    );
    let steps = members.global_table_global_secondary_index_settings_update;
    let path = "globalTableGlobalSecondaryIndexSettingsUpdate";
    let mut scales = members
        .global_table_provisioned_write_capacity_auto_scaling_settings_update
        .is_some();
    let index_writes = indexes(&mut constraints, steps, path, &mut scales);
    let mut replicas = Vec::new();
    let mut has_class = false;
    let steps = members.replica_settings_update.unwrap_or_default();
    for (index, step) in steps.into_iter().enumerate() {
        let path = format!("replicaSettingsUpdate.{}.member", index + 1);
        constraints.required(step.region_name.as_ref(), &format!("{path}.regionName"));
        scales |= step
            .replica_provisioned_read_capacity_auto_scaling_settings_update
            .is_some();
        has_class |= step.replica_table_class.is_some();
        let read = units(
            &mut constraints,
            step.replica_provisioned_read_capacity_units,
            &format!("{path}.replicaProvisionedReadCapacityUnits"),
        );
        let path = format!("{path}.replicaGlobalSecondaryIndexSettingsUpdate");
        let steps = step.replica_global_secondary_index_settings_update;
        replicas.push(ReplicaSettingsUpdate {
            region: Region::new(&text(step.region_name.as_ref())),
            read,
            index_reads: indexes(&mut constraints, steps, &path, &mut scales),
        });
    }
    constraints.finish()?;
    if scales || has_class {
        return Err(invalid(
            "auto scaling and table classes are not supported by this server",
        ));
    }
    let has_units = write.is_some() || !index_writes.is_empty() || !replicas.is_empty();
    let is_per_request = match (mode, has_units) {
        (Some(true), true) => {
            return Err(invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            ));
        }
        (None, false) => {
            return Err(invalid(
                "at least one setting must be given: GlobalTableBillingMode, GlobalTableProvisionedWriteCapacityUnits, GlobalTableGlobalSecondaryIndexSettingsUpdate or ReplicaSettingsUpdate",
            ));
        }
        (mode, _) => mode.unwrap_or(false),
    };
    Ok(Request::Global(GlobalRequest::UpdateSettings(
        SettingsUpdate {
            name: text(members.global_table_name.as_ref()),
            is_per_request,
            write,
            index_writes,
            replicas,
        },
    )))
}

fn text(text: Option<&Text<'_>>) -> String {
    text.map_or("", Text::as_str).to_owned()
}

fn units(constraints: &mut Constraints, units: Option<Whole>, path: &str) -> Option<u64> {
    let Whole(units) = units?;
    if units < 1 {
        let wanted = "Member must have value greater than or equal to 1";
        constraints.violated(units, path, wanted);
    }
    u64::try_from(units).ok()
}

/// Units by index; `scales` becomes true when auto scaling is asked for.
fn indexes(
    constraints: &mut Constraints,
    steps: Option<Vec<IndexStep<'_>>>,
    path: &str,
    scales: &mut bool,
) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for (index, step) in steps.into_iter().flatten().enumerate() {
        let path = format!("{path}.{}.member", index + 1);
        constraints.name(step.index_name.as_ref(), &format!("{path}.indexName"));
        *scales |= step
            .provisioned_read_capacity_auto_scaling_settings_update
            .is_some()
            || step
                .provisioned_write_capacity_auto_scaling_settings_update
                .is_some();
        let (given, name) = match step.provisioned_read_capacity_units {
            Some(read) => (Some(read), "provisionedReadCapacityUnits"),
            None => (
                step.provisioned_write_capacity_units,
                "provisionedWriteCapacityUnits",
            ),
        };
        if let Some(units) = units(constraints, given, &format!("{path}.{name}")) {
            found.insert(text(step.index_name.as_ref()), units);
        }
    }
    found
}

/// What a replica's status is called.
pub(super) fn replica_status(status: ReplicaStatus) -> &'static str {
    match status {
        ReplicaStatus::Creating => "CREATING",
        ReplicaStatus::Updating => "UPDATING",
        ReplicaStatus::Active => "ACTIVE",
    }
}

/// `ReplicaSettings`.
pub(super) fn answer(object: &mut Object<'_>, name: &str, replicas: &[ReplicaSettings]) {
    object.text("GlobalTableName", name);
    object.list("ReplicaSettings", replicas, |out, replica| {
        let mut object = Object::open(out);
        object.text("RegionName", replica.region.as_str());
        object.text("ReplicaStatus", replica_status(replica.status));
        if replica.billing == Billing::PayPerRequest {
            object.object("ReplicaBillingModeSummary", |summary| {
                summary.text("BillingMode", "PAY_PER_REQUEST");
                summary.bare(
                    "LastUpdateToPayPerRequestDateTime",
                    seconds(replica.decided_ms),
                );
            });
        }
        let (read, write) = read_and_write(Some(replica.billing));
        object.bare("ReplicaProvisionedReadCapacityUnits", read);
        object.bare("ReplicaProvisionedWriteCapacityUnits", write);
        if !replica.indexes.is_empty() {
            let indexes = &replica.indexes;
            object.list(
                "ReplicaGlobalSecondaryIndexSettings",
                indexes,
                |out, (name, billing)| {
                    let (read, write) = read_and_write(*billing);
                    let mut index = Object::open(out);
                    index.text("IndexName", name);
                    index.text("IndexStatus", replica_status(replica.status));
                    index.bare("ProvisionedReadCapacityUnits", read);
                    index.bare("ProvisionedWriteCapacityUnits", write);
                    index.close();
                },
            );
        }
        object.close();
    });
}

/// Zeros when nothing is provisioned.
fn read_and_write(billing: Option<Billing>) -> (u64, u64) {
    match billing {
        Some(Billing::Provisioned { read, write }) => (read, write),
        Some(Billing::PayPerRequest) | None => (0, 0),
    }
}
