//! The main job from the command to the report, then the judge alone on what it left: as it is, falsified, cut off, and empty.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

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
    shows_verdict_and_faults(&page, &fs::read_to_string(run.join("timeline.jsonl"))?)?;
    saved_histories(desk, &prompt, &run)
}

/// The newest run that was started in this folder.
pub(super) fn newest_run(folder: &Path) -> anyhow::Result<PathBuf> {
    let latest = folder.join("dateline-runs/latest");
    fs::canonicalize(&latest).with_context(|| format!("{} leads nowhere", latest.display()))
}

/// What the reader of a report must see: the verdict, and a band for every fault that took hold.
fn shows_verdict_and_faults(page: &str, timeline: &str) -> anyhow::Result<()> {
    ensure!(
        page.contains("<header class=\"valid\">"),
        "the report does not begin with its verdict"
    );
    let faults = faults(timeline)?;
    ensure!(
        !faults.is_empty(),
        "no fault took hold in this run; choose another seed"
    );
    let bars: Vec<f64> = page
        .split("<rect class=\"fault-bar ")
        .skip(1)
        .filter_map(width)
        .collect();
    let visible = bars.iter().filter(|width| **width > 0.0).count();
    println!(
        "e2e:   {} faults took hold, {visible} bands are in the report",
        faults.len()
    );
    ensure!(
        visible == faults.len(),
        "faults {faults:?} and bands of width {bars:?} do not match"
    );
    Ok(())
}

/// The numbers of the faults that took hold, or may have, from `timeline.jsonl`.
fn faults(timeline: &str) -> anyhow::Result<BTreeSet<u64>> {
    let mut faults = BTreeSet::new();
    for line in timeline.lines() {
        let moment: Value = serde_json::from_str(line).context("timeline.jsonl holds no JSON")?;
        let begins = moment["type"] == "fault" && moment["action"] == "start";
        if begins && moment["result"] != "skipped" {
            faults.extend(moment["id"].as_u64());
        }
    }
    Ok(faults)
}

/// The width of the element whose text follows.
fn width(element: &str) -> Option<f64> {
    let (_, rest) = element.split_once("width=\"")?;
    rest.split_once('"')?.0.parse().ok()
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
    let names_it = names_line(&answer.exits(1)?.stdout, edited.line);
    ensure!(
        names_it,
        answer.report(&format!("expected evidence with line {}", edited.line))
    );

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

/// Whether the text names this line of the history, alone or among others.
fn names_line(text: &str, number: usize) -> bool {
    let number = number.to_string();
    let names = |line: &str| {
        let told = line.rsplit_once("line").map_or("", |(_, told)| told);
        told.split(|c: char| !c.is_ascii_digit())
            .any(|word| word == number)
    };
    text.lines().any(names)
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

#[cfg(test)]
mod tests {
    use super::{names_line, shows_verdict_and_faults};

    #[test]
    fn a_report_without_a_band_for_each_fault_is_refused() {
        let fault = |id: u64, action: &str, result: &str| {
            format!(
                "{{\"type\":\"fault\",\"id\":{id},\"action\":\"{action}\",\"result\":\"{result}\"}}\n"
            )
        };
        let timeline = "{\"type\":\"phase\",\"name\":\"safety\"}\n".to_owned()
            + &fault(1, "start", "installed")
            + &fault(1, "stop", "installed")
            + &fault(2, "start", "skipped");
        let bar =
            |width: &str| format!("<rect class=\"fault-bar kill\" x=\"1\" width=\"{width}\">");
        let page = |bars: &str| format!("<header class=\"valid\">{bars}");
        assert!(shows_verdict_and_faults(&page(&bar("1.5")), &timeline).is_ok());
        assert!(shows_verdict_and_faults(&bar("1.5"), &timeline).is_err());
        assert!(shows_verdict_and_faults(&page(&bar("0")), &timeline).is_err());
        assert!(shows_verdict_and_faults(&page(""), &timeline).is_err());
        assert!(shows_verdict_and_faults(&page(""), &fault(2, "start", "skipped")).is_err());
    }

    #[test]
    fn a_line_is_named_alone_or_with_its_invocation() {
        assert!(names_line("x (process 9, lines 8 and 19)\ny", 19));
        assert!(names_line("x (process 9, line 19)", 19));
        assert!(!names_line("x (process 19, lines 8 and 9)", 19));
    }
}
