//! Many runs of `dateline test register` in a row, each fault by itself, every planted defect with many seeds.
//!
//! Each is data: the runs, what each must answer, and how many of them may miss it. Nothing here knows how a run works.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;

use crate::step::{self, command_line};

/// Runs of `dateline test register`, and what is expected of them.
pub(super) struct Runs {
    pub(super) name: String,
    pub(super) what: String,
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

/// All of them.
pub(super) fn all() -> Vec<Runs> {
    let runs = |name: String, what: String, arguments: &[&str]| Runs {
        name,
        what,
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
    all.extend(FAULTS.map(|fault| {
        let what = format!("{fault} alone leaves a run valid");
        runs(format!("fault-{fault}"), what, &["--faults", fault])
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
    /// Runs every seed and prints what came of it.
    pub(super) fn holds(&self, dateline: &Path) -> anyhow::Result<bool> {
        let begun = Instant::now();
        let out = step::root().join("target/nightly").join(&self.name);
        std::fs::create_dir_all(&out)
            .with_context(|| format!("could not make {}", out.display()))?;
        let mut endings: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut count = 0;
        for seed in self.seeds.clone() {
            let mut command = Command::new(dateline);
            command
                .args(["test", "register", "--seed", &seed.to_string(), "--out"])
                .arg(&out)
                .args(&self.arguments)
                .stdin(Stdio::null());
            let line = command_line(&command);
            let output = command
                .output()
                .with_context(|| format!("could not start `{line}`"))?;
            let said = String::from_utf8_lossy(&output.stdout);
            if output.status.code() == Some(self.code) && said.contains(self.says) {
                count += 1;
            } else {
                let wanted = format!("exit code {} and `{}`", self.code, self.says);
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
            self.name,
            self.what,
            self.seeds.clone().count(),
            self.needed,
            begun.elapsed().as_secs_f64()
        );
        Ok(count >= self.needed)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::all;

    #[test]
    fn runs_hold_only_with_enough_of_their_exit_code() {
        let mut runs = all().swap_remove(0);
        runs.name = "test-of-xtask".to_owned();
        assert!(runs.holds(Path::new("/bin/true")).is_ok_and(|holds| holds));
        runs.code = 1;
        assert!(runs.holds(Path::new("/bin/true")).is_ok_and(|holds| !holds));
        assert!(runs.holds(Path::new("/bin/false")).is_ok_and(|holds| holds));
        runs.says = "convergence";
        assert!(
            runs.holds(Path::new("/bin/false"))
                .is_ok_and(|holds| !holds)
        );
    }
}
