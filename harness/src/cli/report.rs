//! `dateline report`: writes the report of a saved run again, finished or not.

use std::path::PathBuf;

use clap::Args;
use reports::{
    results::{Overhead, Results},
    run_folder::{RunFolder, write_atomically},
};

use crate::{
    exit::{Ending, Failure},
    run,
};

/// `dateline report RUN`.
#[derive(Debug, Args)]
pub(super) struct ReportCommand {
    /// The run folder
    #[arg(default_value = "dateline-runs/latest", value_name = "RUN")]
    run: PathBuf,
}

impl ReportCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let folder = RunFolder::at(&self.run);
        let examined = folder.examine().map_err(Failure::harness)?;
        let results = match folder.results().map_err(Failure::harness)? {
            Some(results) => results,
            None => {
                // The run was killed before it was judged: judge what there is.
                let (_, verdict) =
                    run::judge(&folder.history_path(), None).map_err(Failure::harness)?;
                Results {
                    schema: Results::SCHEMA.to_owned(),
                    run: examined.run,
                    verdict,
                    harness_failure: Some("the run ended before it was judged".to_owned()),
                    figures: examined.figures,
                    overhead: Overhead::default(),
                    warnings: examined.missing,
                    environment: std::collections::BTreeMap::new(),
                }
            }
        };
        let page = reports::html::report(&results, &examined.sample);
        let path = folder.report_path();
        write_atomically(&path, page.as_bytes()).map_err(Failure::harness)?;
        let shown = path.to_string_lossy();
        println!(
            "{}",
            reports::text::summary(&results, Some(&shown), run::style())
        );
        Ok(results.ending())
    }
}
