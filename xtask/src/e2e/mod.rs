//! Walks through the product as a person would: the real aws CLI, real processes, a real browser, and nothing of the product's own code.
//!
//! Read in this order: [`prompt`] types commands and looks at answers, [`cluster`] and [`processes`] start regions and see that nothing is
//! left of them; then the stages in the order of [`Stage`]. Everything happens in a folder below `target/e2e`, which is removed when all
//! went well and named when not.

mod cluster;
mod edit;
mod processes;
mod prompt;
mod venv;

mod browser;
mod defect;
mod examples;
mod interrupted;
mod object_store;
mod readers;
mod refusals;
mod shares;
mod spark;
mod suite;
mod toxiproxy;
mod verdict;
mod walkthrough;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::step;
use cluster::Cluster;
use prompt::Prompt;

/// How to walk.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only these stages, in the order of the list
    #[arg(long = "only", value_enum)]
    stages: Vec<Stage>,
    /// Build and use the release profile, as a user would; the dev profile is what the tests have built already
    #[arg(long)]
    release: bool,
    /// So many operations for Apache Spark, as a history of lines of 220 bytes each
    #[arg(long, value_name = "COUNT", default_value_t = 20_000_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    operations: u64,
    /// Keep the folder with all evidence, also when everything went well
    #[arg(long)]
    keep: bool,
}

/// A part of the walk that stands on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Stage {
    /// The published walkthrough and the refusals, with the aws CLI against `dateline up`
    Cli,
    /// `dateline test register`, its report in a browser, its history judged again and falsified
    Verdict,
    /// A planted defect
    Defect,
    /// A public Toxiproxy client library drives `dateline proxy`
    Toxiproxy,
    /// The settings files in `examples/`
    Examples,
    /// Ctrl-C and kill -9 in the middle of a run
    Interrupted,
    /// A suite with a planted defect and a planted slowdown, killed and resumed
    Suite,
    /// A load's interval log and series, read by HdrHistogram's tools and by pyarrow
    Readers,
    /// Parts of a history and shares of a load: manifests, and what `dateline merge` makes of them
    Shares,
    /// A big history, judged by one process and on Apache Spark
    Spark,
}

/// What the stages work with.
struct Desk {
    /// The program under test.
    dateline: PathBuf,
    /// Where each stage has a folder.
    folder: PathBuf,
    /// The search path for programs.
    path: String,
}

impl Desk {
    fn new(dateline: PathBuf, folder: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            dateline,
            folder: folder.to_path_buf(),
            path: std::env::var("PATH").context("PATH is not set")?,
        })
    }

    /// A prompt in a new folder of this name.
    fn prompt(&self, name: &str) -> anyhow::Result<Prompt> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("could not make {}", folder.display()))?;
        Ok(Prompt::new(&folder, &self.path))
    }
}

/// Runs the stages.
///
/// # Errors
/// At the first expectation that is not met; the message holds the command, what it printed, and what repeats the stage.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let begun = Instant::now();
    let folder = folder()?;
    let desk = Desk::new(build(arguments.release)?, folder.path())?;
    let operations = arguments.operations;
    for stage in stages(&arguments.stages) {
        let stage_begun = Instant::now();
        println!("e2e: --- {stage:?}");
        if let Err(error) = walk(stage, &desk, operations) {
            let kept = folder.keep();
            let name = stage
                .to_possible_value()
                .map(|value| value.get_name().to_owned());
            let repeat = format!("cargo xtask e2e --only {}", name.unwrap_or_default());
            return Err(error.context(format!(
                "stage {stage:?} failed; evidence in {}; to repeat: {repeat}",
                kept.display()
            )));
        }
        println!(
            "e2e: --- {stage:?} holds, {:.1} s",
            stage_begun.elapsed().as_secs_f64()
        );
    }
    if arguments.keep {
        println!("e2e: evidence in {}", folder.keep().display());
    }
    println!(
        "e2e: all stages hold, {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A new folder for everything that is left behind.
fn folder() -> anyhow::Result<tempfile::TempDir> {
    let base = step::root().join("target/e2e");
    fs::create_dir_all(&base).with_context(|| format!("could not make {}", base.display()))?;
    Ok(tempfile::Builder::new().prefix("run-").tempdir_in(&base)?)
}

/// The stages that were asked for; all when none was.
fn stages(asked: &[Stage]) -> Vec<Stage> {
    let wanted = |stage: &Stage| asked.is_empty() || asked.contains(stage);
    Stage::value_variants()
        .iter()
        .copied()
        .filter(wanted)
        .collect()
}

fn walk(stage: Stage, desk: &Desk, operations: u64) -> anyhow::Result<()> {
    match stage {
        Stage::Cli => command_line(desk),
        Stage::Verdict => verdict::run(desk),
        Stage::Defect => defect::run(desk),
        Stage::Toxiproxy => toxiproxy::run(desk),
        Stage::Examples => examples::run(desk),
        Stage::Interrupted => interrupted::run(desk),
        Stage::Suite => suite::run(desk),
        Stage::Readers => readers::run(desk),
        Stage::Shares => shares::run(desk),
        Stage::Spark => spark::run(desk, operations),
    }
}

/// The aws CLI against a cluster, with nothing but an endpoint and dummy credentials.
fn command_line(desk: &Desk) -> anyhow::Result<()> {
    let programs = venv::aws_cli()?;
    let plain = desk.prompt("cli")?;
    let cluster = Cluster::start(&plain, &desk.dateline)?;
    let path = format!("{}:{}", programs.display(), desk.path);
    let prompt = Prompt::new(&plain.folder, &path)
        .with("AWS_ENDPOINT_URL", &cluster.endpoint())
        .with("AWS_ACCESS_KEY_ID", "anything")
        .with("AWS_SECRET_ACCESS_KEY", "anything");
    walkthrough::run(&prompt)?;
    refusals::run(&prompt)?;
    cluster.stop()
}

/// Builds the program under test and what writes big histories, and says where the program is. The whole workspace is selected, so that
/// features, and with them what is built, are those of `cargo test --workspace`.
fn build(release: bool) -> anyhow::Result<PathBuf> {
    let profile: &[&str] = if release { &["--release"] } else { &[] };
    let wanted = ["--bin", "dateline", "--example", "speed"];
    step::run_cargo(&[&["build", "--workspace"], &wanted[..], profile].concat())?;
    let folder = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| step::root().join("target"), PathBuf::from);
    let folder = folder.join(if release { "release" } else { "debug" });
    Ok(folder.join(Path::new("dateline")))
}

#[cfg(test)]
mod tests {
    use super::{Stage, stages};

    #[test]
    fn stages_keep_their_order_whatever_was_asked() {
        assert_eq!(stages(&[]).len(), 10);
        assert_eq!(
            stages(&[Stage::Defect, Stage::Cli]),
            [Stage::Cli, Stage::Defect]
        );
    }
}
