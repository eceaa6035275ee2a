//! What clients do: seeded, pure generators of operations, and the checks that judge them.
//!
//! Read in this order: [`seed`] is where every draw comes from, [`keys`] and [`values`] are what operations are about, [`arrival`] is when they start,
//! [`workload`] says what a workload is and [`options`] what can be chosen about one, [`register`] is the most important one, and
//! [`catalogue`] lists them all. [`load`] generates operations by their number instead, for measuring.
//! Nothing here reads a clock, sends a request or knows whether it runs against processes or in a simulation.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod seed;

pub mod keys;
pub mod values;

pub mod arrival;

pub mod demand;
pub mod needs;
pub mod options;
pub mod workload;

mod actor;
mod client;
pub mod heartbeat;
mod outcome;
mod pace;
#[cfg(test)]
mod stage;

pub mod register;

pub mod big_items;
pub mod conditional;
pub mod counter;
pub mod delete_churn;
pub mod home;
pub mod list_append;
pub mod scan;
pub mod session;
pub mod set;
pub mod streams;
pub mod ttl;

pub mod load;
pub mod ycsb;

pub mod catalogue;
