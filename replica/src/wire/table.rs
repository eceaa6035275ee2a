//! The control plane of tables: `CreateTable`, `UpdateTable`, `DescribeTable`, `DeleteTable`, `ListTables`.
//!
//! Absent, and ignored like any unknown member: tags, table class, encryption, resource policies, warm throughput. Refused, since ignoring them
//! would mislead: `GlobalSecondaryIndexUpdates`, and overrides of a replica but its greatest rate of reads.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::constraint::{Constraints, table_name};
use super::scalar::{Flag, Text, Whole};
use super::schema::{self, Definition, Element, Index};
use crate::core::{
    ApiError, Billing, Region, ReplicaUpdate, Request, StreamView, TableDefinition, UpdateTable,
};

/// Most capacity units that can be asked for.
const UNITS_MAX: i64 = 1_000_000_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    #[serde(borrow)]
    table_name: Option<Text<'a>>,
    #[serde(borrow)]
    attribute_definitions: Option<Vec<Definition<'a>>>,
    #[serde(borrow)]
    key_schema: Option<Vec<Element<'a>>>,
    #[serde(borrow)]
    billing_mode: Option<Text<'a>>,
    provisioned_throughput: Option<Throughput>,
    #[serde(borrow)]
    stream_specification: Option<Stream<'a>>,
    #[serde(borrow)]
    local_secondary_indexes: Option<Vec<Index<'a>>>,
    #[serde(borrow)]
    global_secondary_indexes: Option<Vec<Index<'a>>>,
    deletion_protection_enabled: Option<Flag>,
    global_secondary_index_updates: Option<Vec<IgnoredAny>>,
    #[serde(borrow)]
    replica_updates: Option<Vec<ReplicaStep<'a>>>,
}

/// One of `ReplicaUpdates`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaStep<'a> {
    #[serde(borrow)]
    create: Option<Replica<'a>>,
    #[serde(borrow)]
    update: Option<Replica<'a>>,
    #[serde(borrow)]
    delete: Option<Replica<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replica<'a> {
    #[serde(borrow)]
    region_name: Option<Text<'a>>,
    on_demand_throughput_override: Option<MaxReads>,
    provisioned_throughput_override: Option<IgnoredAny>,
    global_secondary_indexes: Option<IgnoredAny>,
    #[serde(rename = "KMSMasterKeyId")]
    key: Option<IgnoredAny>,
    table_class_override: Option<IgnoredAny>,
}

/// `OnDemandThroughputOverride`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MaxReads {
    max_read_request_units: Option<Whole>,
}

/// `ProvisionedThroughput`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Throughput {
    read_capacity_units: Option<Whole>,
    write_capacity_units: Option<Whole>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stream<'a> {
    stream_enabled: Option<Flag>,
    #[serde(borrow)]
    stream_view_type: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List<'a> {
    #[serde(borrow)]
    exclusive_start_table_name: Option<Text<'a>>,
    limit: Option<Whole>,
}

/// What `BillingMode` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Provisioned,
    PayPerRequest,
}

fn invalid(reason: impl std::fmt::Display) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: {reason}"
    ))
}

/// `CreateTable`.
pub(super) fn create(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let name = table_name(members.table_name.as_ref())?;
    let mut constraints = Constraints::default();
    schema::definition_constraints(&mut constraints, members.attribute_definitions.as_deref());
    constraints.pattern(&name, "tableName");
    let mode = members.shared_constraints(&mut constraints);
    schema::key_constraints(&mut constraints, members.key_schema.as_deref(), "keySchema");
    for (list, path) in [
        (&members.local_secondary_indexes, "localSecondaryIndexes"),
        (&members.global_secondary_indexes, "globalSecondaryIndexes"),
    ] {
        for (index, definition) in list.iter().flatten().enumerate() {
            let path = format!("{path}.{}.member", index + 1);
            definition.constraints(&mut constraints, &path);
        }
    }
    let view = members.stream_constraints(&mut constraints);
    constraints.finish()?;

    let billing = created_billing(
        mode.unwrap_or(Mode::Provisioned),
        members.provisioned_throughput,
    )?;
    let definitions = members.attribute_definitions.unwrap_or_default();
    let key_schema = members.key_schema.unwrap_or_default();
    let (local, global) = (
        members.local_secondary_indexes,
        members.global_secondary_indexes,
    );
    let keys = schema::table_keys(&key_schema, &definitions)?;
    if local.is_none() && global.is_none() {
        schema::check_exact(&key_schema, &definitions)?;
    }
    let local_indexes = schema::local_indexes(local.as_deref(), &keys, &definitions)?;
    let taken: Vec<&str> = local_indexes
        .iter()
        .map(|index| index.name.as_str())
        .collect();
    let global_indexes = schema::global_indexes(global.as_deref(), &definitions, billing, &taken)?;
    schema::check_all_used(&keys, &local_indexes, &global_indexes, &definitions)?;
    let stream = members
        .stream_specification
        .as_ref()
        .map(|stream| stream_setting(stream, view))
        .transpose()?
        .flatten();
    Ok(Request::CreateTable(TableDefinition {
        name,
        keys,
        billing,
        stream,
        global_indexes,
        local_indexes,
        deletion_protection: members
            .deletion_protection_enabled
            .is_some_and(|flag| flag.0),
    }))
}

/// `UpdateTable`.
pub(super) fn update(body: &str) -> Result<Request, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let table = table_name(members.table_name.as_ref())?;
    let mut constraints = Constraints::default();
    constraints.pattern(&table, "tableName");
    let mode = members.shared_constraints(&mut constraints);
    let view = members.stream_constraints(&mut constraints);
    constraints.finish()?;
    members.check_updates_known()?;
    let replica = members.replica_update()?;
    if replica.is_none()
        && members.provisioned_throughput.is_none()
        && mode.is_none()
        && members.stream_specification.is_none()
        && members.deletion_protection_enabled.is_none()
    {
        return Err(ApiError::validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
        ));
    }
    let billing = match (mode, members.provisioned_throughput) {
        (None, None) => None,
        (Some(Mode::Provisioned), None) => {
            return Err(invalid(
                "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
            ));
        }
        (mode, throughput) => Some(created_billing(
            mode.unwrap_or(Mode::Provisioned),
            throughput,
        )?),
    };
    let stream = members.stream_specification.as_ref();
    if replica.is_some()
        && (billing.is_some() || stream.is_some() || members.deletion_protection_enabled.is_some())
    {
        return Err(invalid(
            "ReplicaUpdates cannot be combined with other changes of the table",
        ));
    }
    Ok(Request::UpdateTable(UpdateTable {
        table,
        billing,
        stream: stream
            .map(|stream| stream_setting(stream, view))
            .transpose()?,
        deletion_protection: members.deletion_protection_enabled.map(|flag| flag.0),
        replica,
    }))
}

/// `DescribeTable`.
pub(super) fn describe(body: &str) -> Result<Request, ApiError> {
    Ok(Request::DescribeTable {
        table: only_name(body)?,
    })
}

/// `DeleteTable`.
pub(super) fn delete(body: &str) -> Result<Request, ApiError> {
    Ok(Request::DeleteTable {
        table: only_name(body)?,
    })
}

/// `ListTables`.
pub(super) fn list(body: &str) -> Result<Request, ApiError> {
    let members: List<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    let after = members.exclusive_start_table_name;
    constraints.optional_name(after.as_ref(), "exclusiveStartTableName");
    let limit = constraints.limit(members.limit, "limit", 100);
    constraints.finish()?;
    Ok(Request::ListTables {
        after: after.map(Text::into_string),
        limit,
    })
}

fn only_name(body: &str) -> Result<String, ApiError> {
    let members: Members<'_> = super::members(body)?;
    let name = table_name(members.table_name.as_ref())?;
    let mut constraints = Constraints::default();
    constraints.pattern(&name, "tableName");
    constraints.finish()?;
    Ok(name)
}

impl Members<'_> {
    fn shared_constraints(&self, constraints: &mut Constraints) -> Option<Mode> {
        let words = [
            ("PROVISIONED", Mode::Provisioned),
            ("PAY_PER_REQUEST", Mode::PayPerRequest),
        ];
        let mode = constraints.word(self.billing_mode.as_ref(), "billingMode", &words);
        if let Some(throughput) = &self.provisioned_throughput {
            throughput.constraints(constraints, "provisionedThroughput");
        }
        mode
    }

    fn stream_constraints(&self, constraints: &mut Constraints) -> Option<StreamView> {
        let stream = self.stream_specification.as_ref()?;
        constraints.required(
            stream.stream_enabled.as_ref(),
            "streamSpecification.streamEnabled",
        );
        let words = [
            ("NEW_IMAGE", StreamView::NewImage),
            ("OLD_IMAGE", StreamView::OldImage),
            ("NEW_AND_OLD_IMAGES", StreamView::NewAndOldImages),
            ("KEYS_ONLY", StreamView::KeysOnly),
        ];
        let path = "streamSpecification.streamViewType";
        constraints.word(stream.stream_view_type.as_ref(), path, &words)
    }

    /// Refuses what this server does not do, rather than seem to have done it.
    fn check_updates_known(&self) -> Result<(), ApiError> {
        if self
            .global_secondary_index_updates
            .as_ref()
            .is_some_and(|list| !list.is_empty())
        {
            return Err(invalid(
                "GlobalSecondaryIndexUpdates is not supported by this server",
            ));
        }
        Ok(())
    }

    /// The one replica that is asked for.
    fn replica_update(&self) -> Result<Option<ReplicaUpdate>, ApiError> {
        let steps = self.replica_updates.as_deref().unwrap_or_default();
        let step = match steps {
            [] => return Ok(None),
            [step] => step,
            [_, _, ..] => {
                return Err(invalid("Only one replica can be changed per UpdateTable"));
            }
        };
        let (replica, path) = match (&step.create, &step.update, &step.delete) {
            (Some(replica), None, None) => (replica, "create"),
            (None, None, Some(replica)) => (replica, "delete"),
            (None, Some(replica), None) => (replica, "update"),
            (None, None, None) | (Some(_), _, _) | (_, Some(_), Some(_)) => {
                return Err(invalid(
                    "Exactly one of Create, Update and Delete must be specified in each of ReplicaUpdates",
                ));
            }
        };
        let mut constraints = Constraints::default();
        let path = format!("replicaUpdates.1.member.{path}.regionName");
        constraints.required(replica.region_name.as_ref(), &path);
        constraints.finish()?;
        let region = Region::new(replica.region_name.as_ref().map_or("", Text::as_str));
        let other = [
            &replica.provisioned_throughput_override,
            &replica.global_secondary_indexes,
            &replica.key,
            &replica.table_class_override,
        ];
        let reads = replica.on_demand_throughput_override;
        let reads = reads.and_then(|it| it.max_read_request_units);
        match (&step.update, &step.delete, reads) {
            (Some(_), _, Some(Whole(units))) if other.iter().all(|it| it.is_none()) => {
                if units == 0 || units < -1 {
                    return Err(invalid(
                        "MaxReadRequestUnits must be at least 1, or -1 for no limit",
                    ));
                }
                Ok(Some(ReplicaUpdate::Update(region, units)))
            }
            (Some(_), _, _) => Err(invalid(
                "of a replica only OnDemandThroughputOverride with MaxReadRequestUnits can be updated by this server",
            )),
            (None, Some(_), _) => Ok(Some(ReplicaUpdate::Delete(region))),
            (None, None, None) if other.iter().all(|it| it.is_none()) => {
                Ok(Some(ReplicaUpdate::Create(region)))
            }
            (None, None, _) => Err(invalid(
                "a replica is created without overrides by this server; OnDemandThroughputOverride can be updated later",
            )),
        }
    }
}

impl Throughput {
    /// The constraints of the model.
    pub(super) fn constraints(&self, constraints: &mut Constraints, path: &str) {
        for (units, name) in [
            (self.write_capacity_units, "writeCapacityUnits"),
            (self.read_capacity_units, "readCapacityUnits"),
        ] {
            let path = format!("{path}.{name}");
            constraints.required(units.as_ref(), &path);
            if let Some(Whole(units)) = units.filter(|units| units.0 < 1) {
                constraints.violated(
                    units,
                    &path,
                    "Member must have value greater than or equal to 1",
                );
            }
        }
    }

    /// The billing it states.
    pub(super) fn billing(self) -> Result<Billing, ApiError> {
        let units = |units: Option<Whole>, name: &str| {
            let units = units.map_or(1, |units| units.0);
            u64::try_from(units)
                .ok()
                .filter(|_| units <= UNITS_MAX)
                .ok_or_else(|| {
                    ApiError::validation(format!("Given value {units} for {name} is out of bounds"))
                })
        };
        Ok(Billing::Provisioned {
            read: units(self.read_capacity_units, "ReadCapacityUnits")?,
            write: units(self.write_capacity_units, "WriteCapacityUnits")?,
        })
    }
}

fn created_billing(mode: Mode, throughput: Option<Throughput>) -> Result<Billing, ApiError> {
    match (mode, throughput) {
        (Mode::PayPerRequest, None) => Ok(Billing::PayPerRequest),
        (Mode::PayPerRequest, Some(_)) => Err(invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        )),
        (Mode::Provisioned, Some(throughput)) => throughput.billing(),
        (Mode::Provisioned, None) => Err(invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        )),
    }
}

fn stream_setting(
    stream: &Stream<'_>,
    view: Option<StreamView>,
) -> Result<Option<StreamView>, ApiError> {
    match (stream.stream_enabled.is_some_and(|flag| flag.0), view) {
        (true, Some(view)) => Ok(Some(view)),
        (false, None) => Ok(None),
        (true, None) => Err(invalid(
            "StreamViewType must be specified when StreamEnabled is true",
        )),
        (false, Some(_)) => Err(invalid(
            "StreamViewType must not be specified when StreamEnabled is false",
        )),
    }
}
