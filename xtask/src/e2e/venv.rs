//! Programs and readers that others wrote, from PyPI with the ordinary client, in a virtual environment under `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::step;

/// The folder of the real aws CLI's programs, for `PATH`.
pub(super) fn aws_cli() -> anyhow::Result<PathBuf> {
    with("awscli", "aws")
}

/// The folder of a Python that has `junitparser`, which reads JUnit files for build servers.
pub(super) fn junitparser() -> anyhow::Result<PathBuf> {
    with("junitparser", "junitparser")
}

/// The folder of a Python that has `toxiproxy-python`, a client of Toxiproxy.
pub(super) fn toxiproxy_client() -> anyhow::Result<PathBuf> {
    // It installs no program; `chardetect` and the like are of others. Its presence is told by the file that marks a finished installation.
    with("toxiproxy-python", "../toxiproxy-python.installed")
}

/// The folder of the environment's programs, this package's `program` among them. The environment is made once and used again by later runs.
fn with(package: &str, program: &str) -> anyhow::Result<PathBuf> {
    let venv = step::root().join("target/e2e/venv");
    let programs = venv.join("bin");
    if !programs.join("python").exists() {
        make(&venv)?;
    }
    if !programs.join(program).exists() {
        let arguments = ["-m", "pip", "install", "--quiet"];
        step::run(
            Command::new(programs.join("python"))
                .args(arguments)
                .args(["--disable-pip-version-check", package]),
        )
        .with_context(|| format!("{package} could not be installed from PyPI"))?;
        if program.ends_with(".installed") {
            std::fs::write(programs.join(program), [])?;
        }
    }
    Ok(programs)
}

fn make(venv: &Path) -> anyhow::Result<()> {
    step::run(Command::new("python3").args(["-m", "venv"]).arg(venv))
        .context("a Python with venv is needed; on Debian: apt-get install python3-venv")
}
