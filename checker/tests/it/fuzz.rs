//! Differential fuzzing: what the checks flag, no correct store can produce.

use checker::history::one_line;
use checker::verdict::Outcome;

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
    compare(&MIX, 0, 20_000);
}

#[test]
fn no_check_flags_what_three_regions_can_do() {
    compare(&THREE, 1 << 32, 5_000);
}

/// Judges `count` histories both ways; `DATELINE_FUZZ_COUNT` multiplies that for long runs.
fn compare(mix: &Mix, first_seed: u64, count: u64) {
    let factor = std::env::var("DATELINE_FUZZ_COUNT")
        .ok()
        .and_then(|text| text.parse().ok());
    let count = count * factor.unwrap_or(1);
    let names: Vec<_> = checker::registry().iter().map(|i| i.id).collect();
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
