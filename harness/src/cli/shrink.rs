//! `dateline shrink`: repeats a failed run with fewer and fewer faults.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::Args;
use reports::run_folder::{Run, RunFolder, write_atomically};

use crate::{
    exit::{Ending, Failure},
    nemesis::Plan,
    shrink,
};

/// `dateline shrink RUN`.
#[derive(Debug, Args)]
#[command(after_help = "\
The run is repeated with its own flags and seed; run it from the folder in which the run was made, so that files that the flags name are found.
A candidate fails when it finds a violation of a check that the run violated.

Exit codes: 1 a smaller or equal plan that fails was found, 2 it did not fail again, 3 harness failure.")]
pub(super) struct ShrinkCommand {
    /// The folder of a run that is invalid
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// Runs at the most
    #[arg(long, value_name = "COUNT", default_value_t = 40)]
    runs: usize,
}

impl ShrinkCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let results = RunFolder::at(&self.run)
            .results()
            .map_err(Failure::harness)?
            .ok_or_else(|| Failure::Usage(format!("{}: it was not judged", self.run.display())))?;
        let wanted = violated(&results);
        if wanted.is_empty() {
            return Err(Failure::Usage(format!(
                "{}: it is not invalid, so there is nothing to shrink",
                self.run.display()
            )));
        }
        let plan = read_plan(&self.run, &results.run)?;
        let out = self.run.join("shrink");
        std::fs::create_dir_all(&out).map_err(Failure::harness)?;
        let arguments = arguments(&results.run.reproduce);
        let mut left = self.runs;
        let mut has_failed = false;
        let mut fails = |ids: &[u64]| {
            left = left.checked_sub(1)?;
            // A folder of its own, so that no result of another candidate is taken for its own.
            let folder = out.join(format!("{:03}", self.runs - left));
            let candidate = shrink::only(&plan, ids);
            let found = attempt(&arguments, &candidate, &folder);
            let found = found
                .inspect_err(|why| eprintln!("{} faults: {why}", ids.len()))
                .ok()?;
            let again = found.iter().any(|check| wanted.contains(check));
            eprintln!(
                "{} faults: {}",
                ids.len(),
                if again { "fails" } else { "does not fail" }
            );
            has_failed |= again;
            Some(again)
        };
        let all = shrink::occurrences(&plan);
        if fails(&all) != Some(true) {
            println!(
                "it did not fail again with all its faults; try again, or look at {}",
                out.display()
            );
            return Ok(Ending::Unknown);
        }
        let smallest = shrink::smallest(all.clone(), fails);
        let path = out.join("plan.json");
        let text = shrink::only(&plan, &smallest).to_json();
        write_atomically(&path, text.as_bytes()).map_err(Failure::harness)?;
        println!("{} of {} faults are enough:", smallest.len(), all.len());
        let kept = shrink::only(&plan, &smallest);
        for action in &kept.actions {
            println!(
                "  {:>7} ms {:?} {}",
                action.at_ms, action.action, action.what
            );
        }
        println!(
            "again: dateline {} --plan {}",
            arguments.join(" "),
            path.display()
        );
        Ok(Ending::Invalid)
    }
}

fn violated(results: &reports::results::Results) -> Vec<String> {
    let checks = results.verdict.checks.iter();
    let invalid = checks.filter(|check| check.violation_count > 0);
    invalid.map(|check| check.check.clone()).collect()
}

fn read_plan(folder: &Path, run: &Run) -> Result<Plan, Failure> {
    let path = folder.join("plan.json");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::Harness(format!("{}: {error}", path.display())))?;
    Plan::from_json(&text, &run.regions)
        .map_err(|error| Failure::Harness(format!("{}: {error}", path.display())))
}

/// The words of the line that repeats a run, without what says which faults there are.
fn arguments(reproduce: &str) -> Vec<String> {
    let line = reproduce.split("  #").next().unwrap_or(reproduce);
    let mut words = line.split_whitespace().skip(1).map(str::to_owned);
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if ["--faults", "--plan"].contains(&word.as_str()) {
            words.next();
        } else {
            kept.push(word);
        }
    }
    kept
}

/// Runs a candidate; the checks that it violated.
fn attempt(arguments: &[String], plan: &Plan, out: &Path) -> Result<Vec<String>, String> {
    let words = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(out).map_err(words)?;
    let path = out.join("plan.json");
    write_atomically(&path, plan.to_json().as_bytes()).map_err(|error| error.to_string())?;
    let program = std::env::current_exe().map_err(words)?;
    let status = Command::new(&program)
        .arg("exec")
        .arg(format!("--die-with-parent={}", std::process::id()))
        .arg("--")
        .arg(&program)
        .args(arguments)
        .arg("--plan")
        .arg(path)
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(words)?;
    let results = RunFolder::at(out.join("latest"))
        .results()
        .map_err(|error| error.to_string())?;
    match results {
        Some(results) if results.harness_failure.is_none() => Ok(violated(&results)),
        Some(_) | None => Err(format!(
            "the run ended with {status}; see {}",
            out.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_repeats_a_run_loses_its_faults() {
        let line = "dateline test register --seed 7 --faults kill,clock --rtt-scale 0.1  # dateline 0.1.0 (commit 12)";
        assert_eq!(
            arguments(line),
            ["test", "register", "--seed", "7", "--rtt-scale", "0.1"]
        );
    }
}
