//! Where a load goes: regions that are started here, or that run elsewhere.

use std::{path::Path, sync::Arc};

use checker::history::RegionId;

use super::LoadSettings;
use crate::{
    client::{Client, Credentials, Dialect, Endpoint, FailedCondition, control},
    run::Regions,
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
    pub(crate) async fn set_up(settings: &LoadSettings, folder: &Path) -> Result<Self, String> {
        let Some(addresses) = &settings.addresses else {
            let regions = Regions::set_up(&settings.common, folder).await?;
            return Ok(Self::Local(Box::new(regions)));
        };
        let credentials = Arc::new(credentials());
        let endpoints: Vec<Endpoint> = settings
            .regions
            .iter()
            .zip(addresses)
            .map(|(region, address)| Endpoint {
                address: *address,
                host: address.to_string(),
                region: region.clone(),
                credentials: credentials.clone(),
                timeout: settings.timeout,
            })
            .collect();
        control::ensure_tables(&endpoints, &settings.table)
            .await
            .map_err(|error| error.to_string())?;
        let dialect = Arc::new(Dialect {
            table: settings.table.clone(),
            regions: settings.regions.clone(),
            failed_condition: FailedCondition::ProvesAbsence,
            forgery: Arc::default(),
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

/// Those of the environment, as every SDK takes them; a server that checks none takes any.
fn credentials() -> Credentials {
    let from =
        |name: &str, otherwise: &str| std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
    Credentials {
        access_key: from("AWS_ACCESS_KEY_ID", "DATELINE"),
        secret_key: from("AWS_SECRET_ACCESS_KEY", "any key"),
    }
}
