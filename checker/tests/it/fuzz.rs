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

#[test]
fn no_check_flags_what_a_correct_store_can_do() {
    let names: Vec<_> = checker::registry().iter().map(|i| i.id).collect();
    let (mut flagged_count, mut unexplainable_count) = (0, 0);
    for seed in 0..20_000 {
        let text = history(seed, &MIX);
        let history = one_line(&text).expect("generated histories are well formed");
        let verdict = checker::check(&history, &names);
        let is_right = is_explainable(&history);
        unexplainable_count += u64::from(!is_right);
        if verdict.outcome != Outcome::Invalid {
            continue;
        }
        flagged_count += 1;
        let flags = verdict
            .checks
            .iter()
            .filter(|c| c.outcome == Outcome::Invalid);
        let flags: Vec<_> = flags
            .map(|c| (&c.check, &c.violations[0].summary))
            .collect();
        assert!(
            !is_right,
            "seed {seed} is explainable, but flagged: {text}\n{flags:?}"
        );
    }
    println!("{unexplainable_count} of 20000 unexplainable, {flagged_count} of them flagged");
    assert!(
        unexplainable_count > 2_000,
        "the generator breaks too little: {unexplainable_count}"
    );
    assert!(
        flagged_count * 20 > unexplainable_count * 19,
        "{flagged_count} of {unexplainable_count}"
    );
}
