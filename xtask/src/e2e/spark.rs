//! A big history with a stale read in it, judged by one process and on Apache Spark: the same verdict, the same evidence.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use super::shares::{evidence, is_the_same};
use super::{Desk, prompt::Prompt, venv};
use crate::step;

/// What each command may take; the slowest took nine minutes on two cores beside other builds.
const LIMIT: Duration = Duration::from_secs(1800);

/// Every so many operations are of a key of their own.
const OPERATIONS_PER_KEY: u64 = 1_000;

/// Into how many parts Spark cuts it.
const PARTS: &str = "16";

/// Two workers of one core and 1 GB each. Most of what Java does here is to start: its second compiler takes longer (40 CPU-seconds) than it saves.
const CLUSTER: &str = "--master local-cluster[2,1,1024] --conf spark.ui.enabled=false \
    --driver-java-options -XX:TieredStopAtLevel=1 --conf spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1 pyspark-shell";

/// Writes a history of so many operations and judges it.
pub(super) fn run(desk: &Desk, operations: u64) -> anyhow::Result<()> {
    let prompt = desk.prompt("spark")?;
    println!("e2e: a history of {operations} operations");
    // Some steps of the simulated store are no operations.
    let steps = (operations + operations / 8).to_string();
    let keys = (operations / OPERATIONS_PER_KEY).max(1).to_string();
    let speed = desk.dateline.with_file_name("examples").join("speed");
    let what = ["lines", "visible", "StaleRead", &steps, &keys];
    let write = [&["write", "history.jsonl"], &what[..]].concat();
    prompt.run(speed, &write, LIMIT)?.exits(0)?;
    println!("e2e: it is judged by one process");
    let check = ["check", "history.jsonl", "--json"];
    let whole = prompt.run(&desk.dateline, &check, LIMIT)?;
    let whole = evidence(whole.exits(1)?)?;
    println!("e2e: it is judged on Spark, a cluster of two workers");
    on_spark(&prompt, &desk.dateline)?;
    let merge = ["merge", "verdicts.jsonl", "--output", "json"];
    let joined = prompt.run(&desk.dateline, &merge, LIMIT)?;
    is_the_same(joined.exits(1)?, &whole)
}

fn on_spark(prompt: &Prompt, dateline: &Path) -> anyhow::Result<()> {
    step::run(Command::new("java").arg("-version"))
        .context("Spark needs a Java; on Debian: apt-get install default-jre-headless")?;
    let python = venv::library("pyspark", "pyspark")?;
    let job = step::root().join("examples/spark/check_history.py");
    let arguments = [
        &*job.to_string_lossy(),
        "history.jsonl",
        "verdicts.jsonl",
        "--parts",
        PARTS,
        "--dateline",
        &*dateline.to_string_lossy(),
    ];
    let scratch = prompt.folder.join("scratch");
    // One Python for driver and workers, addresses that exist everywhere, and what is shuffled beside the rest.
    let spark = prompt
        .clone()
        .with("PYSPARK_PYTHON", &python.to_string_lossy())
        .with("SPARK_LOCAL_IP", "127.0.0.1")
        .with("SPARK_WORKER_DIR", &scratch.to_string_lossy())
        .with("SPARK_LOCAL_DIRS", &scratch.to_string_lossy())
        .with("PYSPARK_SUBMIT_ARGS", CLUSTER);
    let spark = match std::env::var("JAVA_HOME") {
        Ok(home) => spark.with("JAVA_HOME", &home),
        Err(_) => spark,
    };
    spark
        .run(python, &arguments, LIMIT)?
        .exits(0)?
        .says(&format!("{PARTS} parts judged"))?;
    Ok(())
}
