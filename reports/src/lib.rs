//! Reads run folders and shows them: text, JSON, HTML, plots.
//!
//! Read in this order: [`run_folder`] is what a run leaves on disk, [`figures`] computes its numbers, [`results`] is the one model
//! that every face of a run shows. Beside them: [`load_summary`] is what a load run measured, [`compare`] puts runs side by side, [`gate`] decides between
//! two builds, [`nights`] remembers many, [`suite`] is a matrix of runs; [`verdict_shares`] joins verdicts of parts of a history; [`parquet`] writes tables for those
//! who read them elsewhere.

pub mod compare;
pub mod figures;
pub mod gate;
pub mod html;
pub mod junit;
pub mod load_summary;
pub mod markdown;
pub mod nights;
pub mod parquet;
pub mod results;
pub mod run_folder;
pub mod stats;
pub mod suite;
pub mod summary;
pub mod text;
pub mod verdict_shares;
pub mod words;

#[cfg(test)]
mod schemas;
