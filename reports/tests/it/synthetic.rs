//! A made-up run of realistic size: three regions, a minute, four faults, one violation. The same bytes each time.

use std::{collections::BTreeMap, fs, path::Path, sync::OnceLock};

use checker::{
    history::{
        Event, EventKind, Header, Key, Observed, Op, Phase, ProcessId, RegionId, Reply, Strength,
        Value, ndjson::Writer,
    },
    verdict::{CheckResult, EvidenceOperation, Outcome, Verdict, Violation},
};
use reports::{
    results::{Overhead, Results},
    run_folder::{Examination, FaultAction, FaultResult, Link, Moment, Run, RunFolder},
};

const SECOND: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;
pub(crate) const REGIONS: [&str; 3] = ["ap-southeast-1", "us-east-1", "eu-west-1"];

/// A fault of the plan: id, package, words, regions, begin and end in milliseconds.
type Planned = (u64, &'static str, &'static str, &'static [usize], u64, u64);
const FAULTS: [Planned; 5] = [
    (1, "partition", "isolate us-east-1", &[1], 9_000, 19_500),
    (
        2,
        "clock",
        "step ap-southeast-1 by +1800 ms",
        &[0],
        22_000,
        30_000,
    ),
    (3, "kill", "kill eu-west-1", &[2], 27_000, 30_200),
    (4, "pause", "pause us-east-1", &[1], 36_000, 38_000),
    (
        5,
        "partition",
        "one-way ap-southeast-1 -> eu-west-1",
        &[0, 2],
        40_000,
        47_000,
    ),
];

/// Splitmix64.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn active(fault: &str, region: usize, at_ns: u64) -> Option<u64> {
    let begun = |f: &&Planned| {
        f.1 == fault && f.3.contains(&region) && f.4 * MILLI <= at_ns && at_ns < f.5 * MILLI
    };
    FAULTS.iter().find(begun).map(|f| f.5 * MILLI)
}

pub(crate) fn run() -> Run {
    let options = [
        ("rate", serde_json::json!(120)),
        ("concurrency", serde_json::json!(10)),
        ("keys", serde_json::json!(24)),
        ("time_limit_s", serde_json::json!(50)),
        (
            "faults",
            serde_json::json!(["partition", "kill", "pause", "clock"]),
        ),
        ("rtt_scale", serde_json::json!(0.25)),
    ];
    let pairs = [(0, 1, 108.0), (0, 2, 87.0), (1, 2, 38.0)];
    let links = pairs
        .iter()
        .flat_map(|(a, b, delay_ms)| [(*a, *b, *delay_ms), (*b, *a, *delay_ms)]);
    Run {
        schema: Run::SCHEMA.to_owned(),
        reproduce: "dateline test register --seed 7 --rate 120 --faults partition,kill,pause,clock"
            .to_owned(),
        version: "0.1.0 (1aa67e0)".to_owned(),
        started: "2026-11-21T10:00:00Z".to_owned(),
        workload: "register".to_owned(),
        seed: 7,
        target: "local".to_owned(),
        regions: REGIONS.map(str::to_owned).into(),
        options: options.map(|(name, value)| (name.to_owned(), value)).into(),
        links: links
            .map(|(from, to, delay_ms)| Link {
                from: REGIONS[from].to_owned(),
                to: REGIONS[to].to_owned(),
                delay_ms: delay_ms / 4.0,
                jitter_ms: 1.5,
            })
            .collect(),
    }
}

fn timeline() -> Vec<Moment> {
    let phase = |t_ms: u64, name: &str| Moment::Phase {
        t: t_ms * MILLI,
        name: name.to_owned(),
    };
    let mut moments = vec![
        phase(0, "set-up"),
        phase(1_500, "warm-up"),
        phase(5_000, "safety"),
        phase(50_000, "heal"),
        phase(50_600, "settle"),
        phase(54_000, "final-reads"),
        phase(56_000, "judge"),
        phase(57_000, "end"),
    ];
    for (id, fault, what, regions, from, to) in FAULTS {
        for (action, at) in [(FaultAction::Start, from), (FaultAction::Stop, to)] {
            moments.push(Moment::Fault {
                t: (at + 12) * MILLI,
                begun: at * MILLI,
                id,
                fault: fault.to_owned(),
                action,
                what: what.to_owned(),
                regions: regions.iter().map(|r| REGIONS[*r].to_owned()).collect(),
                result: FaultResult::Installed,
                why: None,
            });
        }
    }
    moments.push(Moment::Fault {
        t: 48_000 * MILLI,
        begun: 48_000 * MILLI,
        id: 6,
        fault: "kill".to_owned(),
        action: FaultAction::Start,
        what: "kill us-east-1".to_owned(),
        regions: vec![REGIONS[1].to_owned()],
        result: FaultResult::Skipped,
        why: Some("the time limit was near".to_owned()),
    });
    moments.sort_by_key(Moment::t);
    moments
}

fn event(time_ns: u64, process: u32, region: usize, phase: Phase, kind: EventKind) -> Event {
    let region = RegionId(u8::try_from(region).unwrap());
    Event {
        time_ns,
        process: ProcessId(process),
        region,
        phase,
        kind,
    }
}

fn seen(value: Value) -> Observed {
    Observed {
        value,
        stamp: None,
        previous: None,
    }
}

/// How an operation asked at this time ends: completion time and event.
fn ending(draw: &mut Draw, region: usize, call_ns: u64, reply: Reply) -> (u64, EventKind) {
    let mut latency = (1_100 + draw.below(900) + draw.below(60).pow(2)) * 1_000;
    if draw.below(300) == 0 {
        latency += 60 * MILLI;
    }
    if active("kill", region, call_ns).is_some() {
        return match draw.below(12) {
            0 => (
                call_ns + 2 * MILLI,
                EventKind::Info {
                    error: "connection-reset".to_owned(),
                },
            ),
            _ => (
                call_ns + MILLI / 2,
                EventKind::Fail {
                    error: "connection-refused".to_owned(),
                    seen: None,
                },
            ),
        };
    }
    if let Some(until) = active("pause", region, call_ns) {
        return if until - call_ns > SECOND {
            (
                call_ns + SECOND,
                EventKind::Info {
                    error: "timeout".to_owned(),
                },
            )
        } else {
            (until + latency, EventKind::Ok(reply))
        };
    }
    (call_ns + latency, EventKind::Ok(reply))
}

/// The workload of one region: processes that ask, wait, and think.
fn workload(draw: &mut Draw, region: usize, events: &mut Vec<Event>) {
    let mut writes = 0_i64;
    for slot in 0..10_u32 {
        let mut process = u32::try_from(region).unwrap() * 10 + slot;
        let mut now = 1_500 * MILLI + draw.below(200) * MILLI;
        while now < 50 * SECOND {
            let key = Key(draw.below(24));
            let (op, reply) = if draw.below(2) == 0 {
                let op = Op::Read {
                    key,
                    strength: Strength::Strong,
                };
                (op, Reply::Read(seen(Value::Int(writes))))
            } else {
                writes += 1;
                let value = Value::Int(writes * 10 + i64::try_from(region).unwrap());
                (Op::Write { key, value }, Reply::Done { old: None })
            };
            events.push(event(
                now,
                process,
                region,
                Phase::Main,
                EventKind::Invoke(op),
            ));
            let (at, kind) = ending(draw, region, now, reply);
            let is_info = matches!(kind, EventKind::Info { .. });
            events.push(event(at, process, region, Phase::Main, kind));
            if is_info {
                process += 30;
            }
            now = at + (180 + draw.below(140)) * MILLI;
        }
    }
}

/// One region's heartbeats, and the other regions' reads of them through links that faults cut.
fn heartbeats(draw: &mut Draw, writer: usize, events: &mut Vec<Event>) {
    let key = Key(Key::FIRST_HEARTBEAT.0 + writer as u64);
    let process = |reader: usize| u32::try_from(1_000_000 + writer * 10 + reader).unwrap();
    let mut written: Vec<(u64, i64)> = Vec::new();
    for number in 0..540_u64 {
        let call = 2 * SECOND + number * 100 * MILLI;
        let value = i64::try_from(number).unwrap() + 1;
        let op = Op::Write {
            key,
            value: Value::Int(value),
        };
        events.push(event(
            call,
            process(writer),
            writer,
            Phase::Main,
            EventKind::Invoke(op),
        ));
        let reply = EventKind::Ok(Reply::Done { old: None });
        events.push(event(
            call + 2 * MILLI,
            process(writer),
            writer,
            Phase::Main,
            reply,
        ));
        written.push((call + MILLI, value));
    }
    for reader in (0..3).filter(|reader| *reader != writer) {
        let delay = [[0, 27, 22], [27, 0, 10], [22, 10, 0]][writer][reader] * MILLI;
        let arrival = |at: u64| {
            let isolated = active("partition", writer, at)
                .filter(|_| writer == 1 || (writer, reader) == (0, 2));
            let cut = isolated.or_else(|| active("partition", reader, at).filter(|_| reader == 1));
            cut.unwrap_or(at) + delay
        };
        let mut now = 2 * SECOND + 7 * MILLI;
        while now < 56 * SECOND {
            let op = Op::Read {
                key,
                strength: Strength::Strong,
            };
            events.push(event(
                now,
                process(reader),
                reader,
                Phase::Main,
                EventKind::Invoke(op),
            ));
            let newest = written
                .iter()
                .rev()
                .find(|(at, _)| arrival(*at) <= now + MILLI);
            let value = newest.map_or(Value::Absent, |(_, value)| Value::Int(*value));
            let answer = now + MILLI + draw.below(1_500) * 1_000;
            let reply = EventKind::Ok(Reply::Read(seen(value)));
            events.push(event(answer, process(reader), reader, Phase::Main, reply));
            now += 20 * MILLI;
        }
    }
}

/// The whole history in time order.
pub(crate) fn history() -> Vec<Event> {
    let mut draw = Draw(7);
    let mut events = Vec::new();
    for region in 0..3 {
        workload(&mut draw, region, &mut events);
        heartbeats(&mut draw, region, &mut events);
        for key in 0..24 {
            let at = 54 * SECOND + key * 40 * MILLI;
            let process = 2_000_000 + u32::try_from(region).unwrap();
            let op = Op::Read {
                key: Key(key),
                strength: Strength::Strong,
            };
            events.push(event(
                at,
                process,
                region,
                Phase::Final,
                EventKind::Invoke(op),
            ));
            let reply = EventKind::Ok(Reply::Read(seen(Value::Int(1))));
            events.push(event(at + 2 * MILLI, process, region, Phase::Final, reply));
        }
    }
    events.sort_by_key(|event| event.time_ns);
    events
}

fn valid(check: &str, property: &str) -> CheckResult {
    CheckResult {
        check: check.to_owned(),
        outcome: Outcome::Valid,
        reason: None,
        reason_key: None,
        nothing_to_judge: None,
        property: property.to_owned(),
        violation_count: 0,
        violations: Vec::new(),
    }
}

fn evidence(process: u32, call_us: u64, took_us: u64, text: &str, role: &str) -> EvidenceOperation {
    EvidenceOperation {
        line_invoke: 6_021 + call_us % 977,
        line_complete: Some(6_040 + call_us % 977),
        process,
        region: RegionId(1),
        call_ns: call_us * 1_000,
        return_ns: Some((call_us + took_us) * 1_000),
        text: text.to_owned(),
        role: role.to_owned(),
    }
}

/// A strong read from an old snapshot.
fn missed_write() -> Violation {
    Violation {
        key: Some(Key(17)),
        visible_ns: 19_640_207_000,
        summary: "us-east-1 acknowledged the write of 30001 before the strong read began, yet the read saw 29741, which that write had replaced".to_owned(),
        operations: vec![
            evidence(11, 18_904_120, 2_410, "wrote 29741", "the older write"),
            evidence(14, 19_612_933, 1_984, "wrote 30001", "the acknowledged write"),
            evidence(12, 19_640_207, 1_511, "strong read saw 29741 (stamp 1519085870.846001 us-east-1)", "the read that missed it"),
        ],
    }
}

/// What a checker says of a run whose us-east-1 answered one strong read from an old snapshot.
pub(crate) fn verdict() -> Verdict {
    let mut checks = vec![
        valid(
            "convergence",
            "After healing and settling, every region holds the same version of every item",
        ),
        valid(
            "winner",
            "The version that survives is the one with the greatest stamp",
        ),
        valid(
            "lost-write",
            "An acknowledged write is only ever replaced by a greater version",
        ),
        valid("phantom", "Every value read was written by somebody"),
        valid(
            "resurrection",
            "A deleted item does not come back by itself",
        ),
        CheckResult {
            outcome: Outcome::Invalid,
            violation_count: 1,
            violations: vec![missed_write()],
            ..valid(
                "read-your-writes",
                "Within a region, a strong read sees every write that the region acknowledged before it began, or a greater one",
            )
        },
        valid(
            "monotonic-reads",
            "Within a region, strong reads never go back to an older version",
        ),
        CheckResult {
            outcome: Outcome::Unknown,
            reason: Some(
                "the workload made no conditional writes; add `--mix cas` to exercise it"
                    .to_owned(),
            ),
            ..valid(
                "conditional-writes",
                "Within a region, two conditional writes never both replace the same version",
            )
        },
    ];
    checks.sort_by_key(|check| std::cmp::Reverse(check.outcome));
    Verdict {
        outcome: Outcome::Invalid,
        reason: None,
        checks,
        measurements: BTreeMap::from([
            (
                "concurrent_acknowledged_writes_lost_count".to_owned(),
                341.0,
            ),
            ("stale_cross_region_reads_count".to_owned(), 1_204.0),
            ("staleness_ms_max".to_owned(), 10_540.0),
        ]),
        operations: BTreeMap::from([
            ("ok".to_owned(), 5_900),
            ("fail".to_owned(), 160),
            ("info".to_owned(), 30),
        ]),
    }
}

/// Writes the folder as the harness would, without results and report.
pub(crate) fn write_folder(path: &Path) -> RunFolder {
    fs::write(
        path.join("run.json"),
        serde_json::to_vec_pretty(&run()).unwrap(),
    )
    .unwrap();
    let lines: String = timeline()
        .iter()
        .map(|m| serde_json::to_string(m).unwrap() + "\n")
        .collect();
    fs::write(path.join("timeline.jsonl"), lines).unwrap();
    let header = Header {
        regions: REGIONS.map(str::to_owned).into(),
        workload: Some("register".to_owned()),
        seed: Some(7),
        stamps_visible: false,
        key_names: BTreeMap::new(),
        delivery: None,
    };
    let mut writer = Writer::new(Vec::new(), &header).unwrap();
    for event in history() {
        writer.write(&event).unwrap();
    }
    fs::write(path.join("history.jsonl"), writer.into_inner()).unwrap();
    RunFolder::at(path)
}

/// The results of the run in this folder.
pub(crate) fn results(examination: &Examination) -> Results {
    let environment = [("os", "Linux"), ("cpus", "2"), ("memory_mib", "7940")];
    Results {
        overhead: Overhead {
            harness_cpu_us_per_operation: Some(41.5),
            proxies_cpu_us_per_operation: Some(17.3),
            regions_cpu_us_per_operation: Some(96.2),
            harness_memory_mib_max: Some(38.0),
            check_ms: Some(64.0),
        },
        environment: environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Results::of(examination, verdict())
    }
}

/// Everything at once, made once.
pub(crate) fn finished() -> (Results, Examination) {
    static FINISHED: OnceLock<(Results, Examination)> = OnceLock::new();
    let make = || {
        let place = tempfile::tempdir().unwrap();
        let examination = write_folder(place.path()).examine().unwrap();
        (results(&examination), examination)
    };
    FINISHED.get_or_init(make).clone()
}
