//! Regions that are taken out of service.

use super::*;
use crate::{disk::Spoiling, proxy::DIRECTIONS, topology::End};

/// Whether clients are cut off from a region.
fn is_cut(scene: &Scene, region: usize) -> bool {
    let link = scene.network.link(End::Client, region);
    DIRECTIONS
        .iter()
        .all(|direction| !link.cut_by(*direction).is_empty())
}

fn acts(scene: &Scene) -> Vec<String> {
    scene.target.acts.lock().unwrap().clone()
}

/// Runs a script until what it waits for has been asked a few times.
fn run_impatiently(scene: &mut Scene, plan: &Plan) {
    let asked = std::cell::Cell::new(0);
    let nemesis = Arc::clone(&scene.nemesis);
    nemesis.run(plan, &mut |moment| scene.moments.push(moment), &|| {
        asked.set(asked.get() + 1);
        asked.get() > 10
    });
}

#[test]
fn a_region_that_is_rolled_back_is_out_of_service_until_it_is_whole() {
    let mut scene = Scene::new(None);
    let (copy, roll_back) = (Deed::Copy { region: 1 }, Deed::RollBack { region: 1 });
    scene.run(&script(&[
        (1, Start, copy.clone()),
        (1, Stop, copy),
        (2, Start, roll_back.clone()),
    ]));
    assert_eq!(acts(&scene), ["1 CopyData", "1 Kill", "1 PutCopyBack"]);
    assert!(is_cut(&scene, 1) && !is_cut(&scene, 0));
    scene.target.refeeding.store(true, Ordering::Relaxed);
    run_impatiently(&mut scene, &script(&[(2, Stop, roll_back)]));
    assert_eq!(acts(&scene).last().unwrap(), "1 Start");
    assert!(is_cut(&scene, 1), "the others have yet to feed it");
    assert_eq!(scene.moments.len(), 3, "so nothing is undone");
    scene.target.refeeding.store(false, Ordering::Relaxed);
    assert_eq!(scene.heal(), Vec::<String>::new());
    assert_eq!(scene.results()[3..], [(2, Stop, Installed)]);
    assert!(!is_cut(&scene, 1));
    assert_eq!(acts(&scene).len(), 4, "it was started once");
}

#[test]
fn a_region_stays_in_service_when_others_miss_what_it_has_or_there_is_no_older_copy() {
    let mut scene = Scene::new(None);
    let (copy, roll_back) = (Deed::Copy { region: 1 }, Deed::RollBack { region: 1 });
    scene.run(&script(&[
        (1, Start, roll_back.clone()),
        (2, Start, copy.clone()),
    ]));
    scene.target.pending.store(3, Ordering::Relaxed);
    scene.run(&script(&[
        (3, Start, roll_back.clone()),
        (3, Stop, roll_back.clone()),
    ]));
    scene.target.pending.store(0, Ordering::Relaxed);
    scene.run(&script(&[(4, Start, copy), (5, Start, roll_back.clone())]));
    let results: Vec<_> = scene
        .results()
        .into_iter()
        .map(|(id, _, it)| (id, it))
        .collect();
    let expected = [
        (1, Skipped),
        (2, Installed),
        (3, Skipped),
        (3, Skipped),
        (4, Installed),
        (5, Installed),
    ];
    assert_eq!(results, expected);
    assert_eq!(
        acts(&scene),
        ["1 CopyData", "1 CopyData", "1 Kill", "1 PutCopyBack"]
    );
    scene.run(&script(&[
        (6, Start, Deed::Copy { region: 0 }),
        (7, Start, Deed::RollBack { region: 0 }),
    ]));
    let Some(Moment::Fault { result, why, .. }) = scene.moments.last() else {
        unreachable!()
    };
    assert_eq!(*result, Skipped);
    assert_eq!(why.as_deref(), Some("another region is out of service"));
    assert!(!is_cut(&scene, 0) && is_cut(&scene, 1));
}

#[test]
fn what_cannot_begin_begins_late_or_is_skipped_in_the_end() {
    let mut scene = Scene::new(None);
    let leave = Deed::Leave { region: 2 };
    scene.target.pending.store(3, Ordering::Relaxed);
    let mut plan = script(&[(1, Start, leave.clone()), (1, Stop, leave.clone())]);
    plan.actions[1].at_ms = 60_000;
    let asked = std::cell::Cell::new(0);
    let nemesis = Arc::clone(&scene.nemesis);
    let target = Arc::clone(&scene.target);
    let moments = std::cell::RefCell::new(Vec::new());
    nemesis.run(
        &plan,
        &mut |moment| moments.borrow_mut().push(moment),
        &|| {
            // From the third look on there is nothing in the way; it is over as soon as that was noticed.
            asked.set(asked.get() + 1);
            target
                .pending
                .store(u64::from(asked.get() < 3) * 3, Ordering::Relaxed);
            !moments.borrow().is_empty()
        },
    );
    scene.moments = moments.into_inner();
    assert_eq!(scene.results(), [(1, Start, Installed)]);
    let Some(Moment::Fault { why, .. }) = scene.moments.last() else {
        unreachable!()
    };
    let why = why.as_deref().unwrap_or_default();
    assert!(why.starts_with("it began late: before, "), "{why}");
    assert_eq!(acts(&scene), ["2 Leave { by: 0 }"]);

    let mut scene = Scene::new(None);
    scene.target.pending.store(3, Ordering::Relaxed);
    scene.run(&script(&[(1, Start, leave.clone()), (1, Stop, leave)]));
    assert_eq!(scene.results(), [(1, Start, Skipped), (1, Stop, Skipped)]);
}

#[test]
fn a_removed_region_refuses_its_clients_by_itself_and_is_added_again() {
    let mut scene = Scene::new(None);
    let leave = Deed::Leave { region: 2 };
    scene.run(&script(&[(1, Start, leave.clone())]));
    assert_eq!(acts(&scene), ["2 Leave { by: 0 }"]);
    assert!(
        !is_cut(&scene, 2),
        "its clients hear that the table is not there"
    );
    scene.target.refeeding.store(true, Ordering::Relaxed);
    run_impatiently(&mut scene, &script(&[(1, Stop, leave)]));
    assert_eq!(acts(&scene).last().unwrap(), "2 Join { by: 0 }");
    assert!(is_cut(&scene, 2), "nobody sees it half full");
    scene.target.refeeding.store(false, Ordering::Relaxed);
    assert_eq!(scene.heal(), Vec::<String>::new());
    assert_eq!(
        scene.results(),
        [(1, Start, Installed), (1, Stop, Installed)]
    );
    assert!(!is_cut(&scene, 2));
    assert_eq!(acts(&scene).len(), 2, "it was added once");
}

#[test]
fn a_lost_region_is_started_empty_and_joins_as_somebody_new() {
    let mut scene = Scene::new(None);
    let lose = Deed::Lose { region: 0 };
    scene.run(&script(&[(1, Start, lose.clone())]));
    assert_eq!(acts(&scene), ["0 Kill", "0 LoseData"]);
    assert!(is_cut(&scene, 0));
    // The region that is asked first will not do it; the next one does.
    *scene.target.failing.lock().unwrap() = Some(Action::Leave { by: 1 });
    run_impatiently(&mut scene, &script(&[(1, Stop, lose)]));
    assert_eq!(acts(&scene)[2..], ["0 Start", "0 Leave { by: 1 }"]);
    assert_eq!(scene.heal(), Vec::<String>::new());
    let by_another = ["0 Leave { by: 1 }", "0 Join { by: 2 }"];
    assert_eq!(acts(&scene)[3..], by_another);
    assert!(!is_cut(&scene, 0));
}

/// Flips bits in region 1, after which it has no table when it is started again.
fn lose_the_table(scene: &mut Scene) -> Deed {
    let spoil = Deed::Spoil {
        region: 1,
        spoiling: Spoiling::Flipped,
        places: 1,
        pick: 0,
    };
    scene.run(&script(&[(1, Start, spoil.clone())]));
    scene.target.is_bare.store(true, Ordering::Relaxed);
    spoil
}

#[test]
fn a_region_that_lost_the_record_of_its_table_joins_as_a_lost_one() {
    let mut scene = Scene::new(None);
    let spoil = lose_the_table(&mut scene);
    scene.run(&script(&[(1, Stop, spoil)]));
    let both = [(1, Start, Installed), (1, Stop, Installed)];
    assert_eq!(scene.results(), both);
    assert_eq!(acts(&scene).last().unwrap(), "1 Join { by: 0 }");
    assert!(!is_cut(&scene, 1));
}

#[test]
fn a_region_that_nobody_adds_again_is_told_at_once() {
    let mut scene = Scene::new(Some(Ability::Membership));
    let spoil = lose_the_table(&mut scene);
    scene.run(&script(&[(1, Stop, spoil)]));
    let both = [(1, Start, Installed), (1, Stop, Indeterminate)];
    assert_eq!(scene.results(), both);
    assert!(is_cut(&scene, 1), "its clients would find no table");
}
