//! What bad input gets: one message that names the field and what to do, and the right exit code.

use std::fs;

use crate::dateline::Place;

#[test]
fn one_message_names_the_field_and_what_to_do() {
    let place = Place::new();
    fs::write(place.path().join("typo.toml"), "time-limt = 5\n").expect("writable");
    fs::write(place.path().join("type.toml"), "rate = \"fast\"\n").expect("writable");
    fs::write(place.path().join("file"), "not a folder\n").expect("writable");
    for (line, code, parts) in [
        ("", 64, vec!["Usage: dateline <COMMAND>"]),
        ("test", 64, vec!["register"]),
        ("test registr", 64, vec!["registr", "register"]),
        ("test register --sed 7", 64, vec!["--sed", "--seed"]),
        ("test register --rate fast", 64, vec!["--rate", "fast"]),
        (
            "test register --rate 0",
            64,
            vec!["--rate 0", "1 to 1000000"],
        ),
        (
            "test register --time-limit 0",
            64,
            vec!["--time-limit 0", "1 to"],
        ),
        (
            "test register --regions mars-1",
            64,
            vec!["--regions", "mars-1", "eu-west-1"],
        ),
        (
            "test register --regions eu-west-1,eu-west-1",
            64,
            vec!["named twice"],
        ),
        (
            "test register --faults earthquake",
            64,
            vec!["earthquake", "partition", "none"],
        ),
        (
            "test register --defect earthquake",
            64,
            vec!["earthquake", "stale-strong-read"],
        ),
        ("test register --rtt-scale -1", 64, vec!["rtt-scale"]),
        (
            "test register --key-distribution gauss",
            64,
            vec!["gauss", "uniform, zipfian"],
        ),
        (
            "test register --set no.toml",
            64,
            vec!["--set no.toml", "No such file"],
        ),
        (
            "test register --set typo.toml",
            64,
            vec!["time-limt", "`time-limit`"],
        ),
        (
            "test register --set type.toml",
            64,
            vec!["type.toml", "line 1", "rate"],
        ),
        (
            "test register --out file",
            64,
            vec!["--out file", "can be written to"],
        ),
        ("check", 64, vec!["FILE|RUN"]),
        (
            "check no-such.jsonl",
            3,
            vec!["no-such.jsonl", "No such file"],
        ),
        ("check file", 3, vec!["file", "line 1"]),
        (
            "check file --only frob",
            64,
            vec!["--only frob", "convergence"],
        ),
        ("report no-such", 3, vec!["no-such", "list runs"]),
        ("list frobs", 64, vec!["frobs", "workloads"]),
        ("list runs --out no-such", 64, vec!["--out no-such"]),
    ] {
        let ended = place.run(line);
        assert_eq!(
            ended.code, code,
            "dateline {line}\n{}{}",
            ended.out, ended.err
        );
        for part in parts {
            assert!(
                ended.err.contains(part),
                "dateline {line}: no {part:?} in\n{}",
                ended.err
            );
        }
        assert!(
            !ended.err.contains("panicked"),
            "dateline {line}: {}",
            ended.err
        );
    }
    assert!(
        !place.path().join("dateline-runs").exists(),
        "nothing was begun"
    );
}

#[test]
fn help_and_version_are_no_error() {
    let place = Place::new();
    for (line, part) in [
        ("--help", "Exit codes"),
        ("--version", env!("CARGO_PKG_VERSION")),
        ("test register --help", "Examples"),
        ("list workloads", "register"),
        ("list checks", "convergence"),
        ("list faults", "partition"),
        ("list defects", "lww-by-arrival"),
        ("list errors", "connection-refused"),
    ] {
        let ended = place.run(line);
        assert_eq!(ended.code, 0, "dateline {line}: {}", ended.err);
        assert!(
            ended.out.contains(part),
            "dateline {line}: no {part:?} in\n{}",
            ended.out
        );
    }
}
