//! Many runs of `dateline test`: seeds in a row, each fault by itself, every planted defect with many seeds, every workload under all faults.
//!
//! Each is data: the runs, what each must answer, and how many of them may miss it. Nothing here knows how a run works.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::Context;
use serde_json::Value;

use crate::step::{self, command_line};

/// Runs of `dateline test`, and what is expected of them.
pub(super) struct Runs {
    pub(super) name: String,
    pub(super) what: String,
    workload: &'static str,
    /// What follows `dateline test WORKLOAD --seed SEED`.
    arguments: Vec<String>,
    seeds: std::ops::RangeInclusive<u64>,
    /// The exit code that counts.
    code: i32,
    /// What must be said beside it: the check that found something.
    says: &'static str,
    /// Of all seeds so many must end so.
    needed: usize,
}

/// The faults that a run can have, each to be seen alone. A test compares them with those that there are.
const FAULTS: &[&str] = &[
    "partition",
    "kill",
    "pause",
    "clock",
    "client-link",
    "lost-replies",
    "slow-clients",
    "slow-links",
    "flapping",
    "restart",
    "rolling-restart",
    "poor-links",
    "packet-loss",
    "black-hole",
    "connection-storm",
    "clock-extremes",
    "repeated-requests",
    "roll-back",
    "membership",
    "lose",
    "slow-fsync",
    "disk-full",
    "power-loss",
    "read-errors",
    "flipped-bits",
    "burst",
    "hot-key",
    "forged-stamps",
];

/// Those that take regions in network namespaces, and the right to make some.
const OF_NAMESPACES: [&str; 2] = ["packet-loss", "black-hole"];

/// Those that a table takes only in its newer version.
const OF_NEWER_TABLES: [&str; 2] = ["membership", "lose"];

/// Every workload. Eighteen seeds of each under all faults are more than three hundred clean runs.
const WORKLOADS: [&str; 20] = [
    "register",
    "conditional",
    "delete-churn",
    "set",
    "counter",
    "list-append",
    "session",
    "single-writer-region",
    "home-region-per-item",
    "big-items",
    "scan",
    "streams",
    "ttl",
    "lifecycle",
    "ycsb-a",
    "ycsb-b",
    "ycsb-c",
    "ycsb-d",
    "ycsb-e",
    "ycsb-f",
];

/// The defects that can be planted, and the check that must catch each. A defect that needs luck may miss one seed in ten.
const DEFECTS: [(&str, &str); 5] = [
    ("stale-strong-read", "read-your-writes"),
    ("lww-by-arrival", "convergence"),
    ("tie-divergence", "convergence"),
    ("ack-before-write", "region-linearizable"),
    ("forget-pending", "convergence"),
];

/// All of them.
pub(super) fn all() -> Vec<Runs> {
    let runs = |name: String, what: String, arguments: &[&str]| Runs {
        name,
        what,
        workload: "register",
        arguments: arguments.iter().map(|&one| one.to_owned()).collect(),
        seeds: 1..=5,
        code: 0,
        says: "",
        needed: 5,
    };
    let mut all = vec![Runs {
        seeds: 1..=20,
        needed: 20,
        ..runs(
            "seeds".to_owned(),
            "twenty seeds in a row are valid".to_owned(),
            &[],
        )
    }];
    all.extend(FAULTS.iter().map(|fault| {
        let what = format!("{fault} alone leaves a run valid");
        let mut arguments = vec!["--faults", fault];
        if OF_NEWER_TABLES.contains(fault) {
            arguments.extend(["--global-tables", "2019.11.21"]);
        }
        if OF_NAMESPACES.contains(fault) {
            arguments.extend(["--network", "netns"]);
        }
        runs(format!("fault-{fault}"), what, &arguments)
    }));
    all.extend(WORKLOADS.map(|workload| {
        let what = format!("{workload} is valid under all faults, a clean run raises no alarm");
        let arguments = ["--faults", "all", "--time-limit", "12"];
        Runs {
            workload,
            seeds: 1..=18,
            needed: 18,
            ..runs(format!("clean-{workload}"), what, &arguments)
        }
    }));
    all.extend(DEFECTS.map(|(defect, check)| {
        let what = format!("{check} catches {defect} in at least 9 of 10 seeds");
        let name = format!("defect-{defect}");
        Runs {
            seeds: 1..=10,
            code: 1,
            says: check,
            needed: 9,
            ..runs(name, what, &["--defect", defect])
        }
    }));
    all
}

impl Runs {
    /// Runs every seed, so many at a time, and prints what came of it.
    pub(super) fn holds(&self, dateline: &Path, at_a_time: NonZeroUsize) -> anyhow::Result<bool> {
        let begun = Instant::now();
        let out = step::root().join("target/nightly").join(&self.name);
        std::fs::create_dir_all(&out)
            .with_context(|| format!("could not make {}", out.display()))?;
        let waiting = Mutex::new(self.seeds.clone());
        let worker = || {
            let mut endings = Vec::new();
            loop {
                let seed = waiting.lock().expect("no holder panics").next();
                match seed {
                    Some(seed) => endings.push(self.run(dateline, &out, seed)?),
                    None => return Ok(endings),
                }
            }
        };
        let endings: anyhow::Result<Vec<Vec<Ended>>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..at_a_time.get()).map(|_| scope.spawn(worker)).collect();
            let ends = workers.into_iter().map(|worker| worker.join());
            ends.map(|end| end.expect("no worker panics")).collect()
        });
        let endings: Vec<Ended> = endings?.into_iter().flatten().collect();
        let count = endings.iter().filter(|one| one.is_expected).count();
        let operation_count: u64 = endings.iter().map(|one| one.operation_count).sum();
        let mut by_status: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for one in &endings {
            by_status.entry(&one.status).or_default().push(one.seed);
        }
        println!(
            "nightly: {}: {}: {count} of {} ({} needed), {operation_count} operations, {by_status:?}, {:.0} s",
            self.name,
            self.what,
            self.seeds.clone().count(),
            self.needed,
            begun.elapsed().as_secs_f64()
        );
        Ok(count >= self.needed)
    }

    fn run(&self, dateline: &Path, out: &Path, seed: u64) -> anyhow::Result<Ended> {
        let mut command = Command::new(dateline);
        let out = out.join(format!("seed-{seed}"));
        command
            .args(["test", self.workload, "--seed", &seed.to_string(), "--out"])
            .arg(&out)
            .args(&self.arguments)
            .stdin(Stdio::null());
        let line = command_line(&command);
        let output = command
            .output()
            .with_context(|| format!("could not start `{line}`"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let is_expected = output.status.code() == Some(self.code) && said.contains(self.says);
        if !is_expected {
            let wanted = format!("exit code {} and `{}`", self.code, self.says);
            println!(
                "nightly: {} instead of {wanted}: {line}\n{said}",
                output.status
            );
        }
        Ok(Ended {
            seed,
            is_expected,
            operation_count: operation_count(&out.join("latest/results.json")),
            status: output.status.to_string(),
        })
    }
}

/// What came of one run.
struct Ended {
    seed: u64,
    is_expected: bool,
    operation_count: u64,
    status: String,
}

/// How many operations a run judged; none if it did not get as far.
fn operation_count(results: &Path) -> u64 {
    let text = std::fs::read_to_string(results).unwrap_or_default();
    let results: Value = serde_json::from_str(&text).unwrap_or_default();
    let counts = results["verdict"]["operations"].as_object().cloned();
    let counts = counts.unwrap_or_default();
    counts.values().filter_map(Value::as_u64).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::num::NonZeroUsize;
    use std::path::Path;

    use super::{FAULTS, Runs, all, operation_count};
    use crate::step;

    /// What packages of faults call themselves, from their sources: building the harness here would take minutes.
    fn packages() -> BTreeSet<String> {
        let folder = step::root().join("harness/src/nemesis");
        let files = std::fs::read_dir(folder).expect("the nemesis has its folder");
        let sources = files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok());
        let named = |source: String| -> Vec<String> {
            let head = "fn name(&self) -> &'static str {";
            let after = source.split(head).skip(1);
            let names =
                after.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
            names.map(str::to_owned).collect()
        };
        sources.flat_map(named).collect()
    }

    #[test]
    fn every_fault_has_its_runs() {
        // Regions of our own have nobody else who could break them.
        let elsewhere = ["provider"];
        let listed = FAULTS.iter().chain(&elsewhere);
        let listed: BTreeSet<String> = listed.map(|&name| name.to_owned()).collect();
        assert_eq!(listed, packages());
    }

    #[test]
    fn operations_are_those_that_the_verdict_counts() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let results = r#"{"verdict":{"operations":{"ok":17,"fail":3,"info":2}}}"#;
        std::fs::write(file.path(), results).expect("writable");
        assert_eq!(operation_count(file.path()), 22);
        assert_eq!(operation_count(Path::new("/nowhere")), 0);
    }

    #[test]
    fn runs_hold_only_with_enough_of_their_exit_code() {
        let mut runs = all().swap_remove(0);
        runs.name = "test-of-xtask".to_owned();
        let holds = |runs: &Runs, program| {
            let three = NonZeroUsize::new(3).expect("not zero");
            runs.holds(Path::new(program), three).expect("it starts")
        };
        assert!(holds(&runs, "/bin/true"));
        runs.code = 1;
        assert!(!holds(&runs, "/bin/true"));
        assert!(holds(&runs, "/bin/false"));
        runs.says = "convergence";
        assert!(!holds(&runs, "/bin/false"));
    }
}
