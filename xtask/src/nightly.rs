//! What takes too long for every change: many seeds, and every planted defect.

use clap::Args;

/// Which jobs to run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Print the jobs and stop
    #[arg(long)]
    list: bool,
    /// The jobs to run; all when none is named
    jobs: Vec<String>,
}

pub(crate) fn run(_arguments: &Arguments) -> anyhow::Result<()> {
    Ok(())
}
