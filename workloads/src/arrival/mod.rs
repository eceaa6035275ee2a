//! When each operation is *meant* to start: an arithmetic schedule from the start of the run.
//!
//! An open-loop load asks at a given rate whatever the server does, and latency counts from the intended start. A schedule that is computed as
//! "now plus a gap" slips when the server stalls and hides the stall ("coordinated omission", G. Tene, *How NOT to Measure Latency*, 2015).
//! Here operation number `n` has its moment before the run begins: [`Shape`] says how many operations are due by a time, and
//! [`Schedule`] turns that around. So a share of a schedule (`--share 3/16`) is every sixteenth number, and needs no coordinator.
//! What is deliberately absent: clocks, sleeping, and any knowledge of how the operations went.

mod schedule;
mod shape;

pub use schedule::{Arrival, Schedule, Share};
pub use shape::{BadShape, Shape};
