//! `dateline disk`: the file system below a region's data directory, where a plan of faults needs one.

use std::path::PathBuf;

use clap::Args;

use crate::{
    disk,
    exit::{Ending, Failure},
};

/// `dateline disk AT STORE`: ends when standard input does.
#[derive(Debug, Args)]
pub(super) struct DiskCommand {
    /// The folder at which it is mounted
    at: PathBuf,

    /// The folder, outside of the former, in which its bytes lie
    store: PathBuf,
}

impl DiskCommand {
    /// Serves until nobody gives orders any more.
    pub(super) fn run(self) -> Result<Ending, Failure> {
        disk::serve(&self.at, &self.store).map_err(Failure::harness)?;
        Ok(Ending::Valid)
    }
}
