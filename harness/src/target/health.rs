//! Asks a region how it is: `GET /health`, directly, past every proxy.
//!
//! Blocking and by hand, since it is asked from threads without a runtime and one small answer needs no client library.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde::Deserialize;

use super::{Skew, Trouble};

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Answers are a few kilobytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// What a reference replica says of itself, as far as the harness cares.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Health {
    pub(crate) status: String,
    /// The number of the process that answers.
    pub(crate) pid: u32,
    pub(crate) clock: Skew,
    pub(crate) disk: Trouble,
    pub(crate) core: Core,
}

/// What its core says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Core {
    /// Which life of the region this is.
    pub(crate) incarnation: u64,
    /// By name.
    pub(crate) tables: BTreeMap<String, Table>,
    /// Position of the newest durable entry of its feed.
    pub(crate) feed_head: u64,
    /// Batches on their way to the disk.
    pub(crate) undurable_batches: u64,
    /// Answers that wait for a commit.
    pub(crate) waiting_answers: u64,
    /// By region.
    pub(crate) peers: BTreeMap<String, Peer>,
}

/// One table.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Table {
    /// Whether rows of it have still to move, since this region became a new member, or to be fed again, since another did.
    pub(crate) is_moving: bool,
    /// Members from which what departed lives had written was not pulled since the members last changed.
    pub(crate) unpulled: Vec<String>,
}

/// One link, from the region asked to the peer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Peer {
    /// Which life of the peer is a member, if any is.
    pub(crate) incarnation: Option<u64>,
    /// Position of the feed of the region asked up to which the peer has everything.
    pub(crate) acknowledged: u64,
    /// Position of the peer's feed up to which the region asked has everything.
    pub(crate) consumed: u64,
    /// Whether the peer answered the last time that it was called.
    pub(crate) connected: bool,
    /// Entries that the peer has not acknowledged.
    pub(crate) pending: u64,
}

/// Asks once.
pub(crate) fn ask(address: SocketAddr) -> io::Result<Health> {
    let (status, body) = get(address, "/health")?;
    parse(status, &body).map_err(nonsense)
}

/// Asks once, and takes the word of a region that is poisoned, too.
pub(super) fn ask_even_poisoned(address: SocketAddr) -> io::Result<Health> {
    let (_status, body) = get(address, "/health")?;
    parse(200, &body).map_err(nonsense)
}

/// The whole of what it says, for people: JSON as it came.
pub(super) fn text(address: SocketAddr) -> io::Result<String> {
    let (status, body) = get(address, "/health")?;
    whole(status, &body).map_err(nonsense)?;
    Ok(body)
}

/// Opens a connection, with limits on everything done with it.
pub(super) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// GET of a path: the status and the body.
pub(super) fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    split(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| nonsense(format!("no whole answer to GET {path}")))
}

fn nonsense(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn split(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

fn whole(status: u16, body: &str) -> Result<&str, String> {
    if status != 200 {
        return Err(format!("GET /health answered {status}"));
    }
    Ok(body)
}

fn parse(status: u16, body: &str) -> Result<Health, String> {
    let body = whole(status, body)?;
    serde_json::from_str(body).map_err(|error| format!("GET /health answered nonsense: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_nonsense_is_named() {
        let body = r#"{"status":"ok","region":"a","pid":1,
            "clock":{"offset_ms":-5,"drift_ppm":0,"strobe_period_ms":0,"wall_ms":7},
            "disk":{"fsync_delay_ms":0,"is_full":true},
            "core":{"incarnation":8,"feed_head":9,"undurable_batches":0,"waiting_answers":0,
                    "tables":{"t":{"items":5,"is_moving":false,"unpulled":["b"]}},
                    "peers":{"b":{"incarnation":6,"acknowledged":6,"pending":3,"consumed":4,"connected":true}}}}"#;
        let answer = format!("HTTP/1.1 200 OK\r\nx: y\r\n\r\n{body}");
        let (status, read) = split(&answer).expect("a whole answer");
        let health = parse(status, &read).expect("well formed");
        assert_eq!((health.status.as_str(), health.clock.offset_ms), ("ok", -5));
        assert_eq!(
            (health.core.peers["b"].pending, health.core.feed_head),
            (3, 9)
        );
        assert_eq!(split(""), None);
        assert_eq!(split("HTTP/1.1 OK\r\n\r\n"), None);
        for (status, bad, part) in [
            (503, "{}", "answered 503"),
            (200, "{}", "nonsense: missing field `status`"),
        ] {
            let message = parse(status, bad).expect_err(bad);
            assert!(message.contains(part), "{message}");
        }
    }
}
