//! Where a run takes place: what the flags about targets come to, and what cannot be done there.

use std::path::PathBuf;

use workloads::catalogue::Entry;

use crate::{
    cli::TestFlags,
    client::{Environment, FailedCondition, control::Tables},
    nemesis::{self, Package},
    target::{
        Ability, CommandTarget, Elsewhere, EndpointError, EndpointsTarget, Hook, Intent,
        LocalTarget, Template, TemplateError, Wiring,
    },
    topology::{Topology, TopologyError},
};

/// Targets by name, with a line about each.
pub(crate) const TARGETS: [(&str, &str); 4] = [
    (
        "local",
        "reference replicas started here, one process per region (default)",
    ),
    (
        "endpoints",
        "somebody else's DynamoDB-API endpoints: --endpoint NAME=URL for each region",
    ),
    (
        "command",
        "any server, started here as a template says: --config FILE.toml",
    ),
    (
        "adapter",
        "any store, through a program that speaks for it (docs/adapter.md): --config FILE.toml",
    ),
];

/// Faults of a run that names none, on our own replicas.
const LOCAL_FAULTS: [&str; 4] = ["partition", "kill", "pause", "clock"];

/// Where a run takes place.
#[derive(Clone)]
pub(crate) enum Place {
    /// Our replicas.
    Local {
        /// What table is made there.
        tables: Tables,
        /// What lies between us and them.
        wiring: Wiring,
    },
    /// Somebody else's endpoints.
    Endpoints {
        /// Where they are, and what it takes to talk to them.
        elsewhere: Elsewhere,
        /// Who breaks them.
        hook: Option<Hook>,
        /// What table is made there.
        tables: Tables,
    },
    /// Somebody else's servers, started here.
    Command {
        /// How.
        template: Box<Template>,
        /// What table is made there.
        tables: Tables,
    },
}

/// What cannot be asked of a target.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error(
        "--target {given}: there is no such target; there are local, endpoints, command, adapter"
    )]
    Unknown { given: String },
    #[error("--target {target}: {missing}")]
    Missing {
        target: &'static str,
        missing: &'static str,
    },
    #[error("--{flag}: the target {target} does without it; leave it out")]
    Needless {
        flag: &'static str,
        target: &'static str,
    },
    #[error(
        "--faults {fault}: the target {target} cannot have it: {why}; possible there: {possible}"
    )]
    Impossible {
        fault: &'static str,
        target: &'static str,
        why: String,
        possible: String,
    },
    #[error(
        "{workload} needs {needs}; the target {target} has {region_count} region{}; name more of them, or choose another workload (`dateline list workloads`)",
        if *region_count == 1 { "" } else { "s" }
    )]
    TooFewRegions {
        workload: &'static str,
        needs: String,
        target: &'static str,
        region_count: usize,
    },
    #[error("--network {given}: there are loopback and netns")]
    Network { given: String },
    #[error("--global-tables {given}: there are 2017.11.29, 2019.11.21 and by-itself")]
    Version { given: String },
    #[error("the regions of the target {target}: {source}")]
    Regions {
        target: &'static str,
        source: TopologyError,
    },
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Place {
    /// What the flags come to.
    pub(super) fn resolve(
        flags: &TestFlags,
        environment: &Environment,
    ) -> Result<Self, PlaceError> {
        let endpoints = flags.endpoint.as_deref().unwrap_or_default();
        let target = match (flags.target.as_deref(), endpoints, &flags.config) {
            (Some(given), _, _) => given,
            (None, [_, ..], _) => "endpoints",
            (None, [], Some(_)) => "command",
            (None, [], None) => "local",
        };
        match target {
            "local" => {
                refuse("local", "endpoint", !endpoints.is_empty())?;
                refuse("local", "config", flags.config.is_some())?;
                refuse_paid_flags("local", flags)?;
                // Only the older version shows when and where an item was written, which most checks need.
                let tables = match &flags.global_tables {
                    None => Tables::Version2017,
                    Some(_) => tables(flags, 2)?,
                };
                if tables == Tables::ByItself {
                    return Err(PlaceError::Missing {
                        target: "local",
                        missing: "a table of our replicas is a global table; give --global-tables 2017.11.29 or 2019.11.21",
                    });
                }
                let wiring = wiring(flags.network.as_deref())?;
                Ok(Self::Local { tables, wiring })
            }
            "endpoints" => {
                refuse("endpoints", "config", flags.config.is_some())?;
                refuse_local_flags("endpoints", flags)?;
                Self::endpoints(endpoints, flags, environment)
            }
            "command" | "adapter" => {
                let target = if target == "adapter" {
                    "adapter"
                } else {
                    "command"
                };
                refuse(target, "endpoint", !endpoints.is_empty())?;
                refuse_paid_flags(target, flags)?;
                refuse_local_flags(target, flags)?;
                let place = Self::command(target, flags.config.as_ref(), flags)?;
                // A file alone chooses by what it holds.
                if flags.target.is_some() && place.name() != target {
                    return Err(PlaceError::Missing {
                        target,
                        missing: match target {
                            "adapter" => {
                                "the file names no adapter; write adapter = [PROGRAM, ARGUMENTS...]"
                            }
                            _ => "the file names an adapter, so this is --target adapter",
                        },
                    });
                }
                Ok(place)
            }
            given => Err(PlaceError::Unknown {
                given: given.to_owned(),
            }),
        }
    }

    fn endpoints(
        given: &[String],
        flags: &TestFlags,
        environment: &Environment,
    ) -> Result<Self, PlaceError> {
        if given.is_empty() {
            return Err(PlaceError::Missing {
                target: "endpoints",
                missing: "give --endpoint NAME=URL for each region, such as us-east-1=http://127.0.0.1:8001",
            });
        }
        let intent = match flags.dry_run {
            Some(true) => Intent::Preview,
            Some(false) | None => Intent::Ask,
        };
        let authority = flags.ca.as_deref();
        Ok(Self::Endpoints {
            tables: tables(flags, given.len())?,
            hook: flags.fault_hook.as_deref().map(Hook::new),
            elsewhere: Elsewhere::resolve("endpoint", given, authority, environment, intent)?,
        })
    }

    fn command(
        target: &'static str,
        config: Option<&PathBuf>,
        flags: &TestFlags,
    ) -> Result<Self, PlaceError> {
        let config = config.ok_or(PlaceError::Missing {
            target,
            missing: "give --config FILE.toml, for example examples/dynalite.toml or examples/sqlite.toml",
        })?;
        let template = Box::new(Template::read(config)?);
        Ok(Self::Command {
            tables: tables(flags, template.regions.len())?,
            template,
        })
    }

    /// Whether a workload finds what it needs there. What somebody else's server can do is not known before it is asked.
    pub(super) fn has(&self, workload: &Entry, region_count: usize) -> Result<(), PlaceError> {
        if region_count >= usize::from(workload.needs.regions_at_least) {
            return Ok(());
        }
        Err(PlaceError::TooFewRegions {
            workload: workload.name,
            needs: workload.needs.to_string(),
            target: self.name(),
            region_count,
        })
    }

    /// As in `run.json`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Local { .. } => "local",
            Self::Endpoints { .. } => "endpoints",
            Self::Command { template, .. } if template.adapter.is_empty() => "command",
            Self::Command { .. } => "adapter",
        }
    }

    /// The template, where clients talk through an adapter.
    pub(super) fn adapter(&self) -> Option<&Template> {
        match self {
            Self::Command { template, .. } if !template.adapter.is_empty() => Some(template),
            Self::Local { .. } | Self::Endpoints { .. } | Self::Command { .. } => None,
        }
    }

    /// The regions, where somebody else runs them.
    pub(super) fn elsewhere(&self) -> Option<Elsewhere> {
        match self {
            Self::Local { .. } | Self::Command { .. } => None,
            Self::Endpoints { elsewhere, .. } => Some(elsewhere.clone()),
        }
    }

    /// What table is made there.
    pub(super) fn tables(&self) -> Tables {
        match self {
            Self::Local { tables, .. }
            | Self::Endpoints { tables, .. }
            | Self::Command { tables, .. } => *tables,
        }
    }

    /// What lies between us and the regions.
    pub(crate) fn wiring(&self) -> Wiring {
        match self {
            Self::Local { wiring, .. } => *wiring,
            Self::Endpoints { .. } | Self::Command { .. } => Wiring::Loopback,
        }
    }

    /// Whether items show when and where they were written: only this version of global tables adds the attributes; an adapter's template
    /// says so.
    pub(crate) fn stamps_visible(&self) -> bool {
        match self {
            Self::Command { template, .. } if !template.adapter.is_empty() => template.stamps,
            Self::Local { .. } | Self::Endpoints { .. } | Self::Command { .. } => {
                self.tables() == Tables::Version2017
            }
        }
    }

    /// Whether items that expired are gone when a run ends: AWS promises some days.
    pub(super) fn keeps_promises(&self) -> bool {
        matches!(self, Self::Local { .. })
    }

    /// What a failed condition that shows no item means there.
    pub(super) fn failed_condition(&self) -> FailedCondition {
        match self {
            Self::Local { .. } => FailedCondition::ProvesAbsence,
            Self::Endpoints { .. } | Self::Command { .. } => FailedCondition::SaysNothing,
        }
    }

    /// Regions and links where the target decides them; `None` where the flags do.
    pub(super) fn topology(&self) -> Result<Option<Topology>, PlaceError> {
        let names = match self {
            Self::Local { .. } => return Ok(None),
            Self::Endpoints { elsewhere, .. } => {
                let regions = elsewhere.regions.iter();
                regions.map(|region| region.name.clone()).collect()
            }
            Self::Command { template, .. } => template.regions.clone(),
        };
        let target = self.name();
        let topology = match self {
            Self::Command { template, .. } if template.has_peer_links() => {
                Topology::without_delay(&names)
            }
            Self::Local { .. } | Self::Endpoints { .. } | Self::Command { .. } => {
                Topology::clients_only(&names)
            }
        };
        topology
            .map(Some)
            .map_err(|source| PlaceError::Regions { target, source })
    }

    /// Whether it can be done there, to so many regions.
    pub(super) fn can(&self, ability: Ability, region_count: usize) -> Result<(), String> {
        match self {
            Self::Local { tables, wiring } => {
                LocalTarget::can(ability, region_count, *tables, *wiring)
            }
            Self::Endpoints {
                elsewhere, hook, ..
            } => EndpointsTarget::can(ability, &elsewhere.regions, hook.as_ref()),
            Self::Command { template, .. } => CommandTarget::can(ability, template),
        }
    }

    fn can_have(&self, fault: &dyn Package, region_count: usize) -> Result<(), String> {
        let mut needs = fault.needs().iter();
        needs.try_for_each(|ability| self.can(*ability, region_count))
    }

    /// The faults that are possible there: of those named, or of the usual ones.
    ///
    /// # Errors
    /// When one was asked for by name that is not possible.
    pub(super) fn faults(
        &self,
        named: Option<Vec<&'static dyn Package>>,
        region_count: usize,
    ) -> Result<Vec<&'static dyn Package>, PlaceError> {
        let is_possible =
            |fault: &&'static dyn Package| self.can_have(*fault, region_count).is_ok();
        let Some(named) = named else {
            let usual = nemesis::registry().iter().copied();
            return Ok(match self {
                // A single region has no links to cut; its plan simply has no partitions.
                Self::Local { .. } => usual
                    .filter(|fault| {
                        LOCAL_FAULTS.contains(&fault.name())
                            || fault.needs().contains(&Ability::Packets) && is_possible(fault)
                    })
                    .collect(),
                // More requests cost somebody money; what a foreign store makes of odd ones, and of a disk that forgets, is for who asks for them.
                Self::Endpoints { .. } | Self::Command { .. } => usual
                    .filter(|fault| {
                        let odd = [Ability::Clients, Ability::FileSystem];
                        !fault.needs().iter().any(|need| odd.contains(need))
                    })
                    .filter(is_possible)
                    .collect(),
            });
        };
        if named.len() == nemesis::registry().len() {
            return Ok(named.into_iter().filter(is_possible).collect());
        }
        // A single region of ours has no links to cut and no peers; its plan simply has no such faults.
        let is_alone = matches!(self, Self::Local { .. }) && region_count == 1;
        for fault in named.iter().filter(|_| !is_alone) {
            self.can_have(*fault, region_count)
                .map_err(|why| PlaceError::Impossible {
                    fault: fault.name(),
                    target: self.name(),
                    why,
                    possible: self.possible(region_count),
                })?;
        }
        Ok(named)
    }

    fn possible(&self, region_count: usize) -> String {
        let all = nemesis::registry().iter();
        let possible = all.filter(|fault| self.can_have(**fault, region_count).is_ok());
        let names: Vec<&str> = possible.map(|fault| fault.name()).collect();
        names.join(", ")
    }
}

fn refuse(target: &'static str, flag: &'static str, is_given: bool) -> Result<(), PlaceError> {
    if is_given {
        return Err(PlaceError::Needless { flag, target });
    }
    Ok(())
}

/// What only regions that somebody else runs, perhaps for money, can have.
fn refuse_paid_flags(target: &'static str, flags: &TestFlags) -> Result<(), PlaceError> {
    refuse(target, "ca", flags.ca.is_some())?;
    refuse(target, "fault-hook", flags.fault_hook.is_some())?;
    refuse(target, "tag", flags.tag.is_some())?;
    refuse(target, "cost-budget", flags.cost_budget.is_some())?;
    refuse(target, "prices", flags.prices.is_some())
}

/// What only replicas of ours can have.
fn refuse_local_flags(target: &'static str, flags: &TestFlags) -> Result<(), PlaceError> {
    refuse(target, "network", flags.network.is_some())?;
    refuse(target, "regions", flags.regions.is_some())?;
    refuse(target, "topology", flags.topology.is_some())?;
    refuse(target, "rtt-scale", flags.rtt_scale.is_some())?;
    refuse(target, "defect", flags.defect.is_some())
}

fn wiring(given: Option<&str>) -> Result<Wiring, PlaceError> {
    let Some(given) = given else {
        return Ok(Wiring::default());
    };
    let mut names = Wiring::NAMES.iter();
    let found = names.find(|(name, _)| *name == given);
    found
        .map(|(_, wiring)| *wiring)
        .ok_or_else(|| PlaceError::Network {
            given: given.to_owned(),
        })
}

/// One table for one region; a global table for several, of the version that is not deprecated unless another is asked for.
fn tables(flags: &TestFlags, region_count: usize) -> Result<Tables, PlaceError> {
    match flags.global_tables.as_deref() {
        None if region_count == 1 => Ok(Tables::Single),
        None | Some("2019.11.21") => Ok(Tables::Version2019),
        Some("2017.11.29") => Ok(Tables::Version2017),
        Some("by-itself") => Ok(Tables::ByItself),
        Some(given) => Err(PlaceError::Version {
            given: given.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(change: impl FnOnce(&mut TestFlags)) -> TestFlags {
        let mut flags = TestFlags::default();
        change(&mut flags);
        flags
    }

    fn endpoints(count: usize) -> TestFlags {
        let names = ["us-east-1", "eu-west-1"].iter().take(count);
        let endpoint = names.map(|name| format!("{name}=http://127.0.0.1:1"));
        flags(|flags| flags.endpoint = Some(endpoint.collect()))
    }

    fn resolve(flags: &TestFlags) -> Result<Place, String> {
        Place::resolve(flags, &Environment::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn endpoints_alone_choose_their_target_and_its_tables() {
        let one = resolve(&endpoints(1)).expect("one endpoint");
        assert_eq!((one.name(), one.tables()), ("endpoints", Tables::Single));
        let two = resolve(&endpoints(2)).expect("two endpoints");
        assert_eq!(
            (two.tables(), two.stamps_visible()),
            (Tables::Version2019, false)
        );
        let mut older = endpoints(2);
        older.global_tables = Some("2017.11.29".into());
        assert!(resolve(&older).expect("an older version").stamps_visible());
        assert_eq!(
            resolve(&TestFlags::default()).expect("nothing").name(),
            "local"
        );
    }

    #[test]
    fn an_impossible_fault_is_refused_by_name_and_all_means_those_that_are_possible() {
        let place = resolve(&endpoints(2)).expect("two endpoints");
        let names = |faults: Vec<&'static dyn Package>| -> Vec<&'static str> {
            faults.iter().map(|fault| fault.name()).collect()
        };
        let by_name = |name: &str| nemesis::by_names(&[name.to_owned()]).expect("there is one");
        for fault in ["kill", "partition", "clock"] {
            let refused = place.faults(Some(by_name(fault)), 2).err().expect(fault);
            let message = refused.to_string();
            assert!(
                message.starts_with(&format!("--faults {fault}: the target endpoints")),
                "{message}"
            );
            assert!(
                message.ends_with(
                    "possible there: client-link, lost-replies, slow-clients, connection-storm, burst, hot-key, forged-stamps"
                ),
                "{message}"
            );
        }
        let possible = [
            "client-link",
            "lost-replies",
            "slow-clients",
            "connection-storm",
            "burst",
            "hot-key",
            "forged-stamps",
        ];
        let all = place.faults(Some(by_name("all")), 2).expect("possible");
        assert_eq!(names(all), possible);
        let usual = place.faults(None, 2).expect("some are possible");
        assert_eq!(names(usual), possible[..4], "nobody pays more unasked");
        let usual = Place::Local {
            tables: Tables::Version2017,
            wiring: Wiring::Loopback,
        }
        .faults(None, 3)
        .expect("all");
        assert_eq!(names(usual), LOCAL_FAULTS);
        let apart = resolve(&flags(|flags| flags.network = Some("netns".into())));
        let usual = apart.expect("a network").faults(None, 3).expect("all");
        let below_tcp = ["packet-loss", "black-hole"];
        assert_eq!(names(usual), [&LOCAL_FAULTS[..], &below_tcp].concat());
    }

    #[test]
    fn flags_that_mean_nothing_there_are_refused() {
        for (flags, part) in [
            (
                flags(|flags| flags.target = Some("moon".into())),
                "--target moon: there is no",
            ),
            (
                flags(|flags| flags.target = Some("endpoints".into())),
                "give --endpoint",
            ),
            (
                flags(|flags| flags.target = Some("command".into())),
                "give --config",
            ),
            (
                flags(|flags| flags.global_tables = Some("x".into())),
                "--global-tables x: there are",
            ),
            (
                flags(|flags| {
                    flags.endpoint = Some(vec!["a=http://127.0.0.1:1".into()]);
                    flags.defect = Some(vec!["lww-by-arrival".into()]);
                }),
                "--defect: the target endpoints does without it",
            ),
            (
                flags(|flags| {
                    flags.endpoint = Some(vec!["a=http://127.0.0.1:1".into()]);
                    flags.global_tables = Some("2020".into());
                }),
                "--global-tables 2020: there are",
            ),
        ] {
            let message = resolve(&flags).err().expect(part);
            assert!(message.contains(part), "{message}");
        }
    }
}
