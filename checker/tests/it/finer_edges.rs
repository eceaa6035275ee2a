//! As `edges.rs`, but down to the operations that are shown: outcomes that one moment decides in the orders of versions, in streams and in
//! transactions, and which of several operations the evidence names.

use checker::history::one_line;

use crate::slips::words;

/// Check, outcome with the lines of each violation, history.
const EDGES: &[[&str; 3]] = &[
    // 2 was there before 3 was asked for, though 1, of which less is known, stands before it.
    [
        "streams",
        "invalid: 4 6 8",
        "us:w1[0-1] us:w2[2-3] us:w3[4-5] us:s(0:1~-;0:3~1;0:2~3)[6-7]",
    ],
    // 1 was there before 2 was asked for, or it may have come after 2.
    [
        "streams",
        "invalid: 4 6 8",
        "us:s()[0-1]#8 us:w1[2-3] us:w2[4-5] us:s(0:2~-)[6-7]#8",
    ],
    [
        "streams",
        "valid",
        "us:s()[0-1]#8 us:w1[2-4] us:w2[4-5] us:s(0:2~-)[6-7]#8",
    ],
    // Neither a weak reading of 1 nor one elsewhere says that 2 had not replaced it here.
    [
        "streams",
        "valid",
        "us:w1[0-1] us:w2[2-3] us:e1[4-5] us:s(0:1~-;0:2~1)[6-7]",
    ],
    [
        "streams",
        "valid",
        "us:w1[0-1] us:w2[2-3] eu:r1[4-5] us:s(0:1~-;0:2~1)[6-7]",
    ],
    // 1 was asked for when the consumer knew of the other stream, later or at that moment: it is not missing in the former, though 7, which
    // is in it, was there again later.
    [
        "streams",
        "valid",
        "us:s()[0-1]#8 us:w7[2-3] us:s(0:7~-)[4-5]#8 us:S()[6-7]#8 us:w1[8-9] us:w7[10-11] us:r7[12-13] us:s(0:1~-;0:7~1)[14-15]#8",
    ],
    [
        "streams",
        "valid",
        "us:s()[0-1]#8 us:w7[2-3] us:s(0:7~-)[4-5]#8 us:S()[6-7]#8 us:w1[7-9] us:w7[10-11] us:r7[12-13] us:s(0:1~-;0:7~1)[14-15]#8",
    ],
    // What a write replaced before that says nothing of how the other stream begins.
    [
        "streams",
        "valid",
        "us:s()[0-1]#8 us:w1[2-3] us:s(0:1~-)[4-5]#8 us:w2~1[6-7] us:S(0:2~-)[8-9]#8",
    ],
    // In the end there had never been an item, though 1, whose stamp nobody knows, had been acknowledged by then, or may not have been.
    [
        "stamp-order",
        "invalid: 2 4",
        "us:w1[0-1] eu:r-[40-41]F eu:w2[50-51] eu:r2@55eu[52-53]",
    ],
    [
        "stamp-order",
        "valid",
        "us:w1[30-40] eu:r-[40-41]F eu:w2[50-51] eu:r2@55eu[52-53]",
    ],
    // 2 replaced 1 at home, so elsewhere 1 cannot be the last.
    [
        "stamp-order",
        "invalid: 6 8",
        "us:w1[0-1] us:r1@5us[2-3] us:c1>2[4-5] eu:r1@5us[40-41]F",
    ],
    // What was never appended is in no list.
    [
        "transactions",
        "valid",
        "1/us:p1[0-1] 1/us:p2[2-3]! 1/us:r{1}[4-5] us:t(1r{1};2w5)[6-7]",
    ],
    // 3 was appended between 1 and 2, and there is no room for it.
    [
        "transactions",
        "invalid: 4 10",
        "1/us:p1[0-1] 1/us:p3[2-3] 1/us:p2[4-5] 1/us:r{1,2}[6-7] us:t(1r{1,2};2w5)[8-9]",
    ],
    // The last transaction comes before the third, that before the second and that before the first, which had ended when the last began.
    [
        "transactions",
        "invalid: 2 3 4 6",
        "us:t(3r3;6w8)[0-5] us:t(1r1;2w2)[1-20] us:t(2r2;3w3)[1-20] us:t(1w1;5w9)[6-10]",
    ],
    // The transaction saw 2 before 4 replaced it, or wrote it before it was seen, and saw 3 after that.
    [
        "transactions",
        "invalid: 4 5 7 9",
        "1/us:w1[0-1] 1/us:w2[2-3] us:t(1r2;2r3)[2-10] 1/us:w4[4-5] 2/us:w3[6-7]",
    ],
    [
        "transactions",
        "invalid: 4 5 7",
        "1/us:w1[0-1] us:t(1w2;2r3)[2-10] 1/us:r2[4-5] 2/us:w3[6-7]",
    ],
    // The transaction wrote 2 before 4 was there, of which a list or stamps tell, and saw 3, which was asked for after that.
    [
        "transactions",
        "invalid: 4 5 7 10",
        "1/us:p1[0-1] us:t(1p2;2r3)[2-20] 1/us:p4[5-8] 2/us:w3[10-11] 1/us:r{1,2,4}[30-31]",
    ],
    [
        "transactions",
        "invalid: 4 5 7 10",
        "2/us:p1[0-1] us:t(1r3;2p2)[2-20] 2/us:p4[5-8] 1/us:w3[10-11] 2/us:r{1,2,4}[30-31]",
    ],
    [
        "transactions",
        "invalid: 4 5 7 12 14",
        "1/us:w1[0-1] us:t(1w2;2r3)[2-20] 1/us:w4[5-8] 2/us:w3[10-11] 1/eu:r1@5us[30-31] 1/eu:r2@7us[32-33] 1/eu:r4@9us[34-35]",
    ],
    // Weak reads say nothing of when, but their stamps say that 2 came after 1; of the other item 2 was seen first.
    [
        "transactions",
        "invalid: 2 3 8 10 12",
        "us:t(1w1;2w1)[0-10] us:t(1w2;2w2)[0-10] 2/us:r2[2-3] 2/us:r1[12-13] 1/us:e1@5us[20-21] 1/us:e2@9us[22-23]",
    ],
    // A set has no order, so what it shows may come in any.
    [
        "transactions",
        "valid",
        "1/us:a1[0-1] 1/us:a2[2-3] us:t(1r{2,1};2w5)[4-5]",
    ],
    // Conditional writes of unknown outcome that were seen: 1 was required when 3 had replaced it, and nothing when there was 1.
    [
        "transactions",
        "invalid: 2 4 7",
        "us:t(1w1;2w1)[0-1] 1/us:w3[2-3] 1/us:c1>2[4-?] 1/us:r2[6-7]",
    ],
    [
        "transactions",
        "invalid: 2 5",
        "us:t(1w1;2w1)[0-1] 1/us:c->2[2-?] 1/us:r2[4-5]",
    ],
    [
        "transactions",
        "valid",
        "us:t(1w1;2w1)[0-1] 1/us:d[1-2] 1/us:c->2[3-?] 1/us:r2[5-6]",
    ],
    // Who appended 1 and saw the list with it has not replaced it.
    [
        "transactions",
        "valid",
        "us:t(1p1;1r{1})[0-1] 1/us:r{1}[2-3]",
    ],
    // To choose what had to be over earliest ends where two wait for each other; the earliest instants that they leave one another are an order.
    [
        "transactions",
        "valid",
        "us:t(1w1;2w2)[60-77] us:t(1r1;1w3;2w4)[64-85] us:t(2w5)[61-91] us:t(1w6;2r5)[74-81]",
    ],
    // They have the order in which they stand here, but neither way of looking for one finds it: without an order no pass.
    [
        "transactions",
        "unknown",
        "1/us:w1[23-34] us:t(1r1;2w2)[26-34] 2/us:r2[22-37] us:t(2w3)[23-31] us:t(1w4;2r3)[24-36] us:t(1w5;2r3;2w6)[23-40]",
    ],
    // All versions show their stamps: that is for stamp-order, whether anybody saw no item or not.
    [
        "common-order",
        "valid",
        "us:r-[0-1] us:w1[0-1] us:w2[2-3] us:r2@9us[4-5] us:r1@5us[6-7]",
    ],
    // Each of these required another one of them.
    ["common-order", "invalid: 3", "us:c2>1[0-9] us:c1>2[0-9]"],
    [
        "common-order",
        "invalid: 8",
        "us:c3>1[0-1] us:c1>2[2-3] us:c2>3[4-5] us:w4[0-1]",
    ],
    ["stamp-order", "invalid: 4", "us:c1>1[0-1] us:r1@5us[2-3]"],
    // Nobody saw 3, which was acknowledged in eu before us was read for the last time, or at that moment: before, it is older than 1, which
    // was read then, and than 2; but 2 was there before it was asked for.
    [
        "stamp-order",
        "invalid: 5 8 10",
        "us:w1[0-1] eu:w2[0-3] eu:r2@9eu[2-4] eu:w3[5-10] us:r1@5us[20-21]F",
    ],
    [
        "stamp-order",
        "valid",
        "us:w1[0-1] eu:w2[0-3] eu:r2@9eu[2-4] eu:w3[5-20] us:r1@5us[20-21]F",
    ],
    // 2 replaced 1 directly, so 3 comes after 2; it was acknowledged when 2 was read for the last time, or at that moment.
    [
        "stamp-order",
        "invalid: 4 8 10",
        "us:w1[0-1] us:r1@5us[1-2] us:c1>2[4-5] us:w3[6-9] us:r2@9us[10-11]F",
    ],
    [
        "stamp-order",
        "valid",
        "us:w1[0-1] us:r1@5us[1-2] us:c1>2[4-5] us:w3[6-10] us:r2@9us[10-11]F",
    ],
    // Nobody saw 2, which replaced 1 directly.
    [
        "stamp-order",
        "invalid: 6 8",
        "us:w1[0-1] us:r1@5us[2-3] us:c1>2[6-9] us:r1@5us[10-11]F",
    ],
    [
        "stamp-order",
        "valid",
        "us:w1[0-1] us:r1@5us[2-3] us:c1>2[6-10] us:r1@5us[10-11]F",
    ],
    // Nobody saw 2, which may have come when 1 had been seen for the last time, at that moment; not a moment before.
    [
        "stamp-order",
        "valid",
        "us:w1[0-1] us:r1@5us[2-3] us:w2[5-10] us:r1@5us[10-12]",
    ],
    [
        "stamp-order",
        "invalid: 4 6 8",
        "us:w1[0-1] us:r1@5us[2-3] us:w2[5-9] us:r1@5us[10-12]",
    ],
    // That 1 was still there and that 2 was asked for are one moment, at which eu had 2 already: either will do.
    [
        "stamp-order",
        "invalid: 4 9",
        "us:w1[0-1] us:r1@5us[6-8] us:w2[8-9] us:r1@5us[8-10] eu:r2@9us[5-7]",
    ],
];

#[test]
fn one_moment_decides_and_shows() {
    let mut wrong = Vec::new();
    for [check, expected, text] in EDGES {
        let history = one_line(text).expect("well formed");
        let found = words(&checker::check(&history, &[check]).checks[0]);
        if found != *expected {
            wrong.push(format!("{check}: {found} instead of {expected}: {text}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// What the first violation of streams says.
#[test]
fn a_stream_is_said_to_be_wrong_in_its_own_way() {
    for (text, said) in [
        (
            "us:w1[0-1]! us:s(0:1~-)[4-5]",
            "changes to 1, but its write definitely failed",
        ),
        (
            "us:s(0:1~-)[0-1] us:w1[4-5]",
            "changes to 1, but its write was asked for only later",
        ),
        (
            "us:w1[0-1] us:s(0:7~-)[4-5]",
            "changes to 7, but nobody wrote it",
        ),
        // Of two that were asked for at one moment the first in the stream.
        (
            "us:w1[4-5] us:w2[4-5] us:w3[0-1] us:s(0:1~-;0:2~1;0:3~2)[6-7]",
            "changes to 1 before it changes to 3",
        ),
    ] {
        let history = one_line(text).expect("well formed");
        let result = checker::check(&history, &["streams"]).checks.remove(0);
        let summary = result.violations.first().map(|v| v.summary.as_str());
        assert!(
            summary.is_some_and(|s| s.contains(said)),
            "{summary:?}: {text}"
        );
    }
}
