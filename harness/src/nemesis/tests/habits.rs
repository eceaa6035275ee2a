//! Clients that are told to do something differently.

use workloads::demand::{Demand, Focus};

use super::*;
use crate::{client::Forgery, nemesis::habits::Habit};

/// Clients that note what they are told, and follow unless they are stubborn.
#[derive(Default)]
pub(super) struct Crowd {
    told: Mutex<Vec<Demand>>,
    are_stubborn: AtomicBool,
    forgery: Forgery,
}

impl Clients for Crowd {
    fn demand(&self, demand: Demand) -> usize {
        self.told.lock().unwrap().push(demand);
        usize::from(!self.are_stubborn.load(Ordering::Relaxed))
    }

    fn begun_count(&self) -> u64 {
        10 * self.told.lock().unwrap().len() as u64
    }

    fn forgery(&self) -> Option<&Forgery> {
        Some(&self.forgery)
    }
}

fn clients(habit: Habit) -> Deed {
    Deed::Clients { habit }
}

fn last_reason(scene: &Scene) -> String {
    match scene.moments.last() {
        Some(Moment::Fault { why: Some(why), .. }) => why.clone(),
        other => panic!("no reason: {other:?}"),
    }
}

#[test]
fn clients_do_what_all_their_habits_come_to_until_each_is_over() {
    let mut scene = Scene::new(None);
    let burst = |times| clients(Habit::Burst { times });
    scene.run(&script(&[
        (1, Start, burst(4)),
        (2, Start, burst(2)),
        (3, Start, clients(Habit::HotKey)),
        (1, Stop, burst(4)),
    ]));
    let why = last_reason(&scene);
    assert!(why.starts_with("40 operations began meanwhile"), "{why}");
    assert_eq!(scene.heal(), Vec::<String>::new());
    let told = scene.crowd.told.lock().unwrap().clone();
    let told: Vec<_> = told.iter().map(|it| (it.rate_times, it.keys)).collect();
    let expected = [
        (4, Focus::Spread),
        (4, Focus::Spread),
        (4, Focus::OneKey),
        (2, Focus::OneKey),
        (2, Focus::Spread),
        (1, Focus::Spread),
    ];
    assert_eq!(told, expected);
}

#[test]
fn clients_that_cannot_follow_are_no_fault() {
    let mut scene = Scene::new(None);
    scene.crowd.are_stubborn.store(true, Ordering::Relaxed);
    scene.run(&script(&[(1, Start, clients(Habit::HotKey))]));
    assert_eq!(scene.results(), [(1, Start, Skipped)]);
    assert_eq!(
        scene.crowd.told.lock().unwrap().last(),
        Some(&Demand::USUAL)
    );
}

#[test]
fn forged_versions_are_written_while_it_lasts() {
    let mut scene = Scene::new(None);
    let forged = clients(Habit::ForgedStamps);
    scene.run(&script(&[(1, Start, forged.clone()), (1, Stop, forged)]));
    let installed = [(1, Start, Installed), (1, Stop, Installed)];
    assert_eq!(scene.results(), installed);
    assert_eq!(
        last_reason(&scene),
        "0 requests named a version of their own"
    );
}
