//! Somebody else's endpoints: the regions run elsewhere, and all that is ours is the way to them.

use std::net::{SocketAddr, ToSocketAddrs as _};

use super::{Ability, Action, Target};
use crate::client::Credentials;

/// How long a region may take to accept a connection before the run begins.
const CONNECT_LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

/// One region that runs elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteRegion {
    /// Its name, which is signed into every request.
    pub(crate) name: String,
    /// Host and port as given: the `Host` of every request.
    pub(crate) host: String,
    /// Where that leads.
    pub(crate) address: SocketAddr,
}

/// What is wrong with what was given.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EndpointError {
    #[error(
        "--endpoint {given}: write REGION=http://HOST:PORT, for example us-east-1=http://127.0.0.1:8001"
    )]
    Form { given: String },
    #[error(
        "--endpoint {given}: https is not spoken yet; give an http address, or put a proxy that ends TLS in front of it"
    )]
    Https { given: String },
    #[error("--endpoint {given}: the address of {host} cannot be found: {why}")]
    Unresolved {
        given: String,
        host: String,
        why: String,
    },
    #[error(
        "--endpoint: {missing} is not set; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (only endpoints on the loopback interface do without)"
    )]
    Credentials { missing: &'static str },
    #[error(
        "--endpoint: AWS_SESSION_TOKEN is set, but temporary credentials cannot be used yet; use a key without a token and unset it"
    )]
    SessionToken,
}

impl RemoteRegion {
    /// Reads `us-east-1=http://127.0.0.1:8001` and looks its host up.
    pub(crate) fn parse(given: &str) -> Result<Self, EndpointError> {
        let wrong = || EndpointError::Form {
            given: given.to_owned(),
        };
        let (name, url) = given.split_once('=').ok_or_else(wrong)?;
        if url.starts_with("https://") {
            return Err(EndpointError::Https {
                given: given.to_owned(),
            });
        }
        let host = url.strip_prefix("http://").ok_or_else(wrong)?;
        let host = host.strip_suffix('/').unwrap_or(host);
        let is_plain = |host: &str| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
        if name.is_empty() || !is_plain(host) {
            return Err(wrong());
        }
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let with_port = if has_port {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let unresolved = |why: String| EndpointError::Unresolved {
            given: given.to_owned(),
            host: host.to_owned(),
            why,
        };
        let mut found = with_port
            .to_socket_addrs()
            .map_err(|error| unresolved(error.to_string()))?;
        let address = found
            .next()
            .ok_or_else(|| unresolved("it has no address".to_owned()))?;
        Ok(Self {
            name: name.to_owned(),
            host: host.to_owned(),
            address,
        })
    }
}

/// Who signs: the environment says, and on the loopback interface anybody will do.
pub(crate) fn credentials(
    regions: &[RemoteRegion],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Credentials, EndpointError> {
    let value = |name: &'static str| {
        let given = environment(name).filter(|value| !value.is_empty());
        given.ok_or(EndpointError::Credentials { missing: name })
    };
    let keys = value("AWS_ACCESS_KEY_ID").and_then(|access_key| {
        let secret_key = value("AWS_SECRET_ACCESS_KEY")?;
        Ok(Credentials {
            access_key,
            secret_key,
        })
    });
    let is_local = regions
        .iter()
        .all(|region| region.address.ip().is_loopback());
    match keys {
        Err(_) if is_local => Ok(Credentials {
            access_key: "DATELINE".into(),
            secret_key: "endpoints on this machine take any key".into(),
        }),
        Ok(_) if environment("AWS_SESSION_TOKEN").is_some_and(|token| !token.is_empty()) => {
            Err(EndpointError::SessionToken)
        }
        keys => keys,
    }
}

/// The regions as a target.
pub(crate) struct EndpointsTarget {
    names: Vec<String>,
    regions: Vec<RemoteRegion>,
}

impl EndpointsTarget {
    pub(crate) fn new(regions: Vec<RemoteRegion>) -> Self {
        let names = regions.iter().map(|region| region.name.clone()).collect();
        Self { names, regions }
    }

    /// Whether somebody listens at each of them.
    pub(crate) fn reach(&self) -> Result<(), String> {
        for region in &self.regions {
            std::net::TcpStream::connect_timeout(&region.address, CONNECT_LIMIT).map_err(|error| {
                format!(
                    "--endpoint {}=http://{}: it cannot be reached: {error}; is the server running, and is the port right?",
                    region.name, region.host
                )
            })?;
        }
        Ok(())
    }

    /// What can be done to regions that somebody else runs.
    pub(crate) fn can(ability: Ability) -> Result<(), String> {
        let why = match ability {
            Ability::ClientLinks | Ability::Clients => return Ok(()),
            Ability::RollBack | Ability::Membership | Ability::Disk => {
                "their data is somebody else's"
            }
            Ability::Kill | Ability::Pause => "their processes are somebody else's",
            Ability::Clock => "their clocks are somebody else's",
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
        self.regions[region].address
    }

    fn can(&self, ability: Ability) -> Result<(), String> {
        Self::can(ability)
    }

    fn act(&self, region: usize, action: &Action) -> Result<(), String> {
        let name = &self.names[region];
        Err(format!(
            "{name} is somebody else's, so nobody here can do {action:?}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(given: &str) -> String {
        RemoteRegion::parse(given).expect_err(given).to_string()
    }

    #[test]
    fn an_endpoint_is_read_and_what_is_none_is_refused() {
        let read = RemoteRegion::parse("us-east-1=http://127.0.0.1:8001/").expect("well formed");
        assert_eq!(
            (read.name.as_str(), read.host.as_str(), read.address.port()),
            ("us-east-1", "127.0.0.1:8001", 8001)
        );
        let without_port = RemoteRegion::parse("us-east-1=http://127.0.0.1").expect("well formed");
        assert_eq!(without_port.address.port(), 80);
        assert!(error("us-east-1=https://127.0.0.1:1").contains("https is not spoken yet"));
        for bad in [
            "http://127.0.0.1:8001",
            "=http://127.0.0.1:1",
            "us-east-1=127.0.0.1:8001",
            "us-east-1=http://",
            "us-east-1=http://127.0.0.1:1/path",
        ] {
            assert!(
                error(bad).contains("write REGION=http://HOST:PORT"),
                "{bad}"
            );
        }
    }

    #[test]
    fn credentials_are_asked_for_except_on_this_machine() {
        let here = [RemoteRegion::parse("us-east-1=http://127.0.0.1:1").expect("well formed")];
        let there = [RemoteRegion::parse("us-east-1=http://192.0.2.1:1").expect("well formed")];
        let nothing = |_: &str| None;
        assert!(credentials(&here, &nothing).is_ok());
        let missing = credentials(&there, &nothing).expect_err("no key");
        assert!(missing.to_string().contains("AWS_ACCESS_KEY_ID is not set"));
        let half = |name: &str| (name == "AWS_ACCESS_KEY_ID").then(|| "a".to_owned());
        let missing = credentials(&there, &half).expect_err("no secret");
        assert!(
            missing
                .to_string()
                .contains("AWS_SECRET_ACCESS_KEY is not set")
        );
        let whole = |name: &str| (name != "AWS_SESSION_TOKEN").then(|| "a".to_owned());
        assert!(credentials(&there, &whole).is_ok());
        let temporary = |_: &str| Some("a".to_owned());
        assert_eq!(
            credentials(&there, &temporary).expect_err("a token"),
            EndpointError::SessionToken
        );
    }
}
