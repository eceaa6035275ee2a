//! More than one machine: manifests that validate, a history judged in parts by hand and on Apache Spark with the evidence of one process, and a load in two
//! shares whose seconds are joined by what they know of each other's clocks.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::prompt::{Answer, Prompt, Running, wait_until};
use super::verdict::newest_run;
use super::{Desk, processes, venv};
use crate::step;

/// What each command may take.
const LIMIT: Duration = Duration::from_secs(120);

/// What Spark may take: it starts a master, two workers and their Pythons.
const SPARK_LIMIT: Duration = Duration::from_secs(600);

/// How yamllint looks at the manifests: as always, with lines as long as ours.
const YAMLLINT: &str = "{extends: default, rules: {line-length: {max: 120}}}";

/// Runs all of it.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    let prompt = desk.prompt("shares")?;
    manifests(&prompt)?;
    let history = history(desk, &prompt)?;
    let history = history.to_string_lossy();
    println!("e2e: it is judged by one process");
    let whole = prompt.run(&desk.dateline, &["check", &history, "--json"], LIMIT)?;
    let whole = evidence(whole.exits(1)?)?;
    in_parts(desk, &prompt, &history, &whole)?;
    on_spark(desk, &prompt, &history, &whole)?;
    load(desk, &prompt)
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
fn evidence(answer: &Answer) -> anyhow::Result<Value> {
    let mut verdict: Value = serde_json::from_str(answer.stdout.trim())
        .with_context(|| answer.report("expected a verdict as JSON"))?;
    let fields = verdict.as_object_mut().context("a verdict is an object")?;
    fields.remove("measurements");
    Ok(verdict)
}

fn is_the_same(answer: &Answer, whole: &Value) -> anyhow::Result<()> {
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

fn in_parts(desk: &Desk, prompt: &Prompt, history: &str, whole: &Value) -> anyhow::Result<()> {
    println!("e2e: it is judged in three parts");
    let mut files = Vec::new();
    for index in 1..=3 {
        let share = format!("{index}/3");
        let arguments = ["check", history, "--share", &share, "--json"];
        let answer = prompt.run(&desk.dateline, &arguments, LIMIT)?;
        let file = format!("part-{index}.json");
        fs::write(prompt.folder.join(&file), &answer.stdout)?;
        files.push(file);
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let missing = [&["merge"], &files[..2]].concat();
    prompt
        .run(&desk.dateline, &missing, LIMIT)?
        .exits(64)?
        .says("part 3 of 3 is missing")?;
    let all = [&["merge", "--output", "json"], &files[..]].concat();
    is_the_same(prompt.run(&desk.dateline, &all, LIMIT)?.exits(1)?, whole)
}

fn on_spark(desk: &Desk, prompt: &Prompt, history: &str, whole: &Value) -> anyhow::Result<()> {
    println!("e2e: it is judged on Spark, a cluster of two workers");
    let python = venv::library("pyspark", "pyspark")?;
    let job = step::root().join("examples/spark/check_history.py");
    let arguments = [
        &*job.to_string_lossy(),
        history,
        "verdicts.jsonl",
        "--parts",
        "4",
        "--dateline",
        &*desk.dateline.to_string_lossy(),
    ];
    // One Python for driver and workers, and addresses that exist everywhere.
    let spark = prompt
        .clone()
        .with("PYSPARK_PYTHON", &python.to_string_lossy())
        .with("SPARK_LOCAL_IP", "127.0.0.1")
        .with(
            "SPARK_WORKER_DIR",
            &prompt.folder.join("spark").to_string_lossy(),
        )
        .with(
            "PYSPARK_SUBMIT_ARGS",
            "--master local-cluster[2,1,1024] --conf spark.ui.enabled=false pyspark-shell",
        );
    let spark = match std::env::var("JAVA_HOME") {
        Ok(home) => spark.with("JAVA_HOME", &home),
        Err(_) => spark,
    };
    spark
        .run(python, &arguments, SPARK_LIMIT)?
        .exits(0)?
        .says("4 parts judged")?;
    let merge = ["merge", "verdicts.jsonl", "--output", "json"];
    is_the_same(prompt.run(&desk.dateline, &merge, LIMIT)?.exits(1)?, whole)
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
            "load run mixed --rate 200 --for 3s --warm-up 1s --keys 50 --seed 7 --timeout 10s --share {index}/2 --out share-{index} --region {region}"
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
    holds_both(&newest_run(&prompt.folder)?)?;
    processes::none_left(&prompt.folder)
}

/// Whether the joined seconds hold what both shares did: 600 operations after warm-up.
fn holds_both(run: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(run.join("series.csv"))?;
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let heading = lines.next().context("it has a heading")?;
    let column = |name: &str| heading.iter().position(|cell| *cell == name);
    let (measured, answered) = (column("measured"), column("answered"));
    let (measured, answered) = measured.zip(answered).context("it has both columns")?;
    let counted: u64 = lines
        .filter(|cells| cells.get(measured) == Some(&"yes"))
        .filter_map(|cells| cells.get(answered)?.parse::<u64>().ok())
        .sum();
    ensure!(
        counted == 600,
        "series.csv of the whole holds {counted} answers, 600 were given"
    );
    Ok(())
}
