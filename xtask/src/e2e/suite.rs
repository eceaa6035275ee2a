//! A suite with a planted defect and a planted slowdown: killed in the middle, resumed, both named, and its JUnit file read by somebody else's reader.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::prompt::{Running, wait_until};
use super::{Desk, processes, venv};
use crate::step;

/// What the whole suite may take.
const LIMIT: Duration = Duration::from_secs(400);

/// Where it leaves its results.
const LATEST: &str = "dateline-runs/suites/planted/latest";

/// Prints what build servers show, from the file alone.
const READER: &str = "
import sys
from junitparser import JUnitXml
for suite in JUnitXml.fromfile(sys.argv[1]):
    for case in suite:
        kind = [type(one).__name__ for one in case.result] or ['Passed']
        print(suite.name, '|', kind[0], '|', case.name)
";

/// Runs it.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    let prompt = desk.prompt("suite")?;
    let file = step::root().join("examples/planted.toml");
    let file = file.to_string_lossy();
    println!("e2e: a suite is killed after its first cell");
    let running = Running::start(prompt.command(&desk.dateline, &["suite", &file]))?;
    wait_until("first cell", LIMIT, || {
        Ok(outcomes(&prompt.folder)?.first().map(String::as_str) == Some("valid"))
    })?;
    running.killed()?;
    processes::none_left(&prompt.folder)?;

    println!("e2e: it is resumed, and names the planted defect and the planted slowdown");
    let arguments = ["suite", file.as_ref(), "--resume"];
    let answer = prompt.run(&desk.dateline, &arguments, LIMIT)?;
    answer
        .exits(1)?
        .says("read-your-writes")?
        .says("cpu_us is worse by")?;
    let outcomes = outcomes(&prompt.folder)?;
    ensure!(
        outcomes == ["valid", "invalid", "gate-failed"],
        "the suite's cells are {outcomes:?}"
    );
    processes::none_left(&prompt.folder)?;

    println!("e2e: junitparser reads its JUnit file");
    let python = venv::junitparser()?.join("python");
    let junit = format!("{LATEST}/junit.xml");
    let answer = prompt.run(python, &["-c", READER, &junit], LIMIT)?;
    answer
        .exits(0)?
        .says("register | Passed | no faults, seed 1")?
        .says("register | Failure | no faults, seed 2")?
        .says("gate counting | Failure |")?;
    Ok(())
}

/// The outcomes of the cells so far; none before the file is there.
fn outcomes(folder: &Path) -> anyhow::Result<Vec<String>> {
    let path = folder.join(LATEST).join("suite.json");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path)?;
    let suite: Value = serde_json::from_str(&text).context("suite.json is JSON")?;
    let cells = suite["cells"].as_array().context("it has cells")?;
    let outcomes = cells.iter().filter_map(|cell| cell["outcome"].as_str());
    Ok(outcomes.map(str::to_owned).collect())
}
