//! What clients do: seeded, pure generators of operations, and the checks that judge them.
//!
//! Read in this order: [`seed`] is where every draw comes from, [`keys`] and [`values`] are what operations are about, [`arrival`] is when they start,
//! [`workload`] says what a workload is, [`register`] is one, and [`catalogue`] lists them all.
//! Nothing here reads a clock, sends a request or knows whether it runs against processes or in a simulation.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod seed;

pub mod keys;
pub mod values;

pub mod arrival;

pub mod workload;

pub mod register;

pub mod catalogue;
