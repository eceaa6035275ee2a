//! Proofs that are one command of cargo: a test with more seeds, an example that measures.

use crate::step;

/// A proof that is one command of cargo, which ends with 0 when it holds.
pub(super) struct Proof {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// What is set in its environment.
    variables: &'static [(&'static str, &'static str)],
    /// What cargo is to run.
    program: &'static [&'static str],
    arguments: &'static [&'static str],
}

const TEST: &[&str] = &["test", "--release", "--package", "replica", "--test", "it"];

const EXAMPLE: &[&str] = &[
    "run",
    "--release",
    "--package",
    "replica",
    "--example",
    "proof",
    "--",
];

/// All of them.
pub(super) const PROOFS: [Proof; 5] = [
    Proof {
        name: "simulation",
        what: "10,000 seeds of the simulated regions: crashes that lose unsynced writes, roll-backs, loss, skew, members that change",
        // Fast code that checks its invariants all the same: without them half of the proof is missing.
        variables: &[
            ("DATELINE_SIM_SEED", "0..10000"),
            ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true"),
        ],
        program: TEST,
        arguments: &["simulation::regions", "--", "--nocapture"],
    },
    Proof {
        name: "crash-loops",
        what: "200 times `kill -9` under load in three regions: no acknowledged write is lost",
        variables: &[],
        program: EXAMPLE,
        arguments: &["crash-loops", "200"],
    },
    Proof {
        name: "isolation",
        what: "one region cut off through 1,000,000 writes: memory, time to drain, equality",
        variables: &[],
        program: EXAMPLE,
        arguments: &["isolation", "1000000"],
    },
    Proof {
        name: "speed",
        what: "the speed table: requests per CPU-second beside a bare HTTP server, replication, memory",
        variables: &[],
        program: EXAMPLE,
        arguments: &["speed"],
    },
    Proof {
        name: "soak",
        what: "puts and deletes for 30 minutes: memory stays flat, no tombstone is left",
        variables: &[],
        program: EXAMPLE,
        arguments: &["soak", "30"],
    },
];

impl Proof {
    /// Runs it, its output on our terminal.
    ///
    /// # Errors
    /// When it does not hold.
    pub(super) fn hold(&self) -> anyhow::Result<()> {
        let mut command = step::cargo();
        command
            .args(self.program)
            .args(self.arguments)
            .envs(self.variables.iter().copied());
        step::run(&mut command)
    }
}
