//! Zones against the search, which is exact while its budget lasts, on random steps.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use super::super::search::{Answer, decide as search};
use super::super::{Needed, Requirement, Scope, Step, steps as steps_of};
use super::{Zones, decide};
use crate::check::{Case, Wanted};
use crate::history::one_line;

/// Few steps over few moments, so that ties, chains and contradictions are common.
fn steps(seed: u64) -> Vec<Step> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |limit: u64| rng.next_u64() % limit;
    let has_deletes = below(2) == 0;
    let value_count = 1 + below(4);
    let mut steps = Vec::new();
    let state = |dice: u64| u32::try_from(dice).ok().filter(|v| *v > 0);
    let mut step = |below: &mut dyn FnMut(u64) -> u64, effect: Option<Option<u32>>| {
        let call_ns = below(12);
        let is_optional = effect.is_some() && below(4) == 0;
        let seen = below(value_count + 1);
        let is_rmw = below(3) == 0 && (has_deletes || seen > 0 || below(2) == 0);
        let requirement = if effect.is_none() || is_rmw {
            Requirement::Is(state(seen))
        } else {
            Requirement::Any
        };
        steps.push(Step {
            operation: steps.len(),
            call_ns,
            return_ns: (!is_optional).then(|| call_ns + below(8)),
            requirement,
            effect,
        });
    };
    for value in 1..=value_count {
        step(&mut below, Some(state(value)));
    }
    for _ in 0..below(5) {
        step(&mut below, None);
    }
    if has_deletes {
        for _ in 0..=below(2) {
            step(&mut below, Some(None));
        }
    }
    steps.sort_by_key(|s| (s.call_ns, s.operation));
    let needed = Needed::new(&steps, 8);
    steps.retain(|s| s.return_ns.is_some() || needed.has(s.effect));
    steps
}

#[test]
fn zones_agree_with_the_search() {
    let factor = std::env::var("DATELINE_FUZZ_COUNT");
    // Fewer than usual would save nothing: these are fast.
    let factor = factor.ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (mut linearizable_count, mut broken_count, mut undecided_count) = (0, 0, 0);
    let mut looked_at_count = 0;
    for seed in 0..30_000 * factor {
        let steps = steps(seed);
        let mut budget = 1_000_000;
        let expected = search(&steps, &mut budget);
        looked_at_count += 1_000_000 - budget;
        match (decide(&steps), expected) {
            (Zones::Linearizable, Answer::Linearizable) => linearizable_count += 1,
            (Zones::Broken(_), Answer::Broken(_)) => broken_count += 1,
            (Zones::Undecided, _) => undecided_count += 1,
            (zones, search) => panic!("seed {seed}: {zones:?}, {search:?} {steps:#?}"),
        }
    }
    println!("{linearizable_count} linearizable, {broken_count} not, {undecided_count} undecided");
    println!("the search looked at {looked_at_count} configurations");
    assert!(linearizable_count > 2_000 * factor && broken_count > 2_000 * factor);
    if factor == 1 {
        // What zones leave to the search, and how far that has to look: more of either is slower, though no verdict differs.
        assert!(undecided_count <= 3_483, "{undecided_count} undecided");
        assert!(looked_at_count <= 115_614, "{looked_at_count} looked at");
    }
}

/// What zones say of a history of one key, with the operations instead of the steps.
fn said(text: &str) -> Result<bool, Vec<usize>> {
    let history = one_line(text).expect("well formed");
    let case = Case::new(&history, Wanted::Outcome);
    let item = case.registers().next().expect("a register");
    let steps = steps_of(&case, item, &[Scope::Everywhere]).remove(0);
    match decide(&steps) {
        Zones::Linearizable => Ok(true),
        Zones::Undecided => Ok(false),
        Zones::Broken(shown) => Err(shown.iter().map(|i| steps[*i].operation).collect()),
    }
}

/// Evidence is looked for among these first: they are those that contradict one another.
#[test]
fn what_is_broken_is_shown_by_those_that_say_so() {
    let mut wrong = Vec::new();
    for (text, expected) in [
        // 2 and 3 replaced each other, among others.
        (
            "us:w9[0-1] us:c2>3[2-9] us:r9[2-3] us:c3>2[2-9] us:r9[3-4]",
            Err(vec![1, 3]),
        ),
        // 1 was read long after 2 had replaced it.
        (
            "us:w1[0-1] us:c1>2[2-3] us:r1[4-5] us:r1[6-7]",
            Err(vec![3, 1]),
        ),
        // 2 was read before it was written.
        (
            "us:w1[0-1] us:r2[2-3] us:r2[2-4] us:c1>2[6-7]",
            Err(vec![3, 1]),
        ),
        // A read of no item at the moment at which the only delete was asked for.
        ("us:w1[0-1] us:r-[2-4] us:d[4-5]", Ok(true)),
        ("us:w1[0-1] us:r-[2-3] us:d[4-5]", Err(vec![1, 0])),
    ] {
        let found = said(text);
        if found != expected {
            wrong.push((text, found, expected));
        }
    }
    assert_eq!(wrong, []);
}
