//! What the server is told on the command line, and whether it goes together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use hyper::Uri;

use super::ServerError;
use super::log::LogFormat;
use super::peer_key::PeerKey;
use super::sigv4::Credentials;
use crate::core::{GlobalTables, Region};
use crate::defects::Defect;

/// The options of one reference replica.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The region this replica is, such as eu-west-1
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub(crate) region: Region,

    /// Where to listen; port 0 takes a free one. The real address is written to the file address in the data directory
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,

    /// Where this region keeps its data; made if missing. Belongs to one process at a time
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) data_dir: PathBuf,

    /// Another region and where it is reached, such as us-east-1=http://127.0.0.1:4002; once for each
    #[arg(long = "peer", value_name = "REGION=URL", value_parser = peer)]
    pub(crate) peers: Vec<(Region, PeerAddress)>,

    /// A file with the key that all regions share; each call between them is signed with it. Needed unless everything listens on loopback
    #[arg(long, value_name = "FILE")]
    pub(crate) peer_key_file: Option<PathBuf>,

    /// Verify signatures with this one key pair, strictly; without it requests must be signed, by any key
    #[arg(long, value_name = "ACCESS:SECRET", value_parser = Credentials::parse)]
    pub(crate) credentials: Option<Credentials>,

    /// Refuse what a peer sends when a version in it is stamped more than so many milliseconds ahead of this region's clock, and say so. Off by default: the regions then do not converge while a clock is wrong
    #[arg(long, value_name = "MS")]
    pub(crate) max_clock_skew: Option<u64>,

    /// Keep stream records for so many seconds instead of the 24 hours of AWS: a region that takes writes for long then needs less disk and memory, and a consumer that falls behind finds out soon
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u32).range(6..=86_400))]
    pub(crate) stream_retention: u32,

    /// Which global tables can be made; aws-today refuses CreateGlobalTable (version 2017.11.29) in AWS's words
    #[arg(long, value_name = "WHICH", value_enum, default_value = "both")]
    pub(crate) global_tables: GlobalTables,

    /// Write a line of JSON to this file for every version that becomes readable here: when, which, and the item. For holding measured lag against the truth
    #[arg(long, value_name = "FILE")]
    pub(crate) apply_log: Option<PathBuf>,

    /// How log lines on standard error look
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) log: LogFormat,

    /// Threads that serve HTTP. Commits have one more
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: u16,

    /// Connections served at a time; the next ones are closed at once
    #[arg(long, value_name = "COUNT", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) connections_max: u32,

    /// Requests in work at a time; the next ones get 503 ServiceUnavailable
    #[arg(long, value_name = "COUNT", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) requests_max: u32,

    /// End when the process that started this one ends, however it ends; with its number, also when that was before this process could ask
    #[arg(long, value_name = "PID", num_args = 0..=1, require_equals = true)]
    pub(crate) die_with_parent: Option<Option<u32>>,

    /// Plant a named fault, for judging the judges; once for each
    #[cfg(feature = "defects")]
    #[arg(long = "defect", value_name = "NAME", value_parser = defect)]
    pub(crate) defects: Vec<Defect>,
}

/// Where a peer is reached: plain HTTP, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl std::fmt::Display for PeerAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "http://{}:{}", self.host, self.port)
    }
}

impl Options {
    /// The peers by region.
    ///
    /// # Errors
    /// When one is named twice, or is this region.
    pub(crate) fn peers(&self) -> Result<BTreeMap<Region, PeerAddress>, ServerError> {
        let mut peers = BTreeMap::new();
        for (region, address) in &self.peers {
            if *region == self.region {
                return Err(ServerError::Usage(format!(
                    "--peer {region}={address}: {region} is this region (--region); name the others only"
                )));
            }
            if let Some(other) = peers.insert(region.clone(), address.clone()) {
                return Err(ServerError::Usage(format!(
                    "--peer {region} is given twice, as {other} and as {address}; name each region once"
                )));
            }
        }
        Ok(peers)
    }

    /// The shared key, if there is one.
    ///
    /// # Errors
    /// When the file holds none, or when strangers could reach a server without one.
    pub(crate) fn peer_key(&self) -> Result<Option<PeerKey>, ServerError> {
        match &self.peer_key_file {
            Some(path) => Ok(Some(PeerKey::read(path).map_err(ServerError::Usage)?)),
            None if self.listen.ip().is_loopback() => Ok(None),
            None => Err(ServerError::Usage(format!(
                "--listen {}: without --peer-key-file anybody who can reach this address could write as a peer; listen on 127.0.0.1, or give all regions one --peer-key-file",
                self.listen
            ))),
        }
    }

    /// The planted faults.
    pub(crate) fn defects(&self) -> &[Defect] {
        #[cfg(feature = "defects")]
        return &self.defects;
        #[cfg(not(feature = "defects"))]
        return &[];
    }
}

/// A region's name: what may stand in an ARN, a host name and a log line.
fn region(text: &str) -> Result<Region, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
        return Err("a region's name has 1 to 64 characters out of a-z, 0-9 and -".to_owned());
    }
    Ok(Region::new(text))
}

#[cfg(feature = "defects")]
fn defect(name: &str) -> Result<Defect, String> {
    Defect::by_name(name).ok_or_else(|| {
        let known: Vec<&str> = crate::defects::DEFECTS.iter().map(|row| row.name).collect();
        format!("known are {}", known.join(", "))
    })
}

fn peer(text: &str) -> Result<(Region, PeerAddress), String> {
    let (name, url) = text.split_once('=').ok_or("write REGION=URL")?;
    let uri: Uri = url
        .parse()
        .map_err(|error| format!("{url:?} is no URL: {error}"))?;
    let plain = uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none();
    match (uri.host(), uri.port_u16()) {
        (Some(host), Some(port)) if plain => {
            let host = host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned();
            Ok((region(name)?, PeerAddress { host, port }))
        }
        _ => Err(format!("{url:?} must be http://HOST:PORT, without a path")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(line: &str) -> Result<Options, String> {
        let words = ["replica", "--region", "eu-west-1", "--data-dir", "d"].into_iter();
        Line::try_parse_from(words.chain(line.split_whitespace()))
            .map(|line| line.options)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn peers_are_named_once_and_are_others() {
        let options =
            parse("--peer us-east-1=http://127.0.0.1:4002 --peer b=http://[::1]:1").expect("right");
        let peers = options.peers().expect("two others");
        assert_eq!(
            peers[&Region::new("us-east-1")].to_string(),
            "http://127.0.0.1:4002"
        );
        assert_eq!(
            peers[&Region::new("b")],
            PeerAddress {
                host: "::1".to_owned(),
                port: 1
            }
        );

        let own = parse("--peer eu-west-1=http://h:1")
            .expect("well formed")
            .peers();
        assert!(
            own.expect_err("own region")
                .to_string()
                .contains("eu-west-1 is this region")
        );
        let twice = parse("--peer b=http://h:1 --peer b=http://h:2")
            .expect("well formed")
            .peers();
        assert!(
            twice
                .expect_err("twice")
                .to_string()
                .contains("--peer b is given twice")
        );
        for bad in [
            "b",
            "b=h:1",
            "b=https://h:1",
            "b=http://h",
            "b=http://h:1/x",
            "B=http://h:1",
        ] {
            parse(&format!("--peer {bad}")).expect_err(bad);
        }
    }

    #[test]
    fn strangers_need_a_key() {
        assert!(
            parse("--listen [::1]:0")
                .expect("right")
                .peer_key()
                .expect("loopback")
                .is_none()
        );
        let open = parse("--listen 0.0.0.0:4000")
            .expect("well formed")
            .peer_key();
        let message = open.expect_err("anybody").to_string();
        assert!(
            message.starts_with("--listen 0.0.0.0:4000: without --peer-key-file"),
            "{message}"
        );
    }

    #[test]
    fn stream_records_are_kept_for_a_day_or_less() {
        assert_eq!(parse("").expect("right").stream_retention, 86_400);
        for wrong in ["0", "5", "86401", "1h"] {
            let message = parse(&format!("--stream-retention {wrong}")).expect_err(wrong);
            assert!(message.contains("--stream-retention"), "{message}");
        }
    }

    #[test]
    fn the_parent_may_be_named() {
        assert_eq!(parse("").expect("right").die_with_parent, None);
        assert_eq!(
            parse("--die-with-parent").expect("right").die_with_parent,
            Some(None)
        );
        let named = parse("--die-with-parent=7").expect("right").die_with_parent;
        assert_eq!(named, Some(Some(7)));
    }
}
