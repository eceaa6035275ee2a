//! Regions that run elsewhere: how they are written, where they are, and everything that it takes to talk to them.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::client::{
    Chain, Credentials, CredentialsError, Endpoint, Environment, Tls, Trust, TrustError,
};

/// How long a region may take to accept a connection, and then to greet, before anything begins.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A file of authorities that other AWS tools are told of.
const CA_VARIABLE: &str = "AWS_CA_BUNDLE";

/// One region that runs elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteRegion {
    /// Its name, which is signed into every request.
    pub(crate) name: String,
    /// Host and port as given: the `Host` of every request. A port that goes without saying is left out.
    pub(crate) host: String,
    /// Where that leads.
    pub(crate) address: SocketAddr,
    /// Who must be there, if it speaks https.
    secure: Option<ServerName<'static>>,
    /// Where its streams are, if they are elsewhere.
    streams: Option<Box<RemoteRegion>>,
}

/// What is wrong with what was given.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EndpointError {
    #[error(
        "--{flag} {given}: write NAME=URL, such as us-east-1=http://127.0.0.1:8001 or us-east-1=https://dynamodb.us-east-1.amazonaws.com"
    )]
    Form { flag: &'static str, given: String },
    #[error("--{flag} {given}: the region {name} is named twice")]
    Twice {
        flag: &'static str,
        given: String,
        name: String,
    },
    #[error("--{flag} {given}: the address of {host} cannot be found: {why}")]
    Unresolved {
        flag: &'static str,
        given: String,
        host: String,
        why: String,
    },
    #[error("--{flag}: {source}{}", if *is_local { "" } else { " (only endpoints on the loopback interface do without)" })]
    Credentials {
        flag: &'static str,
        is_local: bool,
        source: CredentialsError,
    },
    #[error("--ca: no endpoint is https://, so there is no certificate to trust; leave it out")]
    NeedlessAuthority,
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl RemoteRegion {
    /// Reads `us-east-1=http://127.0.0.1:8001` and looks its host up, if somebody will go there.
    fn parse(flag: &'static str, given: &str, intent: Intent) -> Result<Self, EndpointError> {
        let wrong = || EndpointError::Form {
            flag,
            given: given.to_owned(),
        };
        let (name, url) = given.split_once('=').ok_or_else(wrong)?;
        let (scheme, host) = url.split_once("://").ok_or_else(wrong)?;
        let (is_secure, usual_port) = match scheme {
            "http" => (false, ":80"),
            "https" => (true, ":443"),
            _ => return Err(wrong()),
        };
        let host = host.strip_suffix('/').unwrap_or(host);
        let host = host.strip_suffix(usual_port).unwrap_or(host);
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let is_plain = |host: &str| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
        if name.is_empty() || !name.chars().all(is_letter) || !is_plain(host) {
            return Err(wrong());
        }
        let (bare, has_port) = match host.rsplit_once(':') {
            Some((bare, port)) if port.parse::<u16>().is_ok() => (bare, true),
            _ => (host, false),
        };
        // Brackets belong to the URL, not to the address within.
        let bare = bare.trim_start_matches('[').trim_end_matches(']');
        let secure = is_secure
            .then(|| ServerName::try_from(bare.to_owned()).map_err(|_| wrong()))
            .transpose()?;
        let with_port = if has_port {
            host.to_owned()
        } else {
            format!("{host}{usual_port}")
        };
        let found = match intent {
            Intent::Ask => look_up(&with_port),
            Intent::Preview => Ok(SocketAddr::from(([0, 0, 0, 0], 0))),
        };
        let address = found.map_err(|why| EndpointError::Unresolved {
            flag,
            given: given.to_owned(),
            host: host.to_owned(),
            why,
        });
        let streams = host_of_streams(host)
            .map(|host| Self::parse(flag, &format!("{name}={scheme}://{host}"), intent));
        Ok(Self {
            name: name.to_owned(),
            host: host.to_owned(),
            address: address?,
            secure,
            streams: streams.transpose()?.map(Box::new),
        })
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.secure.is_some()
    }

    fn host_and_port(&self) -> String {
        // As in `Host`, with the port that goes without saying.
        match (
            self.host.strip_suffix(&format!(":{}", self.address.port())),
            self.is_secure(),
        ) {
            (Some(_), _) => self.host.clone(),
            (None, true) => format!("{}:443", self.host),
            (None, false) => format!("{}:80", self.host),
        }
    }

    /// Another address, if its name does not lead to the one at hand any more: providers move their endpoints about.
    pub(crate) async fn moved(&self) -> Option<SocketAddr> {
        // Whoever cannot look it up keeps what is known.
        let found = tokio::net::lookup_host(self.host_and_port()).await.ok()?;
        let found: Vec<SocketAddr> = found.collect();
        if found.contains(&self.address) {
            return None;
        }
        preferred(&found)
    }

    /// As it was given.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.is_secure() { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }
}

/// AWS has streams at hosts of their own (AWS General Reference, "DynamoDB Streams endpoints").
fn host_of_streams(host: &str) -> Option<String> {
    let is_of_aws = host.starts_with("dynamodb.") && host.contains(".amazonaws.com");
    is_of_aws.then(|| format!("streams.{host}"))
}

fn look_up(host_and_port: &str) -> Result<SocketAddr, String> {
    let found = host_and_port
        .to_socket_addrs()
        .map_err(|error| error.to_string())?;
    let found: Vec<SocketAddr> = found.collect();
    preferred(&found).ok_or_else(|| "it has no address".to_owned())
}

/// Many machines have addresses of the newer kind, and no way there.
fn preferred(found: &[SocketAddr]) -> Option<SocketAddr> {
    let older = found.iter().find(|address| address.is_ipv4());
    older.or_else(|| found.first()).copied()
}

/// Regions that run elsewhere, with who signs and whom we trust.
#[derive(Clone, Debug)]
pub(crate) struct Elsewhere {
    flag: &'static str,
    pub(crate) regions: Vec<RemoteRegion>,
    credentials: Arc<Credentials>,
    trust: Option<Trust>,
}

/// Whether anybody will be asked anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Requests are signed and sent.
    Ask,
    /// Only said.
    Preview,
}

impl Elsewhere {
    /// What a flag that was given so often comes to. Looks for credentials, which may ask a program or the machine that we run on.
    pub(crate) fn resolve(
        flag: &'static str,
        given: &[String],
        authority: Option<&Path>,
        environment: &Environment,
        intent: Intent,
    ) -> Result<Self, EndpointError> {
        let mut names = BTreeSet::new();
        let mut regions = Vec::new();
        for given in given {
            let region = RemoteRegion::parse(flag, given, intent)?;
            if !names.insert(region.name.clone()) {
                return Err(EndpointError::Twice {
                    flag,
                    given: given.clone(),
                    name: region.name,
                });
            }
            regions.push(region);
        }
        let trust = trust(&regions, authority, environment)?;
        let credentials = match intent {
            Intent::Ask => credentials(flag, &regions, environment)?,
            Intent::Preview => anybody(),
        };
        Ok(Self {
            flag,
            regions,
            credentials,
            trust,
        })
    }

    /// How to talk to a region at this address, which may be that of a proxy in front of it.
    pub(crate) fn endpoint(
        &self,
        region: usize,
        address: SocketAddr,
        timeout: Duration,
    ) -> Endpoint {
        self.endpoint_of(&self.regions[region], address, timeout)
    }

    fn endpoint_of(
        &self,
        remote: &RemoteRegion,
        address: SocketAddr,
        timeout: Duration,
    ) -> Endpoint {
        // No proxy is in front of a host of streams.
        let streams = remote.streams.as_ref();
        let streams = streams.map(|streams| self.endpoint_of(streams, streams.address, timeout));
        Endpoint {
            address,
            host: remote.host.clone(),
            tls: self.tls(remote),
            streams: streams.map(Box::new),
            region: remote.name.clone(),
            credentials: self.credentials.clone(),
            timeout,
        }
    }

    /// How to talk to all of them past every proxy, wherever they are by now.
    pub(crate) async fn direct(&self, timeout: Duration) -> Vec<Endpoint> {
        let mut endpoints = Vec::new();
        for (index, region) in self.regions.iter().enumerate() {
            let address = region.moved().await.unwrap_or(region.address);
            endpoints.push(self.endpoint(index, address, timeout));
        }
        endpoints
    }

    /// Whether all of them are on this machine.
    pub(crate) fn is_local(&self) -> bool {
        are_local(&self.regions)
    }

    /// Whether somebody is at each of them, and who they should be. Blocks.
    pub(crate) fn reach(&self) -> Result<(), String> {
        for region in &self.regions {
            let greeted = TcpStream::connect_timeout(&region.address, CONNECT_LIMIT).map_err(
                |error| {
                    format!(
                        "it cannot be reached: {error}; is the server running, and is the port right?"
                    )
                },
            );
            let greeted = greeted.and_then(|stream| self.greet(region, stream));
            greeted.map_err(|wrong| {
                format!("--{} {}={}: {wrong}", self.flag, region.name, region.url())
            })?;
        }
        Ok(())
    }

    fn greet(&self, region: &RemoteRegion, mut stream: TcpStream) -> Result<(), String> {
        let Some(tls) = self.tls(region) else {
            return Ok(());
        };
        let limit = Some(CONNECT_LIMIT);
        stream
            .set_read_timeout(limit)
            .and_then(|()| stream.set_write_timeout(limit))
            .map_err(|error| error.to_string())?;
        tls.try_once(&mut stream)
    }

    fn tls(&self, region: &RemoteRegion) -> Option<Tls> {
        let name = region.secure.clone()?;
        let trust = self.trust.clone();
        let trust = trust.expect("whom to trust was settled because there is https");
        Some(Tls { trust, name })
    }
}

/// Whom to trust: a file's authorities, or the system's. Nobody where nobody speaks https.
fn trust(
    regions: &[RemoteRegion],
    authority: Option<&Path>,
    environment: &Environment,
) -> Result<Option<Trust>, EndpointError> {
    if !regions.iter().any(RemoteRegion::is_secure) {
        return match authority {
            Some(_) => Err(EndpointError::NeedlessAuthority),
            None => Ok(None),
        };
    }
    let trust = match (authority, environment.get(CA_VARIABLE)) {
        (Some(path), _) => Trust::of_file("--ca", path),
        (None, Some(path)) => Trust::of_file(CA_VARIABLE, Path::new(path)),
        (None, None) => Trust::of_system(),
    };
    Ok(Some(trust?))
}

/// Whether all of them are on this machine.
fn are_local(regions: &[RemoteRegion]) -> bool {
    let mut addresses = regions.iter().map(|region| region.address.ip());
    addresses.all(|address| address.is_loopback())
}

/// Who signs. On the loopback interface anybody will do, unless somebody is named.
fn credentials(
    flag: &'static str,
    regions: &[RemoteRegion],
    environment: &Environment,
) -> Result<Arc<Credentials>, EndpointError> {
    let is_local = are_local(regions);
    let chain = Chain::new(environment.clone());
    let chain = if is_local { chain.named_only() } else { chain };
    match chain.look() {
        Ok(keys) => Ok(Credentials::of(keys, Arc::new(chain), Timestamp::now())),
        Err(CredentialsError::Missing { .. }) if is_local => Ok(anybody()),
        Err(source) => Err(EndpointError::Credentials {
            flag,
            is_local,
            source,
        }),
    }
}

fn anybody() -> Arc<Credentials> {
    Credentials::fixed("DATELINE", "endpoints on this machine take any key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(given: &str) -> Result<RemoteRegion, EndpointError> {
        RemoteRegion::parse("endpoint", given, Intent::Ask)
    }

    fn resolve(given: &[&str], variables: &[(&str, &str)]) -> Result<Elsewhere, String> {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        // Nothing of whoever runs the tests, and nobody on the network.
        let nowhere = [
            ("HOME", "/nonexistent"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let environment = Environment::of(&[&nowhere, variables].concat());
        Elsewhere::resolve("endpoint", &given, None, &environment, Intent::Ask)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_endpoint_is_read_and_what_is_none_is_refused() {
        let read = parse("us-east-1=http://127.0.0.1:8001/").expect("well formed");
        assert_eq!(
            (read.name.as_str(), read.host.as_str(), read.address.port()),
            ("us-east-1", "127.0.0.1:8001", 8001)
        );
        for (given, port, url) in [
            ("a=http://127.0.0.1", 80, "http://127.0.0.1"),
            ("a=http://127.0.0.1:80", 80, "http://127.0.0.1"),
            ("a=https://127.0.0.1:443/", 443, "https://127.0.0.1"),
            ("a=https://[::1]", 443, "https://[::1]"),
            ("a=https://localhost:8043", 8043, "https://localhost:8043"),
        ] {
            let read = parse(given).expect(given);
            assert_eq!((read.address.port(), read.url().as_str()), (port, url));
        }
        for bad in [
            "http://127.0.0.1:8001",
            "=http://127.0.0.1:1",
            "us east=http://127.0.0.1:1",
            "us-east-1=127.0.0.1:8001",
            "us-east-1=ftp://127.0.0.1:8001",
            "us-east-1=http://",
            "us-east-1=http://127.0.0.1:1/path",
            "us-east-1=https://-:1",
        ] {
            let message = parse(bad).expect_err(bad).to_string();
            assert!(message.contains("write NAME=URL"), "{bad}: {message}");
        }
        let twice = resolve(&["a=http://127.0.0.1:1", "a=http://127.0.0.1:2"], &[]);
        assert!(twice.expect_err("the same name").contains("named twice"));
    }

    #[test]
    fn streams_are_where_aws_has_them_and_nowhere_else_for_others() {
        let streams = |given: &str| {
            let region = RemoteRegion::parse("endpoint", given, Intent::Preview).expect(given);
            region.streams.map(|streams| streams.url())
        };
        let aws = "a=https://dynamodb.us-east-1.amazonaws.com/";
        let expected = "https://streams.dynamodb.us-east-1.amazonaws.com";
        assert_eq!(streams(aws).as_deref(), Some(expected));
        for given in ["a=http://127.0.0.1:8001", "a=https://dynamodb.example.com"] {
            assert_eq!(streams(given), None);
        }
    }

    #[tokio::test]
    async fn an_endpoint_is_followed_where_its_name_leads() {
        let mut region = parse("a=http://localhost:8001").expect("a name");
        assert_eq!(region.moved().await, None);
        region.address = "127.0.0.9:8001".parse().expect("an address");
        let moved = region.moved().await.expect("it is elsewhere");
        assert!(moved.ip().is_loopback() && moved.port() == 8001, "{moved}");
        for (given, expected) in [
            ("a=http://127.0.0.1", "127.0.0.1:80"),
            ("a=https://127.0.0.1", "127.0.0.1:443"),
            ("a=https://[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(parse(given).expect(given).host_and_port(), expected);
        }
    }

    #[test]
    fn credentials_are_asked_for_except_on_this_machine() {
        let (here, there) = (["a=http://127.0.0.1:1"], ["a=http://192.0.2.1:1"]);
        assert!(resolve(&here, &[]).is_ok());
        let missing = resolve(&there, &[]).expect_err("no key");
        for part in [
            "AWS_ACCESS_KEY_ID is not set",
            "only endpoints on the loopback",
        ] {
            assert!(missing.contains(part), "{missing}");
        }
        let half = [("AWS_ACCESS_KEY_ID", "a")];
        for endpoints in [here, there] {
            let missing = resolve(&endpoints, &half).expect_err("no secret");
            assert!(
                missing.contains("AWS_SECRET_ACCESS_KEY is not set"),
                "{missing}"
            );
        }
        let temporary = [
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
            ("AWS_SESSION_TOKEN", "c"),
        ];
        let signs = resolve(&there, &temporary).expect("all three");
        let keys = signs.credentials.current(Timestamp::now());
        assert_eq!(keys.session_token.as_deref(), Some("c"));
    }

    #[test]
    fn authorities_are_asked_for_where_there_is_https_and_nowhere_else() {
        let file = [("AWS_CA_BUNDLE", "/nonexistent/ca.pem")];
        assert!(resolve(&["a=http://127.0.0.1:1"], &file).is_ok());
        let missing = resolve(&["a=https://127.0.0.1:1"], &file).expect_err("no such file");
        assert!(
            missing.starts_with("AWS_CA_BUNDLE /nonexistent/ca.pem: "),
            "{missing}"
        );
        let given = ["a=http://127.0.0.1:1".to_owned()];
        let needless = Elsewhere::resolve(
            "endpoint",
            &given,
            Some(Path::new("ca.pem")),
            &Environment::default(),
            Intent::Ask,
        );
        assert_eq!(
            needless.err(),
            Some(EndpointError::NeedlessAuthority),
            "there is no https"
        );
    }
}
