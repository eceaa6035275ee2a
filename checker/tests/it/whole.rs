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

/// A store that does one thing after another.
struct Store {
    random: ChaCha8Rng,
    /// What each item is, and what it was before.
    items: Vec<(i64, i64)>,
    /// From which operation on one transaction is to be torn; `None`: it has been, or none is.
    torn_from: Option<i64>,
}

impl Store {
    fn below(&mut self, limit: u64) -> u64 {
        self.random.next_u64() % limit
    }

    fn item(&mut self, key: u64) -> &mut (i64, i64) {
        &mut self.items[usize::try_from(key).expect("few")]
    }

    /// What a transaction is shown of an item.
    fn show(&mut self, key: u64, number: i64) -> Observed {
        let (now, before) = *self.item(key);
        // Written long ago, so that nothing overlaps what replaced the one before.
        let is_old = before > 0 && now + 100 < number;
        let is_stale = is_old && self.torn_from.is_some_and(|from| number > from);
        if is_stale {
            self.torn_from = None;
        }
        observed(if is_stale { before } else { now })
    }

    /// Writes an item and returns what it was.
    fn set(&mut self, key: u64, value: i64) -> Observed {
        let (now, before) = self.item(key);
        *before = std::mem::replace(now, value);
        observed(*before)
    }

    /// A read, a write, or a transaction of two items.
    fn step(&mut self, number: i64) -> (Op, Reply) {
        let key_count = self.items.len() as u64;
        let (one, apart) = (self.below(key_count), 1 + self.below(key_count - 1));
        let keys = [one, (one + apart) % key_count];
        let (key, value) = (Key(one), Value::Int(number));
        match self.below(10) {
            0..3 => {
                let strength = Strength::Strong;
                let seen = observed(self.item(one).0);
                (Op::Read { key, strength }, Reply::Read(seen))
            }
            3..5 => {
                let ops = keys.map(|key| MicroOp::Read(Key(key))).to_vec();
                let seen = keys.map(|key| MicroReply::Read(self.show(key, number)));
                (Op::Transact { ops }, Reply::Transact(seen.to_vec()))
            }
            5 => {
                let old = Some(self.set(one, number));
                (Op::Write { key, value }, Reply::Done { old })
            }
            _ => {
                let steps = keys.map(|key| {
                    let old = MicroReply::Read(self.set(key, number));
                    let write = MicroOp::Write(Key(key), value.clone());
                    [(MicroOp::Read(Key(key)), old), (write, MicroReply::Done)]
                });
                let (ops, replies) = steps.into_iter().flatten().unzip();
                (Op::Transact { ops }, Reply::Transact(replies))
            }
        }
    }
}

/// So many operations of a store, which overlap.
fn history(count: u64, key_count: usize, fault: Fault) -> History {
    let half = i64::try_from(count / 2).expect("small");
    let mut store = Store {
        random: ChaCha8Rng::seed_from_u64(5),
        items: vec![(0, 0); key_count],
        torn_from: (fault == Fault::Torn).then_some(half),
    };
    let mut events = Vec::new();
    for number in 1..=count {
        let now = (number + CLIENTS) * STEP_NS;
        let process = ProcessId(u32::try_from(number % CLIENTS).expect("few"));
        let (op, reply) = store.step(i64::try_from(number).expect("small"));
        // Each client begins when its last operation has ended.
        let reach = CLIENTS / 2 * STEP_NS;
        let (before, after) = (store.below(reach), 1 + store.below(reach - 1));
        let mut event = |time_ns, kind| {
            let (region, phase) = (RegionId(0), Phase::Main);
            events.push(Event {
                time_ns,
                process,
                region,
                phase,
                kind,
            });
        };
        event(now - before, EventKind::Invoke(op));
        event(now + after, EventKind::Ok(reply));
    }
    events.sort_by_key(|event| event.time_ns);
    let mut pairing = Pairing::default();
    for (line, event) in (2..).zip(events) {
        let pushed = pairing.push(line, event);
        pushed.expect("each client does one thing at a time");
    }
    pairing.finish(Header {
        regions: vec!["us".to_owned(), "eu".to_owned()],
        ..Header::default()
    })
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
    let of = |times, count, key_count| {
        let history = history(count, key_count, Fault::None);
        let before_ns = busy_ns();
        for _ in 0..times {
            let verdict = checker::check(&history, &["transactions"]);
            let reason = &verdict.checks[0].reason;
            assert_eq!(verdict.outcome, Outcome::Valid, "{reason:?}");
        }
        busy_ns() - before_ns
    };
    // As many operations, and long enough for a clock that moves by milliseconds.
    let (few, many) = (of(60, 1_000, 500), of(1, 60_000, 30_000));
    // Squared it would be 60 times as long.
    assert!(many <= few * 20, "{few} ns, {many} ns");
}

/// How long this thread has worked, where the system tells it: on a busy machine the clock goes on while nothing is done.
fn busy_ns() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let busy = told.split_whitespace().next();
    busy.and_then(|ns| ns.parse().ok()).unwrap_or(0)
}
