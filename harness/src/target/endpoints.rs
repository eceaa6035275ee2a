//! Somebody else's endpoints: the regions run elsewhere, and all that is ours is the way to them.

use std::net::SocketAddr;

use super::{Ability, Action, Elsewhere, Hook, RemoteRegion, Target};

/// The regions as a target.
pub(crate) struct EndpointsTarget {
    names: Vec<String>,
    elsewhere: Elsewhere,
    hook: Option<Hook>,
}

impl EndpointsTarget {
    pub(crate) fn new(elsewhere: Elsewhere, hook: Option<Hook>) -> Self {
        let regions = elsewhere.regions.iter();
        Self {
            names: regions.map(|region| region.name.clone()).collect(),
            elsewhere,
            hook,
        }
    }

    /// Whether somebody listens at each of them, and is who they should be.
    pub(crate) fn reach(&self) -> Result<(), String> {
        self.elsewhere.reach()
    }

    /// What can be done to regions that somebody else runs.
    pub(crate) fn can(
        ability: Ability,
        regions: &[RemoteRegion],
        hook: Option<&Hook>,
    ) -> Result<(), String> {
        let why = match ability {
            Ability::ClientLinks | Ability::Clients => return Ok(()),
            Ability::Provider if hook.is_some() => return Ok(()),
            Ability::Provider => {
                "nobody here can; give --fault-hook COMMAND, which is run with `begin REGION` and `end REGION`"
            }
            Ability::RollBack | Ability::Membership | Ability::Disk | Ability::FileSystem => {
                "their data is somebody else's"
            }
            Ability::Replies if !regions.iter().any(RemoteRegion::is_secure) => return Ok(()),
            // The greeting of TLS is longer than that, so no request would ever pass.
            Ability::Replies => {
                "connections are cut within the first bytes of replies, and those of https are TLS's own"
            }
            Ability::Kill | Ability::Pause => "their processes are somebody else's",
            Ability::Clock => "their clocks are somebody else's",
            Ability::Packets => "their networks are somebody else's",
            Ability::PeerLinks => "they reach each other past our proxies",
        };
        Err(why.to_owned())
    }
}

impl Target for EndpointsTarget {
    fn regions(&self) -> &[String] {
        &self.names
    }

    fn address(&self, region: usize) -> SocketAddr {
        self.elsewhere.regions[region].address
    }

    fn can(&self, ability: Ability) -> Result<(), String> {
        Self::can(ability, &self.elsewhere.regions, self.hook.as_ref())
    }

    fn act(&self, region: usize, action: &Action) -> Result<(), String> {
        let name = &self.names[region];
        if let (Action::Provider(phase), Some(hook)) = (action, &self.hook) {
            return hook.call(*phase, name);
        }
        Err(format!(
            "{name} is somebody else's, so nobody here can do {action:?}"
        ))
    }
}
