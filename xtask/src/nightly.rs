//! What takes too long for every change: many seeds in a row, each fault by itself, every planted defect with many seeds.
//!
//! A job is data: the runs, what each must answer, and how many of them may miss it. Nothing here knows how a run works. Jobs that measure are in
//! [`measure`].

mod measure;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;

use crate::step::{self, command_line};
use measure::MEASURES;

/// Which jobs to run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Print the jobs and stop
    #[arg(long)]
    list: bool,
    /// Take this binary, and build none
    #[arg(long, value_name = "FILE")]
    dateline: Option<PathBuf>,
    /// The jobs to run; all when none is named
    jobs: Vec<String>,
}

/// Runs of `dateline test register`, and what is expected of them.
struct Job {
    name: String,
    what: String,
    /// What follows `dateline test register --seed SEED`.
    arguments: Vec<String>,
    seeds: std::ops::RangeInclusive<u64>,
    /// The exit code that counts.
    code: i32,
    /// What must be said beside it: the check that found something.
    says: &'static str,
    /// Of all seeds so many must end so.
    needed: usize,
}

/// The faults that a run can have, each to be seen alone.
const FAULTS: [&str; 4] = ["partition", "kill", "pause", "clock"];

/// The defects that can be planted, and the check that must catch each. A defect that needs luck may miss one seed in ten.
const DEFECTS: [(&str, &str); 5] = [
    ("stale-strong-read", "read-your-writes"),
    ("lww-by-arrival", "convergence"),
    ("tie-divergence", "convergence"),
    ("ack-before-write", "region-linearizable"),
    ("forget-pending", "convergence"),
];

fn jobs() -> Vec<Job> {
    let job = |name: String, what: String, arguments: &[&str]| Job {
        name,
        what,
        arguments: arguments.iter().map(|&one| one.to_owned()).collect(),
        seeds: 1..=5,
        code: 0,
        says: "",
        needed: 5,
    };
    let mut jobs = vec![Job {
        seeds: 1..=20,
        needed: 20,
        ..job(
            "seeds".to_owned(),
            "twenty seeds in a row are valid".to_owned(),
            &[],
        )
    }];
    jobs.extend(FAULTS.map(|fault| {
        let what = format!("{fault} alone leaves a run valid");
        job(format!("fault-{fault}"), what, &["--faults", fault])
    }));
    jobs.extend(DEFECTS.map(|(defect, check)| {
        let what = format!("{check} catches {defect} in at least 9 of 10 seeds");
        let name = format!("defect-{defect}");
        Job {
            seeds: 1..=10,
            code: 1,
            says: check,
            needed: 9,
            ..job(name, what, &["--defect", defect])
        }
    }));
    jobs
}

/// Runs the named jobs, all when none is named, and tells of each what held.
///
/// # Errors
/// When a job is not known, or one of them does not hold. The others are run all the same.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let all = jobs();
    if arguments.list {
        for job in &all {
            println!("{:28} {}", job.name, job.what);
        }
        for measure in &MEASURES {
            println!("{:28} {}", measure.name, measure.what);
        }
        return Ok(());
    }
    let is_measure = |name: &String| MEASURES.iter().any(|measure| measure.name == *name);
    let (measures, jobs): (Vec<String>, Vec<String>) =
        arguments.jobs.iter().cloned().partition(is_measure);
    let chosen = if jobs.is_empty() && !measures.is_empty() {
        Vec::new()
    } else {
        choose(&all, &jobs)?
    };
    let dateline = match &arguments.dateline {
        Some(file) => std::path::absolute(file)?,
        None => {
            let release = ["build", "--release", "--package", "harness"];
            step::run_cargo(&[&release[..], &["--bin", "dateline"]].concat())?;
            step::root().join("target/release/dateline")
        }
    };
    let mut broken = Vec::new();
    for job in chosen {
        if !holds(job, &dateline)? {
            broken.push(job.name.as_str());
        }
    }
    for measure in &MEASURES {
        let is_asked =
            arguments.jobs.is_empty() || measures.iter().any(|name| name == measure.name);
        if is_asked && !measure.holds(&dateline)? {
            broken.push(measure.name);
        }
    }
    if !broken.is_empty() {
        bail!(
            "does not hold; to repeat: cargo xtask nightly {}",
            broken.join(" ")
        );
    }
    Ok(())
}

/// The jobs of these names.
fn choose<'a>(all: &'a [Job], names: &[String]) -> anyhow::Result<Vec<&'a Job>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !all.iter().any(|job| job.name == **name))
    {
        bail!("no job is named `{unknown}`; `cargo xtask nightly --list` prints them");
    }
    let chosen = |job: &&Job| names.is_empty() || names.contains(&job.name);
    Ok(all.iter().filter(chosen).collect())
}

/// Runs every seed of a job and prints what came of it.
fn holds(job: &Job, dateline: &Path) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let out = step::root().join("target/nightly").join(&job.name);
    std::fs::create_dir_all(&out).with_context(|| format!("could not make {}", out.display()))?;
    let mut endings: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut count = 0;
    for seed in job.seeds.clone() {
        let mut command = Command::new(dateline);
        command
            .args(["test", "register", "--seed", &seed.to_string(), "--out"])
            .arg(&out)
            .args(&job.arguments)
            .stdin(Stdio::null());
        let line = command_line(&command);
        let output = command
            .output()
            .with_context(|| format!("could not start `{line}`"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        if output.status.code() == Some(job.code) && said.contains(job.says) {
            count += 1;
        } else {
            let wanted = format!("exit code {} and `{}`", job.code, job.says);
            println!(
                "nightly: {} instead of {wanted}: {line}\n{said}",
                output.status
            );
        }
        endings
            .entry(output.status.to_string())
            .or_default()
            .push(seed);
    }
    println!(
        "nightly: {}: {}: {count} of {} ({} needed), {endings:?}, {:.0} s",
        job.name,
        job.what,
        job.seeds.clone().count(),
        job.needed,
        begun.elapsed().as_secs_f64()
    );
    Ok(count >= job.needed)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{choose, holds, jobs};

    #[test]
    fn a_job_is_chosen_by_its_name() {
        let all = jobs();
        assert_eq!(choose(&all, &[]).map(|chosen| chosen.len()).ok(), Some(10));
        let one = choose(&all, &["fault-kill".to_owned()]).expect("it exists");
        assert_eq!((one.len(), one[0].name.as_str()), (1, "fault-kill"));
        let error = choose(&all, &["fault-flood".to_owned()])
            .err()
            .expect("it does not");
        assert!(error.to_string().contains("fault-flood"), "{error}");
    }

    #[test]
    fn a_job_holds_only_with_enough_of_its_exit_code() {
        let mut job = jobs().swap_remove(0);
        job.name = "test-of-xtask".to_owned();
        assert!(holds(&job, Path::new("/bin/true")).is_ok_and(|holds| holds));
        job.code = 1;
        assert!(holds(&job, Path::new("/bin/true")).is_ok_and(|holds| !holds));
        assert!(holds(&job, Path::new("/bin/false")).is_ok_and(|holds| holds));
        job.says = "convergence";
        assert!(holds(&job, Path::new("/bin/false")).is_ok_and(|holds| !holds));
    }
}
