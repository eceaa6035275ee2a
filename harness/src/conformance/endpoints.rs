//! Regions that answer over HTTP: our replicas as processes, or anybody's.

use std::time::Duration;

use serde_json::Value;

use super::{Arm, arm::Answer};
use crate::{
    client::{
        Connection, Endpoint,
        control::{self, TableSpec, Tables},
    },
    stop::Stop,
};

/// How much time passes between two looks at regions on this machine.
const LOOK: Duration = Duration::from_millis(25);

/// The same at regions elsewhere, where a table takes seconds to be made and a replica minutes.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(1);

/// How much time a case may ask to pass. Real time passes by itself; what needs more of it belongs to the simulation.
const BEARABLE_S: u32 = 3;

/// One connection to each region.
pub(crate) struct Endpoints {
    names: Vec<String>,
    /// To make connections of, and to clean up.
    endpoints: Vec<Endpoint>,
    connections: Vec<Connection>,
    stop: Stop,
    look: Duration,
    cleaning: Cleaning,
    runtime: tokio::runtime::Handle,
}

/// What becomes of the table of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cleaning {
    /// It goes with its region.
    None,
    /// It is removed when the case ends.
    Tables,
}

impl Endpoints {
    /// Regions on this machine. Calls block: use it beside the runtime, never on it.
    pub(crate) fn new(
        endpoints: Vec<Endpoint>,
        cleaning: Cleaning,
        stop: Stop,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        let connections = endpoints.iter().cloned().map(Connection::new);
        Self {
            names: endpoints.iter().map(|one| one.region.clone()).collect(),
            connections: connections.collect(),
            endpoints,
            stop,
            look: LOOK,
            cleaning,
            runtime,
        }
    }

    /// The same, elsewhere.
    pub(crate) fn patient(self) -> Self {
        let look = LOOK_ELSEWHERE;
        Self { look, ..self }
    }

    fn timeout(&self, region: usize) -> Duration {
        self.endpoints[region].timeout
    }
}

impl Arm for Endpoints {
    fn regions(&self) -> &[String] {
        &self.names
    }

    fn call(&mut self, region: usize, operation: &str, body: &Value) -> Result<Answer, String> {
        let timeout = self.timeout(region);
        let connection = &mut self.connections[region];
        let sent = connection.send(operation, body.to_string().into());
        let stop = self.stop.clone();
        let answered = self.runtime.block_on(async {
            tokio::select! {
                answered = tokio::time::timeout(timeout, sent) => Ok(answered),
                () = stop.wait() => Err(stop.reason().unwrap_or("stopped").to_owned()),
            }
        });
        match answered? {
            Ok(Ok(answer)) => Answer::of(answer.status, &answer.body),
            Ok(Err(transport)) => Err(format!("no answer: {transport}")),
            Err(_elapsed) => {
                self.connections[region].close();
                Err(format!("no answer within {} s", timeout.as_secs()))
            }
        }
    }

    fn wait(&mut self) {
        let look = self.look;
        self.runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(look) => {}
                () = self.stop.wait() => {}
            }
        });
    }

    fn pass(&mut self, seconds: u32) -> bool {
        let is_bearable = seconds <= BEARABLE_S;
        if is_bearable {
            std::thread::sleep(Duration::from_secs(u64::from(seconds)));
        }
        is_bearable
    }

    fn end(&mut self, table: &str) -> Vec<String> {
        if self.cleaning == Cleaning::None {
            return Vec::new();
        }
        // A case may make it in any way: replicas of it go first, a group of tables falls apart next, and what is left is removed one by one.
        let removed = async {
            let replicas = TableSpec::plain(table, Tables::Version2019);
            let kept = control::remove_tables(&self.endpoints, &replicas).await;
            let group = TableSpec::plain(table, Tables::Version2017);
            let left = control::remove_tables(&self.endpoints, &group).await;
            // What the second attempt removed is not left.
            if left.is_empty() {
                left
            } else {
                [kept, left].concat()
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                left = removed => left,
                () = self.stop.wait_forced() => vec![format!("the table {table} may stay in any region: its removal was given up")],
            }
        })
    }
}
