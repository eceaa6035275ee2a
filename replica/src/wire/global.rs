//! The control plane of global tables, version 2017.11.29.
//!
//! Which regions there are is not a matter of shape: the core knows the regions of its cluster and refuses others in AWS's words.

use serde::Deserialize;

use super::constraint::Constraints;
use super::scalar::{Text, Whole};
use crate::core::{ApiError, GlobalRequest, Region, ReplicaUpdate, Request};

/// How AWS introduces a violation by a region.
const INTRODUCTION: &str = "One or more parameter values were invalid: ";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named<'a> {
    #[serde(borrow)]
    global_table_name: Option<Text<'a>>,
    #[serde(borrow)]
    replication_group: Option<Vec<Replica<'a>>>,
    #[serde(borrow)]
    replica_updates: Option<Vec<Step<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replica<'a> {
    #[serde(borrow)]
    region_name: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Step<'a> {
    #[serde(borrow)]
    create: Option<Replica<'a>>,
    #[serde(borrow)]
    delete: Option<Replica<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List<'a> {
    #[serde(borrow)]
    exclusive_start_global_table_name: Option<Text<'a>>,
    limit: Option<Whole>,
    #[serde(borrow)]
    region_name: Option<Text<'a>>,
}

/// `CreateGlobalTable`.
pub(super) fn create(body: &str) -> Result<Request, ApiError> {
    let members: Named<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    constraints.name(members.global_table_name.as_ref(), "globalTableName");
    constraints.required(members.replication_group.as_ref(), "replicationGroup");
    constraints.finish()?;
    let replicas = members.replication_group.unwrap_or_default();
    let mut constraints = Constraints::default();
    let mut regions = Vec::with_capacity(replicas.len());
    for (index, replica) in replicas.into_iter().enumerate() {
        let path = format!("replicationGroup.{}.member.regionName", index + 1);
        regions.push(region(&mut constraints, replica, &path));
    }
    constraints.finish_after(INTRODUCTION)?;
    if regions.is_empty() {
        return Err(ApiError::validation(format!(
            "{INTRODUCTION}ReplicationGroup must name at least one region"
        )));
    }
    Ok(Request::Global(GlobalRequest::Create {
        name: name(members.global_table_name),
        regions,
    }))
}

/// `UpdateGlobalTable`.
pub(super) fn update(body: &str) -> Result<Request, ApiError> {
    let members: Named<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    constraints.name(members.global_table_name.as_ref(), "globalTableName");
    constraints.required(members.replica_updates.as_ref(), "replicaUpdates");
    constraints.finish()?;
    let mut constraints = Constraints::default();
    let mut updates = Vec::new();
    for (index, step) in members
        .replica_updates
        .unwrap_or_default()
        .into_iter()
        .enumerate()
    {
        let path = format!("replicaUpdates.{}.member", index + 1);
        match (step.create, step.delete) {
            (Some(replica), None) => {
                let path = format!("{path}.create.regionName");
                updates.push(ReplicaUpdate::Create(region(
                    &mut constraints,
                    replica,
                    &path,
                )));
            }
            (None, Some(replica)) => {
                let path = format!("{path}.delete.regionName");
                updates.push(ReplicaUpdate::Delete(region(
                    &mut constraints,
                    replica,
                    &path,
                )));
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(ApiError::validation(format!(
                    "{INTRODUCTION}Exactly one of Create and Delete must be specified in each of ReplicaUpdates"
                )));
            }
        }
    }
    constraints.finish_after(INTRODUCTION)?;
    if updates.is_empty() {
        return Err(ApiError::validation(format!(
            "{INTRODUCTION}ReplicaUpdates must hold at least one update"
        )));
    }
    Ok(Request::Global(GlobalRequest::Update {
        name: name(members.global_table_name),
        updates,
    }))
}

/// `DescribeGlobalTable`.
pub(super) fn describe(body: &str) -> Result<Request, ApiError> {
    let members: Named<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    constraints.name(members.global_table_name.as_ref(), "globalTableName");
    constraints.finish()?;
    Ok(Request::Global(GlobalRequest::Describe {
        name: name(members.global_table_name),
    }))
}

/// `ListGlobalTables`.
pub(super) fn list(body: &str) -> Result<Request, ApiError> {
    let members: List<'_> = super::members(body)?;
    let mut constraints = Constraints::default();
    let after = members.exclusive_start_global_table_name;
    constraints.optional_name(after.as_ref(), "exclusiveStartGlobalTableName");
    let limit = constraints.limit(members.limit, "limit", i64::MAX);
    constraints.finish()?;
    Ok(Request::Global(GlobalRequest::List {
        after: after.map(Text::into_string),
        limit,
        region: members.region_name.map(|name| Region::new(name.as_str())),
    }))
}

fn name(name: Option<Text<'_>>) -> String {
    name.map(Text::into_string).unwrap_or_default()
}

fn region(constraints: &mut Constraints, replica: Replica<'_>, path: &str) -> Region {
    constraints.required(replica.region_name.as_ref(), path);
    Region::new(replica.region_name.as_ref().map_or("", Text::as_str))
}
