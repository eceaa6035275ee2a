//! What the rules look at: the files that are or would be committed, and the crates as cargo sees them.

use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::step;

/// The files and the crates.
#[derive(Default)]
pub(super) struct Tree {
    /// In the order of their paths.
    pub(super) files: Vec<File>,
    /// The members of the workspace.
    pub(super) packages: Vec<Package>,
}

/// One file.
pub(super) struct File {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    /// Its content, when it is text.
    pub(super) text: Option<String>,
    /// Its size.
    pub(super) size_bytes: u64,
}

/// One crate of ours.
#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a `Cargo.toml`, whatever its kind (normal, dev, build).
#[derive(Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// The folder, when the dependency is one of ours.
    pub(super) path: Option<String>,
}

impl Tree {
    /// The text files whose name ends in `ending`.
    pub(super) fn texts(&self, ending: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(move |file| file.path.ends_with(ending))
            .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }

    /// The content of one text file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files
            .iter()
            .find(|file| file.path == path)?
            .text
            .as_deref()
    }

    /// Whether there is such a file or folder.
    pub(super) fn contains(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        let here = |file: &File| file.path == path || file.path.starts_with(&folder);
        path.is_empty() || self.files.iter().any(here)
    }
}

/// Reads what git knows, and what it would add: a file that is not committed yet must be tidy too.
pub(super) fn read() -> anyhow::Result<Tree> {
    let root = step::root();
    let list = output(Command::new("git").current_dir(&root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let mut files = Vec::new();
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        // A file that was removed and not committed as such is still listed.
        let Ok(bytes) = std::fs::read(root.join(path)) else {
            continue;
        };
        files.push(File {
            path: path.to_owned(),
            size_bytes: bytes.len() as u64,
            text: String::from_utf8(bytes).ok(),
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);

    let metadata = output(step::cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("could not read what `cargo metadata` printed")?;
    Ok(Tree {
        files,
        packages: metadata.packages,
    })
}

/// The part of `cargo metadata` that rules need.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// What the command prints.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let line = step::command_line(command);
    let output = command
        .output()
        .with_context(|| format!("could not start `{line}`"))?;
    ensure!(
        output.status.success(),
        "{}; to repeat: {line}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` did not print UTF-8"))
}

/// A tree of these text files, for the tests of the rules.
#[cfg(test)]
pub(super) fn of(files: &[(&str, &str)]) -> Tree {
    let files = files.iter().map(|(path, text)| File {
        path: (*path).to_owned(),
        text: Some((*text).to_owned()),
        size_bytes: text.len() as u64,
    });
    Tree {
        files: files.collect(),
        packages: Vec::new(),
    }
}

/// A crate of this name with these dependencies; ours are written `ours:NAME`.
#[cfg(test)]
pub(super) fn package(name: &str, dependencies: &[&str]) -> Package {
    let dependency = |text: &&str| match text.strip_prefix("ours:") {
        Some(name) => Dependency {
            name: name.to_owned(),
            path: Some(name.to_owned()),
        },
        None => Dependency {
            name: (*text).to_owned(),
            path: None,
        },
    };
    Package {
        name: name.to_owned(),
        dependencies: dependencies.iter().map(dependency).collect(),
    }
}
