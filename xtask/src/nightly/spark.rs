//! A history of 20 million operations, judged by one process, in parts and on Apache Spark.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::{e2e, step};

/// What the job is called.
pub(super) const NAME: &str = "spark";
/// What must hold.
pub(super) const WHAT: &str = "20,000,000 operations with a stale read among them: the verdict and evidence of one process, in parts and on Spark";

/// So many steps of the simulated store make 20 million operations.
const STEPS: &str = "22350000";
const KEYS: &str = "20000";

/// Writes the history, 4.4 GB, judges it, and removes it.
///
/// # Errors
/// When a verdict differs, or something cannot be run.
pub(super) fn hold(dateline: PathBuf) -> anyhow::Result<()> {
    let base = step::root().join("target/nightly");
    fs::create_dir_all(&base).with_context(|| format!("could not make {}", base.display()))?;
    let folder = tempfile::Builder::new()
        .prefix("spark-")
        .tempdir_in(&base)?;
    let history = folder.path().join("history.jsonl");
    let mut command = step::cargo();
    command
        .args(["run", "--release", "--package", "checker", "--example"])
        .args(["speed", "--", "write"])
        .arg(&history)
        .args(["lines", "visible", "StaleRead", STEPS, KEYS]);
    step::run(&mut command)?;
    e2e::spark(dateline, &history)
}
