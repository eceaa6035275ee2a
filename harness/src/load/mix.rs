//! What a load does: named mixes, and operation number so-and-so of the one that was chosen.
//!
//! [`workloads::load`] draws region, kind and item by the operation's number alone, so that shares and lanes need not ask each other. The mixes that
//! are named after other workloads of the harness stand on it: what they write are increments, appends, … of items of their own.

use std::collections::BTreeSet;

use checker::history::{Key, Observed, Op, RegionId, Strength};
use workloads::{
    keys::KeyDistribution,
    load::{self, Corruption, Kind, Load, Mix, Range, RegionLoad},
    seed::Seed,
    ycsb,
};

use super::writes::Writes;

/// Which regions write which items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    /// All write all.
    Everywhere,
    /// The first region writes, the others read.
    FirstRegion,
    /// Each item is written in one region, by its number.
    OfItem,
}

/// A mix by its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) about: &'static str,
    mix: Mix,
    distribution: KeyDistribution,
    strength: Strength,
    writes: Writes,
    home: Home,
    /// How many bytes each written register carries beside its number.
    pub(crate) value_bytes: u64,
}

/// YCSB's record: ten fields of a hundred bytes.
const YCSB_VALUE_BYTES: u64 = 1000;

const fn own(name: &'static str, about: &'static str, reads: u64, writes: Writes) -> Entry {
    Entry {
        name,
        about,
        mix: Mix {
            reads,
            updates: 100 - reads,
            ..Mix::NOTHING
        },
        distribution: KeyDistribution::Uniform,
        strength: Strength::Strong,
        writes,
        home: Home::Everywhere,
        value_bytes: 0,
    }
}

const fn at_home(name: &'static str, about: &'static str, home: Home) -> Entry {
    Entry {
        home,
        ..own(name, about, 50, Writes::Set)
    }
}

/// Mixes beside YCSB's.
const OWN: [Entry; 12] = [
    own("mixed", "half strong reads, half updates", 50, Writes::Set),
    own(
        "read-mostly",
        "95 strong reads to 5 updates",
        95,
        Writes::Set,
    ),
    own("reads", "strong reads only", 100, Writes::Set),
    own("updates", "updates only", 0, Writes::Set),
    own(
        "conditional",
        "half updates of what is there, half strong reads",
        50,
        Writes::SetIfThere,
    ),
    own(
        "delete-churn",
        "updates and deletes in turn, half strong reads",
        50,
        Writes::SetAndDelete,
    ),
    own(
        "counter",
        "half increments, half strong reads",
        50,
        Writes::Increment,
    ),
    own(
        "set",
        "half additions to sets, half strong reads",
        50,
        Writes::Add,
    ),
    own(
        "list-append",
        "half appends to lists, half strong reads",
        50,
        Writes::Append,
    ),
    Entry {
        mix: Mix {
            reads: 45,
            updates: 50,
            scans: 5,
            ..Mix::NOTHING
        },
        ..own(
            "scan",
            "half updates, 45 strong reads, 5 scans of up to 100 items",
            50,
            Writes::Set,
        )
    },
    at_home(
        "single-writer-region",
        "half updates in the first region, strong reads in all",
        Home::FirstRegion,
    ),
    at_home(
        "home-region-per-item",
        "half updates, each in its item's region, half strong reads",
        Home::OfItem,
    ),
];

/// All mixes.
pub(crate) fn entries() -> impl Iterator<Item = Entry> {
    let of_ycsb = ycsb::CORE.iter().map(|core| Entry {
        name: core.name,
        about: core.models,
        mix: core.mix,
        distribution: core.distribution,
        strength: Strength::Eventual,
        writes: Writes::Set,
        home: Home::Everywhere,
        value_bytes: YCSB_VALUE_BYTES,
    });
    OWN.into_iter().chain(of_ycsb)
}

/// The mix of this name.
pub(crate) fn named(name: &str) -> Option<Entry> {
    entries().find(|entry| entry.name == name)
}

/// What can be chosen about a mix.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) entry: Entry,
    /// Every region's weight, and its own mix if it has one.
    pub(crate) regions: Vec<(u64, Option<Mix>)>,
    pub(crate) keys: u64,
    /// Instead of the mix's own.
    pub(crate) distribution: Option<KeyDistribution>,
    /// Instead of the mix's own.
    pub(crate) strength: Option<Strength>,
    pub(crate) seed: Seed,
}

impl Entry {
    /// What this region is asked.
    fn mix_of(&self, region: usize) -> Mix {
        match self.home {
            Home::FirstRegion if region > 0 => Mix {
                reads: 100,
                ..Mix::NOTHING
            },
            Home::FirstRegion | Home::Everywhere | Home::OfItem => self.mix,
        }
    }
}

impl Choice {
    /// Which items operations are about.
    pub(crate) fn distribution(&self) -> KeyDistribution {
        self.distribution.unwrap_or(self.entry.distribution)
    }

    /// How strong reads are.
    pub(crate) fn strength(&self) -> Strength {
        self.strength.unwrap_or(self.entry.strength)
    }
}

/// As on the command line.
pub(crate) fn strength_name(strength: Strength) -> &'static str {
    match strength {
        Strength::Strong => "strong",
        Strength::Eventual => "eventual",
    }
}

/// Operations by their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Operations {
    load: Load,
    writes: Writes,
    home: Home,
    regions: u64,
    keys: u64,
    /// Names of the kinds that there are; an operation's kind is an index into these.
    names: Vec<&'static str>,
}

/// One operation, as it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) op: Op,
    /// What is asked when that has succeeded.
    pub(crate) then: Option<Op>,
    /// Of a scan.
    pub(crate) range: Option<Range>,
}

impl Operations {
    pub(crate) fn new(choice: &Choice) -> Self {
        let entry = choice.entry;
        let regions: Vec<RegionLoad> = choice
            .regions
            .iter()
            .enumerate()
            .map(|(index, (weight, mix))| RegionLoad {
                weight: *weight,
                mix: mix.unwrap_or(entry.mix_of(index)),
            })
            .collect();
        let is_there = |kind: &Kind| {
            let mut asked = regions.iter().filter(|region| region.weight > 0);
            asked.any(|region| region.mix.share(*kind) > 0)
        };
        let mut names = BTreeSet::new();
        for kind in Kind::ALL.into_iter().filter(is_there) {
            names.extend(entry.writes.names(kind));
        }
        let load = Load::new(load::Options {
            regions,
            records: choice.keys,
            distribution: choice.distribution(),
            strength: choice.strength(),
            seed: choice.seed,
        });
        Self {
            load,
            writes: entry.writes,
            home: entry.home,
            regions: choice.regions.len() as u64,
            keys: choice.keys,
            names: names.into_iter().collect(),
        }
    }

    /// Names of the kinds.
    pub(crate) fn kinds(&self) -> &[&'static str] {
        &self.names
    }

    /// The region that operation `number` asks, and which of [`Operations::kinds`] it is.
    pub(crate) fn route(&self, number: u64) -> (usize, usize) {
        let request = self.load.request(number);
        let name = self.writes.name(request.kind, number);
        let kind = self.names.iter().position(|known| *known == name);
        let kind = kind.expect("every kind of a mix was named when it was made");
        let drawn = usize::from(request.region.0);
        let region = match (self.home, &request.op) {
            (Home::OfItem, Op::Write { key, .. }) => {
                usize::try_from(key.0 % self.regions).expect("regions are few")
            }
            (Home::OfItem | Home::FirstRegion | Home::Everywhere, _) => drawn,
        };
        (region, kind)
    }

    /// What operation `number` asks.
    pub(crate) fn work(&self, number: u64) -> Work {
        let request = self.load.request(number);
        let op = match request.kind {
            Kind::Update => self.writes.of(request.op, number, self.keys),
            Kind::Read | Kind::Insert | Kind::Scan | Kind::ReadModifyWrite => {
                self.writes.seen_by(request.op, number, self.keys)
            }
        };
        Work {
            op,
            then: request.then,
            range: request.range,
        }
    }

    /// The write that puts item `number` there before the run, and the region that it goes to; `None` if there is nothing to put.
    pub(crate) fn record(&self, number: u64, regions: u64) -> Option<(RegionId, Op)> {
        let region = u8::try_from(number % regions).expect("at most twelve regions");
        match self.writes {
            Writes::Set | Writes::SetIfThere | Writes::SetAndDelete => {
                Some((RegionId(region), self.load.record(number)))
            }
            Writes::Increment | Writes::Add | Writes::Append => None,
        }
    }

    /// Whether this can be what was read: registers name the operation that wrote them.
    pub(crate) fn explain(&self, key: Key, observed: &Observed) -> Result<(), Corruption> {
        match self.writes {
            Writes::Set | Writes::SetIfThere | Writes::SetAndDelete => {
                self.load.explain(key, &observed.value)
            }
            Writes::Increment | Writes::Add | Writes::Append => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A mix as it is, in so many regions.
    pub(crate) fn operations(name: &str, regions: usize, keys: u64) -> Operations {
        Operations::new(&Choice {
            entry: named(name).expect("there is one"),
            regions: vec![(1, None); regions],
            keys,
            distribution: None,
            strength: None,
            seed: Seed(7),
        })
    }

    #[test]
    fn an_operation_depends_on_its_number_alone() {
        let mixed = operations("mixed", 3, 100);
        let routes: Vec<_> = (0..1000).map(|number| mixed.route(number)).collect();
        assert_eq!(routes[777], mixed.route(777));
        assert_eq!(mixed.kinds(), ["read", "update"]);
        assert_eq!(routes.iter().filter(|(_, kind)| *kind == 0).count(), 500);
        for region in 0..3 {
            let count = routes.iter().filter(|route| route.0 == region).count();
            assert!((270..400).contains(&count), "region {region}: {count}");
        }
        // A share takes every third number: no region may be missing from it.
        let of_share = routes.iter().step_by(3).filter(|route| route.0 == 1);
        assert!(of_share.count() > 60);
    }

    #[test]
    fn every_mix_asks_what_its_name_says() {
        let told: Vec<String> = entries()
            .map(|entry| {
                let operations = operations(entry.name, 1, 10);
                format!("{}: {}", entry.name, operations.kinds().join(", "))
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        mixed: read, update
        read-mostly: read, update
        reads: read
        updates: update
        conditional: conditional-update, read
        delete-churn: delete, read, update
        counter: increment, read
        set: add-to-set, read
        list-append: append, read
        scan: read, scan, update
        single-writer-region: read, update
        home-region-per-item: read, update
        ycsb-a: read, update
        ycsb-b: read, update
        ycsb-c: read
        ycsb-d: insert, read
        ycsb-e: insert, scan
        ycsb-f: read, read-modify-write
        ");
    }

    #[test]
    fn writes_go_home() {
        for (name, is_home) in [
            (
                "single-writer-region",
                (|_, region| region == 0) as fn(u64, usize) -> bool,
            ),
            ("home-region-per-item", |key, region| {
                key % 3 == region as u64
            }),
        ] {
            let operations = operations(name, 3, 100);
            let mut writes = 0;
            for number in 0..3000 {
                if let Op::Write { key, .. } = operations.work(number).op {
                    assert!(
                        is_home(key.0, operations.route(number).0),
                        "{name} {number}"
                    );
                    writes += 1;
                }
            }
            assert!(writes > 300, "{name}: {writes}");
        }
    }

    #[test]
    fn items_that_grow_are_left_behind() {
        let set = operations("set", 1, 10);
        let of = |from: u64| -> BTreeSet<u64> {
            (from..from + 1000)
                .map(|number| {
                    let (Op::AddToSet { key, .. } | Op::Read { key, .. }) = set.work(number).op
                    else {
                        panic!("a set is read and added to")
                    };
                    key.0
                })
                .collect()
        };
        let (first, second) = (of(0), of(1000));
        assert_eq!((first.len(), second.len()), (10, 10));
        assert!(first.is_disjoint(&second));
        assert!(second.iter().all(|key| !Key(*key).is_heartbeat()));
    }
}
