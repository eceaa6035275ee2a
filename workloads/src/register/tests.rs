use std::{collections::BTreeSet, fmt::Write as _};

use checker::history::{Observed, Reply};

use super::*;
use crate::{keys::KeyDistribution, seed::Seed};

fn options(seed: u64) -> Options {
    Options {
        regions: 3,
        concurrency: 2,
        rate: 100,
        keys: 4,
        distribution: KeyDistribution::Uniform,
        spacing_ns: 250_000_000,
        deletes_per_thousand: 50,
        value_bytes: 0,
        seed: Seed(seed),
    }
}

/// A store of one copy per region that answers after a millisecond: enough to drive the generator for a while.
fn drive(mut register: Register, until_ns: u64) -> Vec<(usize, Step)> {
    let mut items: BTreeMap<(RegionId, Key), Value> = BTreeMap::new();
    let mut free_at: Vec<u64> = vec![0; register.slots().len()];
    let mut steps = Vec::new();
    loop {
        let slot = (0..free_at.len())
            .min_by_key(|&slot| (free_at[slot], slot))
            .expect("slots");
        let step = register.next(slot, free_at[slot]).expect("it never ends");
        if free_at[slot] > until_ns {
            return steps;
        }
        let region = register.slots()[slot].region;
        let key = step.op.key().expect("register operations have a key");
        let item = items.entry((region, key)).or_insert(Value::Absent);
        let outcome = answer(item, &step.op);
        register.observe(slot, &step.op, &outcome);
        free_at[slot] = step.at_ns + 1_000_000;
        steps.push((slot, step));
    }
}

fn answer(item: &mut Value, op: &Op) -> EventKind {
    let observed = |value: Value| Observed {
        value,
        stamp: None,
        previous: None,
    };
    match op {
        Op::Read { .. } => EventKind::Ok(Reply::Read(observed(item.clone()))),
        Op::Cas {
            condition: checker::history::Condition::Equals(expected),
            ..
        } if expected != item => EventKind::Fail {
            error: "ConditionalCheckFailedException".into(),
            seen: Some(observed(item.clone())),
        },
        Op::Write { value, .. } | Op::Cas { value, .. } => {
            *item = value.clone();
            EventKind::Ok(Reply::Done { old: None })
        }
        Op::Delete { .. } => {
            *item = Value::Absent;
            EventKind::Ok(Reply::Done { old: None })
        }
        Op::AddToSet { .. }
        | Op::Increment { .. }
        | Op::Append { .. }
        | Op::Transact { .. }
        | Op::Scan
        | Op::Stream => panic!("not a register operation"),
    }
}

fn as_text(steps: &[(usize, Step)]) -> String {
    steps.iter().fold(String::new(), |mut text, step| {
        writeln!(text, "{step:?}").expect("strings take writes");
        text
    })
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let once = as_text(&drive(Register::new(&options(7)), 10 * SECOND));
    let again = as_text(&drive(Register::new(&options(7)), 10 * SECOND));
    let other = as_text(&drive(Register::new(&options(8)), 10 * SECOND));
    assert!(once == again);
    assert!(once != other);
}

#[test]
fn no_write_id_is_used_twice() {
    let mut seen = BTreeSet::new();
    for (_, step) in drive(Register::new(&options(1)), 10 * SECOND) {
        if let Op::Write { value, .. } | Op::Cas { value, .. } = step.op
            && value != Value::Absent
        {
            assert!(seen.insert(value.clone()), "{value:?} was written before");
        }
    }
    assert!(seen.len() > 500);
}

#[test]
fn a_duel_is_the_last_write_of_its_key_and_most_are_simultaneous() {
    let register = Register::new(&options(2));
    let roles: Vec<_> = register.slots().iter().map(|slot| slot.role).collect();
    let steps = drive(register, 20 * SECOND);
    let mut simultaneous = 0;
    for number in 0..70 {
        let writes: Vec<_> = steps
            .iter()
            .filter(|(_, step)| step.op.key() == Some(Key(number)))
            .filter(|(_, step)| !matches!(step.op, Op::Read { .. }))
            .collect();
        let read_back = steps.iter().filter(|(slot, step)| {
            roles[*slot] == "duel" && matches!(step.op, Op::Read { key, .. } if key == Key(number))
        });
        assert_eq!(read_back.count(), 3, "each region reads key {number} back");
        let duels: Vec<_> = writes
            .iter()
            .filter(|(slot, _)| roles[*slot] == "duel")
            .collect();
        assert_eq!(duels.len(), 3, "one write from each region to key {number}");
        let first_ns = duels
            .iter()
            .map(|(_, step)| step.at_ns)
            .min()
            .expect("three of them");
        let others = writes.iter().filter(|(slot, _)| roles[*slot] != "duel");
        assert!(others.clone().all(|(_, step)| step.at_ns < first_ns));
        simultaneous += u32::from(duels.iter().all(|(_, step)| step.at_ns == first_ns));
    }
    assert!((35..60).contains(&simultaneous), "{simultaneous} of 70");
}

#[test]
fn conditional_writes_often_succeed() {
    let mut register = Register::new(&options(3));
    let key = Key(1);
    let slot = 0;
    let written = Op::Write {
        key,
        value: Value::Int(5),
    };
    register.observe(slot, &written, &EventKind::Ok(Reply::Done { old: None }));
    assert_eq!(
        register.known.get(&(key, RegionId(0))),
        Some(&Value::Int(5))
    );
    let steps = drive(Register::new(&options(3)), 20 * SECOND);
    let (mut present, mut all) = (0, 0);
    for (_, step) in &steps {
        if let Op::Cas { condition, .. } = &step.op {
            all += 1;
            present += u32::from(*condition != checker::history::Condition::Equals(Value::Absent));
        }
    }
    assert!(
        all > 200 && present > all / 4,
        "{present} of {all} expect a value"
    );
}

#[test]
fn the_rate_is_kept_and_every_region_takes_part() {
    let register = Register::new(&options(4));
    let slots = register.slots().to_vec();
    let steps = drive(register, 20 * SECOND);
    let mix = steps
        .iter()
        .filter(|(slot, _)| slots[*slot].role == "mix")
        .count();
    assert!(
        (1800..2200).contains(&mix),
        "{mix} operations in 20 s at 100 per second"
    );
    let beats = steps
        .iter()
        .filter(|(slot, _)| slots[*slot].role == "beat")
        .count();
    assert!(
        (590..610).contains(&beats),
        "{beats} heartbeats in 20 s at 10 per second and region"
    );
}

#[test]
fn final_reads_cover_all_keys_and_heartbeats() {
    let mut register = Register::new(&options(5));
    register.next(0, 2 * SECOND);
    let keys = register.final_reads();
    assert!(keys.iter().filter(|key| key.is_heartbeat()).count() == 3);
    assert!(keys.contains(&Key(8)));
}

#[test]
fn a_seed_printed_last_year_still_means_the_same_operations() {
    let text = as_text(&drive(Register::new(&options(7)), 10 * SECOND));
    insta::assert_snapshot!(crate::seed::digest(&text), @"d517cc143006c4f5");
}
