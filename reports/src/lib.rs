//! Reads run folders and shows them: text, JSON, HTML, plots.
//!
//! Read in this order: [`run_folder`] is what a run leaves on disk, [`figures`] computes its numbers, [`results`] is the one model
//! that every face shows.

pub mod figures;
pub mod gate;
pub mod html;
pub mod junit;
pub mod load_summary;
pub mod markdown;
pub mod results;
pub mod run_folder;
pub mod stats;
pub mod summary;
pub mod text;
pub mod words;
