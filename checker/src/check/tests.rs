//! Every check against one-line histories: what must fail, what must pass, what cannot be told.

use crate::history::one_line;
use crate::verdict::Outcome;

use super::check;

/// What one check says about a one-line history.
fn judged(name: &str, text: &str) -> (Outcome, usize) {
    let history = one_line(text).expect("the test's history is well formed");
    let verdict = check(&history, &[name]);
    let result = &verdict.checks[0];
    let operation_count = result.violations.first().map_or(0, |v| v.operations.len());
    (result.outcome, operation_count)
}

const INVALID: &[(&str, usize, &str)] = &[
    (
        "common-order",
        4,
        "us:w1[0-1] eu:w2[0-1] us:r1[2-3] us:r2[4-5] eu:r2[2-3] eu:r1[4-5]",
    ),
    // us: 1 before 2, eu: 2 before 3, ap: 3 before 1.
    (
        "common-order",
        6,
        "us:w1[0-90] eu:w2[0-90] ap:w3[0-90] us:r1[2-3] us:r2[4-5] eu:r2[2-3] eu:r3[4-5] ap:r3[2-3] ap:r1[4-5]",
    ),
    // 2 replaced 1 directly in us, so 3 is before both or after both there; eu has it in between. That 2 was seen by 17 is enough.
    (
        "common-order",
        3,
        "us:w1[0-1] us:c1>2[2-9] eu:w3[0-1] us:r3[20-21] eu:r1[12-13] eu:r3[14-15] eu:r2[16-17]",
    ),
    ("common-order", 2, "us:w1[0-1] eu:r-[90-91]F"),
    ("delivery", 2, "within=10 us:w1[0-1] eu:r-[12-13]"),
    (
        "delivery",
        2,
        "within=10 fault=0-2 fault=14-20 us:w1[0-1] eu:r-[13-14]",
    ),
    (
        "delivery",
        3,
        "within=10 us:w1[0-1] us:w2[2-3] eu:r1[14-15]",
    ),
    (
        "delivery",
        3,
        "within=10 us:w1[0-1] eu:w2[0-1] us:r1@5us[4-6] eu:r2@9eu[7-8] us:r1@5us[14-15]",
    ),
    ("transactions", 2, "us:t(1w5;2w5)[0-9] us:t(1r5;2r-)[2-3]"),
    ("transactions", 2, "us:t(1r-;2w5)[0-9] us:t(2r-;1w6)[0-9]"),
    (
        "transactions",
        3,
        "us:t(1w5;2w5)[0-9] 1/us:r5[2-3] 2/us:r-[4-5]",
    ),
    (
        "transactions",
        3,
        "us:t(1w5;2w5)[0-?] 1/us:r5[2-3] 2/us:r-[4-5]",
    ),
    ("transactions", 1, "us:t(1w5;1r6)[0-1]"),
    (
        "transactions",
        1,
        "us:t(1r5;1r6)[0-1] 1/us:w5[0-1] 1/us:w6[0-1]",
    ),
    (
        "transactions",
        3,
        "us:t(1p1;2p2)[0-9] us:t(1p3;2p4)[0-9] us:t(1r{1,3};2r{4,2})[10-11]",
    ),
    (
        "transactions",
        2,
        "us:t(1p1;2p2)[0-9] us:t(1r{1};2r{})[0-9]",
    ),
    // Nobody but the stamps says in which order 5 and 6 came.
    (
        "transactions",
        2,
        "us:t(1w5;2w5)[0-90] us:t(1w6;2w6)[0-90] us:t(1r5@7us;2r5@7us)[0-90] us:t(1r6@5us;2r6@5us)[91-92]",
    ),
    ("streams", 1, "us:w1[0-1] us:w2[2-3] us:s(0:1~-;0:2~-)[4-5]"),
    ("streams", 3, "us:w1[0-1] us:w2[2-3] us:s(0:2~1;0:1~2)[4-5]"),
    (
        "streams",
        3,
        "us:s()[0-1] us:w1[2-3] us:w2[4-5] us:s(0:2~-)[6-7]",
    ),
    (
        "streams",
        2,
        "us:s()[0-1] us:w1[2-3] us:s()[90-91]F us:r1[90-91]F",
    ),
    ("streams", 2, "us:w1[0-1]! us:s(0:1~-)[4-5]"),
    ("streams", 2, "us:s(0:1~-)[0-1] us:w1[4-5]"),
    ("streams", 1, "us:w1[0-1] us:s(0:7~-)[4-5]"),
    (
        "streams",
        2,
        "us:w1[0-1] us:w2[2-3] us:s(0:1~-;0:2~1)[4-5]#8 us:s(0:1~2)[6-7]#8",
    ),
    (
        "streams",
        2,
        "us:w1[0-1] us:w2~-[2-3] us:s(0:1~-;0:2~1)[4-5]",
    ),
    (
        "streams",
        2,
        "us:w1[0-1] us:d~1[2-3] eu:w2[2-3] us:s(0:1~-;0:2~1)[4-5]",
    ),
    (
        "streams",
        3,
        "eu:s()[0-1] us:w1[2-3] eu:s()[90-91]F eu:r1[90-91]F",
    ),
    (
        "streams",
        3,
        "us:w1[2-3] eu:w2[2-9] eu:s(0:1~-)[20-21]#8 eu:s()[90-91]F#8 eu:r2[90-91]F",
    ),
    // Another stream: it begins without items, tells of all that are there, and misses nothing that was asked for since.
    (
        "streams",
        2,
        "us:w1[0-1] us:s(0:1~-)[2-3]#8 us:S(0:2~1)[6-7]#8",
    ),
    (
        "streams",
        3,
        "us:w1[0-1] us:s(0:1~-)[2-3]#8 us:S()[6-7]#8 us:s()[90-91]F#8 us:r1[90-91]F",
    ),
    (
        "streams",
        2,
        "us:w1[0-1] us:S(0:1~-)[2-3]#8 us:w2[4-5] us:s()[90-91]F#8",
    ),
    (
        "streams",
        2,
        "us:w1[0-1] us:S(0:1~-)[2-3]#8 us:s(0:1~-)[4-5]#8",
    ),
    (
        "streams",
        3,
        "us:s()[0-1]#8 us:w1[2-3] us:w2[4-5] us:s(0:2~-)[6-7]#8 us:S(0:2~-)[8-9]#8",
    ),
    (
        "stamps",
        2,
        "us:w1[0-9] us:w2[0-9] eu:r1@5us[2-3] ap:r2@5us[4-5]",
    ),
    ("set", 2, "us:a1[0-1] us:r{}[2-3]"),
    ("set", 1, "us:a1[0-1] us:r{1,1}[2-3]"),
    ("set", 1, "us:a1[0-1] eu:r{1,2}[2-3]"),
    ("set", 2, "us:a1[0-1]! eu:r{1}[2-3]"),
    ("set", 2, "us:a1[2-3] eu:r{1}[0-1]"),
    ("set", 2, "us:a1[0-?] eu:r{1}[2-3] eu:r{}[4-5]"),
    ("set", 2, "us:a1[0-1] us:r{1}[90-91]F eu:r-[90-91]F"),
    ("counter", 2, "us:i5[0-1] us:r0[2-3]"),
    ("counter", 2, "us:i5[0-1] us:r10[2-3]"),
    ("counter", 1, "us:i5[0-9] us:i7[0-9] us:r6[2-3]"),
    ("counter", 2, "us:i5[0-1] eu:i7[0-1] eu:r13[2-3]"),
    ("counter", 2, "us:i5[0-9] eu:r5[2-3] eu:r-[4-5]"),
    ("list-append", 3, "us:p1[0-1] eu:p2[2-3] us:r{2,1}[4-5]"),
    (
        "list-append",
        2,
        "us:p1[0-9] us:p2[0-9] us:r{2,1}[4-5] eu:r{1}[4-5]",
    ),
    ("list-append", 2, "us:p1[0-1] us:p2[2-3] us:r{1}[4-5]"),
    (
        "convergence",
        2,
        "us:w1[0-1] eu:w2[0-1] us:r1@5us[90-91]F eu:r2@5eu[90-91]F",
    ),
    (
        "convergence",
        2,
        "us:w1[0-1] us:r1@5us[90-91]F eu:r-[90-91]F",
    ),
    (
        "convergence",
        2,
        "us:w1[0-?] us:r1@5us[5-6] us:r1@5us[90-91]F eu:r-[90-91]F",
    ),
    (
        "winner",
        2,
        "us:w1[0-1] us:r1@9us[2-3] eu:w2[0-1] us:r2@5eu[90-91]F eu:r2@5eu[90-91]F",
    ),
    (
        "winner",
        2,
        "us:w1[0-1] us:r1@9us[2-3] us:r-[90-91]F eu:r-[90-91]F",
    ),
    (
        "lost-write",
        3,
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] us:r1@5us[90-91]F eu:r1@5us[90-91]F",
    ),
    (
        "lost-write",
        3,
        "us:w1[0-1] us:r1@5us[2-3] us:d[4-5] us:r1@5us[90-91]F eu:r1@5us[90-91]F",
    ),
    ("lost-write", 2, "us:w1[0-1] us:r-[90-91]F eu:r-[90-91]F"),
    ("phantom", 1, "us:r7[0-1]"),
    ("phantom", 2, "us:w7[0-1]! us:r7[2-3]"),
    ("phantom", 2, "us:r7[0-1] us:w7[2-3]"),
    ("phantom", 1, "us:w1~7[0-1]"),
    (
        "resurrection",
        3,
        "us:w1[0-1] us:r1@5us[2-3] us:d[4-5] us:r1@5us[6-7]",
    ),
    (
        "resurrection",
        2,
        "us:w1[0-1] us:d~1@5us[4-5] us:r1@5us[6-7]",
    ),
    (
        "resurrection",
        3,
        "us:w1[0-1] eu:r1@5us[2-3] us:d[4-5] eu:r-[6-7] eu:r1@5us[8-9]",
    ),
    (
        "read-your-writes",
        3,
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] us:r2@9us[6-7] us:r1@5us[8-9]",
    ),
    (
        "read-your-writes",
        3,
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] us:r1@5us[8-9]",
    ),
    ("read-your-writes", 2, "us:w1[0-1] us:r-[2-3]"),
    (
        "monotonic-reads",
        2,
        "us:w1[0-1] us:w2[2-3] us:r2@9us[4-5] us:r1@5us[6-7]",
    ),
    ("monotonic-reads", 2, "us:w1[0-1] us:r1@9us[4-5] us:r-[6-7]"),
    (
        "origin-first",
        2,
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-20] eu:r2@9us[6-7] us:r1@5us[8-9]",
    ),
    (
        "conditional-writes",
        2,
        "us:w1[0-1] us:c1>2[2-3] us:c1>3[4-5]",
    ),
    ("conditional-writes", 2, "us:c->2[2-3] us:c->3[4-5]"),
    ("conditional-writes", 1, "us:w1[0-1] us:c1>2~1[2-3]!"),
    (
        "conditional-writes",
        1,
        "us:w1[0-1] us:w5[0-1] us:c1>2~5[2-3]",
    ),
    (
        "conditional-writes",
        4,
        "us:w1[0-1] us:c1>2[2-9] us:r1@5us[2-3] eu:w3[0-1] us:r3@6eu[2-9] us:r2@7us[10-11]",
    ),
    (
        "conditional-writes",
        3,
        "us:w1[0-1] us:w2[2-3] us:r2@9us[4-5] us:r1@5us[4-5] us:c1>3[6-7]",
    ),
];

const VALID: &[(&str, &str)] = &[
    (
        "common-order",
        "us:w1[0-1] eu:w2[0-1] us:r1[2-3] us:r2[4-5] eu:r2[2-3] eu:r2[4-5]",
    ),
    (
        "common-order",
        "us:w1[0-1] us:c1>2[2-9] eu:w3[0-1] us:r2[20-21] eu:r3[12-13] eu:r1[14-15] eu:r2[16-17]",
    ),
    // Two regions replace 1: a fork is lawful.
    (
        "common-order",
        "us:w1[0-1] eu:r1[2-3] us:c1>2[4-9] eu:c1>3[4-9] us:r3[20-21] eu:r3[20-21]",
    ),
    ("delivery", "within=10 us:w1[0-1] eu:r-[9-13] eu:r1[14-15]"),
    // Nobody knows whether 1 or 2 is the newer one.
    (
        "delivery",
        "within=10 us:w1[0-1] eu:w2[0-1] us:r1[40-41] eu:r2[40-41]",
    ),
    (
        "delivery",
        "within=10 fault=5-9 us:w1[0-1] eu:r-[12-13] eu:r1[30-31]",
    ),
    (
        "transactions",
        "us:t(1w5;2w5)[0-9] us:t(1r5;2r5)[2-3] eu:t(1r5;2r-)[4-5]",
    ),
    ("transactions", "us:t(1r-;2w5)[0-9] us:t(2r5;1w6)[0-9]"),
    // Two blind writes and a reader: only one order will do.
    (
        "transactions",
        "us:t(1w5;2w5)[0-5] us:t(1w6;2w6)[0-9] us:t(1r5;2r5)[20-21]",
    ),
    // Halves arrive one by one from another region.
    (
        "transactions",
        "eu:t(1w5;2w5)[0-1] us:t(1r5;2r-)[2-3] us:t(1r5;2r5)[4-5]",
    ),
    (
        "transactions",
        "us:t(1p1;2p2)[0-9] us:t(1p3;2p4)[0-9] us:t(1r{1,3};2r{2,4})[10-11]",
    ),
    ("transactions", "us:t(1w5;2w5)[0-?] us:t(1r-;2r-)[2-3]"),
    (
        "streams",
        "us:s()[0-1] us:w1[2-3] us:w2~1[4-5] us:d~2[6-7] us:s(0:1~-;0:2~1;0:-~2)[8-9] us:s()[90-91]F us:r-[90-91]F",
    ),
    // What another region wrote may be skipped, and a stamp is added later.
    (
        "streams",
        "eu:s()[0-1]#9 us:w1[2-3] us:w2[4-5] eu:s(0:2~-;0:2~2)[8-9]#9 eu:s()[90-91]F#9 eu:r2[90-91]F",
    ),
    // Another stream: what was asked for before it was found may have been in the former, and what it held comes again.
    (
        "streams",
        "us:s()[0-1]#8 us:w1[2-3] us:s(0:1~-)[4-5]#8 us:w2~1[6-7] us:S(0:1~-)[8-9]#8 us:w3~2[10-11] us:s(0:2~1;0:3~2)[90-91]F#8 us:r3[92-93]F",
    ),
    (
        "streams",
        "us:s()[0-1]#8 us:w1[2-3] us:w2[4-5] us:S(0:2~-)[6-7]#8 us:s()[90-91]F#8 us:r2[92-93]F",
    ),
    // Written before the consumer began; or overlapping.
    ("streams", "us:w1[0-1] us:s(0:2~1)[2-9] us:w2[2-3]"),
    ("streams", "us:w1[0-9] us:w2[0-9] us:s(0:2~-;0:1~2)[20-21]"),
    ("set", "us:a1[0-1] eu:r-[2-3] eu:r{1}[4-5]"),
    ("set", "us:a1[0-1] eu:a2[0-1] us:r{1}[2-3] us:r{2}[4-5]"),
    ("set", "us:a1[0-?] us:a2[2-3] us:r{2}[4-5] us:r{1,2}[6-7]"),
    ("counter", "us:i5[0-9] us:i7[0-9] us:r7[2-3] us:r12[4-5]"),
    ("counter", "us:i5[0-1] eu:i7[0-1] us:r5[2-3] us:r7[4-5]"),
    ("counter", "us:i5[0-1] us:i-3[2-?] us:r5[4-5] us:r2[6-7]"),
    ("counter", "us:i5~-[0-1] us:i5~5[2-3] us:r10[4-5]"),
    (
        "list-append",
        "us:p1[0-1] eu:p2[0-1] us:r{1}[2-3] us:r{2,3}[6-7] eu:p3[4-5]",
    ),
    (
        "list-append",
        "us:p1[0-9] us:p2[0-9] us:r{2,1}[4-5] eu:r{2}[6-7] us:r{2,1}[8-9]",
    ),
    (
        "convergence",
        "us:w1[0-1] us:r1@5us[90-91]F eu:r1@5us[90-91]F",
    ),
    (
        "winner",
        "us:w1[0-1] us:r1@5us[2-3] eu:w2[0-1] us:r2@9eu[90-91]F eu:r2@9eu[90-91]F",
    ),
    (
        "winner",
        "us:w1[0-1] us:r1@9us[2-3] us:d[4-5] us:r-[90-91]F eu:r-[90-91]F",
    ),
    (
        "lost-write",
        "us:w1[0-1] eu:w2[0-1] us:r2@9eu[90-91]F eu:r2@9eu[90-91]F",
    ),
    (
        "lost-write",
        "us:w1[0-1] us:d[4-5] us:w2[6-7] us:r2@5us[90-91]F eu:r2@5us[90-91]F",
    ),
    // The delete's region had not seen 2, whose stamp may be smaller.
    (
        "lost-write",
        "eu:w2[0-1] us:d[4-5] us:r-[90-91]F eu:r-[90-91]F",
    ),
    ("phantom", "us:w7[0-?] us:r7[2-3] us:w8[1-2] us:r8[2-3]"),
    (
        "resurrection",
        "us:w1[0-1] us:r1@5us[2-3] us:d[4-5] eu:w2[0-1] us:r2@9eu[6-7]",
    ),
    (
        "resurrection",
        "us:w1[0-1] us:r1@5us[2-3] us:d[4-9] us:r1@5us[6-7]",
    ),
    (
        "read-your-writes",
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] us:r2@9us[6-7]",
    ),
    (
        "read-your-writes",
        "us:w1[0-1] eu:w2[0-1] us:r2@9eu[6-7] eu:r2@9eu[3-4] us:r1@5us[2-3]",
    ),
    ("read-your-writes", "us:w1[0-1] eu:d[0-1] us:r-[6-7]"),
    (
        "monotonic-reads",
        "us:w1[0-1] us:w2[2-3] us:r2@9us[4-7] us:r1@5us[4-7]",
    ),
    (
        "monotonic-reads",
        "us:w1[0-1] us:w2[2-3] us:e2@9us[4-5] us:e1@5us[6-7] us:r2@9us[8-9]",
    ),
    (
        "monotonic-reads",
        "us:w1[0-1] us:r1@9us[4-5] eu:d[0-?] us:r-[6-7]",
    ),
    (
        "origin-first",
        "us:w1[0-1] us:r1@5us[2-3] us:w2[4-20] eu:r2@9us[6-7] us:r2@9us[8-9]",
    ),
    (
        "conditional-writes",
        "us:w1[0-1] us:r1@5us[2-3] us:c1>2[2-3] eu:c1>3[2-3] us:c1>4~2[4-5]!",
    ),
    ("conditional-writes", "us:c->2[2-3] us:d[4-5] us:c->3[6-7]"),
];

const UNKNOWN: &[(&str, &str)] = &[
    ("common-order", "us:w1[0-1] eu:w1[0-1] us:r1[2-3]"),
    ("delivery", "us:w1[0-1] eu:r-[90-91]"),
    ("delivery", "within=10 us:w1[0-1] eu:r-[2-3]"),
    ("delivery", "within=10 fault=5-9 us:w1[0-1] eu:r-[12-13]"),
    ("transactions", "us:t(1w5;2w5)[0-?]"),
    ("streams", "us:s()[0-1] us:w1[2-3] us:s()[4-5]"),
    ("convergence", "us:w1[0-1] us:r1@5us[2-3]"),
    ("convergence", "us:w1[0-?] us:r1@5us[90-91]F eu:r-[90-91]F"),
    ("winner", "us:w1[0-1] us:r1[90-91]F eu:r1[90-91]F"),
    ("lost-write", "us:w1[0-1] us:r1@5us[2-3]"),
    ("phantom", "us:w1[0-1]"),
    ("resurrection", "us:w1[0-1] us:d[2-3] us:r1[4-5]"),
    ("read-your-writes", "us:w1[0-1] us:w2[2-3] us:r1[4-5]"),
    ("monotonic-reads", "us:w1[0-1] us:e1@5us[4-5]"),
    ("origin-first", "us:w1[0-1]"),
    ("conditional-writes", "us:w1[0-1] us:c1>2[2-3]"),
];

#[test]
fn broken_histories_are_invalid_with_the_fewest_operations() {
    let wrong = INVALID.iter().filter_map(|(name, operation_count, text)| {
        let found = judged(name, text);
        (found != (Outcome::Invalid, *operation_count)).then(|| format!("{found:?} {name}: {text}"))
    });
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn lawful_histories_are_valid() {
    assert_eq!(not(Outcome::Valid, VALID), Vec::<String>::new());
}

#[test]
fn what_cannot_be_told_is_unknown() {
    assert_eq!(not(Outcome::Unknown, UNKNOWN), Vec::<String>::new());
}

/// The histories that do not get this outcome.
fn not(expected: Outcome, histories: &[(&str, &str)]) -> Vec<String> {
    let wrong = histories.iter().filter_map(|(name, text)| {
        let found = judged(name, text);
        (found.0 != expected).then(|| format!("{found:?} {name}: {text}"))
    });
    wrong.collect()
}

#[test]
fn many_deletes_from_elsewhere_do_not_exhaust_the_search() {
    let round = |n: u64| {
        let t = n * 10;
        format!(
            "eu:d[{t}-{}] us:w{n}[{}-{}] us:r{n}[{}-{}] us:r-[{}-{}] ",
            t + 1,
            t + 2,
            t + 3,
            t + 4,
            t + 5,
            t + 6,
            t + 7
        )
    };
    let text: String = (1..300).map(round).collect();
    assert_eq!(judged("region-linearizable", &text).0, Outcome::Valid);
    // Without its write, the delete cannot make it come back.
    let broken = format!("{text} us:r7[9000-9001]");
    assert_eq!(judged("region-linearizable", &broken).0, Outcome::Invalid);
}
