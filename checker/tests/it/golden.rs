//! Stored histories with their expected verdicts: for every check one that must fail, one that must pass, one that cannot be told.
//!
//! `checker/histories/CHECK-OUTCOME.jsonl` is the history, `CHECK-OUTCOME.txt` what the checker says about it, for people to read. Both are
//! made from the one-line texts below; `BLESS=1 cargo test -p checker golden` writes them again after a deliberate change.

use std::path::PathBuf;

use checker::history::{ndjson, one_line_events, read_history};
use checker::verdict::{Outcome, text};

use crate::evidence::assert_minimal;

const STORED: &[(&str, &str, &str)] = &[
    (
        "convergence",
        "invalid",
        "us:w1[0-1] eu:w2[0-1] us:r1@5us[90-91]F eu:r2@5eu[90-91]F",
    ),
    (
        "convergence",
        "valid",
        "us:w1[0-1] eu:w2[0-1] us:r2@9eu[90-91]F eu:r2@9eu[90-91]F",
    ),
    (
        "convergence",
        "unknown",
        "us:w1[0-1] us:r1@5us[90-91]F eu:w2[0-1] eu:r2@9eu[2-3]",
    ),
    (
        "winner",
        "invalid",
        "us:w1[0-1] us:r1@9us[2-3] eu:w2[0-1] us:r2@5eu[90-91]F eu:r2@5eu[90-91]F",
    ),
    (
        "winner",
        "valid",
        "us:w1[0-1] us:r1@5us[2-3] eu:w2[0-1] us:r2@9eu[90-91]F eu:r2@9eu[90-91]F",
    ),
    (
        "winner",
        "unknown",
        "us:w1[0-1] eu:w2[0-1] us:r2[90-91]F eu:r2[90-91]F",
    ),
    (
        "lost-write",
        "invalid",
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] us:r1@5us[90-91]F eu:r1@5us[90-91]F",
    ),
    (
        "lost-write",
        "valid",
        "us:w1[0-1] eu:w2[0-1] us:r2@9eu[90-91]F eu:r2@9eu[90-91]F",
    ),
    (
        "lost-write",
        "unknown",
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-5]",
    ),
    ("phantom", "invalid", "us:w7[0-1]! us:w8[0-1] eu:r7[2-3]"),
    ("phantom", "valid", "us:w7[0-?] us:w8[0-1] eu:r7[2-3]"),
    ("phantom", "unknown", "us:w7[0-1] us:w8[2-3]"),
    (
        "resurrection",
        "invalid",
        "us:w1[0-1] us:r1@5us[2-3] us:d[4-5] us:r-[6-7] us:r1@5us[8-9]",
    ),
    (
        "resurrection",
        "valid",
        "us:w1[0-1] us:r1@5us[2-3] us:d[4-5] us:r-[6-7] eu:w2[8-9] us:r2@9eu[20-21]",
    ),
    (
        "resurrection",
        "unknown",
        "us:w1[0-1] us:r1[2-3] us:d[4-5] us:r1[6-7]",
    ),
    (
        "read-your-writes",
        "invalid",
        "us:w1[0-1]#0 us:r1@5us[2-3]#0 us:w2[4-5]#0 us:r1@5us[8-9]#0 us:r2@9us[10-11]#0",
    ),
    (
        "read-your-writes",
        "valid",
        "us:w1[0-1]#0 us:r1@5us[2-3]#0 us:w2[4-5]#0 us:r2@9us[8-9]#0",
    ),
    (
        "read-your-writes",
        "unknown",
        "us:w1[0-1]#0 us:w2[2-3]#0 us:r1[4-5]#0",
    ),
    (
        "monotonic-reads",
        "invalid",
        "us:w1[0-1] us:w2[2-3] us:r2@9us[4-5]#9 us:r1@5us[6-7]#9",
    ),
    (
        "monotonic-reads",
        "valid",
        "us:w1[0-1] us:w2[2-3] us:r1@5us[2-4]#9 us:r2@9us[6-7]#9",
    ),
    (
        "monotonic-reads",
        "unknown",
        "us:w1[0-1] us:w2[2-3] us:r2[4-5]#9 us:r1[6-7]#9",
    ),
    (
        "origin-first",
        "invalid",
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-20] eu:r2@9us[6-7] us:r1@5us[8-9]",
    ),
    (
        "origin-first",
        "valid",
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-20] eu:r2@9us[6-7] us:r2@9us[8-9]",
    ),
    (
        "origin-first",
        "unknown",
        "us:w1[0-1] us:w2[4-20] eu:r2[6-7] us:r1[8-9]",
    ),
    (
        "conditional-writes",
        "invalid",
        "us:w1[0-1] us:c1>2[2-3] us:c1>3[4-5]",
    ),
    (
        "conditional-writes",
        "valid",
        "us:w1[0-1] us:r1@5us[2-3] us:c1>2[4-5] eu:c1>3[4-5] us:c1>4~2[6-7]!",
    ),
    (
        "conditional-writes",
        "unknown",
        "us:w1[0-1] us:c1>2[2-3] us:c2>3[4-5]",
    ),
    (
        "region-linearizable",
        "invalid",
        "us:w1[0-1] us:w2[2-3] eu:w3[0-1] us:r3[4-5] us:r1[6-7]",
    ),
    (
        "region-linearizable",
        "valid",
        "us:w1[0-1] us:w2[2-9] eu:w3[0-1] us:r3[4-5] us:r2[6-7]",
    ),
    ("region-linearizable", "unknown", "us:w1[0-1] us:w2[2-3]"),
    (
        "stamp-order",
        "invalid",
        "us:w1[0-20] us:w2[0-20] ap:w3[0-20] us:r1@5us[12-14] ap:r2@6us[0-20] eu:r3@7ap[4-6]",
    ),
    (
        "stamp-order",
        "valid",
        "us:w1[0-20] us:w2[0-20] ap:w3[0-20] us:r1@5us[12-14] ap:r2@6us[0-20] eu:r3@7ap[13-16]",
    ),
    ("stamp-order", "unknown", "us:w1[0-1] ap:w2[0-1] us:r2[2-3]"),
    (
        "linearizable",
        "invalid",
        "us:w1[0-1] eu:w2[2-3] us:r1[4-5] us:r2[6-7]",
    ),
    (
        "linearizable",
        "valid",
        "us:w1[0-1] eu:w2[2-9] us:r1[4-5] us:r2[6-7] eu:r2[8-9]",
    ),
    ("linearizable", "unknown", "us:w1[0-1] us:w2[2-3]"),
    (
        "monotonic-writes",
        "invalid",
        "us:w1[0-1] us:r1@9us[2-3] us:w2[4-5] eu:r2@5us[6-7]",
    ),
    (
        "monotonic-writes",
        "valid",
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] eu:r2@9us[6-7]",
    ),
    (
        "monotonic-writes",
        "unknown",
        "us:w1[0-1] us:w2[4-5] us:r2[6-7]",
    ),
    (
        "writes-follow-reads",
        "invalid",
        "eu:w1[0-1] us:r1@9eu[2-3] us:w2[4-5] ap:r2@5us[6-7]",
    ),
    (
        "writes-follow-reads",
        "valid",
        "eu:w1[0-1] us:r1@9eu[2-3] us:w2[4-5] ap:r2@10us[6-7]",
    ),
    (
        "writes-follow-reads",
        "unknown",
        "us:w1[0-1] us:w2[4-5] us:r2[6-7]",
    ),
    (
        "stamps",
        "invalid",
        "us:w1[0-1] eu:r1@5us[2-3] eu:r1@7us[4-5]",
    ),
    (
        "stamps",
        "valid",
        "us:w1[0-1] us:w2[2-3] eu:r1@5us[2-3] us:r2@5us[4-5] us:r2@7us[6-7] eu:r2@7us[8-9]",
    ),
    ("stamps", "unknown", "us:w1[0-1] us:r1[2-3]"),
    ("set", "invalid", "us:a1[0-1] us:a2[2-3] us:r{2}[4-5]"),
    (
        "set",
        "valid",
        "us:a1[0-1] us:a2[2-9] us:r{1}[4-5] eu:r{}[4-5] eu:r{1,2}[90-91]F us:r{1,2}[90-91]F",
    ),
    ("set", "unknown", "us:a1[0-1] us:a2[2-3]"),
    ("counter", "invalid", "us:i1[0-1] us:i2[2-3] us:r2[4-5]"),
    (
        "counter",
        "valid",
        "us:i1[0-1] us:i2[2-9] us:r1[4-5] us:r3[6-7] eu:r-[4-5] eu:r3[90-91]F us:r3[90-91]F",
    ),
    ("counter", "unknown", "us:i1[0-1] us:i2[2-3]"),
    (
        "list-append",
        "invalid",
        "us:p1[0-9] us:p2[0-9] us:r{2,1}[4-5] eu:r{1}[6-7]",
    ),
    (
        "list-append",
        "valid",
        "us:p1[0-1] us:p2[2-9] us:r{1}[4-5] eu:r{}[4-5] us:r{1,2}[6-7] eu:r{1,2}[90-91]F",
    ),
    ("list-append", "unknown", "us:p1[0-1] us:p2[2-3]"),
    (
        "common-order",
        "invalid",
        "us:w1[0-1] eu:w2[0-1] us:r1[2-3] us:r2[4-5] eu:r2[2-3] eu:r1[4-5]",
    ),
    (
        "common-order",
        "valid",
        "us:w1[0-1] eu:w2[0-9] us:r1[2-3] us:r2[4-5] eu:r2[2-5] eu:r1[2-5]",
    ),
    (
        "common-order",
        "unknown",
        "us:w1[0-1] eu:w1[0-1] us:r1[2-3] eu:r1[2-3]",
    ),
    (
        "delivery",
        "invalid",
        "within=10 us:w1[0-1] us:w2[2-3] eu:r1[8-9] eu:r1[14-15] eu:r2[20-21]",
    ),
    (
        "delivery",
        "valid",
        "within=10 fault=6-7 us:w1[0-1] us:w2[2-3] eu:r1[8-9] eu:r1[14-15] eu:r2[20-21]",
    ),
    (
        "delivery",
        "unknown",
        "within=10 us:w1[0-1] us:w2[2-3] eu:r1[8-9]",
    ),
    (
        "transactions",
        "invalid",
        "us:t(1w5;2w5)[0-5] us:t(1r5;2w7)[6-7] 2/us:r7[8-9] us:t(1r5;2r5)[10-11] eu:t(1r5;2r-)[2-4]",
    ),
    (
        "transactions",
        "valid",
        "us:t(1w5;2w5)[0-5] us:t(1r5;2w7)[6-7] 2/us:r7[8-9] us:t(1r5;2r7)[10-11] eu:t(1r5;2r-)[2-4]",
    ),
    ("transactions", "unknown", "us:t(1w5;2w5)[0-?] 1/us:r5[2-3]"),
    (
        "streams",
        "invalid",
        "us:s()[0-1]#9 us:w1[2-3] us:w2[4-5] us:s(0:2~-)[6-7]#9 us:s()[90-91]F#9 us:r2[90-91]F",
    ),
    (
        "streams",
        "valid",
        "us:s()[0-1]#9 us:w1[2-3] us:w2[4-5] us:s(0:1~-;0:2~1)[6-7]#9 us:s()[90-91]F#9 us:r2[90-91]F eu:s(0:2~-)[90-91]F eu:r2[90-91]F",
    ),
    ("streams", "unknown", "us:w1[0-1] us:s()[2-3]"),
];

fn path(check: &str, outcome: &str, extension: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("histories");
    folder.join(format!("{check}-{outcome}.{extension}"))
}

/// The history file of a one-line text.
fn file(line: &str) -> Vec<u8> {
    let (mut header, events) = one_line_events(line).expect("stored histories are well formed");
    header.workload = Some("register".to_owned());
    let mut writer = ndjson::Writer::new(Vec::new(), &header).expect("to memory");
    for event in &events {
        writer.write(event).expect("to memory");
    }
    writer.into_inner()
}

#[test]
fn every_check_has_a_history_of_each_outcome() {
    for info in checker::registry() {
        for outcome in ["invalid", "valid", "unknown"] {
            let is_stored = STORED.iter().any(|s| (s.0, s.1) == (info.id, outcome));
            assert!(
                is_stored,
                "no stored history for which {} is {outcome}",
                info.id
            );
        }
    }
}

#[test]
fn stored_histories_get_their_verdicts() {
    let is_blessing = std::env::var_os("BLESS").is_some();
    for (check, outcome, line) in STORED {
        let history_path = path(check, outcome, "jsonl");
        if is_blessing {
            std::fs::write(&history_path, file(line)).expect("to the source folder");
        }
        let stored = std::fs::read(&history_path).expect("run with BLESS=1 to write it");
        assert_eq!(
            stored,
            file(line),
            "{} is not what its line says",
            history_path.display()
        );
        let history = read_history(&history_path).expect("stored histories are well formed");
        let verdict = checker::check(&history, &[check]);
        let expected = match *outcome {
            "invalid" => Outcome::Invalid,
            "valid" => Outcome::Valid,
            _ => Outcome::Unknown,
        };
        assert_eq!(verdict.outcome, expected, "{check}: {line}");
        let said = text(&verdict, &history.header);
        let verdict_path = path(check, outcome, "txt");
        if is_blessing {
            std::fs::write(&verdict_path, &said).expect("to the source folder");
        }
        let expected =
            std::fs::read_to_string(&verdict_path).expect("run with BLESS=1 to write it");
        assert_eq!(said, expected, "{}", verdict_path.display());
    }
}

#[test]
fn evidence_has_nothing_to_leave_out() {
    // Without the failed write, an aborted read is still a phantom: one out of thin air.
    let shown = STORED
        .iter()
        .filter(|s| s.1 == "invalid" && s.0 != "phantom");
    for (check, _, line) in shown {
        let history = checker::history::one_line(line).expect("well formed");
        let verdict = checker::check(&history, &[check]);
        assert_minimal(&history, check, &verdict.checks[0].violations[0]);
    }
}

#[test]
fn a_history_in_which_nothing_succeeded_is_unknown() {
    for line in ["", "us:w1[0-1]!", "us:w1[0-?]"] {
        let history = checker::history::one_line(line).expect("well formed");
        let verdict = checker::check(&history, &["phantom", "no-such-check"]);
        assert_eq!(verdict.outcome, Outcome::Unknown, "{line}");
        assert!(verdict.reason.is_some());
    }
}
