//! Three regions in virtual time: seeded delivery order, loss, duplication, partitions, crashes that lose unsynced writes, clock steps.
//!
//! A run acts under faults, heals everything, waits until the regions agree, and then judges what clients were told. The same seed gives the same
//! bytes. `DATELINE_SIM_SEED` runs one seed alone, or a range (`300..3000`).

mod clients;
mod network;
mod world;

use std::collections::BTreeSet;

use replica::defects::Defect;

use world::{Membership, Outcome, World};

const SEEDS: u64 = 300;

/// Every third seed runs without changes of the members, every third with a region that leaves, every third with version 2019.11.21.
fn run(seed: u64, defects: &[Defect]) -> Outcome {
    let membership = match seed % 3 {
        0 => Membership::Fixed,
        1 => Membership::Leaving,
        _ => Membership::Changing,
    };
    World::new(
        seed,
        membership,
        defects.iter().copied().collect::<BTreeSet<_>>(),
    )
    .run()
}

/// Runs a seed that must hold; says how many tombstones were collected.
fn judged(seed: u64) -> u64 {
    let outcome = run(seed, &[]);
    assert_eq!(
        outcome.violations,
        Vec::<String>::new(),
        "run again with DATELINE_SIM_SEED={seed} cargo test -p replica --test it simulation"
    );
    outcome.tombstones_collected
}

#[test]
fn regions_agree_and_lose_nothing_whatever_happens() {
    let asked = std::env::var("DATELINE_SIM_SEED").ok();
    let seeds = asked.map_or(0..SEEDS, |asked| {
        let (first, end) = asked.split_once("..").unwrap_or((&asked, ""));
        let first: u64 = first
            .parse()
            .expect("DATELINE_SIM_SEED is a seed or a range");
        first..end.parse().unwrap_or(first + 1)
    });
    // Two halves side by side: every run is its own world.
    let halves = [0, 1].map(|half| {
        let seeds: Vec<u64> = seeds.clone().filter(|seed| seed % 2 == half).collect();
        std::thread::spawn(move || seeds.into_iter().map(judged).sum::<u64>())
    });
    let collected: u64 = halves
        .map(|half| half.join().expect("a run failed: see above"))
        .iter()
        .sum();
    assert!(
        collected > 0 || seeds.end - seeds.start == 1,
        "runs in which no tombstone is collected prove nothing of collecting"
    );
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in [1, 7, 42] {
        let (first, second) = (run(seed, &[]), run(seed, &[]));
        assert!(first.trace.len() > 10_000, "a run leaves a trace");
        assert!(
            first.trace == second.trace,
            "seed {seed} ran differently the second time"
        );
    }
    assert!(run(1, &[]).trace != run(2, &[]).trace, "seeds differ");
}

#[cfg(feature = "defects")]
mod defects {
    use super::*;

    fn is_caught(defect: Defect) {
        let caught = (0..60).find(|seed| !run(*seed, &[defect]).violations.is_empty());
        assert!(
            caught.is_some(),
            "no seed of 60 catches {}",
            defect.description().name
        );
    }

    #[test]
    fn stale_strong_read_is_caught() {
        is_caught(Defect::StaleStrongRead);
    }

    #[test]
    fn lww_by_arrival_is_caught() {
        is_caught(Defect::LwwByArrival);
    }

    #[test]
    fn tie_divergence_is_caught() {
        is_caught(Defect::TieDivergence);
    }

    #[test]
    fn ack_before_write_is_caught() {
        is_caught(Defect::AckBeforeWrite);
    }

    #[test]
    fn forget_pending_is_caught() {
        is_caught(Defect::ForgetPending);
    }
}
