//! `summary.json`: what a load run asked for, what it got, and whether the goals were kept.
//!
//! Read in this order: [`LoadSummary`] is the model, [`Times`] a distribution that can be added to another one without loss, [`goal`] what was
//! promised, [`limits`] when the client and not the server was the limit, [`merge`] and [`joined`] join the shares of one schedule, [`interval_log`] and [`series`] are
//! the two files that are written as the run goes. The text for a terminal is [`crate::text::load`].
//!
//! Every operation of the schedule is in exactly one place: answered, failed, open at the end, or never sent. Response time runs from the intended
//! start, service time from the real one; both are always kept. Deliberately absent: sending anything, and reading clocks.

pub mod goal;
pub mod interval_log;
pub mod joined;
pub mod limits;
pub mod merge;
pub mod series;

mod times;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use times::{Times, TimesError};

use crate::run_folder::Run;
use goal::{GoalOutcome, GoalResult};

/// `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadSummary {
    /// [`LoadSummary::SCHEMA`].
    pub schema: String,
    /// What was run: `run.json` again, so that this file can be read alone.
    pub run: Run,
    /// What was asked of the servers: two summaries compare only if these agree.
    pub plan: LoadPlan,
    /// The part of the schedule that this run took, or `None` when it took all of it.
    pub share: Option<Share>,
    /// What a share knows of its machine's clock; not there when it took the whole schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ShareClock>,
    /// Each region's part of the schedule.
    pub lanes: Vec<Lane>,
    /// One row per region and kind of operation, warm-up left out.
    pub rows: Vec<LoadRow>,
    /// Replication lag per ordered pair of regions.
    pub lag: Vec<LoadLag>,
    /// The goals and whether they were kept.
    pub goals: Vec<GoalResult>,
    /// What the generator cost.
    pub client: Client,
    /// What to be careful about when reading the numbers, [`limits::warnings`] first.
    pub warnings: Vec<String>,
    /// Where it ran: `os`, `kernel`, `cpus`, … No host names.
    pub environment: BTreeMap<String, String>,
}

impl LoadSummary {
    /// The schema that this version writes.
    pub const SCHEMA: &str = "dateline/load/1";

    /// 0: every goal was kept, 1: one was broken, 2: one cannot be told. As every command of Dateline.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.goals.iter().map(|result| result.outcome).max() {
            None | Some(GoalOutcome::Kept) => 0,
            Some(GoalOutcome::Broken) => 1,
            Some(GoalOutcome::CannotTell) => 2,
        }
    }

    /// Checks what no type can: every operation is in one place, and lanes and rows speak of the same regions.
    ///
    /// # Errors
    /// In words, which row and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.schema != Self::SCHEMA {
            return Err(format!(
                "field `schema` is `{}`, this version reads `{}`; use the version of Dateline that wrote it",
                self.schema,
                Self::SCHEMA
            ));
        }
        for row in &self.rows {
            let accounted = row.answered() + row.failed() + row.open.len() + row.never_sent;
            if accounted != row.scheduled {
                return Err(format!(
                    "rows: {} {} has {} operations scheduled but {accounted} accounted for; the file is damaged, run again",
                    row.region, row.kind, row.scheduled
                ));
            }
            if self.lanes.iter().all(|lane| lane.region != row.region) {
                return Err(format!(
                    "rows: region `{}` has no entry in `lanes`; the file is damaged, run again",
                    row.region
                ));
            }
        }
        Ok(())
    }
}

/// What was asked of the servers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadPlan {
    /// `constant`, `poisson`, `sine`, `ramp` or `steps`, with its parameters as text.
    pub arrival: String,
    /// Operations per second over all regions and shares, on average over the measured time.
    pub rate_per_s: f64,
    /// How long operations were sent before any was counted, nanoseconds.
    pub warm_up_ns: u64,
    /// How long operations were counted, nanoseconds.
    pub measured_ns: u64,
    /// Starts later than this count as late, nanoseconds.
    pub late_after_ns: u64,
    /// The fault packages, sorted.
    pub faults: Vec<String>,
}

/// A part of one schedule, from 1: `3/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Share {
    /// Which one, from 1.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

/// What a share knows of its machine's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareClock {
    /// What it showed at the zero of `series.csv` and `latency.hdr`, microseconds since 1970.
    pub began_us: i64,
    /// What it showed at the zero of `history.jsonl`, if that was recorded, microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_from_us: Option<i64>,
    /// By how many microseconds it is ahead of another share's at most, by that share's number; those whose heartbeats were read.
    pub ahead_us_max: BTreeMap<u32, i64>,
}

/// One region's part of the schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// The region asked.
    pub region: String,
    /// Operations per second that were scheduled for it, by this share.
    pub rate_asked_per_s: f64,
    /// Operations that may be in flight at once.
    pub in_flight_limit: u64,
    /// Operations that found no slot free when they were due, those never sent among them. Above 0: the limit bound.
    pub waited_for_slot: u64,
}

impl Lane {
    /// Whether the in-flight limit held operations back.
    #[must_use]
    pub fn limit_bound(&self) -> bool {
        self.waited_for_slot > 0
    }
}

/// What was measured of one kind of operation in one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadRow {
    /// The region asked.
    pub region: String,
    /// The kind: `read`, `write`, …
    pub kind: String,
    /// Operations that were due in the measured time.
    pub scheduled: u64,
    /// Those of them that were sent.
    pub sent: u64,
    /// Those of the sent that started late.
    pub late: u64,
    /// Those that no slot was free for before the end.
    pub never_sent: u64,
    /// Operations answered per second of the measured time.
    pub achieved_per_s: f64,
    /// From the intended start to the answer, of those that succeeded.
    pub response: Times,
    /// From the real start to the answer, of the same.
    pub service: Times,
    /// Response times of those that failed, by error code. A timeout counts with its full time.
    pub errors: BTreeMap<String, Times>,
    /// Ages of those still open at the end, from the intended start.
    pub open: Times,
    /// How much later than intended operations started.
    pub schedule_error: Times,
}

impl LoadRow {
    /// A row of what was counted; totals and rate are worked out from it.
    #[must_use]
    pub fn of(counted: Counted, measured_ns: u64) -> Self {
        let failed: u64 = counted.errors.values().map(Times::len).sum();
        let sent = counted.response.len() + failed + counted.open.len();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate is shown with few digits"
        )]
        let achieved_per_s = if measured_ns == 0 {
            0.0
        } else {
            counted.response.len() as f64 * 1e9 / measured_ns as f64
        };
        Self {
            region: counted.region,
            kind: counted.kind,
            scheduled: sent + counted.never_sent,
            sent,
            late: counted.late,
            never_sent: counted.never_sent,
            achieved_per_s,
            response: counted.response,
            service: counted.service,
            errors: counted.errors,
            open: counted.open,
            schedule_error: counted.schedule_error,
        }
    }

    /// How many succeeded.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.response.len()
    }

    /// How many failed, whatever the code.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.errors.values().map(Times::len).sum()
    }
}

/// What a meter has counted of one kind of operation in one region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// The region asked.
    pub region: String,
    /// The kind.
    pub kind: String,
    /// Response times of those that succeeded.
    pub response: Times,
    /// Service times of the same.
    pub service: Times,
    /// Response times of those that failed, by code.
    pub errors: BTreeMap<String, Times>,
    /// Ages of those still open.
    pub open: Times,
    /// How much later than intended they started.
    pub schedule_error: Times,
    /// How many started late.
    pub late: u64,
    /// How many were never sent.
    pub never_sent: u64,
}

/// Replication lag from one region to another, by heartbeats, warm-up left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadLag {
    /// The region written.
    pub from: String,
    /// The region read.
    pub to: String,
    /// Acknowledged heartbeats that no read of `to` has seen by the end.
    pub unseen: u64,
    /// The lag was at least this.
    pub lower: Times,
    /// The lag was at most this.
    pub upper: Times,
}

/// What the generator itself cost and could do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Threads that send.
    pub threads: u64,
    /// Share of those threads' time that was spent on a CPU while measuring; `None`: not measured.
    pub cpu_busy_ratio: Option<f64>,
    /// Share of that time in which they were ready and others had the CPUs; `None`: not told.
    #[serde(default)]
    pub cpu_wait_ratio: Option<f64>,
    /// Share of the time of all CPUs of its machine that a host gave to other machines meanwhile; `None`: not told.
    #[serde(default)]
    pub cpu_stolen_ratio: Option<f64>,
}

#[cfg(test)]
pub(crate) mod tests;
