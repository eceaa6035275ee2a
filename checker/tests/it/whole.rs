//! Big histories with transactions: in files they get the verdict that they get in memory, in one reading, and a limit on memory is kept.

use std::num::NonZeroUsize;
use std::path::Path;

use checker::history::{
    Event, EventKind, Header, History, Key, MicroOp, MicroReply, Observed, Op, Pairing, Phase,
    ProcessId, RegionId, Reply, Strength, Value, binary, ndjson,
};
use checker::verdict::{Outcome, Verdict};
use checker::{Memory, Options, Resources, judge, judge_file};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

const CLIENTS: u64 = 8;
const STEP_NS: u64 = 1_000;

/// What the store does in the middle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// One transaction shows an item as it was before another one of its items was written.
    Torn,
}

/// What one store does at one instant after another: reads, writes and transactions of two items, which overlap.
fn history(count: u64, key_count: u64, fault: Fault) -> History {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut below = |limit: u64| random.next_u64() % limit;
    let mut state: Vec<(i64, i64)> = vec![(0, 0); usize::try_from(key_count).expect("few")];
    let mut events = Vec::new();
    let mut is_torn = fault == Fault::None;
    for number in 1..=count {
        let now = (number + CLIENTS) * STEP_NS;
        let process = ProcessId(u32::try_from(number % CLIENTS).expect("few"));
        let (one, step) = (below(key_count), 1 + below(key_count - 1));
        let keys = [one, (one + step) % key_count];
        let value = i64::try_from(number).expect("small");
        let mut see = |key: u64, state: &[(i64, i64)]| {
            let (now, before) = state[usize::try_from(key).expect("few")];
            // Long ago, so that nothing overlaps what replaced it.
            let is_stale = !is_torn && number > count / 2 && before > 0 && now + 100 < value;
            is_torn |= is_stale;
            observed(if is_stale { before } else { now })
        };
        let (op, reply) = match below(10) {
            0..3 => (
                Op::Read {
                    key: Key(one),
                    strength: Strength::Strong,
                },
                Reply::Read(observed(state[usize::try_from(one).expect("few")].0)),
            ),
            3..5 => (
                Op::Transact {
                    ops: keys.map(|key| MicroOp::Read(Key(key))).to_vec(),
                },
                Reply::Transact(keys.map(|key| MicroReply::Read(see(key, &state))).to_vec()),
            ),
            5 => {
                let old = set(&mut state, one, value);
                let op = Op::Write {
                    key: Key(one),
                    value: Value::Int(value),
                };
                (
                    op,
                    Reply::Done {
                        old: Some(observed(old)),
                    },
                )
            }
            _ => {
                let steps = keys.map(|key| {
                    let old = set(&mut state, key, value);
                    let read = (MicroOp::Read(Key(key)), MicroReply::Read(observed(old)));
                    [
                        read,
                        (
                            MicroOp::Write(Key(key), Value::Int(value)),
                            MicroReply::Done,
                        ),
                    ]
                });
                let (ops, replies) = steps.into_iter().flatten().unzip();
                (Op::Transact { ops }, Reply::Transact(replies))
            }
        };
        // Each client begins when its last operation has ended.
        let around = |ns| (ns, process);
        events.push((
            around(now - below(CLIENTS / 2 * STEP_NS)),
            EventKind::Invoke(op),
        ));
        events.push((
            around(now + below(CLIENTS / 2 * STEP_NS - 1) + 1),
            EventKind::Ok(reply),
        ));
    }
    events.sort_by_key(|((ns, _), _)| *ns);
    let mut pairing = Pairing::default();
    for (line, ((time_ns, process), kind)) in (2..).zip(events) {
        let event = Event {
            time_ns,
            process,
            region: RegionId(0),
            phase: Phase::Main,
            kind,
        };
        pairing
            .push(line, event)
            .expect("each client does one thing at a time");
    }
    pairing.finish(Header {
        regions: vec!["us".to_owned(), "eu".to_owned()],
        ..Header::default()
    })
}

fn set(state: &mut [(i64, i64)], key: u64, value: i64) -> i64 {
    let (now, before) = &mut state[usize::try_from(key).expect("few")];
    *before = std::mem::replace(now, value);
    *before
}

fn observed(number: i64) -> Observed {
    Observed {
        value: if number == 0 {
            Value::Absent
        } else {
            Value::Int(number)
        },
        stamp: None,
        previous: None,
    }
}

/// Writes a history in both forms.
fn write(history: &History, folder: &Path) -> [std::path::PathBuf; 2] {
    let paths = [folder.join("history.jsonl"), folder.join("history.dlh")];
    let mut lines = ndjson::Writer::new(Vec::new(), &history.header).expect("to memory");
    let mut compact = binary::Writer::new(Vec::new(), &history.header).expect("to memory");
    for event in history.events() {
        lines.write(&event).expect("to memory");
        compact.write(&event).expect("to memory");
    }
    std::fs::write(&paths[0], lines.into_inner()).expect("a temporary file");
    std::fs::write(&paths[1], compact.finish().expect("to memory")).expect("a temporary file");
    paths
}

fn judged(path: &Path, threads: usize, limit_bytes: Option<u64>) -> Verdict {
    let memory = limit_bytes.map(|limit_bytes| Memory {
        limit_bytes,
        spill: tempfile::tempfile().expect("a temporary file"),
    });
    let threads = NonZeroUsize::new(threads).expect("not zero");
    let resources = Resources { threads, memory };
    let (_, judgement) = judge_file(path, None, &Options::default(), resources).expect("whole");
    judgement.verdict
}

#[test]
fn transactions_get_one_verdict_however_they_are_judged_and_keep_to_the_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (fault, outcome) in [
        (Fault::None, Outcome::Valid),
        (Fault::Torn, Outcome::Invalid),
    ] {
        let history = history(3_000, 40, fault);
        let paths = write(&history, folder.path());
        // As it is in the file, line numbers included.
        let history = checker::history::read_history(&paths[0]).expect("well formed");
        let one = judge(&history, &Options::default()).expect("known").verdict;
        let of = |verdict: &Verdict| {
            let mut checks = verdict.checks.iter();
            checks
                .find(|c| c.check == "transactions")
                .expect("it was asked")
                .clone()
        };
        assert_eq!(of(&one).outcome, outcome, "{:?}", of(&one));
        let json = |verdict: &Verdict| serde_json::to_string(verdict).expect("plain data");
        for path in &paths {
            for (threads, limit) in [(1, None), (4, None), (2, Some(20_000_000))] {
                let again = judged(path, threads, limit);
                assert_eq!(
                    json(&again),
                    json(&one),
                    "{threads}, {limit:?}, {}",
                    path.display()
                );
            }
            // Single items fit, all together do not.
            let small = judged(path, 2, Some(1_000_000));
            let reason = of(&small).reason.expect("it cannot tell");
            assert!(
                reason.contains("all operations in memory at once"),
                "{reason}"
            );
            let said = reason
                .split("--memory ")
                .nth(1)
                .and_then(|rest| rest.split("MB").next());
            let said: u64 = said
                .and_then(|text| text.parse().ok())
                .expect("it says how much");
            let enough = judged(path, 2, Some(said * 1_000_000));
            assert_eq!(json(&enough), json(&one), "with what it asks for");
            let others = |v: &Verdict| -> Vec<_> {
                let checks = v.checks.iter().filter(|c| c.check != "transactions");
                checks.cloned().collect()
            };
            assert_eq!(
                others(&small),
                others(&one),
                "the others are judged all the same"
            );
        }
    }
}

#[test]
fn many_transactions_on_many_keys_are_judged_in_a_moment() {
    let of = |count, key_count| {
        let history = history(count, key_count, Fault::None);
        let begun = std::time::Instant::now();
        let verdict = checker::check(&history, &["transactions"]);
        assert_eq!(
            verdict.outcome,
            Outcome::Valid,
            "{:?}",
            verdict.checks[0].reason
        );
        begun.elapsed()
    };
    let (few, many) = (of(1_000, 500), of(60_000, 30_000));
    println!("{few:?}, {many:?}");
    // Squared it would be 3,600 times as long.
    assert!(many < few * 1_000, "{few:?}, {many:?}");
}
