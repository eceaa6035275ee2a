//! The control plane: making the table before a run, and removing it from where it is not ours. Nothing here is recorded, so it may ask twice.

mod tables;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Endpoint, connection::Connection};

pub(crate) use tables::{
    ReplicaChange, TableSpec, Tables, change_replica, complete_tables, create_tables,
    ensure_tables, join_table, leave_table, remove_tables,
};

/// The first look comes after this, and each next one after a tenth of the time that has passed …
const POLL_LEAST: Duration = Duration::from_millis(50);

/// … but no later than this: AWS lets an account describe tables a few times a second.
const POLL_MOST: Duration = Duration::from_secs(2);

/// Refusals that pass: of a table that is not known everywhere yet or is being changed, and of too many questions.
const PASSING: [&str; 7] = [
    "NotFoundException",
    "ResourceInUseException",
    "LimitExceededException",
    "ThrottlingException",
    "InternalServerError",
    "InternalFailure",
    "ServiceUnavailable",
];

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
    #[error("the table in {region} is still shared with {with}")]
    StillShared { region: String, with: String },
}

impl ControlError {
    /// Whether it was refused in one of these words.
    fn is_refusal(&self, words: &[&str]) -> bool {
        match self {
            Self::Refused { answer, .. } => words.iter().any(|word| answer.contains(word)),
            Self::Transport { .. }
            | Self::Timeout { .. }
            | Self::NotActive { .. }
            | Self::StillShared { .. } => false,
        }
    }
}

/// One region's control plane.
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
            // What has nothing to say, such as TagResource, says nothing.
            (200, Err(_)) if answer.body.is_empty() => Ok(Value::Null),
            (status, _) => Err(ControlError::Refused {
                operation,
                region,
                answer: format!("{status} {}", String::from_utf8_lossy(&answer.body)),
            }),
        }
    }

    /// The same, again and again while a table is being changed.
    async fn call_when_free(
        &mut self,
        operation: &'static str,
        body: &Value,
        limit: Duration,
    ) -> Result<Value, ControlError> {
        let begun = Instant::now();
        loop {
            match self.call(operation, body).await {
                Err(error)
                    if error.is_refusal(&["ResourceInUseException", "LimitExceededException"])
                        && begun.elapsed() < limit => {}
                ended => return ended,
            }
            pause(begun).await;
        }
    }

    /// Asks until the state is ACTIVE. A table that another region has just made may not be known here yet; what will not pass is told at once.
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
                Err(error) if !error.is_refusal(&PASSING) => return Err(error),
                Err(passing) => passing.to_string(),
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
            pause(begun).await;
        }
    }
}

async fn pause(begun: Instant) {
    let pause = (begun.elapsed() / 10).clamp(POLL_LEAST, POLL_MOST);
    tokio::time::sleep(pause).await;
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
