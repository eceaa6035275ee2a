//! What a run may cost whoever pays for the endpoints, and what of it they find again.

use workloads::needs::Needs;

use super::{KEY_SPACING, Settings, SettingsError};
use crate::{
    cli::TestFlags,
    run::{
        FINAL_ROUNDS, WARM_UP,
        cost::{Cost, Demand, Prices},
        place::Place,
        tags,
    },
};

impl Settings {
    /// What the endpoints may cost, and how many operations may be paid for.
    pub(super) fn count_cost(&mut self) -> Result<(), SettingsError> {
        let flags = &self.flags;
        let prices = flags.prices.as_deref();
        let wrong = |flag, given: String| move |wrong| SettingsError::Value { flag, given, wrong };
        let given = format!("{:?}", prices.unwrap_or_default());
        let prices = Prices::of(prices).map_err(wrong("prices", given))?;
        if !matches!(self.place, Place::Endpoints { .. }) {
            return Ok(());
        }
        let cost = Cost {
            prices,
            demand: self.demand(),
        };
        self.cost = Some(cost);
        if let Some(usd) = flags.cost_budget {
            let enough = cost.operations_within(usd);
            let enough = enough.map_err(wrong("cost-budget", usd.to_string()))?;
            self.budget = Some(self.budget.unwrap_or(u64::MAX).min(enough));
        }
        Ok(())
    }

    fn demand(&self) -> Demand {
        let regions = self.topology.regions().len() as u64;
        let needs = self.workload.needs;
        let is_large = needs.item_bytes > Needs::LITTLE.item_bytes;
        let padding = match self.value_bytes as u64 {
            0 if is_large => needs.item_bytes as u64,
            given => given,
        };
        let seconds = (self.time_limit + WARM_UP).as_secs();
        let spacing_ms = KEY_SPACING.as_millis();
        let died = u128::from(seconds) * 1000 / spacing_ms;
        let keys = self.keys + u64::try_from(died).unwrap_or(u64::MAX) + regions;
        Demand {
            regions,
            value_bytes: padding + Needs::LITTLE.item_bytes as u64,
            scanned_items: if needs.scans { keys } else { 0 },
            seconds,
            rate: self.rate,
            final_reads: keys * regions * FINAL_ROUNDS as u64,
        }
    }

    /// Of the table, where others have tables.
    pub(in crate::run) fn tags(&self) -> Vec<(String, String)> {
        match &self.place {
            Place::Local | Place::Command { .. } => Vec::new(),
            Place::Endpoints { .. } => {
                let own = tags::own(self.workload.name, self.seed);
                [own, self.tags.clone()].concat()
            }
        }
    }
}

/// Those that were asked for beside our own.
pub(super) fn tags(flags: &TestFlags) -> Result<Vec<(String, String)>, SettingsError> {
    let given = flags.tag.iter().flatten();
    let read = given.map(|given| {
        tags::parse(given).map_err(|wrong| SettingsError::Value {
            flag: "tag",
            given: given.clone(),
            wrong,
        })
    });
    read.collect()
}
