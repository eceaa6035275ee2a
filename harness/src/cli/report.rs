//! `dateline report`: writes the report of a saved run again, finished or not. That of a load is text alone.

use std::path::PathBuf;

use clap::Args;
use reports::{
    results::{Overhead, Results},
    run_folder::{RunFolder, write_atomically},
};

use crate::{
    exit::{Ending, Failure},
    load, run,
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
        if let Some(summary) = folder.load_summary().map_err(Failure::harness)? {
            println!("{}", reports::text::load::summary(&summary, run::style()));
            return Ok(load::ending(&summary));
        }
        if let Some(told) = load::saved_trials(&self.run).map_err(Failure::Harness)? {
            println!("{told}");
            return Ok(Ending::Valid);
        }
        if self.run.join("series.csv").exists() {
            return Err(Failure::Harness(format!(
                "{}: this load ended before its figures were worked out; series.csv and latency.hdr hold what was measured until then, run.json the line that repeats it",
                self.run.display()
            )));
        }
        let examined = folder.examine().map_err(Failure::harness)?;
        let results = match folder.results().map_err(Failure::harness)? {
            Some(results) => results,
            None => {
                // The run was killed before it was judged: judge what there is.
                let verdict = run::judge(&folder.history_path(), None).map_err(Failure::harness)?;
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
