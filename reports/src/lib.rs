//! Reads run folders and shows them: text, JSON, HTML, plots.
//!
//! Read in this order: [`run_folder`] is what a run leaves on disk.

pub mod run_folder;
