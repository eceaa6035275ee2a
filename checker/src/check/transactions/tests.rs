//! Which histories are explained without a graph, and where the others get stuck.

use std::collections::BTreeMap;

use super::gather::{gather, happened};
use super::{Decided, Together, decide, is_broken, windows};
use crate::history::{Key, RegionId, one_line};

#[path = "../../../tests/it/random_transactions.rs"]
mod random_transactions;

/// The places of the items at which no instants were found for the region of a history's transactions; none if all have one.
fn stuck(text: &str) -> Vec<usize> {
    let history = one_line(text).expect("well formed");
    let (together, _) = Together::of(&history);
    let sketches = together.sketches();
    let happened = happened(sketches);
    let explain = |region: &RegionId| windows::explain(sketches, &happened, *region);
    let items = together.regions.iter().filter_map(|r| explain(r).err());
    items.flatten().collect()
}

#[test]
fn instants_are_found_or_the_items_at_which_they_are_not() {
    for (text, items) in [
        // Nothing but transactions, one after the other and at once.
        ("us:t(1w1;2w1)[0-1] us:t(1r1;2r1)[2-3]", &[][..]),
        (
            "us:t(1w1;2w2)[0-9] us:t(2r2;1w3)[0-9] us:t(1r3;2r2)[0-9]",
            &[],
        ),
        // Half of it was seen.
        ("us:t(1w5;2w5)[0-9] us:t(1r5;2r-)[2-3]", &[0, 1]),
        // Each read what the other replaced.
        ("us:t(1r-;2w5)[0-9] us:t(2r-;1w6)[0-9]", &[0, 1]),
        // What others saw at one item leaves the transaction no time at another.
        ("us:t(1w5;2w5)[0-9] 1/us:r5[2-3] 2/us:r-[2-3]", &[]),
        ("us:t(1w5;2w5)[0-9] 1/us:r5[2-3] 2/us:r-[3-4]", &[]),
        ("us:t(1w5;2w5)[0-9] 1/us:r5[2-3] 2/us:r-[4-5]", &[1]),
        // Through a third item.
        (
            "us:t(1w1;2w1)[0-9] us:t(2r1;3w1)[0-9] us:t(3r1;1r-)[0-9] us:t(4w1)[0-1]",
            &[0, 1, 2],
        ),
        // One item alone.
        ("us:t(1w1;2w1)[0-1] 1/us:r-[2-3]", &[0]),
        ("us:t(1w1;2w1)[0-1] us:t(1w2;2r1)[2-3] 1/us:r1[4-5]", &[0]),
        // Lists: each element replaces the one before.
        (
            "us:t(1p1;2p1)[0-1] us:t(1p2;2r{1})[2-3] 1/us:r{1,2}[4-5]",
            &[],
        ),
        (
            "us:t(1p1;2p1)[0-1] us:t(1p2;2r{1})[2-3] 1/us:r{1}[4-5]",
            &[0],
        ),
        // What comes from elsewhere comes when it is seen.
        ("us:t(1w1;2w1)[0-1] 1/eu:w7[0-1] us:t(1r7;2r1)[2-3]", &[]),
        ("us:t(1w1;2w1)[0-1] 1/eu:w7[4-5] us:t(1r7;2r1)[2-3]", &[0]),
        // Halves of transactions elsewhere come one by one.
        ("eu:t(1w7;2w7)[0-1] us:t(1r7;2r-)[2-3] 2/us:r7[4-5]", &[]),
        // To look twice is to look once, unless two things were seen.
        ("us:t(1w1;2w1)[0-1] us:t(1r1;1r1)[2-3]", &[]),
        ("us:t(1w1;2w1)[0-9] us:t(1r1;1r-)[2-3]", &[0]),
        // Stamps say what came first.
        (
            "us:t(1w1;2w1)[0-9] us:t(1w2)[0-20] 1/us:r1@5us[10-11] 1/us:r2@6us[12-13]",
            &[],
        ),
        (
            "us:t(1w1;2w1)[0-9] us:t(1w2)[0-20] 1/us:r2@6us[10-11] 1/us:r1@5us[12-13]",
            &[0],
        ),
        // What shows no stamp has its place in time among what does.
        ("us:t(1w1;2w1)[0-1] 1/us:r1@5us[2-3] 1/us:w3[4-5]", &[]),
        ("1/us:w3[0-1] us:t(1w1;2w1)[4-5] 1/us:r1@5us[6-7]", &[]),
    ] {
        assert_eq!(stuck(text), items, "{text}");
    }
}

#[test]
fn items_have_the_order_of_their_keys_whoever_took_them() {
    let of = |text: &str| Together::of(&one_line(text).expect("well formed")).0;
    let keys = |together: &Together| {
        let keys = together.sketches().iter().map(|sketch| sketch.key);
        keys.collect::<Vec<Key>>()
    };
    let mut parts = of("us:t(2w1;4w1)[0-1]");
    parts.absorb(of("us:t(1w1;3w1)[2-3]"));
    parts.in_order();
    let whole = of("us:t(2w1;4w1)[0-1] us:t(1w1;3w1)[2-3]");
    assert_eq!(keys(&parts), keys(&whole));
    assert_eq!(keys(&parts).len(), 4);
}

#[test]
fn broken_is_what_contradicts_itself_or_others() {
    for (text, expected) in [
        ("us:t(1w5;2w5)[0-9] us:t(1r5;2r5)[2-3]", false),
        ("us:t(1w5;2w5)[0-9] us:t(1r5;2r-)[2-3]", true),
        ("us:t(1w5;1r6)[0-9] 1/us:w6[0-1]", true),
    ] {
        let history = one_line(text).expect("well formed");
        assert_eq!(is_broken(&history), expected, "{text}");
    }
}

#[test]
fn of_random_histories_so_many_are_explained() {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..4_000 {
        let stuck = stuck(&random_transactions::history(seed));
        *counts.entry(format!("{stuck:?}")).or_default() += 1;
    }
    // What is explained is not wrong (`transactions_agree_with_brute_force`); what is not costs a graph.
    let expected = [("[0, 1]", 139), ("[0]", 130), ("[1]", 101), ("[]", 3_630)];
    let expected = expected.map(|(items, count)| (items.to_owned(), count));
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn a_graph_alone_contradicts_nothing_that_instants_explain() {
    let mut counts: BTreeMap<(bool, &str), u32> = BTreeMap::new();
    for seed in 0..4_000 {
        let text = random_transactions::history(seed);
        let history = one_line(&text).expect("well formed");
        let (together, _) = Together::of(&history);
        let sketches = together.sketches();
        let happened = happened(sketches);
        for region in together.regions.iter().copied() {
            let is_explained = windows::explain(sketches, &happened, region).is_ok();
            let decided = match decide(&gather(sketches.iter(), &happened, region)) {
                Decided::Explained => "explained",
                Decided::Broken(_) => "broken",
                Decided::Unknown => "unknown",
            };
            assert!(!is_explained || decided != "broken", "{text}");
            *counts.entry((is_explained, decided)).or_default() += 1;
        }
    }
    // Instants are looked for in one order of each item's versions; the graph knows of none, and so explains some that these do not.
    let expected = [
        ((false, "broken"), 281),
        ((false, "explained"), 89),
        ((true, "explained"), 3_446),
        ((true, "unknown"), 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}
