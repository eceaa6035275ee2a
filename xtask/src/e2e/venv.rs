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

/// A program of a package.
pub(super) fn program(package: &str, program: &str) -> anyhow::Result<PathBuf> {
    Ok(with(package, program)?.join(program))
}

/// A Python that can import this module of a package.
pub(super) fn library(package: &str, module: &str) -> anyhow::Result<PathBuf> {
    let python = environment()?.join("python");
    let mut look = Command::new(&python);
    look.args(["-c", &format!("import {module}")])
        .stderr(std::process::Stdio::null());
    if !look.status().is_ok_and(|status| status.success()) {
        install(&python, package)?;
    }
    Ok(python)
}

/// The folder of the environment's programs, this package's `program` among them. The environment is made once and used again by later runs.
fn with(package: &str, program: &str) -> anyhow::Result<PathBuf> {
    let programs = environment()?;
    if !programs.join(program).exists() {
        install(&programs.join("python"), package)?;
    }
    Ok(programs)
}

/// The folder of the environment's programs; made if it is not there.
fn environment() -> anyhow::Result<PathBuf> {
    let venv = step::root().join("target/e2e/venv");
    let programs = venv.join("bin");
    if !programs.join("python").exists() {
        make(&venv)?;
    }
    Ok(programs)
}

fn install(python: &Path, package: &str) -> anyhow::Result<()> {
    let arguments = ["-m", "pip", "install", "--quiet"];
    step::run(
        Command::new(python)
            .args(arguments)
            .args(["--disable-pip-version-check", package]),
    )
    .with_context(|| format!("{package} could not be installed from PyPI"))
}

fn make(venv: &Path) -> anyhow::Result<()> {
    step::run(Command::new("python3").args(["-m", "venv"]).arg(venv))
        .context("a Python with venv is needed; on Debian: apt-get install python3-venv")
}
