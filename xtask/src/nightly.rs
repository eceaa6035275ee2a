//! What takes too long for every change. `cargo xtask nightly --list` prints the jobs; their last figures are in `docs/proofs.md`.

mod fuzz;
mod measure;
mod mutants;
mod proof;
mod runs;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use crate::step;
use measure::{MEASURES, Measure};
use proof::{PROOFS, Proof};
use runs::Runs;

/// Which jobs to run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Print the jobs and stop
    #[arg(long)]
    list: bool,
    /// Take this binary where one is needed, and build none
    #[arg(long, value_name = "FILE")]
    dateline: Option<PathBuf>,
    /// Of the job `mutants`: which of how many parts of the changes, such as 3/10; 0/1 is all of them
    #[arg(long, value_name = "K/N", default_value = "0/10")]
    shard: String,
    /// Of the job `fuzz`: how many times as many random histories as `cargo test` takes
    #[arg(long, value_name = "N", default_value = "25")]
    count: u32,
    /// Make so many runs of `dateline test` at a time
    #[arg(long, value_name = "COUNT", default_value = "1")]
    at_a_time: NonZeroUsize,
    /// The jobs to run; all when none is named
    jobs: Vec<String>,
}

/// Something that holds or does not.
enum Job {
    Proof(&'static Proof),
    Runs(Runs),
    Measure(&'static Measure),
    Fuzz,
    Mutants,
}

impl Job {
    fn all() -> Vec<Self> {
        let proofs = PROOFS.iter().map(Self::Proof);
        let runs = runs::all().into_iter().map(Self::Runs);
        let measures = MEASURES.iter().map(Self::Measure);
        let checker = [Self::Fuzz, Self::Mutants];
        proofs.chain(runs).chain(measures).chain(checker).collect()
    }

    fn name(&self) -> &str {
        match self {
            Self::Proof(proof) => proof.name,
            Self::Runs(runs) => &runs.name,
            Self::Measure(measure) => measure.name,
            Self::Fuzz => fuzz::NAME,
            Self::Mutants => mutants::NAME,
        }
    }

    fn what(&self) -> &str {
        match self {
            Self::Proof(proof) => proof.what,
            Self::Runs(runs) => &runs.what,
            Self::Measure(measure) => measure.what,
            Self::Fuzz => fuzz::WHAT,
            Self::Mutants => mutants::WHAT,
        }
    }

    fn holds(&self, arguments: &Arguments) -> anyhow::Result<bool> {
        let given = arguments.dateline.as_deref();
        match self {
            Self::Proof(proof) => proof.hold().map(|()| true),
            Self::Runs(runs) => runs.holds(&dateline(given)?, arguments.at_a_time),
            Self::Measure(measure) => measure.holds(&dateline(given)?),
            Self::Fuzz => fuzz::hold(arguments.count).map(|()| true),
            Self::Mutants => mutants::holds(&arguments.shard),
        }
    }
}

/// The program as a user has it, or the one that was given.
fn dateline(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(file) = given {
        return Ok(std::path::absolute(file)?);
    }
    step::run_cargo(&[
        "build",
        "--release",
        "--package",
        "harness",
        "--bin",
        "dateline",
    ])?;
    Ok(step::root().join("target/release/dateline"))
}

/// Runs the named jobs, all when none is named, and tells of each what held.
///
/// # Errors
/// When a job is not known, or one of them does not hold. The others are run all the same.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let jobs = choose(&arguments.jobs)?;
    if arguments.list {
        for job in &jobs {
            println!("{:28} {}", job.name(), job.what());
        }
        return Ok(());
    }
    let mut broken = Vec::new();
    for job in &jobs {
        match job.holds(arguments) {
            Ok(true) => {}
            Ok(false) => broken.push(job.name()),
            Err(error) => {
                println!("nightly: {}: {error:#}", job.name());
                broken.push(job.name());
            }
        }
    }
    if !broken.is_empty() {
        bail!(
            "does not hold; to repeat: cargo xtask nightly {}",
            broken.join(" ")
        );
    }
    Ok(())
}

/// The jobs of these names; all of them without names.
fn choose(names: &[String]) -> anyhow::Result<Vec<Job>> {
    let mut jobs = Job::all();
    let is_known = |name: &&String| jobs.iter().any(|job| job.name() == name.as_str());
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        bail!("no job is named `{unknown}`; `cargo xtask nightly --list` prints them");
    }
    jobs.retain(|job| names.is_empty() || names.iter().any(|name| name == job.name()));
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::{Job, choose};

    #[test]
    fn a_job_is_chosen_by_its_name() {
        let every = choose(&[]).expect("all exist");
        assert_eq!(every.len(), Job::all().len());
        for name in ["fault-kill", "soak", "stall", "fuzz", "mutants"] {
            let one = choose(&[name.to_owned()]).expect("it exists");
            assert_eq!((one.len(), one[0].name()), (1, name));
        }
        let error = choose(&["fault-flood".to_owned()])
            .err()
            .expect("it does not");
        assert!(error.to_string().contains("fault-flood"), "{error}");
    }
}
