use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    arrival::{Arrival, Schedule, Shape, Share},
    ycsb::CORE,
};

fn load(mix: Mix, distribution: KeyDistribution) -> Load {
    Load::new(Options {
        regions: vec![RegionLoad { weight: 1, mix }; 3],
        records: 1000,
        distribution,
        strength: Strength::Eventual,
        seed: Seed(7),
    })
}

fn mix(text: &str) -> Mix {
    Mix::parse(text).expect("it adds up")
}

fn written(request: &Request) -> Option<(Key, Value)> {
    match request.then.as_ref().unwrap_or(&request.op) {
        Op::Write { key, value } => Some((*key, value.clone())),
        Op::Read { .. }
        | Op::Cas { .. }
        | Op::Delete { .. }
        | Op::AddToSet { .. }
        | Op::Increment { .. }
        | Op::Append { .. }
        | Op::Transact { .. }
        | Op::Scan
        | Op::Stream => None,
    }
}

#[test]
fn every_hundred_has_exactly_the_shares_of_the_mix() {
    for core in &CORE {
        let load = load(core.mix, core.distribution);
        for hundred in [0, 1, 77, 1_000_000_007] {
            let mut counts = BTreeMap::new();
            for number in hundred * 100..(hundred + 1) * 100 {
                *counts.entry(load.request(number).kind).or_insert(0) += 1;
            }
            for kind in Kind::ALL {
                let count = counts.get(&kind).copied().unwrap_or(0);
                assert_eq!(count, core.mix.share(kind), "{} {}", core.name, kind.name());
            }
        }
    }
}

#[test]
fn hundreds_are_dealt_in_different_orders() {
    let load = load(mix("read=50,update=50"), KeyDistribution::Uniform);
    let kinds = |hundred: u64| -> Vec<Kind> {
        (0..100)
            .map(|place| load.request(hundred * 100 + place).kind)
            .collect()
    };
    let orders: BTreeSet<Vec<Kind>> = (0..200).map(kinds).collect();
    assert!(orders.len() > 100, "{} of 200 are different", orders.len());
}

#[test]
fn an_operation_needs_none_before_it_and_is_the_same_again() {
    let first = load(mix("read=40,update=40,insert=20"), KeyDistribution::Zipfian);
    let again = first.clone();
    let forwards: Vec<Request> = (0..1000).map(|number| first.request(number)).collect();
    let mut backwards: Vec<Request> = (0..1000)
        .rev()
        .map(|number| again.request(number))
        .collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    assert_eq!(
        first.operation(5),
        (forwards[5].region, forwards[5].op.clone())
    );
}

#[test]
fn shares_of_a_schedule_make_the_whole_load_together() {
    let load = load(mix("read=40,update=40,insert=20"), KeyDistribution::Latest);
    let schedule = |share| {
        let shape = Shape::Constant { rate: 1000.0 };
        Schedule::new(shape, Arrival::Poisson, Seed(7).stream("arrivals"), share)
    };
    let whole: Vec<_> = schedule(Share::WHOLE)
        .take(320)
        .map(|(number, at_ns)| (number, at_ns, load.operation(number)))
        .collect();
    let mut joined: Vec<_> = (1..=16)
        .flat_map(|index| {
            let share = Share::new(index, 16).expect("a share of 16");
            schedule(share).take(20)
        })
        .map(|(number, at_ns)| (number, at_ns, load.operation(number)))
        .collect();
    joined.sort_by_key(|(number, _, _)| *number);
    assert_eq!(joined, whole);
}

#[test]
fn inserts_are_numbered_without_a_gap_and_nobody_asks_for_what_comes_later() {
    let load = load(mix("read=85,insert=15"), KeyDistribution::Latest);
    let mut inserted = BTreeSet::new();
    for number in 0..10_000 {
        let request = load.request(number);
        let before = 1000 + number / 100 * 15;
        let key = request.op.key().expect("no scans in this mix");
        if request.kind == Kind::Insert {
            assert!(inserted.insert(key.0), "{key:?} twice");
        } else {
            assert!(key.0 < before);
        }
    }
    assert_eq!(inserted, (1000..2500).collect());
}

#[test]
fn regions_have_their_weights_and_their_own_mixes() {
    let shares = [(1, "read=100"), (3, "update=100"), (0, "scan=100")];
    let load = Load::new(Options {
        regions: shares
            .map(|(weight, text)| RegionLoad {
                weight,
                mix: mix(text),
            })
            .to_vec(),
        records: 10,
        distribution: KeyDistribution::Uniform,
        strength: Strength::Eventual,
        seed: Seed(3),
    });
    let mut counts = BTreeMap::new();
    for number in 0..10_000 {
        let request = load.request(number);
        *counts.entry((request.region, request.kind)).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert!(
        (2350..2650).contains(&counts[&(RegionId(0), Kind::Read)]),
        "{counts:?}"
    );
    assert!(
        (7350..7650).contains(&counts[&(RegionId(1), Kind::Update)]),
        "{counts:?}"
    );
}

#[test]
fn every_value_is_explained_by_the_operation_that_wrote_it_and_by_no_other() {
    for text in [
        "read=50,update=50",
        "read=50,read-modify-write=50",
        "scan=95,insert=5",
    ] {
        let load = load(mix(text), KeyDistribution::Zipfian);
        let mut values = BTreeSet::new();
        for number in 0..2000 {
            if let Some((key, value)) = written(&load.request(number)) {
                assert_eq!(load.explain(key, &value), Ok(()));
                assert!(load.explain(Key(key.0 + 1), &value).is_err());
                assert!(values.insert(value));
            }
        }
        assert!(values.len() >= 100);
    }
}

#[test]
fn corruption_is_told_in_words() {
    let load = load(mix("read=50,update=50"), KeyDistribution::Uniform);
    assert_eq!(load.explain(Key(3), &Value::Absent), Ok(()));
    let Op::Write { key, value } = load.record(4) else {
        panic!("a record is written")
    };
    assert_eq!(load.explain(key, &value), Ok(()));
    let number = (0..100)
        .find(|number| load.request(*number).kind == Kind::Update)
        .expect("half of them are updates");
    let (key, value) = written(&load.request(number)).expect("an update writes");
    let misplaced = load
        .explain(Key(key.0 + 1), &value)
        .expect_err("not this item");
    assert!(
        misplaced
            .to_string()
            .contains(&format!("operation {number} writes to item"))
    );
    for value in [
        Value::Int(0),
        Value::Int(-3),
        Value::Int(9),
        Value::List(vec![1]),
    ] {
        let foreign = load
            .explain(Key(3), &value)
            .expect_err("nobody wrote it there");
        assert!(
            foreign
                .to_string()
                .contains("no operation of this load writes")
        );
    }
}

#[test]
fn scans_are_one_to_a_hundred_items_long() {
    let load = load(mix("scan=100"), KeyDistribution::Zipfian);
    let lengths: Vec<u64> = (0..10_000)
        .filter_map(|number| load.request(number).range)
        .map(|range| range.items)
        .collect();
    let mean = lengths.iter().sum::<u64>() / lengths.len() as u64;
    assert_eq!(lengths.len(), 10_000);
    assert!(lengths.iter().all(|length| (1..=100).contains(length)));
    assert!((49..=51).contains(&mean), "{mean}");
}

#[test]
fn operations_are_pinned() {
    let mut text = String::new();
    for core in &CORE {
        let load = load(core.mix, core.distribution);
        for number in 0..2000 {
            text += &format!("{:?}", load.request(number));
        }
    }
    insta::assert_snapshot!(crate::seed::digest(&text), @"eaf14470d3ef2c9b");
}
