//! Every example in `examples/` does what it says: the run that it sets is valid.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::{Desk, processes};
use crate::step;

/// What a run of an example may take.
const LIMIT: Duration = Duration::from_secs(180);

/// Stores that others wrote: the example, the program that it needs, and a run of it that is valid. docs/found.md has those that are not.
const STRANGERS: [(&str, &str, &[&str]); 3] = [
    ("dynalite", "dynalite", &["register"]),
    (
        "garage",
        "garage",
        &["ycsb-a", "--faults", "partition,kill"],
    ),
    (
        "openldap",
        "slapd",
        &["home-region-per-item", "--faults", "partition,kill"],
    ),
];

/// What an example is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Settings of a test: `--set`.
    Settings,
    /// A store that is started here: `--target command`.
    Command,
    /// A program that speaks for a store: `--target adapter`.
    Adapter,
    /// A suite: it has a stage of its own.
    Suite,
}

impl Kind {
    /// By the key that only files of this kind have.
    fn of(text: &str) -> Self {
        let has = |start: &str| text.lines().any(|line| line.starts_with(start));
        if has("[[matrix]]") {
            Self::Suite
        } else if has("adapter =") {
            Self::Adapter
        } else if has("start =") {
            Self::Command
        } else {
            Self::Settings
        }
    }
}

/// Runs them all.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    let examples = example_files()?;
    ensure!(!examples.is_empty(), "examples/ holds no TOML file");
    let prompt = desk.prompt("examples")?;
    for example in examples {
        println!("e2e: the example {}", example.display());
        let text = std::fs::read_to_string(&example)
            .with_context(|| format!("could not read {}", example.display()))?;
        let name = example.file_stem().unwrap_or_default().to_os_string();
        let stranger = STRANGERS.iter().find(|(example, ..)| name == *example);
        let (_, program, run) = stranger.unwrap_or(&("", "python3", &["register"]));
        let example = example.to_string_lossy();
        let template = ["--config", &example, "--time-limit", "8", "--seed", "7"];
        let arguments = match Kind::of(&text) {
            Kind::Suite => {
                println!("e2e:   a suite, which has a stage of its own");
                continue;
            }
            Kind::Command | Kind::Adapter if !is_installed(program) => {
                println!("e2e:   not run: {program} is not installed; the file says how to");
                continue;
            }
            Kind::Settings => vec!["test", "register", "--set", &example],
            Kind::Command => [&["test"][..], run, &["--target", "command"], &template[..]].concat(),
            Kind::Adapter => [&["test"][..], run, &["--target", "adapter"], &template[..]].concat(),
        };
        prompt.run(&desk.dateline, &arguments, LIMIT)?.exits(0)?;
        processes::none_left(&prompt.folder)?;
    }
    Ok(())
}

/// Whether there is a program of this name on the path.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The TOML files, by name.
fn example_files() -> anyhow::Result<Vec<PathBuf>> {
    let folder = step::root().join("examples");
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("could not read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_told_apart_by_their_keys() {
        let kinds: Vec<(String, Kind)> = example_files()
            .expect("readable")
            .iter()
            .map(|path| {
                let text = std::fs::read_to_string(path).expect("readable");
                let name = path.file_stem().expect("a name").to_string_lossy();
                (name.into_owned(), Kind::of(&text))
            })
            .collect();
        let expected = [
            ("dynalite", Kind::Command),
            ("garage", Kind::Adapter),
            ("nightly", Kind::Suite),
            ("openldap", Kind::Adapter),
            ("own-links", Kind::Settings),
            ("planted", Kind::Suite),
            ("quickstart", Kind::Settings),
            ("sqlite", Kind::Adapter),
        ];
        assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }
}
