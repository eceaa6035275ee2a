//! Tells the binary which commit it was built from, so that every run can be named by command, seed and commit.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(folder) = git(&["rev-parse", "--git-dir"]) {
        println!("cargo::rerun-if-changed={folder}/HEAD");
        if let Some(branch) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
            println!("cargo::rerun-if-changed={branch}");
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    let named = match git(&["rev-parse", "--short=12", "HEAD"]) {
        Some(commit) => format!("{version} (commit {commit})"),
        // Built from an archive: the version is all there is.
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=DATELINE_VERSION={named}");
}

/// What git prints, if there is a git and a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
