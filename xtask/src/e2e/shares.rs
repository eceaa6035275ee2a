//! More than one machine: manifests that validate, a history judged in parts with the evidence of one process, and a load in two shares
//! whose seconds are joined by what they know of each other's clocks.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::prompt::{Answer, Prompt, Running, wait_until};
use super::verdict::newest_run;
use super::{Desk, object_store, object_store::Store, processes, venv};
use crate::step;

/// What each command may take.
const LIMIT: Duration = Duration::from_secs(120);

/// How yamllint looks at the manifests: as always, with lines as long as ours.
const YAMLLINT: &str = "{extends: default, rules: {line-length: {max: 120}}}";

/// Runs all of it.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    let prompt = desk.prompt("shares")?;
    manifests(&prompt)?;
    Judging {
        desk,
        prompt: &prompt,
        history: &history(desk, &prompt)?.to_string_lossy(),
    }
    .is_the_same_everywhere()?;
    load(desk, &prompt)
}

/// One history, judged in several ways.
struct Judging<'j> {
    desk: &'j Desk,
    prompt: &'j Prompt,
    history: &'j str,
}

fn manifests(prompt: &Prompt) -> anyhow::Result<()> {
    println!("e2e: the Kubernetes manifests");
    let folder = step::root().join("examples/kubernetes");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        files.push(entry?.path().to_string_lossy().into_owned());
    }
    files.sort();
    ensure!(!files.is_empty(), "{} is empty", folder.display());
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let lint = venv::program("yamllint", "yamllint")?;
    let arguments = [&["--strict", "-d", YAMLLINT], &files[..]].concat();
    prompt.run(lint, &arguments, LIMIT)?.exits(0)?;
    let validate = venv::program("kubernetes-validate", "kubernetes-validate")?;
    let arguments = [&["--strict"], &files[..]].concat();
    prompt.run(validate, &arguments, LIMIT)?.exits(0)?;
    Ok(())
}

/// The history of a run with a planted defect.
fn history(desk: &Desk, prompt: &Prompt) -> anyhow::Result<std::path::PathBuf> {
    println!("e2e: a history with something to find");
    let arguments = [
        "test",
        "register",
        "--seed",
        "7",
        "--faults",
        "none",
        "--defect",
        "stale-strong-read",
    ];
    prompt
        .run(&desk.dateline, &arguments, LIMIT)?
        .exits(1)?
        .says("read-your-writes")?;
    processes::none_left(&prompt.folder)?;
    Ok(newest_run(&prompt.folder)?.join("history.jsonl"))
}

/// What must not depend on how the work was parted: the verdict with all its evidence. Measurements other than counts are told by one process only.
pub(super) fn evidence(answer: &Answer) -> anyhow::Result<Value> {
    let mut verdict: Value = serde_json::from_str(answer.stdout.trim())
        .with_context(|| answer.report("expected a verdict as JSON"))?;
    let fields = verdict.as_object_mut().context("a verdict is an object")?;
    fields.remove("measurements");
    Ok(verdict)
}

impl Judging<'_> {
    fn is_the_same_everywhere(&self) -> anyhow::Result<()> {
        println!("e2e: it is judged by one process");
        let whole = self.run(&["check", self.history, "--json"])?;
        let whole = evidence(whole.exits(1)?)?;
        println!("e2e: it is judged in three parts");
        self.in_parts(self.prompt, self.history, &whole)?;
        self.in_parts_of_a_store(&whole)
    }

    fn in_parts_of_a_store(&self, whole: &Value) -> anyhow::Result<()> {
        println!("e2e: it is judged in three parts from a store that speaks S3");
        let compact = self.prompt.folder.join("history.compact");
        self.run(&["convert", self.history, &compact.to_string_lossy()])?
            .exits(0)?;
        let store = Store::with(self.prompt, &compact)?;
        self.in_parts(&store.prompt, object_store::ADDRESS, whole)?;
        let missing = ["check", "s3://dateline/no-such-history"];
        store
            .prompt
            .run(&self.desk.dateline, &missing, LIMIT)?
            .exits(3)?
            .says("no-such-history")?;
        store.end()?;
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Answer> {
        self.prompt.run(&self.desk.dateline, arguments, LIMIT)
    }

    fn in_parts(&self, prompt: &Prompt, history: &str, whole: &Value) -> anyhow::Result<()> {
        let mut files = Vec::new();
        for index in 1..=3 {
            let share = format!("{index}/3");
            let arguments = ["check", history, "--share", &share, "--json"];
            let answer = prompt.run(&self.desk.dateline, &arguments, LIMIT)?;
            let file = format!("part-{index}.json");
            fs::write(self.prompt.folder.join(&file), &answer.stdout)?;
            files.push(file);
        }
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        self.run(&[&["merge"], &files[..2]].concat())?
            .exits(64)?
            .says("part 3 of 3 is missing")?;
        let all = [&["merge", "--output", "json"], &files[..]].concat();
        is_the_same(self.run(&all)?.exits(1)?, whole)
    }
}

pub(super) fn is_the_same(answer: &Answer, whole: &Value) -> anyhow::Result<()> {
    let joined = evidence(answer)?;
    let violations = whole["checks"].as_array().into_iter().flatten();
    let count: u64 = violations
        .filter_map(|check| check["violation_count"].as_u64())
        .sum();
    ensure!(count > 0, "one process found nothing");
    ensure!(
        joined == *whole,
        answer.report(&format!("expected the verdict of one process: {whole}"))
    );
    println!("e2e:   the same verdict and the same evidence of {count} violations");
    Ok(())
}

/// Two shares of one load at the same time, against one region.
fn load(desk: &Desk, prompt: &Prompt) -> anyhow::Result<()> {
    println!("e2e: a load in two shares");
    let replica = ["replica", "--region", "us-east-1", "--data-dir", "replica"];
    let replica = Running::start(prompt.command(&desk.dateline, &replica))?;
    let address = prompt.folder.join("replica/address");
    wait_until("replica", LIMIT, || Ok(address.exists()))?;
    let region = format!("us-east-1=http://{}", fs::read_to_string(&address)?.trim());
    let mut shares = Vec::new();
    for index in 1..=2 {
        let line = format!(
            "load run mixed --rate 200 --for 3s --warm-up 1s --keys 50 --seed 7 --timeout 10s --record --share {index}/2 --out share-{index} --region {region}"
        );
        let words: Vec<&str> = line.split(' ').collect();
        shares.push(Running::start(prompt.command(&desk.dateline, &words))?);
    }
    for share in shares {
        share.wait(LIMIT)?.exits(0)?;
    }
    replica.killed()?;
    let merge = ["merge", "share-1/latest", "share-2/latest"];
    prompt
        .run(&desk.dateline, &merge, LIMIT)?
        .exits(0)?
        .says("the clock of share 2 is")?;
    let whole = newest_run(&prompt.folder)?;
    holds_both(&prompt.folder, &whole)?;
    is_judged(desk, prompt, &whole)?;
    processes::none_left(&prompt.folder)
}

/// Whether the joined seconds hold what both shares did.
fn holds_both(folder: &Path, whole: &Path) -> anyhow::Result<()> {
    let parts = [
        answered(&folder.join("share-1/latest"))?,
        answered(&folder.join("share-2/latest"))?,
    ];
    let whole = answered(whole)?;
    ensure!(
        parts.iter().all(|part| *part > 0) && parts.iter().sum::<u64>() == whole,
        "the shares had {parts:?} answers, series.csv of the whole holds {whole}"
    );
    println!("e2e:   {whole} answers of {parts:?} on one axis");
    Ok(())
}

/// The joined history holds all operations of both, and none of its reads brought what neither wrote.
fn is_judged(desk: &Desk, prompt: &Prompt, whole: &Path) -> anyhow::Result<()> {
    let count = |run: &Path| -> anyhow::Result<usize> {
        let path = run.join("history.jsonl");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} is not there", path.display()))?;
        Ok(text.lines().count() - 1)
    };
    let shares = [
        count(&prompt.folder.join("share-1/latest"))?,
        count(&prompt.folder.join("share-2/latest"))?,
    ];
    let events = count(whole)?;
    ensure!(
        events == shares.iter().sum::<usize>(),
        "the shares recorded {shares:?} events, the whole holds {events}"
    );
    let history = whole.join("history.jsonl").display().to_string();
    let expected = ["check", &history, "--expect", "phantom,region-linearizable"];
    prompt.run(&desk.dateline, &expected, LIMIT)?.exits(0)?;
    println!("e2e:   {events} recorded events of {shares:?}, judged as one history");
    Ok(())
}

/// How many answers the seconds of a run hold, warm-up left out.
fn answered(run: &Path) -> anyhow::Result<u64> {
    let path = run.join("series.csv");
    let text =
        fs::read_to_string(&path).with_context(|| format!("{} is not there", path.display()))?;
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let heading = lines.next().context("it has a heading")?;
    let column = |name: &str| heading.iter().position(|cell| *cell == name);
    let (measured, answered) = column("measured")
        .zip(column("answered"))
        .context("it has both columns")?;
    Ok(lines
        .filter(|cells| cells.get(measured) == Some(&"yes"))
        .filter_map(|cells| cells.get(answered)?.parse::<u64>().ok())
        .sum())
}
