//! Every example in `examples/` does what it says: the run that it sets is valid.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::{Desk, processes};
use crate::step;

/// What a run of an example may take.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs them all.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    let examples = settings_files()?;
    ensure!(!examples.is_empty(), "examples/ holds no settings file");
    let prompt = desk.prompt("examples")?;
    for example in examples {
        println!("e2e: the example {}", example.display());
        let example = example.to_string_lossy();
        let arguments = ["test", "register", "--set", &example];
        prompt.run(&desk.dateline, &arguments, LIMIT)?.exits(0)?;
        processes::none_left(&prompt.folder)?;
    }
    Ok(())
}

/// What a suite's file has and a settings file has not.
const SUITE_MARK: &str = "[[matrix]]";

/// The settings files, by name. Suites have a stage of their own.
fn settings_files() -> anyhow::Result<Vec<PathBuf>> {
    let folder = step::root().join("examples");
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("could not read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .filter(|path| std::fs::read_to_string(path).is_ok_and(|text| !text.contains(SUITE_MARK)))
        .collect();
    files.sort();
    Ok(files)
}
