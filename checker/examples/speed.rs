//! How fast the checker is: writes, reads and judges a simulated three-region history, and prints nanoseconds per operation.
//!
//! `cargo run --release -p checker --example speed -- 1000000`. The store that is simulated is correct, so the verdict must be `valid`.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::io::Write as _;
use std::time::Instant;

use checker::history::ndjson::{Reader, Writer};
use checker::history::{
    Event, EventKind, Header, Key, Observed, Op, Phase, ProcessId, RegionId, Reply, Stamp,
    Strength, Value, binary, read_events,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Clients per region, keys, and how long a version travels.
const CLIENTS: usize = 10;
const KEYS: usize = 1_000;
const LAG_NS: u64 = 50_000_000;

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    time_us: i64,
    region: u8,
    value: i64,
}

fn observed(version: Version) -> Observed {
    let (value, stamp) = match version.value {
        0 => (Value::Absent, None),
        value => (
            Value::Int(value),
            Some((version.time_us, RegionId(version.region))),
        ),
    };
    let stamp = stamp.map(|(time_us, region)| Stamp { time_us, region });
    Observed {
        value,
        stamp,
        previous: None,
    }
}

/// A run of a correct store: operations happen at the middle of their intervals.
fn simulate(count: usize) -> Vec<Event> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut below = |limit: usize| usize::try_from(rng.next_u64() % limit as u64).expect("small");
    let mut current = vec![[Version::default(); 3]; KEYS];
    let mut travelling: Vec<(u64, usize, Version)> = Vec::new();
    let mut arrived = 0;
    let mut events = Vec::with_capacity(count * 2);
    let mut free_ns = [[0_u64; CLIENTS]; 3];
    for value in 1..=count {
        let client = below(3 * CLIENTS);
        let (region, client) = (client % 3, client / 3);
        let now = value as u64 * 50_000 + 10_000_000;
        while let Some((_, key, version)) = travelling.get(arrived).filter(|(at, ..)| *at <= now) {
            current[*key]
                .iter_mut()
                .for_each(|c| *c = (*c).max(*version));
            arrived += 1;
        }
        if free_ns[region][client] >= now {
            continue;
        }
        let key = below(KEYS);
        let call = free_ns[region][client].max(now - below(400_000) as u64) + 1;
        let end = now + 1 + below(400_000) as u64;
        free_ns[region][client] = end;
        let region_id = RegionId(u8::try_from(region).expect("three"));
        let before = current[key][region];
        let target = Key(key as u64);
        let (op, reply) = if below(2) == 0 {
            (
                Op::Read {
                    key: target,
                    strength: Strength::Strong,
                },
                Reply::Read(observed(before)),
            )
        } else {
            let clock_us = i64::try_from(now / 1000).expect("short");
            let time_us = clock_us.max(before.time_us + 1);
            let value = i64::try_from(value).expect("short");
            let version = Version {
                time_us,
                region: region_id.0,
                value,
            };
            current[key][region] = version;
            travelling.push((now + LAG_NS, key, version));
            let op = Op::Write {
                key: target,
                value: Value::Int(value),
            };
            (
                op,
                Reply::Done {
                    old: Some(observed(before)),
                },
            )
        };
        let process = ProcessId(u32::try_from(region * CLIENTS + client).expect("small"));
        let event = |time_ns, kind| Event {
            time_ns,
            process,
            region: region_id,
            phase: Phase::Main,
            kind,
        };
        events.push(event(call, EventKind::Invoke(op)));
        events.push(event(end, EventKind::Ok(reply)));
    }
    events.sort_by_key(|e| (e.time_ns, matches!(e.kind, EventKind::Invoke(_))));
    events
}

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |text| text.parse())?;
    let clock = Clock(Instant::now());
    let events = simulate(count);
    let names = ["ap-southeast-1", "eu-west-1", "us-east-1"];
    let header = Header {
        regions: names.map(str::to_owned).to_vec(),
        stamps_visible: true,
        ..Header::default()
    };
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
    std::io::stdout().flush()?;
    assert!(lines.is_some());
    Ok(())
}
