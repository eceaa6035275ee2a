//! The control plane: making the tables and the global table before a run. Nothing here is recorded, so it may ask twice.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Endpoint, connection::Connection, dynamodb::HASH_KEY};

/// How long tables may take to become active.
const LIMIT: Duration = Duration::from_secs(30);

/// How often to look.
const POLL: Duration = Duration::from_millis(50);

/// What went wrong while setting up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error("{operation} in {region}: no answer: {source}; see logs/{region}.log")]
    Transport {
        operation: &'static str,
        region: String,
        source: super::Transport,
    },
    #[error("{operation} in {region}: no answer within {limit_s} s; see logs/{region}.log")]
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
    #[error("the table in {region} was still {state} after {limit_s} s; see logs/{region}.log")]
    NotActive {
        region: String,
        state: String,
        limit_s: u64,
    },
}

/// Makes the table in every region and joins the copies into one global table; returns when all of them are active.
pub(crate) async fn create_tables(endpoints: &[Endpoint], table: &str) -> Result<(), ControlError> {
    make_tables(endpoints, table, &[]).await
}

/// Does the same where it has not been done: a table and a global table that exist already are taken as they are.
pub(crate) async fn ensure_tables(endpoints: &[Endpoint], table: &str) -> Result<(), ControlError> {
    make_tables(
        endpoints,
        table,
        &[
            "ResourceInUseException",
            "GlobalTableAlreadyExistsException",
        ],
    )
    .await
}

async fn make_tables(
    endpoints: &[Endpoint],
    table: &str,
    taken_as_done: &[&str],
) -> Result<(), ControlError> {
    let unless_done = |called: Result<Value, ControlError>| match called {
        Err(ControlError::Refused { answer, .. })
            if taken_as_done.iter().any(|name| answer.contains(name)) =>
        {
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(other) => Err(other),
    };
    let mut regions: Vec<Control> = endpoints.iter().cloned().map(Control::new).collect();
    for region in &mut regions {
        unless_done(region.call("CreateTable", &table_definition(table)).await)?;
    }
    for region in &mut regions {
        region
            .wait_until_active("DescribeTable", json!({ "TableName": table }), table_state)
            .await?;
    }
    if endpoints.len() == 1 && !taken_as_done.is_empty() {
        // One region elsewhere: a table is enough, and many servers know no global tables.
        return Ok(());
    }
    let group: Vec<Value> = endpoints
        .iter()
        .map(|endpoint| json!({ "RegionName": endpoint.region }))
        .collect();
    let definition = json!({ "GlobalTableName": table, "ReplicationGroup": group });
    unless_done(regions[0].call("CreateGlobalTable", &definition).await)?;
    let name = json!({ "GlobalTableName": table });
    for region in &mut regions {
        region
            .wait_until_active("DescribeGlobalTable", name.clone(), global_state)
            .await?;
    }
    Ok(())
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

fn table_state(answer: &Value) -> String {
    answer["Table"]["TableStatus"]
        .as_str()
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
            if begun.elapsed() > LIMIT {
                let limit_s = LIMIT.as_secs();
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
