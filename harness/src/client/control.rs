//! The control plane: making the table before a run, and removing it from where it is not ours. Nothing here is recorded, so it may ask twice.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Endpoint, connection::Connection, dynamodb::HASH_KEY};

/// How long tables may take to become active.
const LIMIT: Duration = Duration::from_secs(30);

/// How long the copies of a table may take to become active where tables are made by people's leave: AWS takes minutes.
const REPLICA_LIMIT: Duration = Duration::from_secs(600);

/// How often to look.
const POLL: Duration = Duration::from_millis(50);

/// The refusals of what is there already.
const TABLE_EXISTS: &str = "ResourceInUseException";
const GLOBAL_TABLE_EXISTS: &str = "GlobalTableAlreadyExistsException";

/// What went wrong while setting up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error("{operation} in {region}: no answer: {source}")]
    Transport {
        operation: &'static str,
        region: String,
        source: super::Transport,
    },
    #[error("{operation} in {region}: no answer within {limit_s} s")]
    Timeout {
        operation: &'static str,
        region: String,
        limit_s: u64,
    },
    #[error("{operation} in {region} was refused: {answer}")]
    Refused {
        operation: &'static str,
        region: String,
        answer: String,
    },
    #[error("the table in {region} was still {state} after {limit_s} s")]
    NotActive {
        region: String,
        state: String,
        limit_s: u64,
    },
}

/// What table is made, and how its copies are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// A table in one region.
    Single,
    /// A table in every region, joined by `CreateGlobalTable`.
    Version2017,
    /// A table in the first region, and replicas of it in the others.
    Version2019,
}

/// Makes the table; returns when all copies are active.
pub(crate) async fn create_tables(
    endpoints: &[Endpoint],
    table: &str,
    tables: Tables,
) -> Result<(), ControlError> {
    let mut regions: Vec<Control> = endpoints.iter().cloned().map(Control::new).collect();
    match tables {
        Tables::Single => {
            assert_eq!(regions.len(), 1, "several regions share a global table");
            regions[0].create(table).await?;
            regions[0].wait_for_table(table, LIMIT).await
        }
        Tables::Version2017 => join(&mut regions, table, &[]).await,
        Tables::Version2019 => replicate(&mut regions, table).await,
    }
}

/// Makes what is not there yet: a table and a global table of version 2017.11.29 that exist already are taken as they are. One region elsewhere
/// gets a table alone: many servers know no global tables.
pub(crate) async fn ensure_tables(endpoints: &[Endpoint], table: &str) -> Result<(), ControlError> {
    let mut regions: Vec<Control> = endpoints.iter().cloned().map(Control::new).collect();
    if let [region] = regions.as_mut_slice() {
        unless(&[TABLE_EXISTS], region.create(table).await)?;
        return region.wait_for_table(table, LIMIT).await;
    }
    join(&mut regions, table, &[TABLE_EXISTS, GLOBAL_TABLE_EXISTS]).await
}

/// Success, if this was refused for one of these reasons.
fn unless(taken_as_done: &[&str], called: Result<Value, ControlError>) -> Result<(), ControlError> {
    match called {
        Err(ControlError::Refused { answer, .. })
            if taken_as_done.iter().any(|name| answer.contains(name)) =>
        {
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(other) => Err(other),
    }
}

async fn join(
    regions: &mut [Control],
    table: &str,
    taken_as_done: &[&str],
) -> Result<(), ControlError> {
    for region in regions.iter_mut() {
        unless(taken_as_done, region.create(table).await)?;
    }
    for region in regions.iter_mut() {
        region.wait_for_table(table, LIMIT).await?;
    }
    let group: Vec<Value> = regions
        .iter()
        .map(|region| json!({ "RegionName": region.region }))
        .collect();
    let definition = json!({ "GlobalTableName": table, "ReplicationGroup": group });
    unless(
        taken_as_done,
        regions[0].call("CreateGlobalTable", &definition).await,
    )?;
    let name = json!({ "GlobalTableName": table });
    for region in regions {
        region
            .wait_until_active("DescribeGlobalTable", name.clone(), global_state, LIMIT)
            .await?;
    }
    Ok(())
}

/// One replica after the other: AWS refuses a second change while the first is under way.
async fn replicate(regions: &mut [Control], table: &str) -> Result<(), ControlError> {
    let (first, others) = regions.split_first_mut().expect("there is a region");
    first.create(table).await?;
    first.wait_for_table(table, REPLICA_LIMIT).await?;
    for other in others {
        let update = json!({ "Create": { "RegionName": other.region } });
        let change = json!({ "TableName": table, "ReplicaUpdates": [update] });
        first.call("UpdateTable", &change).await?;
        first.wait_for_table(table, REPLICA_LIMIT).await?;
        other.wait_for_table(table, REPLICA_LIMIT).await?;
    }
    Ok(())
}

/// Removes the table from every region, as far as that can be done; says what is left, and why.
pub(crate) async fn remove_tables(
    endpoints: &[Endpoint],
    table: &str,
    tables: Tables,
) -> Vec<String> {
    let mut left = Vec::new();
    let mut regions: Vec<Control> = endpoints.iter().cloned().map(Control::new).collect();
    if tables == Tables::Version2019
        && let Some((first, others)) = regions.split_first_mut()
    {
        for other in others {
            let update = json!({ "Delete": { "RegionName": other.region } });
            let change = json!({ "TableName": table, "ReplicaUpdates": [update] });
            let removed = match first.call("UpdateTable", &change).await {
                Ok(_) => first.wait_for_table(table, REPLICA_LIMIT).await,
                Err(error) => Err(error),
            };
            left.extend(
                removed
                    .err()
                    .map(|error| stays(table, &other.region, &error)),
            );
        }
        regions.truncate(1);
    }
    for region in &mut regions {
        let name = json!({ "TableName": table });
        match region.call("DeleteTable", &name).await {
            Ok(_) => {}
            // Never made, or gone already.
            Err(ControlError::Refused { answer, .. })
                if answer.contains("ResourceNotFoundException") => {}
            Err(error) => left.push(stays(table, &region.region, &error)),
        }
    }
    left
}

/// A change of a table's replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplicaChange {
    /// A region more.
    Create,
    /// A region less.
    Delete,
}

/// Asks this region to change the replicas of a global table of version 2019.11.21. It may be under way when it is answered, and when it is not.
pub(crate) async fn change_replica(
    asked: Endpoint,
    table: &str,
    (change, region): (ReplicaChange, &str),
    limit: Duration,
) -> Result<(), ControlError> {
    let change = match change {
        ReplicaChange::Create => "Create",
        ReplicaChange::Delete => "Delete",
    };
    let update = json!({ change: { "RegionName": region } });
    let body = json!({ "TableName": table, "ReplicaUpdates": [update] });
    let mut asked = Control {
        timeout: limit,
        ..Control::new(asked)
    };
    asked.call("UpdateTable", &body).await.map(drop)
}

fn stays(table: &str, region: &str, error: &ControlError) -> String {
    format!("the table {table} stays in {region}: {error}; remove it by hand")
}

/// On demand, with the stream that a member of a global table of version 2017.11.29 must have.
fn table_definition(table: &str) -> Value {
    json!({
        "TableName": table,
        "AttributeDefinitions": [{ "AttributeName": HASH_KEY, "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": HASH_KEY, "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    })
}

/// The table's state, or that of the first replica that is not active.
fn table_state(answer: &Value) -> String {
    let table = &answer["Table"];
    let replicas = table["Replicas"].as_array().into_iter().flatten();
    let mut states = replicas
        .filter_map(|replica| replica["ReplicaStatus"].as_str())
        .chain(table["TableStatus"].as_str());
    let first = states.clone().next();
    states
        .find(|state| *state != "ACTIVE")
        .or(first)
        .unwrap_or("unknown")
        .to_owned()
}

fn global_state(answer: &Value) -> String {
    let state = &answer["GlobalTableDescription"]["GlobalTableStatus"];
    state.as_str().unwrap_or("unknown").to_owned()
}

struct Control {
    region: String,
    timeout: Duration,
    connection: Connection,
}

impl Control {
    fn new(endpoint: Endpoint) -> Self {
        Self {
            region: endpoint.region.clone(),
            timeout: endpoint.timeout.max(Duration::from_secs(10)),
            connection: Connection::new(endpoint),
        }
    }

    async fn create(&mut self, table: &str) -> Result<Value, ControlError> {
        self.call("CreateTable", &table_definition(table)).await
    }

    async fn wait_for_table(&mut self, table: &str, limit: Duration) -> Result<(), ControlError> {
        let name = json!({ "TableName": table });
        self.wait_until_active("DescribeTable", name, table_state, limit)
            .await
    }

    async fn call(&mut self, operation: &'static str, body: &Value) -> Result<Value, ControlError> {
        let region = self.region.clone();
        let answer = tokio::time::timeout(
            self.timeout,
            self.connection.send(operation, body.to_string().into()),
        )
        .await
        .map_err(|_elapsed| {
            let limit_s = self.timeout.as_secs();
            ControlError::Timeout {
                operation,
                region: region.clone(),
                limit_s,
            }
        })?
        .map_err(|source| ControlError::Transport {
            operation,
            region: region.clone(),
            source,
        })?;
        match (answer.status, serde_json::from_slice(&answer.body)) {
            (200, Ok(answer)) => Ok(answer),
            (status, _) => Err(ControlError::Refused {
                operation,
                region,
                answer: format!("{status} {}", String::from_utf8_lossy(&answer.body)),
            }),
        }
    }

    /// Asks until the state is ACTIVE. A global table that another region has just made may not be known here yet.
    async fn wait_until_active(
        &mut self,
        operation: &'static str,
        body: Value,
        state_of: fn(&Value) -> String,
        limit: Duration,
    ) -> Result<(), ControlError> {
        let begun = Instant::now();
        loop {
            let state = match self.call(operation, &body).await {
                Ok(answer) => state_of(&answer),
                Err(ControlError::Refused { answer, .. }) => answer,
                Err(other) => return Err(other),
            };
            if state == "ACTIVE" {
                return Ok(());
            }
            if begun.elapsed() > limit {
                let limit_s = limit.as_secs();
                return Err(ControlError::NotActive {
                    region: self.region.clone(),
                    state,
                    limit_s,
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_active_when_its_replicas_are() {
        for (answer, state) in [
            (json!({ "Table": { "TableStatus": "ACTIVE" } }), "ACTIVE"),
            (
                json!({ "Table": { "TableStatus": "CREATING" } }),
                "CREATING",
            ),
            (json!({}), "unknown"),
            (
                json!({ "Table": { "TableStatus": "ACTIVE", "Replicas": [
                    { "RegionName": "a", "ReplicaStatus": "ACTIVE" },
                    { "RegionName": "b", "ReplicaStatus": "CREATING" },
                ] } }),
                "CREATING",
            ),
        ] {
            assert_eq!(table_state(&answer), state);
        }
    }
}
