//! What the clients of this workload do, on a store that keeps its promises.

use super::*;
use crate::{options::options_for_tests, stage::Stage};

#[test]
fn what_expires_is_foretold_before_it_is_made_and_what_is_renewed_is_renewed_at_once() {
    let options = options_for_tests(13);
    let estate = Estate {
        owners: 6,
        spell_ns: 0,
    };
    let play = Stage::new(&options).play(workload(&options), 60);
    let mut by_key: BTreeMap<Key, Vec<&Op>> = BTreeMap::new();
    let mut foretold = 0;
    let mixed = play.iter().filter(|act| act.role == "mix");
    for act in mixed.filter(|act| !matches!(act.step.op, Op::Read { .. })) {
        let made = by_key.entry(act.key()).or_default();
        // Of a renewed item it is foretold by whoever is free.
        let is_delete = matches!(act.step.op, Op::Delete { .. });
        if is_delete && estate.kind(act.key()) == Kind::Renewed {
            foretold += 1;
        } else {
            made.push(&act.step.op);
        }
    }
    let workload = workload(&options);
    let mut counts = [0; 3];
    for (key, ops) in by_key {
        let lifetime_s = |op: &Op| {
            let (Op::Cas { value, .. } | Op::Write { value, .. }) = op else {
                panic!("{op:?}");
            };
            let Value::Int(id) = value else {
                panic!("{op:?}");
            };
            workload.lifetime_s(key, *id).expect("all expire some day")
        };
        match estate.kind(key) {
            Kind::Brief => {
                assert!(workload.foretells(ops[0]), "{ops:?}");
                assert!(ops.len() == 2 && lifetime_s(ops[1]) < 5, "{ops:?}");
                counts[0] += 1;
            }
            Kind::Renewed => {
                assert_eq!(lifetime_s(ops[0]), RENEWED_S);
                assert!(ops[1..].iter().all(|op| lifetime_s(op) == LONG_S));
                counts[1] += 1;
            }
            Kind::Kept => {
                assert!(ops.iter().all(|op| lifetime_s(op) == LONG_S));
                counts[2] += 1;
            }
        }
    }
    assert!(counts.iter().all(|count| *count > 70), "{counts:?}");
    // Where nothing goes wrong most renewals are seen everywhere in time, and judged.
    assert!(foretold < counts[1] / 2, "{foretold} of {counts:?}");
}

#[test]
fn the_delete_of_what_some_region_may_not_know_to_be_renewed_is_foretold_before_it_may_happen() {
    let options = options_for_tests(13);
    let mut workload = workload(&options);
    let mut made = BTreeMap::new();
    let mut foretold = 0;
    let mut now_ns = 0;
    while now_ns < 20_000_000_000 {
        let step = workload.next(0, now_ns).expect("it never ends");
        now_ns = step.at_ns;
        // One region answers, and nobody reads elsewhere.
        let done = EventKind::Ok(Reply::Done { old: None });
        workload.observe(0, &step.op, &done);
        if let Op::Cas { key, value, .. } = &step.op
            && let Value::Int(id) = value
        {
            made.insert(*key, (now_ns, workload.lifetime_s(*key, *id)));
        }
        // The delete of what is brief comes before it is made.
        if let Op::Delete { key } = step.op
            && let Some((begun_ns, lifetime_s)) = made.get(&key)
        {
            assert_eq!(*lifetime_s, Some(RENEWED_S));
            let late_ns = now_ns - begun_ns;
            assert!((KNOWN_NS..2 * KNOWN_NS).contains(&late_ns), "{late_ns}");
            foretold += 1;
        }
    }
    assert!(foretold > 2, "{foretold}");
    let left = workload.unsettled().len();
    assert!(
        left > 0,
        "the last of them are foretold before the final reads"
    );
}

#[test]
fn a_renewal_that_was_not_acknowledged_makes_its_item_one_that_may_go() {
    let options = options_for_tests(13);
    let mut workload = workload(&options);
    let mut foretold = 0;
    let mut now_ns = 0;
    while now_ns < 20_000_000_000 {
        let step = workload.next(0, now_ns).expect("it never ends");
        now_ns = step.at_ns;
        let outcome = if matches!(step.op, Op::Write { .. }) {
            EventKind::Info {
                error: "timeout".into(),
            }
        } else {
            EventKind::Ok(Reply::Done { old: None })
        };
        workload.observe(0, &step.op, &outcome);
        foretold += u32::from(workload.foretells(&step.op));
    }
    assert!(
        foretold > 8,
        "{foretold} deletes were foretold in 27 spells"
    );
    assert!(workload.rests_ns() > 20_000_000_000);
    assert!(workload.promised(RegionId(1)).len() > 5);
}
