//! Gates of real processes: a command that does 5 % more must fail, the same command must pass.
//!
//! A decision is wrong in the dangerous direction when the slow one passes or the same one fails; "cannot tell" is not right, but does no harm.

use std::process::Stdio;
use std::time::Instant;

use super::desk::Desk;
use crate::step::command_line;

/// Of how many trials of a slower command, and of the first so many of the same one, nineteen twentieths must be right.
const TRIALS: usize = 20;

/// Of so many trials of the same command one may fail.
const SAME_TRIALS: usize = 100;
const FALSE_ALARMS_MAX: usize = 1;

/// How often the commands count: an eighth to a quarter of a second of CPU time, and 5 % more.
const BASE: u32 = 130_000;
const SLOWED: u32 = 136_500;

/// Under valgrind a command takes fifty times as long, and repeats to one in a million.
const COUNTED_BASE: u32 = 6_000;
const COUNTED_SLOWED: u32 = 6_300;

/// What became of the trials of one kind.
#[derive(Default)]
struct Tally {
    right: usize,
    wrong: usize,
    cannot_tell: usize,
    took_s: Vec<f64>,
}

impl Tally {
    fn count(&self) -> usize {
        self.took_s.len()
    }

    fn tell(&self, what: &str) {
        let mut took_s = self.took_s.clone();
        took_s.sort_by(f64::total_cmp);
        println!(
            "nightly:   {what}: {} of {} right, {} wrong, {} cannot tell; a decision took {:.0} s (median), {:.0} s at most",
            self.right,
            self.count(),
            self.wrong,
            self.cannot_tell,
            took_s[took_s.len() / 2],
            took_s[took_s.len() - 1],
        );
    }

    /// Nineteen of twenty, and none in the dangerous direction.
    fn holds(&self) -> bool {
        self.right * TRIALS >= self.count() * (TRIALS - 1) && self.wrong == 0
    }
}

/// Gates of one kind.
struct Trials {
    what: &'static str,
    flags: &'static str,
    counts: [u32; 2],
    right: i32,
    first: usize,
    last: usize,
}

pub(super) fn measure(desk: &Desk) -> anyhow::Result<bool> {
    let slower = Trials {
        what: "cpu_us, 5 % slower",
        flags: "gate --metric cpu_us",
        counts: [BASE, SLOWED],
        right: 1,
        first: 1,
        last: TRIALS,
    };
    let same = Trials {
        what: "cpu_us, identical",
        counts: [BASE, BASE],
        right: 0,
        ..slower
    };
    let more = Trials {
        what: "cpu_us, identical, the others",
        first: TRIALS + 1,
        last: SAME_TRIALS,
        ..same
    };
    let counted_slower = Trials {
        what: "instructions, 5 % slower",
        flags: "gate --metric instructions",
        counts: [COUNTED_BASE, COUNTED_SLOWED],
        last: 3,
        ..slower
    };
    let counted_same = Trials {
        what: "instructions, identical",
        counts: [COUNTED_BASE, COUNTED_BASE],
        right: 0,
        ..counted_slower
    };
    let mut holds = true;
    for trials in [counted_slower, counted_same, slower] {
        holds &= trials.make(desk)?.holds();
    }
    let (first, others) = (same.make(desk)?, more.make(desk)?);
    Ok(holds && first.holds() && first.wrong + others.wrong <= FALSE_ALARMS_MAX)
}

impl Trials {
    fn make(&self, desk: &Desk) -> anyhow::Result<Tally> {
        let [base, candidate] = self
            .counts
            .map(|count| format!("sh -c 'i=0; while [ $i -lt {count} ]; do i=$((i+1)); done'"));
        let mut tally = Tally::default();
        for trial in self.first..=self.last {
            let begun = Instant::now();
            let mut gate = desk.dateline(self.flags);
            gate.args(["--seed", &trial.to_string()])
                .args([&base, &candidate]);
            if trial == self.first {
                println!("nightly:   $ {}", command_line(&gate));
            }
            let output = gate.stdin(Stdio::null()).output()?;
            tally.took_s.push(begun.elapsed().as_secs_f64());
            match output.status.code() {
                Some(code) if code == self.right => tally.right += 1,
                Some(0 | 1) => tally.wrong += 1,
                Some(2) => tally.cannot_tell += 1,
                _ => anyhow::bail!(
                    "a gate ended with {}: {}",
                    output.status,
                    String::from_utf8_lossy(&output.stderr)
                ),
            }
        }
        tally.tell(self.what);
        Ok(tally)
    }
}
