//! `GET /metrics`: counts and lags, in Prometheus' text format (version 0.0.4).
//!
//! What AWS shows in CloudWatch keeps its name, in Prometheus' spelling: `PendingReplicationCount` and `ReplicationLatency` of each link from here,
//! with the peer as AWS's `ReceivingRegion`.

use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::routes::{Reply, plain};
use super::shell::Shell;
use crate::core::{PeerStatus, Status};
use crate::wire;

/// Requests that name no operation are counted after all the others.
const UNKNOWN: usize = wire::OPERATIONS_COUNT;
/// What became of a request.
const OUTCOMES: [&str; 3] = ["ok", "refused", "failed"];

/// Answered requests by operation and outcome.
#[derive(Debug, Default)]
pub(crate) struct RequestCounts([[AtomicU64; OUTCOMES.len()]; UNKNOWN + 1]);

impl RequestCounts {
    /// Counts a request: what it asked for, what it was answered.
    pub(crate) fn add(&self, target: Option<&HeaderValue>, status: StatusCode) {
        let target = target.and_then(|target| target.to_str().ok());
        let operation = target.and_then(wire::operation_number).unwrap_or(UNKNOWN);
        let outcome = match status {
            _ if status.is_success() => 0,
            _ if status.is_client_error() => 1,
            _ => 2,
        };
        self.0[operation][outcome].fetch_add(1, Ordering::Relaxed);
    }
}

/// The text under construction.
struct Text {
    text: String,
    region: String,
}

impl Text {
    /// Begins a metric.
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: impl Display) {
        writeln!(self.text, "{line}").expect("memory takes it");
    }

    /// A sample, with further labels (`,peer="…"`). Names of regions and operations need no escaping.
    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let line = format!("{name}{{region=\"{}\"{labels}}} {value}", self.region);
        self.line(line);
    }

    /// A metric of one sample.
    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.metric(name, kind, help);
        self.sample(name, "", value);
    }
}

/// All metrics; served by a poisoned replica, too.
pub(crate) fn reply(shell: &Shell, requests: &RequestCounts) -> Reply {
    let mut reply = plain(StatusCode::OK, text(shell, requests));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}

fn text(shell: &Shell, requests: &RequestCounts) -> String {
    let status = shell.status();
    let mut out = Text {
        text: String::with_capacity(4096),
        region: status.region.clone(),
    };
    peers_text(&mut out, &status);
    singles_text(&mut out, shell, &status);
    requests_text(&mut out, requests);
    out.text
}

/// A figure of a link, when there is one.
type PeerFigure = fn(&PeerStatus) -> Option<u64>;

fn peers_text(out: &mut Text, status: &Status) {
    let peers: [(&str, &str, PeerFigure); 4] = [
        (
            "dateline_pending_replication_count",
            "Writes of this region that the peer has not acknowledged.",
            |peer| Some(peer.pending),
        ),
        (
            "dateline_replication_latency_ms",
            "From the write to its being durable at the peer, for the oldest version of the batch acknowledged last.",
            |peer| peer.replication_latency_ms,
        ),
        (
            "dateline_peer_connected",
            "Whether the last call to the peer succeeded.",
            |peer| Some(peer.connected.into()),
        ),
        (
            "dateline_feed_consumed",
            "Position of the peer's feed up to which this region has consumed.",
            |peer| Some(peer.consumed),
        ),
    ];
    for (name, help, value) in peers {
        out.metric(name, "gauge", help);
        for (region, peer) in &status.peers {
            if let Some(value) = value(peer) {
                out.sample(name, &format!(",peer=\"{region}\""), value);
            }
        }
    }
}

fn singles_text(out: &mut Text, shell: &Shell, status: &Status) {
    let commits = shell.commits.counts();
    for (name, kind, help, value) in [
        (
            "dateline_feed_head",
            "gauge",
            "Position of the newest durable entry of this region's feed.",
            status.feed_head,
        ),
        (
            "dateline_tombstones",
            "gauge",
            "Tombstones not yet collected.",
            status.tombstones,
        ),
        (
            "dateline_undurable_batches",
            "gauge",
            "Batches on their way to the disk.",
            status.undurable_batches,
        ),
        (
            "dateline_fsyncs_total",
            "counter",
            "Groups of batches made durable, with one fsync each.",
            commits.fsyncs,
        ),
        (
            "dateline_batches_total",
            "counter",
            "Batches made durable.",
            commits.batches,
        ),
        (
            "dateline_commit_longest_us",
            "gauge",
            "The longest that one group took to become durable since the start.",
            commits.longest_us,
        ),
        (
            "dateline_poisoned",
            "gauge",
            "Whether a commit failed; nothing is served any more.",
            shell.poison.reason().is_some().into(),
        ),
    ] {
        out.single(name, kind, help, value);
    }
}

fn requests_text(out: &mut Text, requests: &RequestCounts) {
    let name = "dateline_requests_total";
    out.metric(
        name,
        "counter",
        "Answered requests by operation and outcome (refused: 4xx, failed: 5xx).",
    );
    let operations = wire::operation_names().chain(std::iter::once("unknown"));
    for (operation, counts) in operations.zip(&requests.0) {
        for (outcome, count) in OUTCOMES.iter().zip(counts) {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                let labels = format!(",operation=\"{operation}\",outcome=\"{outcome}\"");
                out.sample(name, &labels, count);
            }
        }
    }
}
