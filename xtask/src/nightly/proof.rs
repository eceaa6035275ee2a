//! Proofs that are one command of cargo: a test with more seeds, an example that measures.

use crate::step;

/// A proof that is one command of cargo, which ends with 0 when it holds.
pub(super) struct Proof {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// What is set in its environment.
    variable: Option<(&'static str, &'static str)>,
    arguments: &'static [&'static str],
}

/// All of them.
pub(super) const PROOFS: [Proof; 5] = [
    Proof {
        name: "simulation",
        what: "10,000 seeds of the simulated regions: crashes that lose unsynced writes, roll-backs, loss, skew, members that change",
        variable: Some(("DATELINE_SIM_SEED", "0..10000")),
        arguments: &[
            "test",
            "--release",
            "--package",
            "replica",
            "--test",
            "it",
            "simulation::regions",
            "--",
            "--nocapture",
        ],
    },
    Proof {
        name: "crash-loops",
        what: "200 times `kill -9` under load in three regions: no acknowledged write is lost",
        variable: None,
        arguments: &[
            "run",
            "--release",
            "--package",
            "replica",
            "--example",
            "proof",
            "--",
            "crash-loops",
            "200",
        ],
    },
    Proof {
        name: "isolation",
        what: "one region cut off through 1,000,000 writes: memory, time to drain, equality",
        variable: None,
        arguments: &[
            "run",
            "--release",
            "--package",
            "replica",
            "--example",
            "proof",
            "--",
            "isolation",
            "1000000",
        ],
    },
    Proof {
        name: "speed",
        what: "the speed table: requests per CPU-second beside a bare HTTP server, replication, memory",
        variable: None,
        arguments: &[
            "run",
            "--release",
            "--package",
            "replica",
            "--example",
            "proof",
            "--",
            "speed",
        ],
    },
    Proof {
        name: "soak",
        what: "puts and deletes for 30 minutes: memory stays flat, no tombstone is left",
        variable: None,
        arguments: &[
            "run",
            "--release",
            "--package",
            "replica",
            "--example",
            "proof",
            "--",
            "soak",
            "30",
        ],
    },
];

impl Proof {
    /// Runs it, its output on our terminal.
    ///
    /// # Errors
    /// When it does not hold.
    pub(super) fn hold(&self) -> anyhow::Result<()> {
        let mut command = step::cargo();
        command.args(self.arguments).envs(self.variable);
        step::run(&mut command)
    }
}
