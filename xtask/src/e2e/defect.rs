//! A planted defect is caught: the same command with a broken replica exits with 1 and names the check.

use std::time::Duration;

use super::{Desk, processes};

/// What a default run may take.
const LIMIT: Duration = Duration::from_secs(90);

/// The defect that is planted here, and the check that must catch it. `cargo xtask nightly defects` plants all of them.
const DEFECT: (&str, &str) = ("stale-strong-read", "read-your-writes");

/// Plants it and looks at the verdict.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    let prompt = desk.prompt("defect")?;
    let (defect, check) = DEFECT;
    println!("e2e: a run with the planted defect {defect}");
    let arguments = ["test", "register", "--seed", "7", "--faults", "none"];
    let arguments = [&arguments[..], &["--time-limit", "8", "--defect", defect]].concat();
    let answer = prompt.run(&desk.dateline, &arguments, LIMIT)?;
    answer.exits(1)?.says(check)?;
    processes::none_left(&prompt.folder)
}
