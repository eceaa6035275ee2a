//! Open-loop load that tells the truth.
//!
//! Operations start when the [schedule](workloads::arrival) says, whatever the server does; [`Sample`] keeps the intended start, the real start and
//! the end apart, so that response time (from the intended start) and service time (from the real one) are always shown together. What could not be
//! sent in time is counted, never forgotten: late starts, operations never sent, operations still open at the end with their age.
//! [`meter`] counts, [`virtual_time`] is the same rules without a clock, which lets tests compare with theory to the nanosecond;
//! [`pacer`] releases operations in real time, [`engine`] sends them.

mod sample;

pub(crate) mod meter;

pub(crate) mod virtual_time;

pub(crate) mod pacer;

pub(crate) mod engine;

pub(crate) use sample::{Ending, Sample};
