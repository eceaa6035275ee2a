//! `dateline measure`: what stands between a gate or a suite and the commands that it runs. Not for people, so it is not listed.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    exit::{Ending, Failure},
    gate::measure::{self, Measure},
};

/// `dateline measure -- COMMAND…`.
#[derive(Debug, Args)]
pub(super) struct MeasureCommand {
    /// Who started this
    #[arg(long, value_name = "PROCESS")]
    parent: i32,

    /// Where to write what the command cost
    #[arg(long, value_name = "FILE")]
    to: PathBuf,

    /// After how long to stop it
    #[arg(long, value_name = "MS")]
    limit_ms: u64,

    /// The processor that it keeps to
    #[arg(long, value_name = "NUMBER")]
    processor: Option<usize>,

    /// The command
    #[arg(last = true, required = true, value_name = "COMMAND")]
    words: Vec<String>,
}

impl MeasureCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let what = Measure {
            parent: self.parent,
            to: self.to,
            limit: Duration::from_millis(self.limit_ms),
            processor: self.processor,
            words: self.words,
        };
        measure::measure(&what).map(|()| Ending::Valid)
    }
}
