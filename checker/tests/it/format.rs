//! The history file: round trips, and every kind of damage with its own message.

use std::io::Write as _;

use checker::history::ndjson::{ReadError, Reader, Writer};
use checker::history::{
    Condition, Event, EventKind, Header, Key, MicroOp, MicroReply, Observed, Op, Phase, ProcessId,
    RegionId, Reply, Stamp, Strength, StructureError, Value, binary, read_events, read_history,
};
use proptest::prelude::*;

const HEADER: &str =
    r#"{"schema":"dateline/history/1","regions":["eu","us"],"stamps_visible":true}"#;

/// Reads a history of these lines after the usual header, each ended by a line feed.
fn read(lines: &[&str]) -> Result<checker::history::History, ReadError> {
    let text = format!(
        "{HEADER}\n{}",
        lines.iter().map(|l| format!("{l}\n")).collect::<String>()
    );
    read_events(Reader::new(text.as_bytes())?)
}

fn message(lines: &[&str]) -> String {
    read(lines)
        .expect_err("this history is damaged")
        .to_string()
}

const INVOKE: &str = r#"{"t":10,"p":3,"r":"us","e":"invoke","f":"write","k":17,"v":30001}"#;
const OK: &str = r#"{"t":20,"p":3,"r":"us","e":"ok","f":"write","k":17,"v":30001}"#;
const INFO: &str = r#"{"t":20,"p":3,"r":"us","e":"info","f":"write","k":17,"error":"timeout"}"#;

#[test]
fn every_kind_of_disorder_has_its_own_message() {
    insta::assert_snapshot!(message(&[INVOKE, OK, OK]), @"line 4: a second completion of the operation that process 3 began on line 2; it was completed on line 3 already");
    insta::assert_snapshot!(message(&[INVOKE, INFO, OK]), @"line 4: a second completion of the operation that process 3 began on line 2; it was completed on line 3 already");
    insta::assert_snapshot!(message(&[OK]), @"line 2: process 3 completes an operation, but has never invoked one");
    insta::assert_snapshot!(message(&[INVOKE, INVOKE]), @"line 3: process 3 begins an operation while the one it began on line 2 is still open; a process has at most one in flight");
    insta::assert_snapshot!(message(&[INVOKE, INFO, &INVOKE.replace("10", "30")]), @"line 4: process 3 acts again after the unknown outcome on line 3; its successor needs a new id");
    insta::assert_snapshot!(message(&[&INVOKE.replace("10", "30"), OK]), @"line 3: time runs backwards, from 30 ns on the line before to 20 ns");
    insta::assert_snapshot!(message(&[INVOKE, &OK.replace("\"us\"", "\"eu\"")]), @"line 3: process 3 completes with region number 0, but on line 2 it asked for region number 1");
    insta::assert_snapshot!(message(&[INVOKE, &OK.replace("write", "read")]), @"line 3: process 3 completes with the answer to a read, but on line 2 it asked for a write");
}

#[test]
fn malformed_lines_are_named_by_line_and_column() {
    insta::assert_snapshot!(message(&[r#"{"t":10,"p":3,"r":"mars","e":"invoke"}"#]), @r#"line 2, column 19: expected one of the header's regions (eu, us), found `"mars","e":"invoke"}`"#);
    insta::assert_snapshot!(message(&[r#"{"t":1.5}"#]), @"line 2, column 6: expected a whole number, found `1.5}`");
    insta::assert_snapshot!(message(&[r#"{"t":10,"p":3,"r":"us","e":"invoke","f":"write","k":17}"#]), @r#"line 2, column 56: expected a "v" on a write line, found the end of the line"#);
    insta::assert_snapshot!(message(&[r#"{"t":10"#]), @"line 2, column 8: expected `,` or `}`, found the end of the line");
    insta::assert_snapshot!(message(&["hello"]), @"line 2, column 1: expected `{`, found `hello`");
    insta::assert_snapshot!(message(&[""]), @"line 2, column 1: expected `{`, found the end of the line");
    let unknown = message(&[r#"{"t":10,"x":3}"#]);
    assert!(
        unknown.starts_with("line 2, column 9: expected a field of an event"),
        "{unknown}"
    );
}

#[test]
fn a_file_that_ends_within_a_line_is_half_written() {
    let text = format!("{HEADER}\n{INVOKE}\n{}", &OK[..OK.len() - 10]);
    let read = Reader::new(text.as_bytes()).and_then(read_events);
    assert!(
        matches!(read, Err(ReadError::HalfWritten { line: 3, .. })),
        "{read:?}"
    );
    let whole = format!("{HEADER}\n{INVOKE}\n{OK}");
    assert!(
        Reader::new(whole.as_bytes()).and_then(read_events).is_ok(),
        "only the line feed is missing"
    );
    let header = Reader::new(&HEADER.as_bytes()[..30]).map(|_| ());
    assert!(
        matches!(header, Err(ReadError::HalfWritten { line: 1, .. })),
        "{header:?}"
    );
}

#[test]
fn headers_of_other_things_are_refused() {
    let refused = |text: &str| {
        Reader::new(text.as_bytes())
            .expect_err("refused")
            .to_string()
    };
    insta::assert_snapshot!(refused(""), @"line 1 is not the header of a history: the file is empty");
    insta::assert_snapshot!(refused("{\"schema\":\"dateline/history/9\",\"regions\":[\"a\"]}\n"), @r#"line 1 is not the header of a history: its schema is "dateline/history/9", this version reads "dateline/history/1""#);
    insta::assert_snapshot!(refused("{\"schema\":\"dateline/history/1\",\"regions\":[]}\n"), @"line 1 is not the header of a history: it lists 0 regions, expected 1 to 255");
}

#[test]
fn a_killed_run_ends_with_operations_of_unknown_outcome() {
    let history = read(&[INVOKE]).expect("an open operation is no damage");
    assert_eq!(history.operations[0].return_ns, None);
    assert_eq!(history.operations[0].line_complete, None);
}

#[test]
fn gzip_is_recognised_and_a_cut_gzip_is_half_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("history.bin");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder
        .write_all(format!("{HEADER}\n{INVOKE}\n{OK}\n").as_bytes())
        .expect("to memory");
    let bytes = encoder.finish().expect("to memory");
    std::fs::write(&path, &bytes).expect("to a temporary file");
    assert_eq!(read_history(&path).expect("whole").operations.len(), 1);
    std::fs::write(&path, &bytes[..bytes.len() - 12]).expect("to a temporary file");
    let cut = read_history(&path);
    assert!(matches!(cut, Err(ReadError::HalfWritten { .. })), "{cut:?}");
    let missing = read_history(&folder.path().join("absent")).expect_err("there is no such file");
    assert!(matches!(missing, ReadError::Io { .. }), "{missing}");
    assert!(matches!(
        read(&[OK]),
        Err(ReadError::Structure(
            StructureError::CompletionWithoutInvocation { .. }
        ))
    ));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Absent),
        any::<i64>().prop_map(Value::Int),
        prop::collection::vec(any::<i64>(), 0..4).prop_map(Value::List),
    ]
}

fn any_observed() -> impl Strategy<Value = Observed> {
    let micros = -3_000_000_000_000_i64..3_000_000_000_000_000;
    let stamp = prop::option::of((micros, 0_u8..2));
    (any_value(), stamp, prop::option::of(any_value())).prop_map(|(value, stamp, previous)| {
        let stamp = stamp.map(|(time_us, region)| Stamp {
            time_us,
            region: RegionId(region),
        });
        Observed {
            value,
            stamp,
            previous,
        }
    })
}

fn any_key() -> impl Strategy<Value = Key> {
    (0..u64::MAX >> 1).prop_map(Key)
}

/// A request and an answer that fits it.
fn any_operation() -> impl Strategy<Value = (Op, Reply)> {
    let strength = prop_oneof![Just(Strength::Strong), Just(Strength::Eventual)];
    let done = || prop::option::of(any_observed()).prop_map(|old| Reply::Done { old });
    let condition = prop_oneof![
        any_value().prop_map(Condition::Equals),
        Just(Condition::Exists)
    ];
    let written = any_value().prop_filter("writes write something", |v| *v != Value::Absent);
    let micro = (any_key(), any_value(), any_observed()).prop_map(|(key, value, seen)| {
        let ops = vec![
            MicroOp::Read(key),
            MicroOp::Write(key, value),
            MicroOp::Append(key, 4),
        ];
        let results = vec![MicroReply::Read(seen), MicroReply::Done, MicroReply::Done];
        (Op::Transact { ops }, Reply::Transact(results))
    });
    prop_oneof![
        (any_key(), strength, any_observed())
            .prop_map(|(key, strength, seen)| (Op::Read { key, strength }, Reply::Read(seen))),
        (any_key(), written, done()).prop_map(|(key, value, r)| (Op::Write { key, value }, r)),
        (any_key(), condition, any_value(), done()).prop_map(|(key, condition, value, r)| (
            Op::Cas {
                key,
                condition,
                value
            },
            r
        )),
        (any_key(), done()).prop_map(|(key, r)| (Op::Delete { key }, r)),
        (any_key(), any::<i64>(), done())
            .prop_map(|(key, n, r)| (Op::AddToSet { key, element: n }, r)),
        (any_key(), any::<i64>(), done())
            .prop_map(|(key, n, r)| (Op::Increment { key, delta: n }, r)),
        (any_key(), any::<i64>(), done())
            .prop_map(|(key, n, r)| (Op::Append { key, element: n }, r)),
        micro,
        prop::collection::vec((any_key(), any_observed()), 0..3)
            .prop_map(|items| (Op::Scan, Reply::Scan(items))),
        prop::collection::vec((any_key(), any_observed(), any_observed()), 0..3)
            .prop_map(|records| (Op::Stream, Reply::Stream(records))),
        prop::collection::vec((any_key(), any_observed(), any_observed()), 0..3)
            .prop_map(|records| (Op::Stream, Reply::StreamAnew(records))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_is_read_back(
        operations in prop::collection::vec((any_operation(), 0_u8..4, any::<bool>(), prop::option::of(any_observed())), 1..6),
        error in "[ -~\\n\u{e9}]{0,12}",
    ) {
        let mut events = Vec::new();
        for (index, ((op, reply), ending, is_final, seen)) in operations.into_iter().enumerate() {
            let phase = if is_final { Phase::Final } else { Phase::Main };
            let process = ProcessId(u32::try_from(index).expect("few"));
            let event = |kind| Event { time_ns: index as u64, process, region: RegionId(1), phase, kind };
            events.push(event(EventKind::Invoke(op)));
            match ending {
                0 => events.push(event(EventKind::Ok(reply))),
                1 => events.push(event(EventKind::Fail { error: error.clone(), seen })),
                2 => events.push(event(EventKind::Info { error: error.clone() })),
                _ => {}
            }
        }
        let header = Header { regions: vec!["eu-west-1".into(), "us".into()], seed: Some(7), ..Header::default() };
        let mut writer = Writer::new(Vec::new(), &header).expect("to memory");
        for event in &events {
            writer.write(event).expect("to memory");
        }
        let bytes = writer.into_inner();
        let reader = Reader::new(&bytes[..]).expect("a header");
        prop_assert_eq!(reader.header(), &header);
        let read: Vec<Event> = reader.map(|next| next.expect("a written line").1).collect();
        prop_assert_eq!(&read, &events);
        // A space after the brace is what the fast path does not take, so this goes through the general parser.
        let text = String::from_utf8(bytes).expect("JSON is text").replace("\n{\"t\"", "\n{ \"t\"");
        let slowly = Reader::new(text.as_bytes()).expect("a header");
        let slowly: Vec<Event> = slowly.map(|next| next.expect("a written line").1).collect();
        prop_assert_eq!(&slowly, &events);
        let mut writer = binary::Writer::new(Vec::new(), &header).expect("to memory");
        for event in &events {
            writer.write(event).expect("to memory");
        }
        let compact = writer.finish().expect("to memory");
        let reader = binary::Reader::new(&compact[..]).expect("a header");
        prop_assert_eq!(reader.header(), &header);
        let read: Vec<Event> = reader.map(|next| next.expect("a written event").1).collect();
        prop_assert_eq!(&read, &events);
        for length in [0, 5, compact.len() / 2, compact.len() - 1] {
            let cut = binary::Reader::new(&compact[..length]).map(|mut r| r.find_map(Result::err));
            let error = cut.unwrap_or_else(Some).expect("a cut file is refused");
            prop_assert!(matches!(error, ReadError::CutOff { .. }), "{}", error);
        }
    }

    #[test]
    fn no_bytes_make_the_compact_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        header in any::<bool>(),
    ) {
        let mut file = Vec::new();
        if header {
            let header = Header { regions: vec!["us".into()], ..Header::default() };
            let writer = binary::Writer::new(Vec::new(), &header).expect("to memory");
            file = writer.finish().expect("to memory");
            file.truncate(file.len() - 2);
        }
        file.extend(bytes);
        if let Ok(reader) = binary::Reader::new(&file[..]) {
            let _ = reader.take_while(Result::is_ok).count();
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(line in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut text = format!("{HEADER}\n").into_bytes();
        text.extend(line);
        let _ = read_events(Reader::new(&text[..]).expect("a header"));
    }
}
