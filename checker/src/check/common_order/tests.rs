//! The three ways to an order, each by itself: what one cannot decide another does, so verdicts alone do not tell that all of them work.

#[path = "../../../tests/it/simulated.rs"]
mod simulated;

use simulated::{Mix, history};

use super::orders::Orders;
use super::versions::Versions;
use super::{Answer, FORCED_COUNT, decide, forced, witness};
use crate::check::case::{Case, Wanted};
use crate::history::one_line;

const MIX: Mix = Mix {
    operation_count: 10,
    region_count: 3,
    deletes_percent: 0,
    conditions_percent: 40,
    changed_percent: 60,
    final_percent: 20,
};

/// Without the stamps of every other version, so that it is not all known.
fn half_stamped(text: &str) -> String {
    let tokens = text.split(' ').map(|token| {
        let Some((before, after)) = token.split_once('@') else {
            return token.to_owned();
        };
        let last = before.bytes().next_back().unwrap_or(b'0');
        let rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        match last % 2 {
            0 => token.to_owned(),
            _ => format!("{before}{rest}"),
        }
    });
    tokens.collect::<Vec<_>>().join(" ")
}

/// What one way says of some versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// There is an order, and it fits.
    Fits,
    /// There is a circle.
    Circle,
    /// Neither.
    Nothing,
}

fn said(versions: &Versions) -> [Said; 3] {
    let by_orders = |is_lifted| match Orders::new(versions, is_lifted).order() {
        Ok(order) if witness::fits(versions, &order) => Said::Fits,
        Ok(_) => Said::Nothing,
        Err(left) if left.circle.is_some() => Said::Circle,
        Err(_) => Said::Nothing,
    };
    let by_pairs = match forced::decide(versions) {
        Ok(Some(order)) if witness::fits(versions, &order) => Said::Fits,
        Ok(_) => Said::Nothing,
        Err(_) => Said::Circle,
    };
    [by_orders(false), by_orders(true), by_pairs]
}

#[test]
fn each_way_decides_what_it_can_and_none_contradicts_another() {
    let mut counts = [[0; 3]; 3];
    for seed in 0..4_000 {
        let text = half_stamped(&history(seed, &MIX));
        let history = one_line(&text).expect("well formed");
        let case = Case::new(&history, Wanted::Outcome);
        for item in case.registers() {
            let Ok(versions) = Versions::new(&case, item) else {
                continue;
            };
            let said = said(&versions);
            let is_split = said.contains(&Said::Fits) && said.contains(&Said::Circle);
            assert!(!is_split, "seed {seed}: {said:?}: {text}");
            for (counts, said) in counts.iter_mut().zip(said) {
                counts[said as usize] += 1;
            }
        }
    }
    // By single orders, by those kept together, pair by pair: fits, circle, neither. Fewer of neither is better.
    assert_eq!(counts, [[3367, 286, 244], [3367, 406, 124], [3368, 529, 0]]);
}

/// So many writes in turns in two regions, each seen in both before the next.
fn turns(count: usize) -> String {
    let turn = |n: usize| {
        let (t, region) = (100 * n, ["us", "eu"][n % 2]);
        let later = [10, 20, 30, 40].map(|ms| t + ms);
        format!(
            "{region}:w{n}[{t}-{}] us:r{n}[{}-{}] eu:r{n}[{}-{}]",
            t + 1,
            later[0],
            later[1],
            later[2],
            later[3]
        )
    };
    (1..=count).map(turn).collect::<Vec<_>>().join(" ")
}

/// What is decided of a history of one key.
fn decided(text: &str) -> Answer {
    let history = one_line(text).expect("well formed");
    let case = Case::new(&history, Wanted::Outcome);
    let item = case.registers().next().expect("a register");
    decide(&case, item)
}

#[test]
fn single_orders_decide_without_all_pairs() {
    let many = turns(FORCED_COUNT + 100);
    assert!(matches!(decided(&many), Answer::Ordered));
    let again = format!("{many} us:r7[900000-900001]");
    assert!(matches!(decided(&again), Answer::Broken(_)));
}

#[test]
fn so_many_versions_are_worked_out_pair_by_pair_and_no_more() {
    // That nothing was there is seen again after 1 replaced it: no single order says so.
    let broken = |count| decided(&format!("us:c->9000[1-2] us:r-[3-4] {}", turns(count)));
    // No item and 9000 are versions, too.
    assert!(matches!(broken(FORCED_COUNT - 2), Answer::Broken(_)));
    assert!(matches!(broken(FORCED_COUNT - 1), Answer::Unknown(_)));
}

#[test]
fn what_must_be_out_first_comes_first() {
    // 2 and 3 are both free, and 2 was asked for first; but us had 1 until 50, and eu had 3 at 45 and 2 later.
    let text = "us:w1[0-1] us:w2[2-90] eu:w3[3-45] eu:r2[40-81] us:r1[50-51]";
    let history = one_line(text).expect("well formed");
    let case = Case::new(&history, Wanted::Outcome);
    let item = case.registers().next().expect("a register");
    let said = Versions::new(&case, item).map(|versions| said(&versions));
    assert!(matches!(said, Ok([Said::Fits, Said::Fits, Said::Fits])));
}
