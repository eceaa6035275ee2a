//! The statistics behind `compare` and `gate`: pure functions, each with its source and known-answer tests.
//!
//! [`interval`] says how far apart two builds are, from pairs of runs; [`decision`] turns that into pass, fail or cannot tell; [`holm`] keeps
//! several metrics from crying wolf together; [`change_point`] finds slow drifts over many nights; [`effective_sample`] says how noisy one run is within
//! itself, which is less than how noisy runs are.
//! Deliberately absent: any test of significance between two single runs. Two runs of one binary differ by placement and neighbours, so a difference
//! between two single runs is not evidence (T. Mytkowicz et al., *Producing Wrong Data Without Doing Anything Obviously Wrong!*, ASPLOS 2009).

pub mod change_point;
pub mod decision;
pub mod effective_sample;
pub mod holm;
pub mod interval;

mod student;

pub use student::two_sided_p;
