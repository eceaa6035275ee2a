//! `dateline suite`: a matrix of runs and gates, night after night.
//!
//! Read in this order: [`form`] is the file as it is written, [`plan`] every cell of it, checked before anything is run (by [`matrix`] and [`load`]), [`cell`] runs one as a process of our own binary
//! (or of another version) by its [`mod@line`], [`session`] runs them all within the budget and keeps `suite.json`, [`keep`] is its folder, [`notify`] tells somebody. What it all
//! means, and its pages, are `reports::suite`.

mod cell;
mod form;
mod keep;
mod line;
mod load;
mod matrix;
mod notify;
mod plan;
mod session;

pub(crate) use keep::{Keep, suites_of};
pub(crate) use plan::Plan;
pub(crate) use session::{Begin, run};
