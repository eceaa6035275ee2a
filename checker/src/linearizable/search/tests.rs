//! How far the search looks: what spares it work changes no answer, so it is counted.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use super::super::{Requirement, Step};
use super::{Answer, decide};

/// Many steps at once, some optional, on few values that come again.
fn steps(seed: u64, count: u64, forbids: bool) -> Vec<Step> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |limit: u64| rng.next_u64() % limit;
    let state = |dice: u64| u32::try_from(dice).ok().filter(|v| *v > 0);
    let mut steps = Vec::new();
    for operation in 0..count {
        let call_ns = below(2 * count);
        let effect = (below(3) > 0).then(|| state(below(4)));
        let seen = state(below(4));
        let requirement = match (below(8), effect) {
            (0, _) if forbids => Requirement::IsNot(seen),
            (0..=2, Some(_)) | (_, None) => Requirement::Is(seen),
            (_, Some(_)) => Requirement::Any,
        };
        let is_optional = effect.is_some() && below(3) == 0;
        steps.push(Step {
            operation: usize::try_from(operation).expect("few"),
            call_ns,
            return_ns: (!is_optional).then(|| call_ns + 1 + below(count)),
            requirement,
            effect,
        });
    }
    steps.sort_by_key(|s| (s.call_ns, s.operation));
    steps
}

/// Answers by kind, and how many configurations were looked at for them.
fn effort(count: u64, forbids: bool) -> ([u64; 3], u64) {
    let (mut answers, mut looked_at_count) = ([0; 3], 0);
    for seed in 0..400 {
        let mut budget = 20_000;
        let kind = match decide(&steps(seed, count, forbids), &mut budget) {
            Answer::Linearizable => 0,
            Answer::Broken(_) => 1,
            Answer::Unknown => 2,
        };
        answers[kind] += 1;
        looked_at_count += 20_000 - budget;
    }
    (answers, looked_at_count)
}

/// A change that is meant to make it faster makes these numbers smaller.
#[test]
fn it_looks_no_further_than_it_must() {
    let found: Vec<([u64; 3], u64)> = [(8, false), (12, false), (16, false), (16, true)]
        .map(|(count, forbids)| effort(count, forbids))
        .to_vec();
    assert_eq!(
        found,
        [
            ([97, 303, 0], 3_082),
            ([91, 309, 0], 7_811),
            ([96, 304, 0], 17_462),
            ([134, 266, 0], 25_862),
        ]
    );
}
