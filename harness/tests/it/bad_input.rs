//! What bad input gets: one message that names the field and what to do, and the right exit code.

use std::fs;

use crate::dateline::Place;

/// A command line, its exit code, and what its message must hold.
const LINES: &[(&str, i32, &[&str])] = &[
    ("", 64, &["Usage: dateline <COMMAND>"]),
    ("test", 64, &["register"]),
    ("test registr", 64, &["registr", "register", "ycsb-f"]),
    (
        "test session --regions eu-west-1",
        64,
        &["session needs 2 regions"],
    ),
    (
        "test scan --value-bytes 400001",
        64,
        &["--value-bytes 400001", "0 to 350000"],
    ),
    (
        "test register --plan no.json",
        64,
        &["--plan no.json", "No such file"],
    ),
    (
        "test register --plan file",
        64,
        &["--plan file", "not a plan", "plan.json"],
    ),
    (
        "test register --plan file --faults kill",
        64,
        &["--plan and --faults"],
    ),
    (
        "test register --test-count 0",
        64,
        &["--test-count 0", "1 to"],
    ),
    (
        "test register --target moon",
        64,
        &["--target moon", "local, endpoints, command, adapter"],
    ),
    ("test register --target endpoints", 64, &["give --endpoint"]),
    ("test register --target command", 64, &["give --config"]),
    (
        "test register --endpoint eu-west-1=http://127.0.0.1:9 --faults kill",
        64,
        &[
            "--faults kill",
            "the target endpoints",
            "possible there: client-link",
        ],
    ),
    (
        "test register --config file",
        64,
        &["--config file", "line 1"],
    ),
    (
        "test register --config no-port.toml",
        64,
        &["no-port.toml", "{port}"],
    ),
    (
        "test register --config served.toml --faults clock",
        64,
        &["--faults clock", "the target command", "libfaketime"],
    ),
    (
        "test register --config served.toml --faults partition",
        64,
        &["--faults partition", "the target command", "{peers}"],
    ),
    (
        "test register --config sundial.toml",
        64,
        &["sundial.toml", "clock", "libfaketime"],
    ),
    (
        "test register --endpoint us-east-1=http://192.0.2.1:1",
        64,
        &[
            "AWS_ACCESS_KEY_ID is not set",
            "profile default",
            "aws configure export-credentials",
        ],
    ),
    (
        "test register --endpoint us-east-1=127.0.0.1:1",
        64,
        &["--endpoint us-east-1=127.0.0.1:1", "write NAME=URL"],
    ),
    ("test register --sed 7", 64, &["--sed", "--seed"]),
    ("test register --rate fast", 64, &["--rate", "fast"]),
    ("test register --rate 0", 64, &["--rate 0", "1 to 1000000"]),
    (
        "test register --time-limit 0",
        64,
        &["--time-limit 0", "1 to"],
    ),
    (
        "test register --delivery-bound 5",
        64,
        &["--delivery-bound 5", "such as 500ms"],
    ),
    (
        "test register --regions mars-1",
        64,
        &["--regions", "mars-1", "eu-west-1"],
    ),
    (
        "test register --regions eu-west-1,eu-west-1",
        64,
        &["named twice"],
    ),
    (
        "test register --faults earthquake",
        64,
        &["earthquake", "partition", "none"],
    ),
    (
        "test register --defect earthquake",
        64,
        &["earthquake", "stale-strong-read"],
    ),
    ("test register --rtt-scale -1", 64, &["rtt-scale"]),
    (
        "test register --key-distribution gauss",
        64,
        &["gauss", "uniform, zipfian"],
    ),
    (
        "test register --set no.toml",
        64,
        &["--set no.toml", "No such file"],
    ),
    (
        "test register --set typo.toml",
        64,
        &["time-limt", "`time-limit`"],
    ),
    (
        "test register --set type.toml",
        64,
        &["type.toml", "line 1", "rate"],
    ),
    (
        "test register --out file",
        64,
        &["--out file", "can be written to"],
    ),
    ("load", 64, &["run", "steps", "search"]),
    ("load run", 64, &["<WORKLOAD>"]),
    ("load run frob", 64, &["no load `frob`", "ycsb-f"]),
    (
        "load run mixed --rate 0",
        64,
        &["--rate: rate 0", "above 0"],
    ),
    ("load run mixed --rate 11M", 64, &["--rate: rate 11000000"]),
    (
        "load run mixed --rate fast",
        64,
        &["--rate: `fast` is not a count", "5k"],
    ),
    (
        "load run mixed --rate 1k..2k",
        64,
        &["--rate: `1k..2k`", "constant arrivals"],
    ),
    (
        "load run mixed --arrival bursts",
        64,
        &["bursts", "poisson"],
    ),
    ("load run mixed --for 30", 64, &["--for", "30s"]),
    (
        "load run mixed --for 10ms",
        64,
        &["--for 10ms", "at least 1s"],
    ),
    (
        "load run mixed --goal frob.p99<20ms",
        64,
        &["frob", "kinds here: read, update", "metrics are"],
    ),
    (
        "load run mixed --goal read.p99<20",
        64,
        &["read.p99<20", "unit"],
    ),
    ("load run mixed --goal rate<5k", 64, &["the wrong way"]),
    ("load run mixed --share 5/4", 64, &["5/4", "3/16"]),
    ("load run mixed --mix read=1", 64, &["add up to 1;"]),
    ("load run mixed --in-flight 0", 64, &["--in-flight", "`0`"]),
    ("load run mixed --faults earthquake", 64, &["earthquake"]),
    ("load run mixed --region x", 64, &["--region x", "NAME=URL"]),
    (
        "load run mixed --region a=http://127.0.0.1:1 --faults kill",
        64,
        &["--faults", "cannot be touched"],
    ),
    ("load run mixed --table a'b", 64, &["--table", "3 to 255"]),
    ("load run mixed --out file", 64, &["--out file"]),
    ("load steps 1k", 64, &["`1k`", "1k..20k/1k"]),
    ("load steps 1..9M/1", 64, &["1..9M/1", "at most a thousand"]),
    ("load search", 64, &["--goal: a search needs one"]),
    (
        "load search --goal p99<1s --from 9 --to 5",
        64,
        &["--from 9 --to 5", "the lower one first"],
    ),
    (
        "load search --goal p99<1s --precision 0",
        64,
        &["--precision 0"],
    ),
    ("check", 64, &["FILE|RUN"]),
    ("check no-such.jsonl", 3, &["no-such.jsonl", "No such file"]),
    ("check file", 3, &["file", "line 1"]),
    (
        "check file --only frob",
        64,
        &["--only frob", "convergence"],
    ),
    ("report no-such", 3, &["no-such", "list runs"]),
    ("compare one", 64, &["RUN"]),
    ("compare no-such other", 64, &["no-such", "list runs"]),
    ("merge no-such", 64, &["no-such", "summary.json"]),
    ("gate", 64, &["BASE and CANDIDATE", "--history"]),
    ("gate true", 64, &["CANDIDATE"]),
    (
        "gate true no-such-program",
        64,
        &["`candidate`", "no-such-program", "PATH"],
    ),
    (
        "gate true true --tolerate 0%",
        64,
        &["`tolerate`", "such as 3%"],
    ),
    ("gate true true --rounds 5..2", 64, &["`rounds`", "10..20"]),
    ("gate true true --budget soon", 64, &["`budget`", "20m"]),
    (
        "gate true true --out file",
        64,
        &["--out file", "can be written to"],
    ),
    ("gate true true --history h.jsonl", 64, &["--commit"]),
    (
        "gate --history no-such.jsonl",
        64,
        &["no-such.jsonl", "--add"],
    ),
    ("gate --history file", 64, &["file:1", "remove it"]),
    (
        "gate --history file --acknowledge cpu_us@c1",
        64,
        &["--why"],
    ),
    ("suite no-such.toml", 64, &["no-such.toml", "TOML"]),
    ("suite typo.toml", 64, &["typo.toml", "time-limt", "`name`"]),
    (
        "suite empty.toml",
        64,
        &["empty.toml", "0 cells", "[[matrix]]"],
    ),
    ("suite fault.toml", 64, &["matrix 1", "earthquake"]),
    ("suite fault.toml --flakes --resume", 64, &["--flakes"]),
    ("list frobs", 64, &["frobs", "workloads"]),
    ("list runs --out no-such", 64, &["--out no-such"]),
];

#[test]
fn one_message_names_the_field_and_what_to_do() {
    let place = Place::new();
    fs::write(place.path().join("typo.toml"), "time-limt = 5\n").expect("writable");
    fs::write(place.path().join("type.toml"), "rate = \"fast\"\n").expect("writable");
    fs::write(place.path().join("empty.toml"), "name = \"empty\"\n").expect("writable");
    let suite = "name = \"x\"\n[[matrix]]\nworkloads = [\"register\"]\nfaults = [\"earthquake\"]\nseeds = [1]\n";
    fs::write(place.path().join("fault.toml"), suite).expect("writable");
    fs::write(place.path().join("no-port.toml"), "start = [\"sh\"]\n").expect("writable");
    let served = "start = [\"sh\", \"{port}\"]\n";
    fs::write(place.path().join("served.toml"), served).expect("writable");
    let sundial = format!("{served}clock = \"sundial\"\n");
    fs::write(place.path().join("sundial.toml"), sundial).expect("writable");
    fs::write(place.path().join("file"), "not a folder\n").expect("writable");
    for (line, code, parts) in LINES {
        let ended = place.run(line);
        assert_eq!(
            ended.code, *code,
            "dateline {line}\n{}{}",
            ended.out, ended.err
        );
        for part in *parts {
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
        (
            "test register --seed 7 --dry-run",
            "nobody was asked anything",
        ),
        (
            "test register --endpoint a=http://127.0.0.1:9 --budget 50 --dry-run",
            "http://127.0.0.1:9: a table",
        ),
        ("load run --help", "Exit codes"),
        ("list workloads", "register"),
        ("list checks", "convergence"),
        ("list faults", "partition"),
        ("list defects", "lww-by-arrival"),
        ("list errors", "connection-refused"),
        ("gate --help", "{folder}"),
        ("suite --help", "--resume"),
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

#[test]
fn endpoints_and_servers_that_do_not_answer_are_harness_failures() {
    let place = Place::new();
    fs::write(
        place.path().join("dies.toml"),
        "start = [\"sh\", \"-c\", \"echo no port {port} for me >&2; exit 7\"]\n",
    )
    .expect("writable");
    let stamped = "adapter = [\"sh\", \"-c\", \"read line; echo '{\\\"id\\\":1,\\\"capabilities\\\":\
                   [\\\"read\\\",\\\"write\\\",\\\"cas\\\",\\\"delete\\\"]}'; cat >/dev/null\"]\nstamps = true\n";
    fs::write(place.path().join("stamped.toml"), stamped).expect("writable");
    let unready = "adapter = [\"cat\"]\nsetup = [\"sh\", \"-c\", \"echo no luck; exit 4\"]\n";
    fs::write(place.path().join("unready.toml"), unready).expect("writable");
    for (name, program) in [
        ("gone", "echo too bad >&2; exit 3"),
        ("rubbish", "echo good morning; cat >/dev/null"),
        (
            "little",
            "read line; echo '{\\\"id\\\":1,\\\"capabilities\\\":[\\\"read\\\"]}'; cat >/dev/null",
        ),
        ("mute", "cat >/dev/null"),
    ] {
        let text = format!("adapter = [\"sh\", \"-c\", \"{program}\"]\n");
        fs::write(place.path().join(format!("{name}.toml")), text).expect("writable");
    }
    for (line, parts) in [
        (
            "test register --target adapter --config gone.toml",
            ["ended instead of answering", "logs/adapter-us-east-1.log"],
        ),
        (
            "test register --target adapter --config rubbish.toml",
            ["cannot be understood", "good morning"],
        ),
        (
            "test register --target adapter --config little.toml",
            ["register needs write, cas, delete", "it offers read"],
        ),
        (
            "test register --target adapter --config mute.toml",
            ["said nothing within", "flush each line"],
        ),
        (
            "test register --target adapter --config stamped.toml",
            ["says stamps = true", "offers read, write, cas, delete"],
        ),
        (
            "test register --target adapter --config unready.toml",
            ["setup, sh: it ended with exit status: 4", "logs/setup.log"],
        ),
        (
            "test register --endpoint eu-west-1=http://127.0.0.1:9",
            ["cannot be reached", "is the server running"],
        ),
        (
            "test register --config dies.toml",
            ["ended while starting", "for me"],
        ),
    ] {
        let ended = place.run(line);
        let said = format!("{}{}", ended.out, ended.err);
        assert_eq!(ended.code, 3, "dateline {line}\n{said}");
        // Long messages are wrapped.
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(
                said.contains(part),
                "dateline {line}: no {part:?} in\n{said}"
            );
        }
    }
}

/// An adapter that answers the greeting, and then does this for each operation, whose number is `$id`.
fn adapter_that(does: &str) -> String {
    let number = "id=$(echo \"$line\" | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/')";
    let hello = r#"printf '{"id":%s,"capabilities":["read","write","cas","delete"]}\n' $id"#;
    let script =
        format!("read line; {number}; {hello}; while read line; do {number}; {does}; done");
    format!("adapter = [\"sh\", \"-c\", '''{script}''']\n")
}

#[test]
fn an_adapter_that_fails_in_the_middle_leaves_unknown_outcomes_and_no_verdict() {
    for (does, error) in [
        ("echo farewell >&2; exit 3", "connection-closed"),
        ("echo good morning", "bad-reply"),
        ("sleep 60", "timeout"),
    ] {
        let place = Place::new();
        fs::write(place.path().join("fails.toml"), adapter_that(does)).expect("writable");
        let ended = place.run(
            "test register --config fails.toml --time-limit 1 --rate 20 --concurrency 1 --keys 2 --op-timeout 150 --settle-limit 1",
        );
        assert_eq!(ended.code, 2, "{does}\n{}{}", ended.out, ended.err);
        assert!(ended.out.contains(error), "{does}\n{}", ended.out);
        assert_eq!(place.orphans(), Vec::<String>::new(), "{does}");
    }
}

#[test]
fn a_store_that_refuses_every_write_is_not_called_valid() {
    let nothing = r#"printf '{"id":%s,"value":null}\n' $id"#;
    let refused = r#"printf '{"id":%s,"error":"read-only","definite":true}\n' $id"#;
    let does = format!("case \"$line\" in *'\"read\"'*) {nothing};; *) {refused};; esac");
    let place = Place::new();
    fs::write(place.path().join("refuses.toml"), adapter_that(&does)).expect("writable");
    let ended = place.run(
        "test ycsb-a --config refuses.toml --time-limit 2 --rate 60 --concurrency 2 --keys 2 --settle-limit 1",
    );
    assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
    for told in [
        "1 of 5 checks cannot tell: stats;",
        "write: none of ",
        "adapter-refused",
    ] {
        assert!(ended.out.contains(told), "{told}\n{}", ended.out);
    }
}
