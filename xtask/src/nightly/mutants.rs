//! Mutation testing of the checker: small changes to what decides, each of which some test must notice.
//!
//! `cargo mutants` makes the changes, in a copy of the workspace; `.cargo/mutants.toml` says where. Those that nothing notices and that are
//! explained in `docs/mutants.md` are among the missed ones here: nineteen of twenty must be caught all the same. Absent: installing it.

use std::process::Stdio;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::step;

/// What the job is called.
pub(super) const NAME: &str = "mutants";
/// What must hold.
pub(super) const WHAT: &str = "95 % of the changes to the checker's algorithms are caught by its tests (one in ten; --shard 0/1 for all)";

/// Caught, of a hundred.
const CAUGHT_PERCENT: u64 = 95;

/// What makes one change cheap: nothing is optimised across files, so little is compiled again, and of random histories one in thirty is
/// enough.
const VARIABLES: [(&str, &str); 3] = [
    ("CARGO_PROFILE_DEV_LTO", "off"),
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ("DATELINE_FUZZ_COUNT", "0.03"),
];

/// What `cargo mutants` counted.
#[derive(Debug, Deserialize)]
struct Counts {
    caught: u64,
    missed: u64,
    /// Changes with which the tests ran for ever, which is noticed.
    timeout: u64,
    /// Changes that do not compile.
    unviable: u64,
}

impl Counts {
    fn holds(&self) -> bool {
        let noticed = self.caught + self.timeout;
        let viable = noticed + self.missed;
        viable > 0 && noticed * 100 >= viable * CAUGHT_PERCENT
    }
}

/// Changes every so-manieth place, as `shard` says (`0/10`), and tells what was missed.
pub(super) fn holds(shard: &str) -> anyhow::Result<bool> {
    let mut version = step::cargo();
    version
        .args(["mutants", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if !version.status().is_ok_and(|status| status.success()) {
        bail!(
            "cargo-mutants is not installed: `cargo install cargo-mutants --locked`, then `cargo xtask nightly {NAME} --shard {shard}` again"
        );
    }
    let out = step::root().join("target/nightly/mutants");
    std::fs::create_dir_all(&out).with_context(|| format!("could not make {}", out.display()))?;
    let mut command = step::cargo();
    command
        .args(["mutants", "--package", "checker", "--jobs", "1"])
        .args(["--sharding", "round-robin", "--shard", shard, "--output"])
        .arg(&out)
        .envs(VARIABLES);
    // It ends with an error when anything is missed; what counts is how much.
    let ended = step::run(&mut command);
    let path = out.join("mutants.out/outcomes.json");
    let text = std::fs::read_to_string(&path);
    let text = text.with_context(|| format!("no counts in {}: {ended:?}", path.display()))?;
    let counts: Counts = serde_json::from_str(&text)
        .with_context(|| format!("{} is not what cargo-mutants writes", path.display()))?;
    println!(
        "nightly: {NAME}: shard {shard}: {} caught, {} timed out, {} missed (in {}/mutants.out/missed.txt), {} do not compile",
        counts.caught,
        counts.timeout,
        counts.missed,
        out.display(),
        counts.unviable
    );
    Ok(counts.holds())
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn nineteen_of_twenty_must_be_caught() {
        let of = |text: &str| serde_json::from_str::<Counts>(text).expect("as it is written");
        let text = r#"{"outcomes":[],"total_mutants":27,"missed":1,"caught":18,"timeout":1,"unviable":7,"success":0}"#;
        assert!(of(text).holds());
        assert!(!of(&text.replace("18", "17")).holds());
        let nothing = r#"{"missed":0,"caught":0,"timeout":0,"unviable":7}"#;
        assert!(!of(nothing).holds(), "a run of nothing shows nothing");
    }
}
