//! The plan: every action of the nemesis, with its time, drawn before the run from the seed alone.

use std::time::Duration;

use reports::run_folder::FaultAction;
use serde::{Deserialize, Serialize};
use workloads::seed::Seed;

use super::{deed::Deed, package::Package, schedule};
use crate::target::Ability;

/// The format of a saved plan.
const SCHEMA: &str = "dateline/plan/1";

/// What will go wrong, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// `dateline/plan/1`.
    pub(crate) schema: String,
    /// What it was drawn from.
    pub(crate) seed: u64,
    /// The regions that its numbers mean.
    pub(crate) regions: Vec<String>,
    /// How long the time of faults is.
    pub(crate) time_limit_ms: u64,
    /// The packages that were asked for.
    pub(crate) faults: Vec<String>,
    /// In the order of their times.
    pub(crate) actions: Vec<Planned>,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Planned {
    /// Since faults began to be allowed.
    pub(crate) at_ms: u64,
    /// Shared by a start and its stop.
    pub(crate) id: u64,
    /// The package.
    pub(crate) fault: String,
    /// Start or stop.
    pub(crate) action: FaultAction,
    /// In words.
    pub(crate) what: String,
    /// The regions whose lanes a plot shades.
    pub(crate) regions: Vec<usize>,
    /// What is done, or undone.
    pub(crate) deed: Deed,
}

/// What is wrong with a saved plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// Not a plan at all.
    #[error("not a plan: {0}; give the plan.json of a run folder")]
    Form(#[from] serde_json::Error),
    /// Another version.
    #[error(
        "the plan's schema is {found:?}, this version reads {SCHEMA}; use the version of Dateline that wrote it"
    )]
    Schema {
        /// As found.
        found: String,
    },
    /// Other regions.
    #[error("the plan is for the regions {planned}, the run has {given}; use --regions {planned}")]
    Regions {
        /// Of the plan.
        planned: String,
        /// Of the run.
        given: String,
    },
    /// An action that does not fit.
    #[error("action {index} of the plan: {wrong}")]
    Action {
        /// Which, from 0.
        index: usize,
        /// What is wrong.
        wrong: String,
    },
}

impl Plan {
    /// Draws a plan. The same arguments give the same plan, byte for byte.
    pub(crate) fn draw(
        packages: &[&'static dyn Package],
        seed: u64,
        time_limit: Duration,
        regions: &[String],
    ) -> Plan {
        let time_limit_ms = u64::try_from(time_limit.as_millis()).expect("a run ends in this age");
        let placed = schedule::draw(packages, Seed(seed), time_limit_ms, regions);
        let mut actions = Vec::new();
        let parts = placed.into_iter().flat_map(|occurrence| {
            let (start_ms, lasts_ms) = (
                occurrence.start_ms,
                occurrence.stop_ms - occurrence.start_ms,
            );
            let at = move |thousandth: u64| start_ms + lasts_ms * thousandth / 1000;
            let package = occurrence.package;
            let parts = occurrence.drawn.parts.into_iter();
            parts.map(move |part| (package, at(part.when.start), at(part.when.end), part))
        });
        for (id, (package, start_ms, stop_ms, part)) in (1..).zip(parts) {
            let start = Planned {
                at_ms: start_ms,
                id,
                fault: package.to_owned(),
                action: FaultAction::Start,
                what: part.what,
                regions: part.regions,
                deed: part.deed,
            };
            actions.push(start.clone());
            actions.push(Planned {
                at_ms: stop_ms.max(start_ms + 1),
                action: FaultAction::Stop,
                ..start
            });
        }
        actions.sort_by_key(|action| (action.at_ms, action.id));
        Plan {
            schema: SCHEMA.to_owned(),
            seed,
            regions: regions.to_vec(),
            time_limit_ms,
            faults: packages
                .iter()
                .map(|package| package.name().to_owned())
                .collect(),
            actions,
        }
    }

    /// Whether anything in it takes this of a target.
    pub(crate) fn needs(&self, ability: Ability) -> bool {
        self.actions
            .iter()
            .any(|action| action.deed.needs() == ability)
    }

    /// As saved in a run folder.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a plan has only plain fields")
    }

    /// Reads a saved plan for a run with these regions.
    ///
    /// # Errors
    /// When it is no plan, or none for these regions.
    pub(crate) fn from_json(text: &str, regions: &[String]) -> Result<Plan, PlanError> {
        let plan: Plan = serde_json::from_str(text)?;
        if plan.schema != SCHEMA {
            return Err(PlanError::Schema { found: plan.schema });
        }
        if plan.regions != regions {
            let (planned, given) = (plan.regions.join(","), regions.join(","));
            return Err(PlanError::Regions { planned, given });
        }
        for (index, action) in plan.actions.iter().enumerate() {
            plan.check(index, action)
                .map_err(|wrong| PlanError::Action { index, wrong })?;
        }
        Ok(plan)
    }

    fn check(&self, index: usize, action: &Planned) -> Result<(), String> {
        let named = action
            .deed
            .regions()
            .into_iter()
            .chain(action.regions.iter().copied());
        if let Some(unknown) = named
            .into_iter()
            .find(|region| *region >= self.regions.len())
        {
            return Err(format!(
                "there is no region number {unknown}; numbers begin at 0"
            ));
        }
        if index > 0 && self.actions[index - 1].at_ms > action.at_ms {
            return Err(format!(
                "at_ms {} comes after a later one; sort them",
                action.at_ms
            ));
        }
        action.deed.check()
    }
}
