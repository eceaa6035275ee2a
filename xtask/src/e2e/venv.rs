//! The real aws CLI, from PyPI with the ordinary client, in a virtual environment under `target/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::step;

/// The folder of the aws CLI's programs, for `PATH`. The environment is made once and used again by later runs.
pub(super) fn aws_cli() -> anyhow::Result<PathBuf> {
    let venv = step::root().join("target/e2e/venv");
    let programs = venv.join("bin");
    if programs.join("aws").exists() {
        return Ok(programs);
    }
    step::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))
        .context("a Python with venv is needed; on Debian: apt-get install python3-venv")?;
    step::run(Command::new(programs.join("python")).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "awscli",
    ]))
    .context("the aws CLI could not be installed from PyPI")?;
    Ok(programs)
}
