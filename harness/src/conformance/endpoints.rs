//! Regions that answer over HTTP: our replicas as processes, or anybody's.

use std::time::Duration;

use serde_json::Value;

use super::{Arm, arm::Answer};
use crate::client::{Connection, Endpoint};

/// How much time passes between two looks.
const LOOK: Duration = Duration::from_millis(25);

/// One connection to each region.
pub(crate) struct Endpoints {
    names: Vec<String>,
    connections: Vec<Connection>,
    timeout: Duration,
    runtime: tokio::runtime::Handle,
}

impl Endpoints {
    /// Regions at these endpoints. Calls block: use it beside the runtime, never on it.
    pub(crate) fn new(endpoints: Vec<Endpoint>, runtime: tokio::runtime::Handle) -> Self {
        let timeout = endpoints.iter().map(|endpoint| endpoint.timeout).max();
        Self {
            names: endpoints.iter().map(|one| one.region.clone()).collect(),
            connections: endpoints.into_iter().map(Connection::new).collect(),
            timeout: timeout.unwrap_or_default(),
            runtime,
        }
    }
}

impl Arm for Endpoints {
    fn regions(&self) -> &[String] {
        &self.names
    }

    fn call(&mut self, region: usize, operation: &str, body: &Value) -> Result<Answer, String> {
        let sent = self.connections[region].send(operation, body.to_string().into());
        let answered = self
            .runtime
            .block_on(async { tokio::time::timeout(self.timeout, sent).await });
        match answered {
            Ok(Ok(answer)) => Answer::of(answer.status, &answer.body),
            Ok(Err(transport)) => Err(format!("no answer: {transport}")),
            Err(_elapsed) => {
                self.connections[region].close();
                Err(format!("no answer within {} s", self.timeout.as_secs()))
            }
        }
    }

    fn wait(&mut self) {
        std::thread::sleep(LOOK);
    }

    fn pass(&mut self, seconds: u32) -> bool {
        // Real time passes by itself; a case that needs more of it than this belongs to the simulation.
        let is_bearable = seconds <= 3;
        if is_bearable {
            std::thread::sleep(Duration::from_secs(u64::from(seconds)));
        }
        is_bearable
    }
}
