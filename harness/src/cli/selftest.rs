//! `dateline selftest`: flags, and what is done with the matrix.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{Timestamp, tz::TimeZone};
use replica::defects::{DEFECTS, Description};
use reports::run_folder::write_atomically;

use crate::{
    disk,
    exit::{Ending, Failure},
    selftest::{self, Effort, Job, Matrix},
    stop::Stop,
    store,
};

/// `dateline selftest`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SelftestCommand {
    /// Short runs over short distances, three seeds each: minutes instead of the better part of an hour
    #[arg(long)]
    quick: bool,

    /// Runs of each defect, with the seeds 1, 2, 3 and so on [default: 5, with --quick 3]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: Option<u64>,

    /// Only these: names of `dateline list defects` [default: all]
    #[arg(long, value_name = "DEFECTS", value_delimiter = ',')]
    defects: Vec<String>,

    /// Runs at a time; each has processes for three regions
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,

    /// What is printed; selftest.json and selftest.html are written in any case
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Form,

    /// The folder that holds all runs; the selftest gets one of its own in `selftest`
    #[arg(long, value_name = "DIRECTORY", default_value = store::DEFAULT_OUT)]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Text,
    Json,
}

const EXAMPLES: &str = "\
Examples:
  dateline selftest --quick
  dateline selftest --defects ack-before-write,forget-pending --seeds 10

Exit codes: 0 every defect caught by the check that is meant to and every clean run valid, 1 a miss or a false alarm,
3 runs that could not be made, 64 bad usage.";

impl SelftestCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let defects = chosen(&self.defects)?;
        let effort = if self.quick {
            Effort::Quick
        } else {
            Effort::Full
        };
        let trials = selftest::plan(&defects, self.seeds.unwrap_or(effort.seeds()), effort);
        let time = Timestamp::now().to_zoned(TimeZone::UTC);
        let folder = time.strftime("%Y%m%dT%H%M%S%3fZ").to_string();
        let out = self.out.join("selftest").join(folder);
        std::fs::create_dir_all(&out).map_err(|error| {
            Failure::Usage(format!(
                "--out {}: {error}; name a folder that can be written to",
                self.out.display()
            ))
        })?;
        // Signals are heard on a thread of this runtime while the runs are waited for on others.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(Failure::harness)?;
        let stop = Stop::new();
        runtime
            .block_on(async { stop.listen() })
            .map_err(Failure::harness)?;
        let job = Job {
            at_a_time: usize::from(self.jobs),
            out: out.clone(),
            stop,
        };
        let rows = selftest::run_all(trials, &job).map_err(Failure::harness)?;
        let matrix = Matrix::of(rows, &defects);
        let text = serde_json::to_string_pretty(&matrix).expect("a matrix is plain data");
        let file = out.join("selftest.json");
        write_atomically(&file, text.as_bytes()).map_err(Failure::harness)?;
        let page = selftest::page(&matrix);
        write_atomically(&out.join("selftest.html"), page.as_bytes()).map_err(Failure::harness)?;
        match self.output {
            Form::Json => println!("{text}"),
            Form::Text => {
                print!("{}", selftest::table(&matrix));
                println!("\nmatrix: {}", file.with_extension("html").display());
            }
        }
        Ok(matrix.ending())
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Description>, Failure> {
    let is_known = |name: &String| DEFECTS.iter().any(|row| row.name == name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<&str> = DEFECTS.iter().map(|row| row.name).collect();
        return Err(Failure::Usage(format!(
            "--defects {unknown}: there is no such defect; there are {}",
            known.join(", ")
        )));
    }
    let is_chosen = |row: &&Description| names.is_empty() || names.iter().any(|n| n == row.name);
    let mut defects: Vec<_> = DEFECTS.iter().filter(is_chosen).collect();
    // Who names it finds out from the run; who names none is not told of a defect that this machine cannot show.
    if names.is_empty()
        && let Err(why) = disk::is_possible()
    {
        for defect in defects.extract_if(.., |row| selftest::needs_disk(row.name)) {
            eprintln!("left out: {}, since {why}", defect.name);
        }
    }
    Ok(defects)
}
