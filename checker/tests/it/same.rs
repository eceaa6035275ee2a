//! One history, one verdict: however many threads judge it, in memory, from a file of either form, or spilled to disk.

use std::num::NonZeroUsize;
use std::path::Path;

use checker::history::{History, Pairing, binary, ndjson, read_history};
use checker::verdict::Verdict;
use checker::{Memory, Options, Resources, judge, judge_file, judge_on};

use crate::big::{FAULTS, Fault, header, simulate};

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("not zero")
}

fn json(verdict: &Verdict) -> String {
    serde_json::to_string(verdict).expect("a verdict is plain data")
}

/// Writes a history in both forms.
fn write(history: &History, folder: &Path) -> [std::path::PathBuf; 2] {
    let paths = [folder.join("history.jsonl"), folder.join("history.dlh")];
    let file = |path| std::fs::File::create(path).expect("a temporary file");
    let mut lines = ndjson::Writer::new(file(&paths[0]), &history.header).expect("a header");
    let compact = binary::Writer::new(file(&paths[1]), &history.header);
    let mut compact = compact.expect("a header");
    for event in history.events() {
        lines.write(&event).expect("to a file");
        compact.write(&event).expect("to a file");
    }
    std::io::Write::flush(&mut lines.into_inner()).expect("to a file");
    compact.finish().expect("to a file");
    paths
}

fn judged(path: &Path, threads_count: usize, limit_bytes: Option<u64>, all: &[&str]) -> String {
    let memory = limit_bytes.map(|limit_bytes| Memory {
        limit_bytes,
        spill: tempfile::tempfile().expect("a temporary file"),
    });
    let resources = Resources {
        threads: threads(threads_count),
        memory,
    };
    let options = Options {
        expectations: all.to_vec(),
        ..Options::default()
    };
    let (_, judgement) = judge_file(path, None, &options, resources).expect("well formed");
    json(&judgement.verdict)
}

/// Judges a history in every way.
fn assert_same(history: &History, limit_bytes: u64, what: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = write(history, folder.path());
    // As it is in the file, line numbers included.
    let history = read_history(&paths[0]).expect("well formed");
    let all: Vec<&str> = checker::registry().iter().map(|i| i.id).collect();
    for expectations in [&[][..], &all[..]] {
        let options = Options {
            expectations: expectations.to_vec(),
            ..Options::default()
        };
        let one = json(&judge(&history, &options).expect("known").verdict);
        let several = judge_on(&history, &options, threads(4)).expect("known");
        assert_eq!(json(&several.verdict), one, "{what}: 4 threads");
        for path in &paths {
            let limit = Some(limit_bytes);
            for (count, limit_bytes) in [(1, None), (4, None), (1, limit), (4, limit)] {
                assert_eq!(
                    judged(path, count, limit_bytes, expectations),
                    one,
                    "{what}: {count} threads, at most {limit_bytes:?}, {}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn big_histories_get_one_verdict_however_they_are_judged() {
    // The first and the last do not fit and are spilled.
    for (count, keys, limit) in [
        (6_000, 50, 250_000),
        (3_000, 1, 9_000_000),
        (3_000, 2_000, 60_000),
    ] {
        for fault in FAULTS.into_iter().chain([Fault::None]) {
            let mut pairing = Pairing::default();
            for (line, event) in (2..).zip(simulate(count, keys, fault)) {
                pairing
                    .push(line, event)
                    .expect("a simulated store makes sense");
            }
            let history = pairing.finish(header());
            // What must be whole must fit.
            let must_fit = fault == Fault::TornTransaction;
            assert_same(
                &history,
                if must_fit { 30_000_000 } else { limit },
                &format!("{count} on {keys} with {fault:?}"),
            );
        }
    }
}

#[test]
fn stored_histories_get_one_verdict_however_they_are_judged() {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories");
    let entries = std::fs::read_dir(stored).expect("there are stored histories");
    let mut paths: Vec<_> = entries.map(|e| e.expect("readable").path()).collect();
    paths.sort();
    let mut judged_count = 0;
    for path in paths {
        if path.extension().is_some_and(|e| e == "jsonl") {
            let history = read_history(&path).expect("well formed");
            assert_same(&history, 9_000_000, &path.display().to_string());
            judged_count += 1;
        }
    }
    assert!(judged_count > 40, "only {judged_count}");
}
