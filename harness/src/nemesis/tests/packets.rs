//! Packets that are lost.

use super::*;

/// What the package draws for many seeds.
fn losses(name: &str) -> Vec<Loss> {
    let packages = by_names(&[name.to_owned()]).unwrap();
    let plans =
        (0..60).map(|seed| Plan::draw(&packages, seed, Duration::from_secs(30), &regions(3)));
    let deeds = plans
        .flat_map(|plan| plan.actions)
        .map(|action| action.deed);
    deeds
        .map(|deed| {
            let Deed::Packets { loss, .. } = deed else {
                panic!("{name} is about packets")
            };
            loss
        })
        .collect()
}

#[test]
fn some_or_all_packets_are_lost_one_way_or_both() {
    for (name, least, most) in [("packet-loss", 10, 320), ("black-hole", 1000, 1000)] {
        let mut ways = BTreeSet::new();
        let mut shares = BTreeSet::new();
        for loss in losses(name) {
            let both = [loss.to_per_mille, loss.from_per_mille];
            ways.insert(both.map(|share| share > 0));
            shares.extend(both.into_iter().filter(|share| *share > 0));
            assert_eq!(loss.is_total(), least == 1000, "{name}: {loss:?}");
        }
        let (first, last) = (shares.first().unwrap(), shares.last().unwrap());
        assert!(*first >= least && *last <= most, "{name}: {shares:?}");
        assert!(*first < least * 2 && *last > most / 2, "{name}: {shares:?}");
        assert_eq!(ways.len(), 3, "{name}: {ways:?}");
    }
}

#[test]
fn the_same_packets_are_not_lost_twice_at_a_time() {
    let names = ["packet-loss", "black-hole"].map(str::to_owned);
    let packages = by_names(&names).unwrap();
    let mut most = 0;
    for seed in 0..100 {
        let plan = Plan::draw(&packages, seed, Duration::from_secs(60), &regions(3));
        let mut lost = BTreeSet::new();
        for action in &plan.actions {
            let region = action.deed.regions()[0];
            match action.action {
                Start => assert!(lost.insert(region), "seed {seed}: {action:?}"),
                Stop => assert!(lost.remove(&region), "seed {seed}: {action:?}"),
            }
            most = most.max(lost.len());
        }
    }
    assert_eq!(most, 2, "of two regions they are");
}

fn losing(to_per_mille: u64, from_per_mille: u64) -> Deed {
    let loss = Loss {
        to_per_mille,
        from_per_mille,
    };
    Deed::Packets { region: 1, loss }
}

/// Runs a script until it was asked a few times whether what is late is over.
fn run_impatiently(scene: &mut Scene, plan: &Plan) {
    let asked = std::cell::Cell::new(0);
    let nemesis = Arc::clone(&scene.nemesis);
    nemesis.run(plan, &mut |moment| scene.moments.push(moment), &|| {
        asked.set(asked.get() + 1);
        asked.get() > 30
    });
}

#[test]
fn a_loss_is_over_when_what_was_lost_has_been_sent_again() {
    let mut scene = Scene::new(None);
    let all = losing(1000, 1000);
    scene.target.held_back.store(2, Ordering::Relaxed);
    scene.run(&script(&[(1, Start, all.clone())]));
    run_impatiently(&mut scene, &script(&[(1, Stop, all)]));
    assert_eq!(scene.results(), [(1, Start, Installed)], "not yet over");
    // Whoever loses packets meanwhile is not healed by the one that is late.
    run_impatiently(&mut scene, &script(&[(2, Start, losing(20, 0))]));
    scene.target.held_back.store(0, Ordering::Relaxed);
    scene.run(&script(&[(1, Stop, losing(1000, 1000))]));
    let over = [
        (1, Start, Installed),
        (2, Start, Installed),
        (1, Stop, Installed),
    ];
    assert_eq!(scene.results(), over);
    let acts = |scene: &Scene| scene.target.acts.lock().unwrap().clone();
    let before = ["1 lose 1000 1000", "1 lose 0 0", "1 lose 20 0"];
    assert_eq!(acts(&scene), before, "let pass once");
    assert_eq!(scene.heal(), Vec::<String>::new());
    assert_eq!(acts(&scene)[3..], ["1 lose 0 0"]);
}

#[test]
fn a_plan_that_loses_none_or_more_than_all_is_refused() {
    for (deed, is_right) in [
        (losing(0, 1000), true),
        (losing(0, 0), false),
        (losing(1001, 5), false),
    ] {
        let json = script(&[(1, Start, deed)]).to_json();
        let read = Plan::from_json(&json, &regions(3));
        assert_eq!(read.is_ok(), is_right, "{read:?}");
    }
}
