//! The conformance suite for global tables: what AWS's documentation and people who watched AWS say that a region answers.
//!
//! Cases are data (`harness/conformance/*.toml`): requests, and what must come back at once, in the end, or for as long as one looks. Each names
//! the paragraph that it rests on. [`mod@play`] plays one against an [`Arm`]: our replicas as [processes](endpoints), the same core without sockets
//! and clocks in a [simulation], or anybody's [endpoints]. Absent on purpose: faults and concurrency, which `dateline test` is for.

mod arm;
mod case;
mod endpoints;
mod matching;
mod play;
mod simulation;

pub(crate) use arm::Arm;
pub(crate) use case::{Case, suite};
pub(crate) use endpoints::{Cleaning, Endpoints};
pub(crate) use play::{Outcome, play};
pub(crate) use simulation::Simulation;

/// How many regions the cases speak of.
pub(crate) const REGIONS: usize = 3;
