//! Judges recorded histories of multi-region, last-writer-wins tables.
//!
//! Read in this order: [`history`] is the vocabulary and the file format, [`verdict`] is what a judgement looks like.
//! Nothing here asks the system under test anything: a history goes in, a verdict comes out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod history;
pub mod verdict;
