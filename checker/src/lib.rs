//! Judges recorded histories of multi-region, last-writer-wins tables.
//!
//! Read in this order: [`history`] is the vocabulary and the file format, [`verdict`] is what a judgement looks like, [`mod@check`] the checks
//! and how they run. What the contract allows is counted beside them and never flagged.
//! Nothing here asks the system under test anything: a history goes in, a verdict comes out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod history;

pub mod verdict;

pub mod check;

mod table;

mod nearly_sorted;

mod few;

mod parallel;

mod paired;

mod piles;

mod linearizable;

mod expectation;

mod judge;

mod gathering;

mod judge_file;

pub mod known;

pub mod shrink;
mod small;

mod measure;

pub use check::{CheckInfo, Subject, applicable_checks, check, check_on, registry};
pub use expectation::{Expectation, UnknownExpectation, expectations, expected_checks};
pub use gathering::{Gathering, JudgeError, Memory, Resources};
pub use judge::{Judgement, LeftOut, Options, Scope, judge, judge_on};
pub use judge_file::{gather_file, judge_file};
