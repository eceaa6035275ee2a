//! A history judged in parts has the verdict of one that is judged whole: outcomes, reasons, which evidence is shown and in which order.

use checker::history::{History, Operation, one_line};
use checker::verdict::Verdict;
use checker::{Judgement, Options, Scope, judge, registry};
use reports::load_summary::Share;
use reports::verdict_shares::{VerdictShare, join};

/// What an item can have gone through: nothing wrong, something wrong, too little to tell.
const LIVES: [&str; 12] = [
    "us:w1[0-1] us:r1@5us[2-3] eu:r1@5us[4-5] us:r1@5us[90-91]F eu:r1@5us[90-91]F",
    "us:w1[0-1] us:r1@5us[2-3] us:w2[4-5] us:r1@5us[6-7] us:r1@5us[8-9]",
    "us:w1[0-1] us:r1@5us[2-3] eu:w2[4-5] eu:r2@9eu[6-7] us:r2@9eu[8-9] us:r1@5us[10-11]",
    "us:w1[0-1] us:r1@5us[2-3] us:d[4-5] us:r-[6-7] us:r1@5us[8-9]",
    "us:w7[0-1]! us:w8[0-1] eu:r7@3us[2-3]",
    "us:w7[0-?] us:w8[0-1]",
    "us:w1[0-1] eu:w2[0-1] us:r2[90-91]F eu:r2[90-91]F",
    "us:w1[0-1] us:c1>2~1@7us[3-4] us:c1>3~1@7us[5-6] us:r3@9us[8-9]",
    "us:a1[0-1] us:r{1}[2-3] us:r{1,9}[4-5]",
    "us:i1[0-1] us:r5[2-3]",
    "us:p1[0-1] us:r{1}[2-3] us:r{2}[4-5]",
    "us:r-[0-1] eu:r-[2-3]",
];

/// A history of items with these lives, each beginning so much after the one before.
fn history(lives: &[usize], apart_ns: u64) -> History {
    let operations = lives.iter().zip(1..).flat_map(|(life, key)| {
        let operations = LIVES[*life].split(' ');
        operations.map(move |operation| format!("{key}/{operation}"))
    });
    let text: Vec<String> = operations.collect();
    let mut whole = one_line(&text.join(" ")).expect("well formed");
    whole.header.stamps_visible = true;
    for operation in &mut whole.operations {
        let later_ns = key(operation) * apart_ns;
        operation.call_ns += later_ns;
        operation.return_ns = operation.return_ns.map(|at| at + later_ns);
    }
    let operations = &mut whole.operations;
    operations.sort_by_key(|operation| (operation.call_ns, operation.line_invoke));
    whole
}

fn key(operation: &Operation) -> u64 {
    operation.op.key().expect("it is about one item").0
}

fn judged(history: &History, expectations: &[&str], scope: Scope) -> Judgement {
    let options = Options {
        expectations: expectations.to_vec(),
        scope,
    };
    judge(history, &options).expect("these exist")
}

/// Judges it whole and in so many parts.
fn assert_same(history: &History, of: u32, expectations: &[&str], what: &str) {
    let part = |index: u32| {
        let mut part = history.clone();
        let is_ours = |o: &Operation| key(o) % u64::from(of) + 1 == u64::from(index);
        part.operations.retain(is_ours);
        let judgement = judged(&part, expectations, Scope::Part);
        VerdictShare::new(Share { index, of }, &history.header, judgement)
    };
    // Whoever joins them may name them in any order.
    let parts: Vec<VerdictShare> = (1..=of).rev().map(part).collect();
    let joined = join(&parts).expect("they are complete");
    let whole = judged(history, expectations, Scope::Whole).verdict;
    let shown = |verdict: &Verdict| {
        let Verdict {
            outcome,
            reason,
            checks,
            operations,
            measurements: _,
        } = verdict;
        serde_json::to_string_pretty(&(outcome, reason, checks, operations)).unwrap()
    };
    assert_eq!(shown(&joined), shown(&whole), "{what}");
}

#[test]
fn three_items_in_parts_are_judged_as_the_whole() {
    let all: Vec<&str> = registry().iter().rev().map(|info| info.id).collect();
    let count = LIVES.len();
    for triple in (0..count.pow(3)).step_by(7) {
        let lives = [
            triple % count,
            triple / count % count,
            triple / count / count,
        ];
        for (of, apart_ns) in [(2, 0), (3, 0), (4, 7_000_001)] {
            let history = history(&lives, apart_ns);
            let what = format!("{lives:?} in {of} parts");
            assert_same(&history, of, &[], &what);
            assert_same(&history, of, &all, &format!("{what}, all checks"));
        }
    }
}

#[test]
fn of_many_violations_the_same_are_shown() {
    for first in 0..LIVES.len() {
        let mut lives: Vec<usize> = vec![first; 150];
        lives.extend((0..150).map(|place| place * 5 % LIVES.len()));
        for apart_ns in [0, 300_000, 2_000_000] {
            let history = history(&lives, apart_ns);
            assert_same(
                &history,
                3,
                &[],
                &format!("150 of {first}, {apart_ns} ns apart"),
            );
        }
    }
}
