//! Damaged files of every form: well-formed histories with random bytes and lines changed are read as far as the form can tell, or refused
//! with the place. Nothing makes a reader panic or run for ever.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use checker::history::{Format, History, ndjson, read_format, read_history};
use checker::history::{binary, ndjson::ReadError};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::fuzz::scaled;

/// How a history is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstandard,
}

/// A well-formed file.
struct Sample {
    name: String,
    bytes: Vec<u8>,
    format: Format,
    packing: Packing,
    operation_count: usize,
}

/// All that the form `operations` knows.
const OPERATIONS: &str = r#"{"process":1,"key":17,"f":"write","value":4,"call":10,"return":20,"out":"ok","region":"eu","prev":3}
{"process":2,"key":17,"f":"read","value":null,"call":12,"return":30,"out":4,"stamp":[1519085870846001,"us"],"region":"us"}
{"process":1,"key":"seventeen","f":"cas","value":[4,5],"call":40,"return":50,"out":false}
{"process":3,"key":17,"f":"cas","value":[4,5],"call":40,"return":null,"out":null}
{"process":4,"key":17,"f":"delete","value":null,"call":41,"return":60,"out":"fail","phase":"final"}
"#;

/// Registers with independent keys, and everything that EDN can say.
const EDN: &str = r#"[{:type :invoke, :f :write, :value [1 4], :time 3, :process 0, :index 0}
 {:type :ok, :f :write, :value [1 4], :time 10, :process 0} ; a comment
 {:type :info, :f :start, :process :nemesis, :time 11, :value {"n1" #{1 2} "a\"b" (nil true 1.5 -7N)}}
 {:type :invoke, :f :cas, :value [1 [4 5]], :time 12, :process 1}
 {:type :fail, :f :cas, :value [1 [4 5]], :time 13, :process 1}
 #jepsen.history.Op{:type :invoke, :f :read, :value [1 nil], :time 14, :process 0}
 {:type :info, :f :read, :value [1 nil], :time 15, :process 0, :error [:timeout "late"]}]
"#;

/// Transactions, one map after another.
const TRANSACTIONS: &str =
    "{:type :invoke, :f :txn, :value [[:append 1 2] [:r 1 nil] [:w 3 4]], :process 0}
{:type :ok, :f :txn, :value [[:append 1 2] [:r 1 [2]] [:w 3 4]], :process 0}
{:type :invoke, :f :txn, :value [[:r 1 nil]], :process 1}
";

/// What `jepsen.util` logs.
const LOG: &str = "INFO  jepsen.util - 0\t:invoke\t:write\t4\nINFO  jepsen.core - starting\n\
    INFO  jepsen.util - 1\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:write\t4\n\
    INFO  jepsen.util - 1\t:ok\t:read\t4\nINFO  jepsen.util - 0\t:invoke\t:cas\t[4 2]\n\
    INFO  jepsen.util - 0\t:info\t:cas\t:timed-out\nINFO  jepsen.util - :nemesis\t:info\t:start\tnil\n";

/// Texts that readers have stumbled over, or may.
const TOKENS: [&str; 20] = [
    "99999999999999999999",
    "-1",
    "0",
    "1e9",
    "null",
    "\"",
    "\\",
    "{",
    "}",
    "[[[[[[[[",
    "]",
    ":",
    ",",
    ";",
    "#",
    "\u{b}",
    "\u{a0}",
    "é",
    "\\ud800",
    "\r\n",
];

/// All stored histories in all forms, each by itself and packed.
fn samples() -> Vec<Sample> {
    let mut plain = vec![
        (
            "operations".to_owned(),
            OPERATIONS.as_bytes().to_vec(),
            Format::Operations,
        ),
        ("edn".to_owned(), EDN.as_bytes().to_vec(), Format::JepsenEdn),
        (
            "transactions".to_owned(),
            TRANSACTIONS.as_bytes().to_vec(),
            Format::JepsenEdn,
        ),
        ("log".to_owned(), LOG.as_bytes().to_vec(), Format::JepsenLog),
    ];
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories");
    let entries = std::fs::read_dir(stored).expect("there are stored histories");
    let mut paths: Vec<_> = entries.map(|e| e.expect("readable").path()).collect();
    paths.sort();
    for path in paths
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
    {
        let name = path.file_stem().expect("it has a name").to_string_lossy();
        let history = read_history(path).expect("well formed");
        let mut compact = binary::Writer::new(Vec::new(), &history.header).expect("to memory");
        for event in history.events() {
            compact.write(&event).expect("to memory");
        }
        let compact = compact.finish().expect("to memory");
        plain.push((format!("{name}.dlh"), compact, Format::Compact));
        plain.push((
            format!("{name}.jsonl"),
            std::fs::read(path).expect("readable"),
            Format::Dateline,
        ));
    }
    let mut samples = Vec::new();
    for (name, bytes, format) in plain {
        let operation_count = read_format(&bytes[..], format)
            .expect("well formed")
            .operations
            .len();
        for packing in [Packing::Plain, Packing::Gzip, Packing::Zstandard] {
            samples.push(Sample {
                name: format!("{name}, {packing:?}"),
                bytes: packed(&bytes, packing),
                format,
                packing,
                operation_count,
            });
        }
    }
    samples
}

/// In two parts, as parallel compressors write it.
fn packed(bytes: &[u8], packing: Packing) -> Vec<u8> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let parts = [first, second].map(|part| match packing {
        Packing::Plain => part.to_vec(),
        Packing::Gzip => {
            let level = flate2::Compression::fast();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(part).expect("to memory");
            encoder.finish().expect("to memory")
        }
        Packing::Zstandard => compress_to_vec(part, CompressionLevel::Fastest),
    });
    parts.concat()
}

/// Changes some bytes or lines.
fn damage(random: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let mut below =
        |limit: usize| usize::try_from(random.next_u64() % limit.max(1) as u64).expect("small");
    for _ in 0..=below(3) {
        let at = below(bytes.len());
        let end = (at + 1 + below(12)).min(bytes.len());
        match below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << below(8),
            1 if at < bytes.len() => bytes[at] = b"0129-\"{}[]:,\n\t\xff\x00"[below(16)],
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                let to = below(bytes.len());
                bytes.splice(to..to, again);
            }
            4 => drop(bytes.splice(at..end, TOKENS[below(TOKENS.len())].bytes())),
            5 => drop(bytes.splice(at..at, TOKENS[below(TOKENS.len())].bytes())),
            6 => bytes.truncate(at),
            _ => {
                let mut lines: Vec<Vec<u8>> = bytes
                    .split_inclusive(|b| *b == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect();
                let (one, other) = (below(lines.len()), below(lines.len()));
                match below(3) {
                    _ if lines.is_empty() => {}
                    0 => lines.swap(one, other),
                    1 => drop(lines.remove(one)),
                    _ => lines.insert(one, lines[other].clone()),
                }
                *bytes = lines.concat();
            }
        }
    }
}

/// Where an error lies must lie in the file.
fn assert_placed(error: &ReadError, bytes: &[u8], packing: Packing) {
    let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    let is_line = |line: u64| {
        let is_known = packing != Packing::Plain;
        assert!(
            line >= 1 && (is_known || line <= lines.len() as u64 + 1),
            "{error}"
        );
    };
    match error {
        ReadError::Syntax { line, syntax } => {
            is_line(*line);
            let text = usize::try_from(*line - 1).ok().and_then(|at| lines.get(at));
            let length = text.map_or(0, |text| text.len());
            let is_inside = packing != Packing::Plain || syntax.column <= length + 1;
            assert!(syntax.column >= 1 && is_inside, "{error}");
            assert!(!syntax.expected.is_empty(), "{error}");
        }
        ReadError::HalfWritten { line, column } => {
            is_line(*line);
            assert!(*column >= 1, "{error}");
        }
        ReadError::Stopped { line, .. } => is_line(*line),
        ReadError::CutOff { byte }
        | ReadError::Binary { byte, .. }
        | ReadError::StoppedAt { byte, .. } => {
            assert!(
                packing != Packing::Plain || *byte <= bytes.len() as u64,
                "{error}"
            );
        }
        ReadError::Header { reason } => assert!(!reason.is_empty()),
        ReadError::Structure(_) => assert!(error.to_string().starts_with("line "), "{error}"),
        ReadError::Io { .. } => assert_ne!(packing, Packing::Plain, "{error}"),
    }
}

/// What was read must be a history that we can write and read again.
fn assert_whole(history: &History) {
    let mut writer = ndjson::Writer::new(Vec::new(), &history.header).expect("to memory");
    for event in history.events() {
        writer.write(&event).expect("to memory");
    }
    let again = read_format(&writer.into_inner()[..], Format::Dateline);
    let again = again.expect("what was understood can be written");
    assert_eq!(again.operations.len(), history.operations.len());
}

/// What must hold of a damaged file. Returns whether it was refused.
fn judge(sample: &Sample, bytes: &[u8], folder: &Path) -> bool {
    let read = if sample.packing == Packing::Plain {
        read_format(bytes, sample.format)
    } else {
        let path = folder.join("history");
        std::fs::write(&path, bytes).expect("to a temporary file");
        read_history(&path)
    };
    match read {
        Err(error) => {
            assert_placed(&error, bytes, sample.packing);
            true
        }
        Ok(history) => {
            assert_whole(&history);
            let line_count = bytes
                .split(|b| *b == b'\n')
                .filter(|l| !l.is_empty())
                .count();
            match (sample.packing, sample.format) {
                // A line is one operation.
                (Packing::Plain, Format::Operations) => {
                    assert_eq!(history.operations.len(), line_count)
                }
                // A line is one event, but for the header.
                (Packing::Plain, Format::Dateline) => {
                    assert_eq!(history.events().len() + 1, line_count)
                }
                (Packing::Plain, Format::JepsenEdn | Format::JepsenLog) => {}
                // This one knows its own end.
                (_, Format::Compact) => {
                    assert_eq!(history.operations.len(), sample.operation_count)
                }
                // Checksums keep what is there; only whole members at the end can be missing.
                (Packing::Gzip | Packing::Zstandard, _) => {
                    assert!(history.operations.len() <= sample.operation_count);
                }
            }
            false
        }
    }
}

#[test]
fn damaged_files_are_read_to_their_end_or_refused_with_the_place() {
    let samples = samples();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut refused_count, count) = (0, scaled(10_000));
    for seed in 0..count {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let pick = usize::try_from(random.next_u64() % samples.len() as u64).expect("small");
        // The few foreign ones as often as all of ours.
        let pick = if seed % 2 == 0 { pick % 12 } else { pick };
        let sample = &samples[pick];
        let mut bytes = sample.bytes.clone();
        damage(&mut random, &mut bytes);
        let judged = catch_unwind(AssertUnwindSafe(|| judge(sample, &bytes, folder.path())));
        let Ok(is_refused) = judged else {
            panic!(
                "seed {seed}, {}: {}",
                sample.name,
                String::from_utf8_lossy(&bytes)
            );
        };
        refused_count += u64::from(is_refused);
    }
    println!("{refused_count} of {count} damaged files refused");
    assert!(refused_count * 2 > count && refused_count < count);
}

#[test]
fn zstandard_is_read_to_its_last_frame_and_its_checksums_count() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("history");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("to a temporary file");
        read_history(&path)
    };
    let text = OPERATIONS.as_bytes();
    let (one, two) = text.split_at(text.len() / 2);
    let frame = |part: &[u8]| compress_to_vec(part, CompressionLevel::Fastest);
    let skipped = [
        &0x184d_2a53_u32.to_le_bytes()[..],
        &3_u32.to_le_bytes(),
        b"any",
    ]
    .concat();
    let whole = [
        &skipped[..],
        &frame(one),
        &skipped,
        &frame(two),
        &frame(b""),
        &skipped,
    ]
    .concat();
    assert_eq!(read(&whole).expect("three frames").operations.len(), 5);
    for length in [frame(one).len() + 3, whole.len() - 20, whole.len() - 2] {
        let error = read(&whole[skipped.len()..length]).expect_err("cut off");
        assert!(matches!(error, ReadError::HalfWritten { .. }), "{error}");
    }
    let error = read(&[&frame(text)[..], b"and more"].concat()).expect_err("no frame");
    assert!(
        error.to_string().contains("Zstandard data are damaged"),
        "{error}"
    );
    let mut changed = frame(text);
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let error = read(&changed).expect_err("another checksum");
    assert!(
        error.to_string().contains("their checksum is another"),
        "{error}"
    );
}
