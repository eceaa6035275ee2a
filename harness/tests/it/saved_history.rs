//! `dateline check` on files that were saved, cut, emptied or edited.

use std::{fs, io::Write};

use crate::dateline::{Ended, Place};

/// Two writes and two reads in one region: nothing wrong, and nothing known of the end.
const SOUND: &str = r#"{"schema":"dateline/history/1","regions":["eu-west-1"],"workload":"register","seed":7,"stamps_visible":true,"key_names":{}}
{"t":1,"p":0,"r":"eu-west-1","e":"invoke","f":"write","k":1,"v":11}
{"t":2,"p":0,"r":"eu-west-1","e":"ok","f":"write","k":1,"v":11,"old":{"v":null}}
{"t":3,"p":1,"r":"eu-west-1","e":"invoke","f":"read","k":1,"strong":true}
{"t":4,"p":1,"r":"eu-west-1","e":"ok","f":"read","k":1,"v":11,"ts":"1519085870.000001","tr":"eu-west-1"}
{"t":5,"p":0,"r":"eu-west-1","e":"invoke","f":"write","k":1,"v":12}
{"t":6,"p":0,"r":"eu-west-1","e":"ok","f":"write","k":1,"v":12,"old":{"v":11,"ts":"1519085870.000001","tr":"eu-west-1"}}
{"t":7,"p":1,"r":"eu-west-1","e":"invoke","f":"read","k":1,"strong":true,"phase":"final"}
{"t":8,"p":1,"r":"eu-west-1","e":"ok","f":"read","k":1,"v":12,"ts":"1519085871.000001","tr":"eu-west-1","phase":"final"}
"#;

fn checked(text: &str) -> Ended {
    let place = Place::new();
    fs::write(place.path().join("history.jsonl"), text).expect("writable");
    place.run("check history.jsonl")
}

#[test]
fn a_sound_history_is_valid() {
    let ended = checked(SOUND);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn who_stops_reading_the_verdict_still_gets_its_exit_code() {
    let place = Place::new();
    let stale = SOUND.replace(r#""v":12,"ts":"1519085871"#, r#""v":11,"ts":"1519085870"#);
    fs::write(place.path().join("sound.jsonl"), SOUND).expect("writable");
    fs::write(place.path().join("stale.jsonl"), stale).expect("writable");
    for (line, code) in [
        ("check sound.jsonl", 0),
        ("check stale.jsonl", 1),
        ("check stale.jsonl --json", 1),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = place.command(line);
        let ended = Ended::of(command.stdout(writer).output().expect("the binary starts"));
        assert_eq!(ended.code, code, "{line}: {}", ended.err);
        assert!(!ended.err.contains("panicked"), "{line}: {}", ended.err);
    }
}

#[test]
fn an_older_value_read_after_a_newer_one_is_invalid_and_its_line_is_named() {
    let stale = SOUND.replace(
        r#""v":12,"ts":"1519085871.000001","tr":"eu-west-1","phase":"final""#,
        r#""v":11,"ts":"1519085870.000001","tr":"eu-west-1","phase":"final""#,
    );
    assert_ne!(stale, SOUND);
    let ended = checked(&stale);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("read-your-writes"), "{}", ended.out);
    assert!(
        ended.out.contains('8') || ended.out.contains('9'),
        "{}",
        ended.out
    );
}

#[test]
fn a_truncated_history_is_a_harness_failure_and_an_empty_one_is_unknown() {
    let cut = checked(&SOUND[..SOUND.len() - 20]);
    assert_eq!(cut.code, 3, "{}{}", cut.out, cut.err);
    assert!(cut.err.contains("half-written"), "{}", cut.err);
    let empty = checked("");
    assert_eq!(empty.code, 2, "{}{}", empty.out, empty.err);
    assert!(empty.err.contains("nothing"), "{}", empty.err);
    let header = checked(&SOUND[..=SOUND.find('\n').expect("lines")]);
    assert_eq!(header.code, 2, "{}{}", header.out, header.err);
}

#[test]
fn of_several_histories_a_violation_dominates() {
    let place = Place::new();
    let stale = SOUND.replace(r#""v":12,"ts":"1519085871"#, r#""v":99,"ts":"1519085871"#);
    fs::write(place.path().join("sound.jsonl"), SOUND).expect("writable");
    fs::write(place.path().join("stale.jsonl"), stale).expect("writable");
    fs::write(place.path().join("cut.jsonl"), &SOUND[..300]).expect("writable");
    assert_eq!(place.run("check sound.jsonl stale.jsonl cut.jsonl").code, 1);
    assert_eq!(place.run("check sound.jsonl cut.jsonl").code, 3);
}

#[test]
fn threads_and_memory_do_not_change_the_verdict_and_nothing_stays_on_disk() {
    let place = Place::new();
    fs::write(place.path().join("history.jsonl"), SOUND).expect("writable");
    fs::create_dir(place.path().join("spill")).expect("writable");
    let one = place.run("check history.jsonl --json --threads 1");
    assert_eq!(one.code, 0, "{}{}", one.out, one.err);
    for how in [
        "--threads 4",
        "--memory 20KB --spill spill",
        "--memory 1MiB",
    ] {
        let other = place.run(&format!("check history.jsonl --json {how}"));
        assert_eq!((other.code, &other.out), (0, &one.out), "{how}");
    }
    let left = fs::read_dir(place.path().join("spill")).expect("readable");
    assert_eq!(left.count(), 0);
    let small = place.run("check history.jsonl --memory 1KB");
    assert_eq!(small.code, 2, "{}{}", small.out, small.err);
    assert!(small.out.contains("--memory"), "{}", small.out);
    let nowhere = place.run("check history.jsonl --memory 1MB --spill nowhere");
    assert_eq!(nowhere.code, 3, "{}{}", nowhere.out, nowhere.err);
    assert!(nowhere.err.contains("spill"), "{}", nowhere.err);
    let odd = place.run("check history.jsonl --memory lots");
    assert_eq!(odd.code, 64, "{}{}", odd.out, odd.err);
}

#[test]
fn a_followed_history_ends_at_its_first_violation_or_when_nothing_comes() {
    let place = Place::new();
    let path = place.path().join("history.jsonl");
    fs::write(&path, SOUND).expect("writable");
    let sound = place.run("check history.jsonl --follow --idle 300ms");
    assert_eq!(sound.code, 0, "{}{}", sound.out, sound.err);
    let running = place.start("check history.jsonl --follow --idle 5m");
    let mut history = fs::OpenOptions::new().append(true).open(&path);
    let history = history.as_mut().expect("writable");
    let stale = SOUND
        .lines()
        .skip(3)
        .take(2)
        .map(|line| line.replace("\"t\":3", "\"t\":9"));
    for line in stale.map(|line| line.replace("\"t\":4", "\"t\":10")) {
        writeln!(history, "{line}").expect("writable");
    }
    let ended = Ended::of(running.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, 1, "the value before last was read again");
}
