//! Where a load goes: regions that are started here, or that run elsewhere.

use std::{path::Path, sync::Arc};

use checker::history::RegionId;

use super::LoadSettings;
use crate::{
    client::{Client, Dialect, Endpoint, FailedCondition, control},
    run::{Regions, blocking},
    stop::Stop,
};

/// The regions under load.
pub(crate) enum Site {
    /// Started here, with a proxy on every link.
    Local(Box<Regions>),
    /// Somebody else's.
    Elsewhere {
        endpoints: Vec<Endpoint>,
        dialect: Arc<Dialect>,
    },
}

impl Site {
    /// Starts the regions, or makes the table in those that run elsewhere.
    pub(crate) async fn set_up(
        settings: &LoadSettings,
        folder: &Path,
        stop: &Stop,
    ) -> Result<Self, String> {
        let Some(elsewhere) = &settings.elsewhere else {
            let regions = Regions::set_up(&settings.common, folder, stop).await?;
            return Ok(Self::Local(Box::new(regions)));
        };
        let asked = elsewhere.clone();
        blocking(move || asked.reach()).await?;
        let endpoints: Vec<Endpoint> = elsewhere
            .regions
            .iter()
            .enumerate()
            .map(|(index, region)| elsewhere.endpoint(index, region.address, settings.timeout))
            .collect();
        control::ensure_tables(&endpoints, &settings.table)
            .await
            .map_err(|error| error.to_string())?;
        let dialect = Arc::new(Dialect {
            table: settings.table.clone(),
            regions: settings.regions.clone(),
            failed_condition: FailedCondition::ProvesAbsence,
            forgery: Arc::default(),
            lifetimes: crate::client::Lifetimes::default(),
        });
        Ok(Self::Elsewhere { endpoints, dialect })
    }

    /// A client beside this region.
    pub(crate) fn client(&self, region: RegionId) -> Client {
        match self {
            Self::Local(regions) => regions.client(region),
            Self::Elsewhere { endpoints, dialect } => {
                Client::new(endpoints[usize::from(region.0)].clone(), dialect.clone())
            }
        }
    }

    /// What broke by itself here.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Self::Local(regions) => regions.failure(),
            Self::Elsewhere { .. } => None,
        }
    }

    /// Stops what was started here.
    pub(crate) async fn tear_down(&self) {
        match self {
            Self::Local(regions) => {
                for what in regions.tear_down().await {
                    tracing::warn!("{what}");
                }
            }
            Self::Elsewhere { .. } => {}
        }
    }
}
