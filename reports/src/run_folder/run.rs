//! `run.json`: what was asked for, with every default resolved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// `dateline/run/1`.
    pub schema: String,
    /// One line that repeats this run.
    pub reproduce: String,
    /// The version of Dateline, and the commit if known.
    pub version: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// The workload's name.
    pub workload: String,
    /// The seed of everything drawn.
    pub seed: u64,
    /// The target's kind: `local`, `endpoints`, `command`, `adapter`, `sim`.
    pub target: String,
    /// Region names, in the order of the history's header.
    pub regions: Vec<String>,
    /// Every other option, resolved: `rate`, `concurrency`, `keys`, `time_limit_s`, `faults`, `rtt_scale`, …
    pub options: BTreeMap<String, serde_json::Value>,
    /// The links as configured.
    pub links: Vec<Link>,
}

impl Run {
    /// The schema that this version writes.
    pub const SCHEMA: &str = "dateline/run/1";
}

/// One proxied link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// A region's name, or `client:REGION`.
    pub from: String,
    /// A region's name.
    pub to: String,
    /// One-way delay, milliseconds.
    pub delay_ms: f64,
    /// Jitter, milliseconds.
    pub jitter_ms: f64,
}
