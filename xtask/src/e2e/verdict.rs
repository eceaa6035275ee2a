//! The main job from the command to the report, then the judge alone on what it left: as it is, falsified, cut off, and empty.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::prompt::Prompt;
use super::{Desk, browser, edit, processes};

/// What a default run may take: the promise is 90 s.
const RUN_LIMIT: Duration = Duration::from_secs(90);

/// What judging a saved history may take.
const CHECK_LIMIT: Duration = Duration::from_secs(60);

/// The seed of the run that is looked at.
const SEED: &str = "7";

/// Everything that a finished run leaves.
const FILES: [&str; 6] = [
    "run.json",
    "plan.json",
    "history.jsonl",
    "timeline.jsonl",
    "results.json",
    "report.html",
];

/// A run without a defect is valid, and its report shows faults and verdict.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    let prompt = desk.prompt("verdict")?;
    println!("e2e: a run without a defect");
    let answer = prompt.run(
        &desk.dateline,
        &["test", "register", "--seed", SEED],
        RUN_LIMIT,
    )?;
    answer.exits(0)?.says("report.html")?;
    processes::none_left(&prompt.folder)?;
    let run = newest_run(&prompt.folder)?;
    for file in FILES {
        let is_there = fs::metadata(run.join(file)).is_ok_and(|file| file.len() > 0);
        ensure!(is_there, "{} is missing or empty", run.join(file).display());
    }

    println!("e2e: its report in a browser");
    let page = browser::open(&prompt, &run.join("report.html"))?;
    shows_faults_and_verdict(&page)?;
    saved_histories(desk, &prompt, &run)
}

/// The newest run that was started in this folder.
pub(super) fn newest_run(folder: &Path) -> anyhow::Result<PathBuf> {
    let latest = folder.join("dateline-runs/latest");
    fs::canonicalize(&latest).with_context(|| format!("{} leads nowhere", latest.display()))
}

/// What the reader of a report must see: the verdict first, and bands where faults were.
fn shows_faults_and_verdict(page: &str) -> anyhow::Result<()> {
    for (what, mark) in [("the verdict", "valid"), ("a fault band", "fault")] {
        ensure!(
            page.contains(mark),
            "the report shows no sign of {what}: `{mark}` is not in it"
        );
    }
    Ok(())
}

/// The judge on its own: the same verdict on what the run left, another one on what was done to it.
fn saved_histories(desk: &Desk, prompt: &Prompt, run: &Path) -> anyhow::Result<()> {
    let history = run.join("history.jsonl");
    println!("e2e: the saved history");
    check(desk, prompt, &history)?.exits(0)?;

    println!("e2e: the history with one read replaced by an older one");
    let text = fs::read_to_string(&history)?;
    let edited = edit::older_read(&text)?;
    println!("e2e:   {}", edited.what);
    let path = written(prompt, "edited.jsonl", &edited.text)?;
    let answer = check(desk, prompt, &path)?;
    answer.exits(1)?.says(&format!("line {}", edited.line))?;

    println!("e2e: the history cut off in mid-line");
    let last_line = text
        .trim_end()
        .rfind('\n')
        .context("the history has one line")?;
    let path = written(prompt, "truncated.jsonl", &text[..last_line + 20])?;
    check(desk, prompt, &path)?.exits(3)?.says("half-written")?;

    println!("e2e: a history without a line, and one without an operation");
    let path = written(prompt, "empty.jsonl", "")?;
    check(desk, prompt, &path)?.exits(2)?.says("empty")?;
    let header = text.split_inclusive('\n').next().unwrap_or_default();
    let path = written(prompt, "header.jsonl", header)?;
    check(desk, prompt, &path)?.exits(2)?;
    Ok(())
}

fn check(desk: &Desk, prompt: &Prompt, history: &Path) -> anyhow::Result<super::prompt::Answer> {
    let history = history.to_string_lossy();
    prompt.run(&desk.dateline, &["check", &history], CHECK_LIMIT)
}

fn written(prompt: &Prompt, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = prompt.folder.join(name);
    fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
    Ok(path)
}
