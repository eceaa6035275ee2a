//! Which runs a selftest makes: each defect under the faults that it needs, and beside each a clean run of the same seed and faults.

use std::collections::BTreeSet;

use replica::defects::Description;
use serde::{Deserialize, Serialize};

use super::occasion::Occasion;

/// How long and how far each run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Short runs over short distances: minutes, for every change.
    Quick,
    /// Runs as people make them: for the night.
    Full,
}

impl Effort {
    /// The flags that it comes to.
    fn flags(self) -> &'static [&'static str] {
        match self {
            Effort::Quick => &["--time-limit", "12", "--rtt-scale", "0.2"],
            Effort::Full => &["--time-limit", "30"],
        }
    }

    /// Seeds for each defect unless another number is asked for.
    pub(crate) fn seeds(self) -> u64 {
        match self {
            Effort::Quick => 2,
            Effort::Full => 5,
        }
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Trial {
    /// What is planted; nothing in a clean run.
    pub(crate) defect: Option<String>,
    /// The seed.
    pub(crate) seed: u64,
    /// The workload that it runs.
    pub(crate) workload: String,
    /// The faults that it runs under.
    pub(crate) faults: Vec<String>,
    /// The arguments of `dateline`.
    pub(crate) arguments: Vec<String>,
}

impl Trial {
    fn new(defect: Option<&str>, seed: u64, occasion: &Occasion, effort: Effort) -> Self {
        let seed_text = seed.to_string();
        let fault_text = occasion.faults.join(",");
        let mut arguments = vec!["test", occasion.workload, "--seed", &seed_text];
        arguments.extend(effort.flags());
        arguments.extend(["--faults", &fault_text]);
        if let Some(defect) = defect {
            arguments.extend(["--defect", defect]);
        }
        Self {
            defect: defect.map(str::to_owned),
            seed,
            workload: occasion.workload.to_owned(),
            faults: occasion.faults.iter().map(ToString::to_string).collect(),
            arguments: arguments.into_iter().map(str::to_owned).collect(),
        }
    }

    /// The folder of its run, below the selftest's.
    pub(crate) fn folder_name(&self) -> String {
        let what = match &self.defect {
            Some(defect) => defect.clone(),
            None => format!("clean-{}-{}", self.workload, self.faults.join("-")),
        };
        format!("{what}-seed{}", self.seed)
    }

    /// One line that repeats it.
    pub(crate) fn reproduce(&self) -> String {
        format!("dateline {}", self.arguments.join(" "))
    }
}

/// Every run, those of the first seed first.
pub(crate) fn plan(defects: &[&Description], seeds: u64, effort: Effort) -> Vec<Trial> {
    let mut trials = Vec::new();
    for seed in 1..=seeds {
        let mut clean = BTreeSet::new();
        for row in defects {
            let occasion = Occasion::of(row.name);
            trials.push(Trial::new(Some(row.name), seed, occasion, effort));
            if clean.insert((occasion.workload, occasion.faults)) {
                trials.push(Trial::new(None, seed, occasion, effort));
            }
        }
    }
    trials
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_defect_runs_under_what_it_needs_with_a_clean_run_beside_it() {
        let defects: Vec<&Description> = replica::defects::DEFECTS
            .iter()
            .filter(|row| ["ack-before-write", "forget-pending"].contains(&row.name))
            .collect();
        let lines: Vec<String> = plan(&defects, 2, Effort::Quick)
            .iter()
            .map(Trial::reproduce)
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        dateline test register --seed 1 --time-limit 12 --rtt-scale 0.2 --faults kill --defect ack-before-write
        dateline test register --seed 1 --time-limit 12 --rtt-scale 0.2 --faults kill
        dateline test register --seed 1 --time-limit 12 --rtt-scale 0.2 --faults partition,flapping --defect forget-pending
        dateline test register --seed 1 --time-limit 12 --rtt-scale 0.2 --faults partition,flapping
        dateline test register --seed 2 --time-limit 12 --rtt-scale 0.2 --faults kill --defect ack-before-write
        dateline test register --seed 2 --time-limit 12 --rtt-scale 0.2 --faults kill
        dateline test register --seed 2 --time-limit 12 --rtt-scale 0.2 --faults partition,flapping --defect forget-pending
        dateline test register --seed 2 --time-limit 12 --rtt-scale 0.2 --faults partition,flapping
        ");
    }

    #[test]
    fn every_defect_and_every_folder_is_there_once() {
        let defects: Vec<&Description> = replica::defects::DEFECTS.iter().collect();
        let trials = plan(&defects, 3, Effort::Full);
        let folders: BTreeSet<String> = trials.iter().map(Trial::folder_name).collect();
        assert_eq!(folders.len(), trials.len());
        let planted = trials.iter().filter(|trial| trial.defect.is_some()).count();
        assert_eq!(planted, defects.len() * 3);
    }
}
