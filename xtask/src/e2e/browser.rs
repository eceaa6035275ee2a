//! Opens a report as its reader would: in a browser, from the disk, with no network.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::prompt::Prompt;

/// How long the browser may take; its first start is slow.
const LIMIT: Duration = Duration::from_secs(90);

/// Without its background traffic, which a machine without a network refuses; without a sandbox, since continuous integration is root.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,2400",
];

/// The page as the browser has built it, after a picture of it was saved beside the report.
pub(super) fn open(prompt: &Prompt, report: &Path) -> anyhow::Result<String> {
    let picture = report.with_extension("png");
    let address = format!("file://{}", report.display());
    let shot = format!("--screenshot={}", picture.display());
    browse(prompt, &[&shot, &address])?;
    let bytes = std::fs::read(&picture).context("the browser has saved no picture")?;
    ensure!(
        bytes.starts_with(b"\x89PNG"),
        "{} is no PNG",
        picture.display()
    );
    browse(prompt, &["--dump-dom", &address])
}

/// What the browser prints, with an empty profile of its own.
fn browse(prompt: &Prompt, what: &[&str]) -> anyhow::Result<String> {
    let profile = tempfile::tempdir_in(&prompt.folder)?;
    let profile = format!("--user-data-dir={}", profile.path().display());
    let arguments = [FLAGS, &[profile.as_str()], what].concat();
    let answer = prompt
        .run("chromium", &arguments, LIMIT)
        .context("a Chromium is needed; on Debian: apt-get install chromium")?;
    answer.exits(0)?;
    Ok(answer.stdout)
}
