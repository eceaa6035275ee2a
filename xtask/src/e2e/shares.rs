//! More than one machine: manifests that validate, a history judged in parts by hand and on Apache Spark with the evidence of one process, and a load in two
//! shares whose seconds are joined by what they know of each other's clocks.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::prompt::{Answer, Prompt, Running, wait_until};
use super::verdict::newest_run;
use super::{Desk, object_store, object_store::Store, processes, venv};
use crate::step;

/// What each command may take.
const LIMIT: Duration = Duration::from_secs(120);

/// What Spark may take with a small history: it starts a master, two workers and their Pythons.
const SPARK_LIMIT: Duration = Duration::from_secs(600);

/// What each command may take with a big one.
const BIG_LIMIT: Duration = Duration::from_secs(2 * 3600);

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
        spark_parts: 4,
        limit: LIMIT,
        spark_limit: SPARK_LIMIT,
    }
    .is_the_same_everywhere()?;
    load(desk, &prompt)
}

/// Judges a big history with something to find by one process, in parts and on Spark.
pub(super) fn big(desk: &Desk, history: &Path) -> anyhow::Result<()> {
    Judging {
        desk,
        prompt: &desk.prompt("shares")?,
        history: &history.to_string_lossy(),
        spark_parts: 16,
        limit: BIG_LIMIT,
        spark_limit: BIG_LIMIT,
    }
    .is_the_same_everywhere()
}

/// One history, judged in several ways.
struct Judging<'j> {
    desk: &'j Desk,
    prompt: &'j Prompt,
    history: &'j str,
    /// Into how many parts Spark cuts it.
    spark_parts: u32,
    limit: Duration,
    spark_limit: Duration,
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

impl Judging<'_> {
    fn is_the_same_everywhere(&self) -> anyhow::Result<()> {
        println!("e2e: it is judged by one process");
        let whole = self.run(&["check", self.history, "--json"])?;
        let whole = evidence(whole.exits(1)?)?;
        println!("e2e: it is judged in three parts");
        self.in_parts(self.prompt, self.history, &whole)?;
        self.in_parts_of_a_store(&whole)?;
        self.on_spark(&whole)
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
            .run(&self.desk.dateline, &missing, self.limit)?
            .exits(3)?
            .says("no-such-history")?;
        store.end()?;
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Answer> {
        self.prompt.run(&self.desk.dateline, arguments, self.limit)
    }

    fn in_parts(&self, prompt: &Prompt, history: &str, whole: &Value) -> anyhow::Result<()> {
        let mut files = Vec::new();
        for index in 1..=3 {
            let share = format!("{index}/3");
            let arguments = ["check", history, "--share", &share, "--json"];
            let answer = prompt.run(&self.desk.dateline, &arguments, self.limit)?;
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

    fn on_spark(&self, whole: &Value) -> anyhow::Result<()> {
        println!("e2e: it is judged on Spark, a cluster of two workers");
        step::run(Command::new("java").arg("-version"))
            .context("Spark needs a Java; on Debian: apt-get install default-jre-headless")?;
        let python = venv::library("pyspark", "pyspark")?;
        let job = step::root().join("examples/spark/check_history.py");
        let parts = self.spark_parts.to_string();
        let arguments = [
            &*job.to_string_lossy(),
            self.history,
            "verdicts.jsonl",
            "--parts",
            &parts,
            "--dateline",
            &*self.desk.dateline.to_string_lossy(),
        ];
        let scratch = self.prompt.folder.join("spark");
        // One Python for driver and workers, addresses that exist everywhere, and what is shuffled beside the rest.
        let spark = self
            .prompt
            .clone()
            .with("PYSPARK_PYTHON", &python.to_string_lossy())
            .with("SPARK_LOCAL_IP", "127.0.0.1")
            .with("SPARK_WORKER_DIR", &scratch.to_string_lossy())
            .with("SPARK_LOCAL_DIRS", &scratch.to_string_lossy())
            .with(
                "PYSPARK_SUBMIT_ARGS",
                "--master local-cluster[2,1,1024] --conf spark.ui.enabled=false pyspark-shell",
            );
        let spark = match std::env::var("JAVA_HOME") {
            Ok(home) => spark.with("JAVA_HOME", &home),
            Err(_) => spark,
        };
        spark
            .run(python, &arguments, self.spark_limit)?
            .exits(0)?
            .says(&format!("{parts} parts judged"))?;
        let merge = ["merge", "verdicts.jsonl", "--output", "json"];
        is_the_same(self.run(&merge)?.exits(1)?, whole)
    }
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
