//! Regions that leave the table and join it, by leave of another one.

use std::time::Duration;

use crate::client::{
    Endpoint,
    control::{self, ReplicaChange},
};

/// How long a region may take to answer. A change that it began goes on when nobody waits for it any more.
const LIMIT: Duration = Duration::from_millis(1_500);

/// The replicas of a table that can leave it and join it while it holds data: one of version 2019.11.21.
#[derive(Clone, Debug)]
pub(crate) struct Replicas {
    /// Every region, past every proxy.
    pub(crate) endpoints: Vec<Endpoint>,
    /// Its name.
    pub(crate) table: String,
}

impl Replicas {
    /// Asks one region to add or remove another.
    pub(super) fn change(
        &self,
        change: ReplicaChange,
        region: usize,
        by: usize,
    ) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let change = (change, self.endpoints[region].region.as_str());
        let asked = self.endpoints[by].clone();
        let changed = control::change_replica(asked, &self.table, change, LIMIT);
        runtime.block_on(changed).map_err(|error| error.to_string())
    }
}
