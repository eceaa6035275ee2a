//! How fast the checker is: writes, reads and judges a simulated three-region history, and prints nanoseconds per operation.
//!
//! `cargo run --release -p checker --example speed -- 1000000`. The store that is simulated is correct, so the verdict must be `valid`.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::io::Write as _;
use std::time::Instant;

use checker::history::ndjson::{Reader, Writer};
use checker::history::{History, Pairing, binary, read_events};

use big::{FAULTS, Fault, simulate};

#[path = "../tests/it/big.rs"]
mod big;

/// Processor time of this thread so far, where the system tells it; else wall time since the start.
struct Clock(Instant);

impl Clock {
    fn now_ns(&self) -> u128 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let cpu = text.split(' ').next().and_then(|ns| ns.parse().ok());
        cpu.unwrap_or_else(|| self.0.elapsed().as_nanos())
    }

    fn report(&self, what: &str, since_ns: u128, count: usize) {
        let ns = self.now_ns() - since_ns;
        println!(
            "{what:<44}{:>8} ms {:>8} ns each   peak {:>6} MB",
            ns / 1_000_000,
            ns / count.max(1) as u128,
            peak_mb()
        );
    }
}

/// The most memory that this process ever had, where the system tells it.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kb.unwrap_or(0) / 1024
}

/// A history with one fault in it.
fn planted(count: usize, fault: Fault) -> Result<History, Box<dyn std::error::Error>> {
    let mut pairing = Pairing::default();
    for (line, event) in (2..).zip(simulate(count, 1_000, fault)) {
        pairing.push(line, event)?;
    }
    Ok(pairing.finish(big::header()))
}

/// Finds one fault of every kind.
fn find_planted(clock: &Clock, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    for fault in FAULTS {
        let history = planted(count, fault)?;
        let since = clock.now_ns();
        let verdict = checker::check(&history, &checker::applicable_checks(&history));
        let violations = verdict.checks.iter().flat_map(|c| &c.violations);
        let sizes = violations.map(|v| v.operations.len());
        let what = format!(
            "{fault:?} found, evidence {} at most",
            sizes.max().unwrap_or(0)
        );
        clock.report(&what, since, history.operations.len());
        assert!(
            verdict.outcome == checker::verdict::Outcome::Invalid,
            "{fault:?}"
        );
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |text| text.parse())?;
    let clock = Clock(Instant::now());
    let events = simulate(count, 1_000, Fault::None);
    let header = big::header();
    println!("{} operations, {} events", events.len() / 2, events.len());
    let since = clock.now_ns();
    let mut writer = Writer::new(Vec::with_capacity(events.len() * 160), &header)?;
    for event in &events {
        writer.write(event)?;
    }
    clock.report("write, per event", since, events.len());
    let event_count = events.len();
    drop(events);
    let bytes = writer.into_inner();
    let since = clock.now_ns();
    let lines = bytes.split(|b| *b == b'\n').map(<[u8]>::len).max();
    clock.report("reference: find the lines, per event", since, event_count);
    let since = clock.now_ns();
    let parsed = Reader::new(&bytes[..])?.filter(Result::is_ok).count();
    clock.report("read, per event", since, parsed);
    let since = clock.now_ns();
    let mut compact = binary::Writer::new(Vec::new(), &header)?;
    for next in Reader::new(&bytes[..])? {
        compact.write(&next?.1)?;
    }
    clock.report("read and write compactly, per event", since, event_count);
    let compact = compact.finish()?;
    let sizes = (bytes.len() / event_count, compact.len() / event_count);
    println!("bytes an event: {} as lines, {} compact", sizes.0, sizes.1);
    let since = clock.now_ns();
    let parsed = binary::Reader::new(&compact[..])?
        .filter(Result::is_ok)
        .count();
    clock.report("read compact, per event", since, parsed);
    drop(compact);
    let since = clock.now_ns();
    let history = read_events(Reader::new(&bytes[..])?)?;
    clock.report("read and pair, per event", since, event_count);
    drop(bytes);
    let count = history.operations.len();
    let since = clock.now_ns();
    let _ = checker::check(&history, &[]);
    clock.report("sort by key and measure, per operation", since, count);
    for info in checker::registry() {
        let since = clock.now_ns();
        let verdict = checker::check(&history, &[info.id]);
        let outcome = verdict.checks[0].outcome;
        clock.report(&format!("{} {outcome:?}", info.id), since, count);
    }
    let all = checker::applicable_checks(&history);
    let since = clock.now_ns();
    let verdict = checker::check(&history, &all);
    clock.report("all of last writer wins", since, count);
    let wrong = verdict.checks.iter().find(|c| c.violation_count > 0);
    assert!(wrong.is_none(), "the store is correct: {wrong:?}");
    assert!(lines.is_some());
    drop(history);
    find_planted(&clock, count)?;
    std::io::stdout().flush()?;
    Ok(())
}
