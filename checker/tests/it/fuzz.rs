//! Differential fuzzing: what the checks flag, no correct store can produce.

use std::collections::BTreeSet;

use checker::history::{Condition, Ending, History, Op, Phase, RegionId, Reply, Value, one_line};
use checker::verdict::Outcome;

use crate::evidence::assert_minimal;
use crate::oracle::is_explainable;
use crate::simulated::{Mix, history};

/// Tiny histories with everything in them.
const MIX: Mix = Mix {
    operation_count: 7,
    region_count: 2,
    deletes_percent: 12,
    conditions_percent: 20,
    changed_percent: 80,
    final_percent: 40,
};

/// The same over three regions, where brute force takes longer.
const THREE: Mix = Mix {
    operation_count: 6,
    region_count: 3,
    final_percent: 50,
    ..MIX
};

#[test]
fn no_check_flags_what_a_correct_store_can_do() {
    compare(&MIX, 0, 120_000);
}

/// Without deletes, whose stamps nobody sees, most histories can be decided.
const DECIDABLE: Mix = Mix {
    deletes_percent: 0,
    conditions_percent: 25,
    ..MIX
};

#[test]
fn stamp_order_agrees_with_brute_force_wherever_it_is_exact() {
    let (mut decided_count, mut broken_count) = (0, 0);
    for seed in (1 << 33)..(1 << 33) + scaled(25_000) {
        let text = history(seed, &DECIDABLE);
        let history = one_line(&text).expect("generated histories are well formed");
        if !is_decidable(&history) {
            continue;
        }
        let names = checker::expected_checks(&["mrec"]).expect("a named set");
        let is_flagged = checker::check(&history, &names).outcome == Outcome::Invalid;
        let is_right = is_explainable(&history);
        assert_eq!(is_right, !is_flagged, "seed {seed}: {text}");
        decided_count += 1;
        broken_count += u64::from(!is_right);
    }
    println!("{decided_count} decidable, {broken_count} of them unexplainable");
    assert!(decided_count > scaled(2_000) && broken_count * 20 > decided_count);
}

#[test]
fn linearizable_agrees_with_brute_force_on_one_store() {
    let (mut broken_count, mut unknown_count) = (0, 0);
    for seed in (1 << 34)..(1 << 34) + scaled(25_000) {
        let text = history(seed, &MIX);
        let history = one_line(&text).expect("generated histories are well formed");
        let outcome = checker::check(&history, &["linearizable"]).outcome;
        let is_right = is_explainable(&as_one_store(history));
        // A delete of unknown outcome is taken to be repeatable, which explains more than there can be.
        let is_delete = |op: &Op| matches!(op, Op::Delete { .. });
        let is_lenient = (one_line(&text).expect("well formed").operations.iter())
            .any(|o| o.return_ns.is_none() && is_delete(&o.op));
        match outcome {
            Outcome::Valid => assert!(is_right || is_lenient, "seed {seed}: {text}"),
            Outcome::Invalid => assert!(!is_right, "seed {seed}: {text}"),
            Outcome::Unknown => unknown_count += 1,
        }
        broken_count += u64::from(!is_right);
    }
    println!("{broken_count} not linearizable, {unknown_count} unknown");
    assert!(broken_count > scaled(500));
}

/// Without stamps every order of versions that explains what was seen is a good one; what is flagged even so, none explains.
#[test]
fn no_check_flags_what_some_order_of_hidden_stamps_explains() {
    let (mut broken_count, mut flagged_count) = (0, 0);
    for seed in (1 << 35)..(1 << 35) + scaled(15_000) {
        let text = history(seed, &MIX);
        let history = without_stamps(one_line(&text).expect("generated histories are well formed"));
        let verdict = checker::check(&history, &checker::applicable_checks(&history));
        let is_flagged = verdict.outcome == Outcome::Invalid;
        let is_right = is_explainable(&history);
        assert!(!(is_right && is_flagged), "seed {seed}: {text}");
        broken_count += u64::from(!is_right);
        flagged_count += u64::from(is_flagged);
    }
    println!("{flagged_count} flagged of {broken_count} unexplainable");
    assert!(flagged_count * 10 > broken_count * 6);
}

/// Without stamps and deletes, a history passes if and only if some order of hidden stamps explains it.
#[test]
fn hidden_stamps_agree_with_brute_force() {
    for (mix, first_seed, count) in [
        (&DECIDABLE, 1 << 37, 15_000),
        (&DECIDABLE_THREE, 1 << 38, 6_000),
    ] {
        let (mut decided_count, mut broken_count, mut unknown_count) = (0, 0, 0);
        for seed in first_seed..first_seed + scaled(count) {
            let text = history(seed, mix);
            let history = one_line(&text).expect("generated histories are well formed");
            let history = without_stamps(history);
            let is_silent = |o: &checker::history::Operation| {
                matches!(o.ending, Ending::Failed { seen: None, .. })
            };
            if history.operations.iter().any(is_silent) {
                continue;
            }
            let names = [
                "phantom",
                "convergence",
                "region-linearizable",
                "common-order",
            ];
            let verdict = checker::check(&history, &names);
            let is_flagged = verdict.outcome == Outcome::Invalid;
            if seed % SAMPLED == 0 {
                for check in &verdict.checks[1..] {
                    for violation in &check.violations {
                        assert_minimal(&history, &check.check, violation);
                    }
                }
            }
            let is_right = is_explainable(&history);
            if verdict.checks[3].outcome == Outcome::Unknown && !history.operations.is_empty() {
                unknown_count += 1;
                assert!(!(is_right && is_flagged), "seed {seed}: {text}");
                continue;
            }
            assert_eq!(is_right, !is_flagged, "seed {seed}: {text}");
            decided_count += 1;
            broken_count += u64::from(!is_right);
        }
        println!("{decided_count} decided, {broken_count} of them broken, {unknown_count} unknown");
        assert!(broken_count * 20 > decided_count && unknown_count * 20 < decided_count);
    }
}

/// The same over three regions.
const DECIDABLE_THREE: Mix = Mix {
    deletes_percent: 0,
    ..THREE
};

/// The same operations, seen through a store that hides its stamps.
fn without_stamps(mut history: History) -> History {
    history.header.stamps_visible = false;
    for operation in &mut history.operations {
        if let Ending::Ok(Reply::Read(item) | Reply::Done { old: Some(item) })
        | Ending::Failed {
            seen: Some(item), ..
        } = &mut operation.ending
        {
            item.stamp = None;
        }
    }
    history
}

/// The same operations on a store of one region, without stamps.
fn as_one_store(mut history: History) -> History {
    for operation in &mut history.operations {
        operation.region = RegionId(0);
        operation.phase = Phase::Main;
    }
    without_stamps(history)
}

/// Whether every version that anybody saw shows its stamp, and every refusal the item that refused.
fn is_decidable(history: &History) -> bool {
    let mut named = BTreeSet::new();
    let mut stamped = BTreeSet::from([&Value::Absent]);
    for operation in &history.operations {
        if let Ending::Failed { seen: None, .. } = &operation.ending {
            return false;
        }
        if let Ending::Ok(Reply::Read(item) | Reply::Done { old: Some(item) })
        | Ending::Failed {
            seen: Some(item), ..
        } = &operation.ending
        {
            named.insert(&item.value);
            if item.stamp.is_some() {
                stamped.insert(&item.value);
            }
        }
        if let Op::Cas {
            condition: Condition::Equals(value),
            ..
        } = &operation.op
        {
            named.insert(value);
        }
    }
    named.is_subset(&stamped)
}

#[test]
fn no_check_flags_what_three_regions_can_do() {
    compare(&THREE, 1 << 32, 15_000);
}

/// Of how many histories the evidence of one is tried with each operation left out.
const SAMPLED: u64 = 5;

/// So many, times `DATELINE_FUZZ_COUNT`: 25 for long runs, 0.02 where every test is one of very many.
#[expect(
    clippy::cast_possible_truncation,
    reason = "counts are far below what 64 bits hold"
)]
pub(crate) fn scaled(count: u64) -> u64 {
    let factor = std::env::var("DATELINE_FUZZ_COUNT");
    let factor: Option<f64> = factor.ok().map(|text| {
        let number = text.parse();
        number.expect("DATELINE_FUZZ_COUNT is a number: 25 makes the tests longer, 0.02 shorter")
    });
    (count as f64 * factor.unwrap_or(1.0)).ceil() as u64
}

/// Judges so many histories both ways.
fn compare(mix: &Mix, first_seed: u64, count: u64) {
    let count = scaled(count);
    let names = checker::expected_checks(&["mrec"]).expect("a named set");
    let (mut flagged_count, mut unexplainable_count) = (0, 0);
    for seed in first_seed..first_seed + count {
        let text = history(seed, mix);
        let history = one_line(&text).expect("generated histories are well formed");
        let verdict = checker::check(&history, &names);
        let is_right = is_explainable(&history);
        unexplainable_count += u64::from(!is_right);
        let flags = verdict
            .checks
            .iter()
            .filter(|c| c.outcome == Outcome::Invalid);
        let flags: Vec<_> = flags
            .map(|c| (&c.check, &c.violations[0].summary))
            .collect();
        flagged_count += u64::from(!flags.is_empty());
        if seed % SAMPLED == 0 {
            for check in verdict.checks.iter().filter(|c| c.check != "phantom") {
                for violation in &check.violations {
                    assert_minimal(&history, &check.check, violation);
                }
            }
        }
        if !is_right && flags.is_empty() && std::env::var_os("DATELINE_FUZZ_MISSES").is_some() {
            println!("unnoticed, seed {seed}: {text}");
        }
        let is_false_alarm = is_right && !flags.is_empty();
        assert!(
            !is_false_alarm,
            "seed {seed} is explainable, but flagged: {text}\n{flags:?}"
        );
    }
    println!("{unexplainable_count} of {count} unexplainable, {flagged_count} of them flagged");
    assert!(
        unexplainable_count * 20 > count,
        "the generator breaks too little"
    );
    assert!(
        flagged_count * 20 > unexplainable_count * 18,
        "too much goes unnoticed"
    );
}
