//! The replicas' core without processes, sockets, disks and clocks: commits are durable at once, calls arrive at once, time passes when told.

use replica::core::testing::Regions;
use serde_json::Value;

use super::{Arm, arm::Answer};

/// How much time passes between two looks.
const LOOK_MS: i64 = 25;

/// In how many steps asked-for time passes.
const STEPS: i64 = 50;

/// Regions in this process.
pub(crate) struct Simulation {
    names: Vec<String>,
    regions: Regions,
}

impl Simulation {
    /// Regions of these names, linked with each other.
    pub(crate) fn new(names: &[&str]) -> Self {
        Self {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            regions: Regions::new(names),
        }
    }
}

impl Arm for Simulation {
    fn regions(&self) -> &[String] {
        &self.names
    }

    fn begin(&mut self) {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        self.regions = Regions::new(&names);
    }

    fn call(&mut self, region: usize, operation: &str, body: &Value) -> Result<Answer, String> {
        match self.regions.send(region, operation, body) {
            Ok(answer) => Ok(Answer::Served(answer)),
            Err(error) => {
                let (status, body) = replica::wire::render_error(&error);
                Answer::of(status, &body)
            }
        }
    }

    fn wait(&mut self) {
        self.regions.pass(LOOK_MS);
    }

    fn pass(&mut self, seconds: u32) -> bool {
        // In steps: what is due in between is done in between.
        for _step in 0..STEPS {
            self.regions.pass(i64::from(seconds) * 1000 / STEPS);
        }
        true
    }
}
