//! Gates of real processes: a command that does 5 % more must fail, the same command must pass, twenty times each.
//!
//! A decision is wrong in the dangerous direction when the slow one passes or the same one fails; "cannot tell" is not right, but does no harm.

use std::time::Instant;

use super::desk::Desk;
use crate::step::command_line;

const TRIALS: usize = 20;
const RIGHT_MIN: usize = 19;

/// How often the commands count: a quarter of a second, and 5 % more.
const BASE: u32 = 400_000;
const SLOWED: u32 = 420_000;

/// What became of the trials of one kind.
#[derive(Default)]
struct Tally {
    right: usize,
    wrong: usize,
    cannot_tell: usize,
    longest_s: f64,
}

pub(super) fn measure(desk: &Desk) -> anyhow::Result<bool> {
    let slowed = trials(desk, SLOWED, 1)?;
    let same = trials(desk, BASE, 0)?;
    let mut holds = true;
    for (what, tally) in [("5 % slower", slowed), ("identical", same)] {
        let Tally {
            right,
            wrong,
            cannot_tell,
            longest_s,
        } = tally;
        println!(
            "nightly:   {what}: {right} of {TRIALS} right, {wrong} wrong, {cannot_tell} cannot tell; at most {longest_s:.0} s a decision"
        );
        holds &= right >= RIGHT_MIN && wrong == 0;
    }
    Ok(holds)
}

/// Gates against a candidate that counts so far; the right answer has this exit code.
fn trials(desk: &Desk, count: u32, right: i32) -> anyhow::Result<Tally> {
    let command =
        |count: u32| format!("sh -c 'i=0; while [ $i -lt {count} ]; do i=$((i+1)); done'");
    let mut tally = Tally::default();
    for trial in 1..=TRIALS {
        let begun = Instant::now();
        let mut gate = desk.dateline("gate --metric cpu_us --rounds 10..20");
        gate.args(["--seed", &trial.to_string()])
            .args([command(BASE), command(count)]);
        if trial == 1 {
            println!("nightly:   $ {}", command_line(&gate));
        }
        let output = gate.stdin(std::process::Stdio::null()).output()?;
        tally.longest_s = tally.longest_s.max(begun.elapsed().as_secs_f64());
        match output.status.code() {
            Some(code) if code == right => tally.right += 1,
            Some(0 | 1) => tally.wrong += 1,
            Some(2) => tally.cannot_tell += 1,
            _ => anyhow::bail!(
                "a gate ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
    Ok(tally)
}
