//! `dateline check` on malformed histories of every form: exit 3, one message that says where and what was expected, and no verdict.

use std::fs;
use std::io::Write as _;

use crate::dateline::Place;

/// The header of a history of lines.
const HEADER: &str = r#"{"schema":"dateline/history/1","regions":["us"],"stamps_visible":true}"#;
const INVOKE: &str = r#"{"t":10,"p":3,"r":"us","e":"invoke","f":"write","k":17,"v":1}"#;
const OK: &str = r#"{"t":20,"p":3,"r":"us","e":"ok","f":"write","k":17,"v":1}"#;
const EARLY: &str = r#"{"t":5,"p":3,"r":"us","e":"ok","f":"write","k":17,"v":1}"#;
const ODD: &str = r#"{"t":10,"p":3,"r":"us","e":"invoke","f":"peek","k":17}"#;

/// Events of Jepsen's EDN form.
const EDN_INVOKE: &str = "{:type :invoke, :f :write, :value 1, :time 5, :process 0}";
const EDN_OK: &str = "{:type :ok, :f :write, :value 1, :time 7, :process 0}";

/// Lines of Jepsen's log.
const LOG_INVOKE: &str = "INFO  jepsen.util - 0\t:invoke\t:write\t4";
const LOG_OK: &str = "INFO  jepsen.util - 0\t:ok\t:write\t4";

/// One operation a line.
const WRITE: &str =
    r#"{"process":1,"key":17,"f":"write","value":4,"call":10,"return":20,"out":"ok"}"#;

/// Lines, and what the message must hold.
fn cases() -> Vec<(Vec<String>, &'static [&'static str])> {
    let lines = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
    let overlapping = WRITE.replace("\"call\":10", "\"call\":12");
    let backwards = WRITE.replace("\"return\":20", "\"return\":2");
    vec![
        (
            lines(&[HEADER, INVOKE, OK, OK]),
            &["line 4", "second completion", "line 2"],
        ),
        (lines(&[HEADER, OK]), &["line 2", "has never invoked"]),
        (
            lines(&[HEADER, INVOKE, EARLY]),
            &["line 3", "time runs backwards"],
        ),
        (lines(&[HEADER, INVOKE, INVOKE]), &["line 3", "still open"]),
        (lines(&[HEADER, ODD]), &["line 2, column", "expected"]),
        (
            lines(&[HEADER, "{\"t\":ten}"]),
            &["line 2, column", "expected"],
        ),
        (
            lines(&[&HEADER.replace("history/1", "history/9")]),
            &["line 1", "history/9"],
        ),
        (
            lines(&[EDN_INVOKE, EDN_OK, EDN_OK]),
            &["line 3", "second completion"],
        ),
        (lines(&[EDN_OK]), &["line 1", "has never invoked"]),
        (lines(&[EDN_INVOKE, EDN_INVOKE]), &["line 2", "still open"]),
        (
            lines(&[&EDN_INVOKE.replace(":write", ":swap")]),
            &["line 1", "expected", "swap"],
        ),
        (
            lines(&[LOG_INVOKE, LOG_OK, LOG_OK]),
            &["line 3", "second completion"],
        ),
        (lines(&[LOG_INVOKE, LOG_INVOKE]), &["line 2", "still open"]),
        (lines(&[WRITE, &overlapping]), &["line 2", "still open"]),
        (lines(&[&backwards]), &["line 1"]),
        (
            lines(&[WRITE, &WRITE.replace("\"write\"", "\"peek\"")]),
            &["line 2", "expected", "\"f\""],
        ),
    ]
}

#[test]
fn every_form_says_where_and_judges_nothing() {
    let place = Place::new();
    for (lines, parts) in cases() {
        let text = lines.join("\n") + "\n";
        fs::write(place.path().join("plain"), &text).expect("writable");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).expect("to memory");
        let packed = packed.finish().expect("to memory");
        fs::write(place.path().join("packed"), packed).expect("writable");
        for file in ["plain", "packed"] {
            let ended = place.run(&format!("check {file}"));
            assert_eq!(ended.code, 3, "{file}: {text}{}{}", ended.out, ended.err);
            assert_eq!(ended.out, "", "nothing is judged: {text}");
            for part in parts {
                assert!(ended.err.contains(part), "no {part:?}: {text}{}", ended.err);
            }
        }
        let ended = place.run("convert plain out.jsonl");
        assert_ne!(ended.code, 1, "{text}{}", ended.err);
    }
}

#[test]
fn a_compact_file_that_is_cut_or_damaged_is_refused() {
    let place = Place::new();
    let text = [HEADER, INVOKE, OK].join("\n") + "\n";
    fs::write(place.path().join("h.jsonl"), text).expect("writable");
    assert_eq!(place.run("convert h.jsonl h.compact").code, 0);
    let whole = fs::read(place.path().join("h.compact")).expect("it was written");
    fs::write(place.path().join("cut.compact"), &whole[..whole.len() - 1]).expect("writable");
    let ended = place.run("check cut.compact");
    assert_eq!(ended.code, 3);
    assert!(ended.err.contains("before its end mark"), "{}", ended.err);
    let mut damaged = whole.clone();
    let place_of_kind = damaged.len() - 8;
    damaged[place_of_kind] = 0xEE;
    fs::write(place.path().join("bad.compact"), damaged).expect("writable");
    assert_eq!(place.run("check bad.compact").code, 3);
    assert_eq!(place.run("convert cut.compact back.jsonl").code, 3);
    assert!(
        !place.path().join("back.jsonl").exists(),
        "half a file would look whole"
    );
}

#[test]
fn known_anomalies_and_bounds_that_are_malformed_are_bad_usage() {
    let place = Place::new();
    fs::write(
        place.path().join("h.jsonl"),
        [HEADER, INVOKE, OK].join("\n") + "\n",
    )
    .expect("writable");
    fs::write(
        place.path().join("known.toml"),
        "[[known]]\nchek = \"phantom\"\n",
    )
    .expect("writable");
    let ended = place.run("check h.jsonl --known known.toml");
    assert_eq!(ended.code, 64, "{}", ended.err);
    assert!(
        ended.err.contains("known.toml") && ended.err.contains("chek"),
        "{}",
        ended.err
    );
    for bound in ["5", "s", "0s", "-1s"] {
        let ended = place.run(&format!("check h.jsonl --delivery-bound={bound}"));
        assert_eq!(ended.code, 64, "{bound}: {}", ended.err);
        assert!(ended.err.contains("500ms"), "{bound}: {}", ended.err);
    }
}

#[test]
fn a_bound_is_judged_and_the_smallest_part_is_written() {
    let place = Place::new();
    let header = r#"{"schema":"dateline/history/1","regions":["eu","us"]}"#;
    let mut lines = vec![header.to_owned()];
    for (at, process, region, what) in [
        (1_u64, 0, "us", r#""f":"write","k":1,"v":5"#),
        (2_000_000_000, 1, "us", r#""f":"read","k":1,"strong":true"#),
        (3_000_000_000, 2, "eu", r#""f":"read","k":1,"strong":true"#),
    ] {
        let event = |t: u64, e: &str, what: &str| {
            format!("{{\"t\":{t},\"p\":{process},\"r\":\"{region}\",\"e\":\"{e}\",{what}}}")
        };
        let answer = match (what.contains("read"), region) {
            (true, "eu") => r#""f":"read","k":1,"v":null"#,
            (true, _) => r#""f":"read","k":1,"v":5"#,
            (false, _) => what,
        };
        lines.extend([event(at, "invoke", what), event(at + 10, "ok", answer)]);
    }
    fs::write(place.path().join("h.jsonl"), lines.join("\n") + "\n").expect("writable");
    assert_ne!(place.run("check h.jsonl").code, 1);
    assert_ne!(place.run("check h.jsonl --delivery-bound 4s").code, 1);
    let ended = place.run("check h.jsonl --delivery-bound 1s --shrink least");
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("delivery: 1 violation"), "{}", ended.out);
    let again = place.run("check least/delivery.jsonl --only delivery");
    assert_eq!(again.code, 1, "{}{}", again.out, again.err);
    let least = fs::read_to_string(place.path().join("least/delivery.jsonl")).expect("written");
    assert_eq!(
        least.lines().count(),
        5,
        "two operations and a header: {least}"
    );
}
