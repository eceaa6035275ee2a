//! `GET /health`: is this region well, what does its clock show, what does its core say.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::clock::Skew;
use super::commits::CommitCounts;
use super::disk::Trouble;
use super::routes::Reply;
use super::shell::Shell;
use crate::core::{Region, Status};

/// What `/health` shows.
#[derive(Debug, Serialize)]
struct Health<'a> {
    /// `ok` or `poisoned`.
    status: &'static str,
    /// Why it is poisoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    region: &'a str,
    pid: u32,
    clock: ClockShown,
    disk: Trouble,
    commits: CommitCounts,
    core: Status,
}

#[derive(Debug, Serialize)]
struct ClockShown {
    #[serde(flatten)]
    skew: Skew,
    /// The wall clock that stamps are taken from.
    now_ms: i64,
}

/// 200 while the replica serves, 500 once it is poisoned; the same shape either way.
pub(crate) fn reply(shell: &Shell, region: &Region) -> Reply {
    let reason = shell.poison.reason();
    let health = Health {
        status: if reason.is_some() { "poisoned" } else { "ok" },
        reason,
        region: region.as_str(),
        pid: std::process::id(),
        clock: ClockShown {
            skew: shell.clock.skew(),
            now_ms: shell.clock.now().wall_ms,
        },
        disk: shell.disk.trouble(),
        commits: shell.commits.counts(),
        core: shell.status(),
    };
    let body = serde_json::to_vec(&health).expect("plain data with names for keys");
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    if reason.is_some() {
        *reply.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
