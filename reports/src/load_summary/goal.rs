//! Goals: `read.p99<20ms`, `us-east-1.write.p99.9<1s`, `lag.p99<2s`, `errors<0.1%`, `rate>=4.9k`.
//!
//! A metric is a statistic with an optional scope before it, parted by dots: a region, a kind of operation, `service` for service instead of response
//! times, `lag` for replication lag (upper bounds; with a region: as that region saw it). Statistics: `pN`, `max`, `errors`, `late`, `never-sent`, `rate`.
//!
//! A percentile in a goal is over everything that was scheduled: what failed or was never sent counts as slower than any answer, what was still
//! open counts with its age. A server that drops what is slow cannot keep a goal that way. A goal that nothing was measured for is not kept and
//! not broken: nobody can tell.

mod evaluate;
mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use evaluate::{GoalOutcome, GoalResult, evaluate};
pub use parse::{GoalError, Vocabulary};

/// What was promised.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// As the user wrote it.
    pub text: String,
    /// Which rows it is about.
    pub scope: Scope,
    /// What is measured.
    pub statistic: Statistic,
    /// On which side of the bound it has to be.
    pub side: Side,
    /// Nanoseconds, a share, or operations per second, by the statistic.
    pub bound: f64,
}

/// Which rows a goal is about: all that agree with what is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// One region only.
    pub region: Option<String>,
    /// One kind only.
    pub kind: Option<String>,
}

/// What a goal measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// Response time at this quantile; 1 is the maximum.
    Response(f64),
    /// Service time at this quantile.
    Service(f64),
    /// Upper bound of the replication lag at this quantile.
    Lag(f64),
    /// Share of the scheduled operations that failed.
    Errors,
    /// Share of the sent operations that started late.
    Late,
    /// Share of the scheduled operations that were never sent.
    NeverSent,
    /// Operations answered per second.
    Rate,
}

/// On which side of the bound a goal wants the measured value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

impl Side {
    /// Whether `measured` is on this side of `bound`.
    #[must_use]
    pub fn holds(self, measured: f64, bound: f64) -> bool {
        match self {
            Self::Below => measured < bound,
            Self::AtMost => measured <= bound,
            Self::Above => measured > bound,
            Self::AtLeast => measured >= bound,
        }
    }
}

impl Goal {
    /// Reads a goal; regions and kinds are those that the run has.
    ///
    /// # Errors
    /// What is wrong with it, with the metrics that exist.
    pub fn parse(text: &str, vocabulary: &Vocabulary<'_>) -> Result<Self, GoalError> {
        parse::parse(text, vocabulary)
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
