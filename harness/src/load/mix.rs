//! What each operation of a load is: pure, by its number, so that shares and lanes need not ask each other.
//!
//! Operation `n` draws from the stream beside all others: its region, its kind and its key. Written values are `n + 1`: each is written once.

use checker::history::{Key, Op, RegionId, Strength, Value};
use workloads::seed::{Seed, Stream};

/// The kinds of operations, in the order of their indices.
pub(crate) const KINDS: [&str; 2] = ["read", "write"];

const READ: usize = 0;
const WRITE: usize = 1;

/// A mix of reads and writes of single items.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Reads in 100 operations.
    reads_percent: u64,
    /// What it is.
    pub(crate) about: &'static str,
}

/// The mixes that there are.
pub(crate) const MIXES: &[Entry] = &[
    Entry {
        name: "mixed",
        reads_percent: 50,
        about: "half strong reads, half writes of single items",
    },
    Entry {
        name: "read-mostly",
        reads_percent: 95,
        about: "95 strong reads to 5 writes",
    },
    Entry {
        name: "reads",
        reads_percent: 100,
        about: "strong reads only",
    },
    Entry {
        name: "writes",
        reads_percent: 0,
        about: "writes only",
    },
];

/// The mix of this name.
pub(crate) fn named(name: &str) -> Option<&'static Entry> {
    MIXES.iter().find(|entry| entry.name == name)
}

/// Draws operations.
#[derive(Clone, Debug)]
pub(crate) struct Mix {
    stream: Stream,
    reads_percent: u64,
    regions: u64,
    keys: u64,
}

impl Mix {
    pub(crate) fn new(entry: &Entry, seed: Seed, regions: usize, keys: u64) -> Self {
        assert!(
            regions > 0 && keys > 0,
            "operations need a region and a key"
        );
        Self {
            stream: seed.stream("load/mix"),
            reads_percent: entry.reads_percent,
            regions: regions as u64,
            keys,
        }
    }

    /// The region that operation `number` asks.
    pub(crate) fn region(&self, number: u64) -> usize {
        self.drawn(number).0
    }

    /// Which kind operation `number` is: an index into [`KINDS`].
    pub(crate) fn kind(&self, number: u64) -> usize {
        self.drawn(number).1
    }

    /// Operation `number`.
    pub(crate) fn op(&self, number: u64) -> Op {
        let (_, kind, key) = self.drawn(number);
        if kind == READ {
            let strength = Strength::Strong;
            return Op::Read { key, strength };
        }
        Op::Write {
            key,
            value: value(number),
        }
    }

    /// The write that puts key `number` there before the run, and the region that it goes to.
    pub(crate) fn preload(&self, number: u64) -> (RegionId, Op) {
        let region = u8::try_from(number % self.regions).expect("at most twelve regions");
        let (key, value) = (Key(number), value(number));
        (RegionId(region), Op::Write { key, value })
    }

    fn drawn(&self, number: u64) -> (usize, usize, Key) {
        let mut stream = self.stream.beside(number);
        let region = usize::try_from(stream.below(self.regions)).expect("regions are few");
        let is_read = stream.below(100) < self.reads_percent;
        let key = Key(stream.below(self.keys));
        (region, if is_read { READ } else { WRITE }, key)
    }
}

fn value(number: u64) -> Value {
    Value::Int(i64::try_from(number).expect("operations are far fewer than 2^63") + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_depends_on_its_number_alone() {
        let mix = Mix::new(named("mixed").expect("there is one"), Seed(7), 3, 100);
        let ops: Vec<Op> = (0..1000).map(|number| mix.op(number)).collect();
        assert_eq!(ops[777], mix.op(777));
        let reads = (0..1000).filter(|number| mix.kind(*number) == READ).count();
        assert!((440..560).contains(&reads), "{reads}");
        for region in 0..3 {
            let count = (0..1000).filter(|n| mix.region(*n) == region).count();
            assert!((270..400).contains(&count), "region {region}: {count}");
        }
        // A share takes every third number: no region may be missing from it.
        let of_share = (0..300).step_by(3).filter(|n| mix.region(*n) == 1).count();
        assert!(of_share > 15, "{of_share}");
    }

    #[test]
    fn pure_mixes_are_pure() {
        for (name, kind) in [("reads", READ), ("writes", WRITE)] {
            let mix = Mix::new(named(name).expect("there is one"), Seed(1), 1, 10);
            assert!((0..200).all(|number| mix.kind(number) == kind));
        }
    }
}
