//! Histories that differ from one another by one moment, one operation or one word, for checks that no brute force stands beside.

use checker::history::one_line;
use checker::verdict::Outcome::{self, Invalid, Unknown, Valid};

const EDGES: &[(&str, Outcome, &str)] = &[
    // An eventual read shows that a write of unknown outcome had happened by then; what began before that read ended may still miss it.
    (
        "linearizable",
        Invalid,
        "us:w1[0-?] us:e1[2-3] us:r-[10-11]",
    ),
    (
        "linearizable",
        Invalid,
        "us:w1[0-20] us:e1[2-3] us:r-[10-11]",
    ),
    ("linearizable", Valid, "us:w1[0-?] us:e1[2-3] us:r-[3-11]"),
    (
        "linearizable",
        Invalid,
        "us:w1[0-5] us:e1[10-20] us:r-[6-11]",
    ),
    // An element is known from its acknowledgement on, even if it was shown later; equal moments overlap.
    ("set", Invalid, "us:a1[0-5] us:r{1}[15-20] us:r{}[10-11]"),
    ("set", Invalid, "us:a1[0-20] us:r{1}[2-5] us:r{}[10-11]"),
    ("set", Valid, "us:a1[0-5] us:r{}[5-6]"),
    ("set", Valid, "us:a1[2-3] us:r{1}[0-2]"),
    // That 2 just came does not make up for 1, which is missing.
    ("set", Invalid, "us:a1[0-5] us:a2[1-10] us:r{2}[10-12]"),
    (
        "set",
        Invalid,
        "us:a1[0-1] us:a2[0-1] us:a3[8-12] us:r{1,3}[9-12]",
    ),
    // Elsewhere what was acknowledged is only due in the final phase.
    ("set", Valid, "us:a1[0-1] eu:r{}[20-21]"),
    ("set", Invalid, "us:a1[0-1] eu:r{}[90-91]F"),
    ("set", Valid, "us:a1[0-1] eu:a2[0-1] eu:r{2}[90-91]F"),
    // A weak read need not show what a strong one had shown.
    ("set", Valid, "us:a1[0-1] us:e{}[2-3] us:r{1}[4-5]"),
    // What was added at an unknown time may be late; what was acknowledged is not.
    (
        "convergence",
        Unknown,
        "us:a1[0-1] us:a2[2-?] us:r{1}[90-91]F eu:r{1,2}[90-91]F",
    ),
    (
        "convergence",
        Invalid,
        "us:a1[0-1] us:a2[2-3] us:r{1}[90-91]F eu:r{1,2}[90-91]F",
    ),
    (
        "convergence",
        Unknown,
        "us:w1[0-1] us:d[2-?] us:r1[90-91]F eu:r-[90-91]F",
    ),
    (
        "convergence",
        Invalid,
        "us:w1[0-1] us:d[2-3] us:r1[90-91]F eu:r-[90-91]F",
    ),
    // Regions are compared by strong reads alone.
    (
        "convergence",
        Valid,
        "us:w1[0-1] us:r1[90-91]F eu:r1[90-91]F eu:e-[92-93]F",
    ),
    // 2 and 4 in flight make 0, 2, 4 and 6; with a 1 among them all up to 7.
    ("counter", Invalid, "us:i2[0-9] us:i4[0-9] us:r3[2-3]"),
    ("counter", Invalid, "us:i2[0-9] us:i4[0-9] us:r1[2-3]"),
    ("counter", Invalid, "us:i2[0-9] us:i4[0-9] us:r7[2-3]"),
    ("counter", Valid, "us:i2[0-9] us:i4[0-9] us:r6[2-3]"),
    ("counter", Valid, "us:i2[0-9] us:i4[0-9] us:r2[2-3]"),
    ("counter", Valid, "us:i2[0-9] us:i4[0-9] us:r0[2-3]"),
    (
        "counter",
        Valid,
        "us:i2[0-9] us:i4[0-9] us:i1[0-9] us:r3[2-3]",
    ),
    (
        "counter",
        Invalid,
        "us:i3[0-9] us:i3[0-9] us:i1[0-9] us:r5[2-3]",
    ),
    // The same after 10 that is certain, and with some that go down.
    (
        "counter",
        Invalid,
        "us:i10[0-1] us:i2[2-9] us:i4[2-9] us:r13[4-5]",
    ),
    (
        "counter",
        Valid,
        "us:i10[0-1] us:i2[2-9] us:i4[2-9] us:r14[4-5]",
    ),
    (
        "counter",
        Valid,
        "us:i10[0-1] us:i-3[2-9] us:i4[2-9] us:r7[4-5]",
    ),
    (
        "counter",
        Valid,
        "us:i10[0-1] us:i-3[2-9] us:i4[2-9] us:r11[4-5]",
    ),
    (
        "counter",
        Invalid,
        "us:i10[0-1] us:i-3[2-9] us:i4[2-9] us:r8[4-5]",
    ),
    (
        "counter",
        Invalid,
        "us:i10[0-1] us:i-3[2-9] us:i4[2-9] us:r6[4-5]",
    ),
    // Sums are worked out as far as they spread by 65,536; beyond, any between the bounds may be.
    (
        "counter",
        Invalid,
        "us:i32768[0-9] us:i32768[0-9] us:r1[2-3]",
    ),
    ("counter", Valid, "us:i32768[0-9] us:i32769[0-9] us:r1[2-3]"),
    (
        "counter",
        Valid,
        "us:i4000000000000000000[0-9] us:i4000000000000000000[0-9] us:r1[2-3]",
    ),
    // Acknowledged at the moment the read was asked for, asked for at the moment it ended: both may count or not.
    ("counter", Valid, "us:i5[0-2] us:r0[2-3]"),
    ("counter", Valid, "us:i5[3-4] us:r5[2-3]"),
    ("counter", Invalid, "us:i5[4-5] us:r5[2-3]"),
    ("counter", Invalid, "us:i5[0-1]! us:r5[2-3]"),
    ("counter", Valid, "us:i5[0-1] us:e0[2-3]"),
    // Elsewhere less is lawful until the final phase, more never.
    ("counter", Valid, "us:i5[0-1] eu:r0[2-3]"),
    ("counter", Invalid, "us:i5[0-1] eu:r6[2-3]"),
    ("counter", Invalid, "us:i5[0-1] eu:r0[90-91]F"),
    ("counter", Valid, "us:i5[0-1] eu:i2[0-1] eu:r2[90-91]F"),
    // Down again, where it only goes up: not when the reads overlap, not between regions, not when it may go down.
    ("counter", Invalid, "us:i5[0-9] us:r5[2-3] us:r0[4-5]"),
    ("counter", Valid, "us:i5[0-9] us:r5[2-4] us:r0[4-5]"),
    ("counter", Valid, "us:i5[0-9] us:r5[2-3] eu:r0[4-5]"),
    (
        "counter",
        Valid,
        "us:i5[0-9] us:i-5[0-9] us:r5[2-3] us:r0[4-5]",
    ),
    (
        "counter",
        Valid,
        "us:i5[0-9] us:i2[0-9] us:r5[2-3] us:r7[4-5]",
    ),
    (
        "counter",
        Invalid,
        "us:i5[0-9] us:i2[0-9] us:r7[1-2] us:r2[1-3] us:r5[4-5]",
    ),
    // Within 10 ms: a read is judged from 10 ms after the acknowledgement on, and a fault puts that off.
    // Stamps decide where both have them, whatever the region had before; a write of unknown stamp is still newer than what was there.
    (
        "delivery",
        Valid,
        "within=10 us:w1[0-1] us:w2[2-3] us:r1@9us[4-5] us:r2@7us[4-5] eu:r1@9us[20-21]",
    ),
    (
        "delivery",
        Invalid,
        "within=10 us:w1[0-1] us:w2[2-3] us:r1@9us[4-5] eu:r1@9us[20-21]",
    ),
    ("delivery", Unknown, "within=10 us:w1[0-1] eu:r-[11-12]"),
    (
        "delivery",
        Unknown,
        "within=10 fault=0-2 us:w1[0-1] eu:r-[12-13]",
    ),
    (
        "delivery",
        Invalid,
        "within=10 fault=0-1 us:w1[0-1] eu:r-[12-13]",
    ),
    (
        "delivery",
        Unknown,
        "within=10 fault=12-20 us:w1[0-1] eu:r-[12-13]",
    ),
    (
        "delivery",
        Invalid,
        "within=10 fault=13-20 us:w1[0-1] eu:r-[12-13]",
    ),
    ("delivery", Unknown, "within=10 us:w1[0-1] eu:e-[12-13]"),
    ("delivery", Unknown, "within=10 us:w1[0-?] eu:r-[12-13]"),
    (
        "delivery",
        Unknown,
        "within=10 us:w1[0-1] us:d[0-1] eu:r-[12-13]",
    ),
    // By stamps: what is shown must not be older than the greatest that has had its time, whichever came last.
    (
        "delivery",
        Invalid,
        "within=10 us:w1[0-1] us:w2[2-3] us:r1@9us[4-5] us:r2@7us[4-5] eu:r2@7us[20-21]",
    ),
    (
        "delivery",
        Valid,
        "within=10 us:w1[0-1] us:w2[2-10] us:r1@5us[4-5] us:r2@9us[11-12] eu:r1@5us[20-21]",
    ),
    // Without stamps: 1 was there in us before 2 was asked for; or it was not, by a moment.
    (
        "delivery",
        Invalid,
        "within=10 us:w1[0-2] us:w2[3-4] eu:r1[15-16]",
    ),
    (
        "delivery",
        Valid,
        "within=10 us:w1[0-2] us:w2[2-4] eu:r1[15-16]",
    ),
    (
        "delivery",
        Invalid,
        "within=10 us:w1[0-9] us:r1[1-2] us:w2[3-4] eu:r1[15-16]",
    ),
    // Of writes acknowledged by then the one asked for last counts, in whatever order they ended.
    (
        "delivery",
        Invalid,
        "within=10 us:w5[0-1] us:w2[3-4] us:w1[1-9] eu:r5[20-21]",
    ),
    // A record of what was asked for at the moment the fetch ended, and of what was asked for later.
    ("streams", Valid, "us:s(0:1~-)[0-4] us:w1[4-5]"),
    ("streams", Invalid, "us:s(0:1~-)[0-3] us:w1[4-5]"),
    // Twice in the stream of one consumer; once in each of two consumers' parts.
    (
        "streams",
        Invalid,
        "us:w1[0-1] us:d[2-3] us:s(0:1~-;0:-~1;0:1~-)[4-5]",
    ),
    (
        "streams",
        Valid,
        "us:w1[0-1] us:w2[0-1] us:s(0:1~-;0:2~1)[4-5]#8 us:s(0:2~2)[6-7]#8",
    ),
    // 2 was asked for when 1 had ended, or at that moment.
    (
        "streams",
        Invalid,
        "us:w1[0-1] us:w2[2-3] us:s(0:2~-;0:1~2)[4-5]",
    ),
    (
        "streams",
        Valid,
        "us:w1[0-2] us:w2[2-3] us:s(0:2~-;0:1~2)[4-5]",
    ),
    // The consumer began before 1 was asked for, or after; its first record replaced 1.
    (
        "streams",
        Invalid,
        "us:s()[0-1]#8 us:w1[2-3] us:w2[4-5] us:s(0:2~1)[6-7]#8",
    ),
    (
        "streams",
        Valid,
        "us:s()[3-4]#8 us:w1[2-3] us:w2[4-5] us:s(0:2~1)[6-7]#8",
    ),
    // Read to the end in the final phase: written here, written elsewhere and seen here, or before the consumer began.
    (
        "streams",
        Unknown,
        "us:w1[2-3] us:s()[4-5] us:s()[90-91]F us:r1[90-91]F",
    ),
    (
        "streams",
        Unknown,
        "eu:s()[3-4] us:w1[2-3] eu:s()[90-91]F eu:r1[90-91]F",
    ),
    (
        "streams",
        Unknown,
        "eu:s()[0-1] us:w1[2-3] eu:s()[90-91]F eu:r-[90-91]F us:r1[90-91]F",
    ),
    // The last record is what the item holds, unless several consumers share the stream.
    (
        "streams",
        Invalid,
        "us:s()[0-1]#8 us:w1[2-3] us:d[4-5] us:s(0:1~-;0:-~1)[6-7]#8 us:s()[90-91]F#8 us:r1[90-91]F",
    ),
    (
        "streams",
        Valid,
        "us:s()[0-1]#8 us:s()[0-1]#9 us:w1[2-3] us:w2[4-5] us:s(0:2~1)[6-7]#9 us:s(0:1~-)[6-7]#8 us:s()[90-91]F#8 us:r2[90-91]F",
    ),
    // A list: order by time, agreement of all readings, nothing missing, all only as far as one region appends.
    ("list-append", Valid, "us:p1[0-2] us:p2[2-3] us:r{2,1}[4-5]"),
    (
        "list-append",
        Invalid,
        "us:p1[0-9] us:p2[0-9] us:p3[0-9] us:r{1,2}[4-5] us:r{1,3,2}[6-7]",
    ),
    (
        "list-append",
        Valid,
        "us:p1[0-9] us:p2[0-9] us:p3[0-9] us:r{1,2}[4-5] us:r{1,2,3}[6-7]",
    ),
    (
        "list-append",
        Invalid,
        "us:p1[0-1] us:p2[2-8] us:p3[2-3] us:r{3,2,1}[9-10]",
    ),
    (
        "list-append",
        Valid,
        "us:p1[0-1] eu:p2[2-3] eu:r{2}[4-5] us:r{1}[6-7]",
    ),
];

#[test]
fn one_moment_decides() {
    let mut wrong = Vec::new();
    for (check, expected, text) in EDGES {
        let history = one_line(text).expect("well formed");
        let result = checker::check(&history, &[check]).checks.remove(0);
        if result.outcome != *expected {
            let why = (
                result.reason,
                result.violations.into_iter().next().map(|v| v.summary),
            );
            wrong.push(format!(
                "{check}: {:?} instead of {expected:?}: {text} {why:?}",
                result.outcome
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// How many operations a person is shown: none too few to see why, none too many.
#[test]
fn evidence_shows_why() {
    for (check, count, text) in [
        // The write of 1 shows that us had it before; both stamps, or a stamp and none.
        (
            "delivery",
            3,
            "within=10 us:w1[0-1] us:r1@5us[0-1] us:w2[2-3] eu:r1@5us[14-15]",
        ),
        (
            "delivery",
            3,
            "within=10 us:w1[0-1] us:w2[2-3] us:r2@9us[4-5] eu:r1[14-15]",
        ),
        // Without the reading of its stamp nobody sees that 2 is the newer one.
        (
            "delivery",
            3,
            "within=10 ap:w1[0-1] us:w2[2-3] us:r2@9us[4-5] eu:r1@5ap[14-15] ap:r1@5ap[4-5]",
        ),
        ("delivery", 2, "within=10 us:w1[0-1] eu:r-[14-15]"),
        ("counter", 2, "us:i5[0-1] us:i1[0-?] us:r7[2-3]"),
        ("set", 2, "us:a1[0-1] us:a2[0-2] us:r{2}[3-4]"),
        ("list-append", 3, "us:p1[0-1] us:p2[2-3] us:r{2,1}[4-5]"),
    ] {
        let history = one_line(text).expect("well formed");
        let result = checker::check(&history, &[check]).checks.remove(0);
        let shown = result.violations.first().map_or(0, |v| v.operations.len());
        assert_eq!(shown, count, "{check}: {text}\n{:#?}", result.violations);
    }
}

/// What each operation of the evidence is said to have done.
#[test]
fn evidence_says_what_was_done() {
    for (check, text, words) in [
        (
            "list-append",
            "us:t(1p4;1r{2,4};2p5)[4-5]",
            "appended 4 in a transaction of 3 steps",
        ),
        (
            "linearizable",
            "us:t(2w3;1r1)[9-24]",
            "read in a transaction of 2 steps",
        ),
        (
            "common-order",
            "us:t(2w1;1w2)[3-5] us:t(1r-)[8-9]",
            "wrote 2 in a transaction of 2 steps",
        ),
        (
            "list-append",
            "us:t(2p1;1p2)[3-5] 1/us:r{}[8-9]",
            "appended 2 in a transaction of 2 steps",
        ),
        (
            "transactions",
            "us:t(1w5;2p7)[0-?] 1/us:r5[2-3] 2/us:r-[4-5]",
            "transaction (key 1: wrote 5; key 2: appended 7): outcome unknown",
        ),
    ] {
        let history = one_line(text).expect("well formed");
        let result = checker::check(&history, &[check]).checks.remove(0);
        let violations = result.violations.iter().flat_map(|v| &v.operations);
        let texts: Vec<&str> = violations.map(|o| &*o.text).collect();
        assert!(texts.contains(&words), "{check}: {texts:?}: {text}");
    }
}

/// A history that is not only read speaks of registers, whatever else is in it.
#[test]
fn what_can_be_checked_depends_on_what_was_asked() {
    for (text, has_registers) in [
        ("eu:s(0:1~-)[6-7]#7 eu:w2[37-40]", true),
        ("us:r2[7-12]", true),
        ("us:a1[0-1] us:r{1}[2-3]", false),
    ] {
        let history = one_line(text).expect("well formed");
        let checks = checker::applicable_checks(&history);
        assert_eq!(checks.contains(&"phantom"), has_registers, "{text}");
    }
}

#[test]
fn a_shrunk_history_is_what_one_violation_needs() {
    let history = one_line("us:w1[0-1] us:r1[2-3] us:w2[4-5] us:r1[6-7]").expect("well formed");
    for (check, lines) in [
        ("region-linearizable", Some(vec![4, 6, 8])),
        ("phantom", None),
    ] {
        let least = checker::shrink::shrink(&history, check);
        let found = least.map(|least| least.operations.iter().map(|o| o.line_invoke).collect());
        assert_eq!(found, lines, "{check}");
    }
}

/// Why a check cannot tell is what a person does next: each reason is another one.
#[test]
fn the_reason_says_what_is_missing() {
    for (check, text, words) in [
        (
            "read-your-writes",
            "us:w1[0-1] us:e1@5us[2-3]",
            "no strongly consistent sighting",
        ),
        (
            "read-your-writes",
            "us:w1[0-1] us:w2[2-3] us:r1[4-5]",
            "no sighting shows the stamp",
        ),
        (
            "read-your-writes",
            "us:w1[0-1] us:r1[0-1]",
            "no sighting shows the stamp",
        ),
        (
            "resurrection",
            "us:d[0-1] us:w1[2-3] us:r1[4-5]",
            "no sighting of a deleted item shows its stamp",
        ),
        ("delivery", "us:w1[0-1] eu:r1[90-91]", "no bound is stated"),
        (
            "delivery",
            "within=10 us:w1[0-1] eu:r1[2-3]",
            "no read was asked for after the bound",
        ),
        ("set", "us:w1[0-1]", "no set"),
        ("counter", "us:w1[0-1]", "no counter was read"),
        ("list-append", "us:w1[0-1]", "no list was read"),
        ("streams", "us:w1[0-1]", "no stream record"),
        ("transactions", "us:w1[0-1]", "no transaction succeeded"),
    ] {
        let history = one_line(text).expect("well formed");
        let result = checker::check(&history, &[check]).checks.remove(0);
        let reason = result.reason.unwrap_or_default();
        assert!(reason.contains(words), "{check}: {reason}: {text}");
    }
}
