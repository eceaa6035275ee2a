//! A load: operation number `n` of a seed, by arithmetic.
//!
//! [`Load::request`] depends on the options, the seed and the number, and on nothing that happened before. So any number of generators
//! make the shares of one load without talking to each other, a share can be repeated alone, and - because every written value is the
//! number of the operation that wrote it - any value that is ever read can be checked by asking which item that operation wrote
//! ([`Load::explain`]). When operation `n` starts is told by [`crate::arrival`].
//!
//! Kinds are dealt in hundreds: each hundred has exactly the shares of the mix, in an order of its own. Inserts are numbered through without a
//! gap (if all regions have the same mix), hundred by hundred; an operation may be about any record inserted in an earlier hundred.
//! What is deliberately absent: clocks, clients, measurements, and knowledge of whether an insert succeeded: a read may find nothing.

mod mix;

pub use mix::{BadMix, Kind, Mix};

use checker::history::{Key, Op, RegionId, Strength, Value};

use crate::{
    keys::{KeyDistribution, Popularity},
    seed::{Seed, Stream},
    values,
};

/// The longest scan, in items. YCSB's default.
const LONGEST_SCAN: u64 = 100;

/// Kinds are dealt in hundreds.
const HUNDRED: u64 = 100;

/// What one region gets of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionLoad {
    /// Its share of the operations, in proportion to the weights of all regions.
    pub weight: u64,
    /// What it is asked.
    pub mix: Mix,
}

/// What can be chosen about a load.
#[derive(Clone, Debug)]
pub struct Options {
    /// Every region's share.
    pub regions: Vec<RegionLoad>,
    /// How many records the table has before the load begins: keys `0..records`.
    pub records: u64,
    /// Which records operations are about.
    pub distribution: KeyDistribution,
    /// How strong reads are. YCSB's default is eventual.
    pub strength: Strength,
    /// Where every draw comes from.
    pub seed: Seed,
}

/// One operation of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whom to ask.
    pub region: RegionId,
    /// What it counts as.
    pub kind: Kind,
    /// What to ask first.
    pub op: Op,
    /// What to ask when that has succeeded: the second half of a read-modify-write.
    pub then: Option<Op>,
    /// Of a scan: where it begins and how many items it wants.
    pub range: Option<Range>,
}

/// The part of a table that a scan is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The item after which the scan begins. Items follow each other as the store has them, not by number.
    pub after: Key,
    /// How many items.
    pub items: u64,
}

/// What a value that was read cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// No operation of this load writes such a value.
    #[error(
        "item {key} holds {value}, which no operation of this load writes; was the table used by somebody else, or loaded with another seed or number of records?"
    )]
    Foreign {
        /// The item's key.
        key: u64,
        /// What it holds.
        value: String,
    },
    /// The operation that has this number writes another item.
    #[error("item {key} holds {value}, which operation {number} writes to item {written}")]
    Misplaced {
        /// The item's key.
        key: u64,
        /// What it holds.
        value: i64,
        /// The operation.
        number: u64,
        /// The key of the item that it writes.
        written: u64,
    },
}

/// A load.
#[derive(Clone, Debug)]
pub struct Load {
    options: Options,
    popularity: Popularity,
    stream: Stream,
    weights: u64,
    /// The most inserts in a hundred operations of any region.
    inserts: u64,
}

impl Load {
    /// The load with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let regions = &options.regions;
        assert!(regions.len() <= usize::from(u8::MAX), "regions are few");
        assert!(regions.iter().all(|region| region.mix.checked().is_ok()));
        let weights = regions.iter().map(|region| region.weight).sum();
        assert!(weights > 0, "some region must be asked");
        let inserts = regions.iter().map(|region| region.mix.inserts).max();
        Self {
            popularity: Popularity::new(options.distribution, options.records),
            stream: options.seed.stream("load/operations"),
            weights,
            inserts: inserts.unwrap_or(0),
            options,
        }
    }

    /// The write that puts record `number` into the table before the load begins.
    #[must_use]
    pub fn record(&self, number: u64) -> Op {
        assert!(number < self.options.records);
        Op::Write {
            key: Key(number),
            value: value_of(number + 1),
        }
    }

    /// Whom operation `number` asks, and what first. See [`Self::request`] for all of it.
    #[must_use]
    pub fn operation(&self, number: u64) -> (RegionId, Op) {
        let request = self.request(number);
        (request.region, request.op)
    }

    /// Operation `number`.
    #[must_use]
    pub fn request(&self, number: u64) -> Request {
        let mut stream = self.stream.beside(number);
        let region = self.region(&mut stream);
        self.draw(number, region, stream)
    }

    /// Operation `number`, asked in this region instead of the one that it draws.
    #[must_use]
    pub fn request_in(&self, number: u64, region: RegionId) -> Request {
        let mut stream = self.stream.beside(number);
        // Drawn all the same, so that the rest is what it is elsewhere.
        self.region(&mut stream);
        self.draw(number, region, stream)
    }

    /// Whether this value can be what the item holds: written to this item, by an operation of this load or when the table was filled. An
    /// item that is not there, or not yet, is no corruption.
    ///
    /// # Errors
    /// [`Corruption`] says who could have written it, if anybody.
    pub fn explain(&self, key: Key, value: &Value) -> Result<(), Corruption> {
        let foreign = |value: String| Corruption::Foreign { key: key.0, value };
        let value = match value {
            Value::Absent => return Ok(()),
            Value::Int(value) => *value,
            Value::List(list) => return Err(foreign(format!("the list {list:?}"))),
        };
        let Some(serial) = u64::try_from(value).ok().and_then(|id| id.checked_sub(1)) else {
            return Err(foreign(value.to_string()));
        };
        let records = self.options.records;
        if serial < records && serial == key.0 {
            return Ok(());
        }
        let Some(number) = serial.checked_sub(records) else {
            return Err(foreign(format!(
                "{value}, the first value of item {serial}"
            )));
        };
        let request = self.request(number);
        match request.then.as_ref().unwrap_or(&request.op) {
            Op::Write { key: written, .. } if *written == key => Ok(()),
            Op::Write { key: written, .. } => Err(Corruption::Misplaced {
                key: key.0,
                value,
                number,
                written: written.0,
            }),
            Op::Read { .. }
            | Op::Cas { .. }
            | Op::Delete { .. }
            | Op::AddToSet { .. }
            | Op::Increment { .. }
            | Op::Append { .. }
            | Op::Transact { .. }
            | Op::Scan
            | Op::Stream => Err(foreign(value.to_string())),
        }
    }

    fn region(&self, stream: &mut Stream) -> RegionId {
        let mut drawn = stream.below(self.weights);
        let mut shares = self.options.regions.iter();
        let index = shares.position(|region| {
            let is_here = drawn < region.weight;
            drawn = drawn.saturating_sub(region.weight);
            is_here
        });
        let index = index.expect("the draw is below the sum of the weights");
        RegionId(u8::try_from(index).expect("regions are few"))
    }

    fn draw(&self, number: u64, region: RegionId, mut stream: Stream) -> Request {
        let hundred = number / HUNDRED;
        let place = self.place(number);
        let kind = self.options.regions[usize::from(region.0)]
            .mix
            .kind_at(place);
        let inserted = self.options.records + hundred * self.inserts;
        let key = match kind {
            Kind::Insert => Key(inserted + place),
            Kind::Read | Kind::Update | Kind::Scan | Kind::ReadModifyWrite => {
                Key(self.popularity.record(number, inserted, &mut stream))
            }
        };
        let strength = self.options.strength;
        let read = Op::Read { key, strength };
        let write = Op::Write {
            key,
            value: value_of(self.options.records + 1 + number),
        };
        let (op, then) = match kind {
            Kind::Read => (read, None),
            Kind::Update | Kind::Insert => (write, None),
            Kind::Scan => (Op::Scan, None),
            Kind::ReadModifyWrite => (read, Some(write)),
        };
        let range = (kind == Kind::Scan).then(|| Range {
            after: key,
            items: 1 + stream.below(LONGEST_SCAN),
        });
        Request {
            region,
            kind,
            op,
            then,
            range,
        }
    }

    /// The place of an operation among its hundred: `a i + c` modulo 100 goes through all places once if `a` shares no factor with 100.
    fn place(&self, number: u64) -> u64 {
        let mixed = values::mix(self.options.seed.0 ^ values::mix(1 + number / HUNDRED));
        let odd = 2 * (mixed % 50) + 1;
        let factor = if odd.is_multiple_of(5) { odd + 2 } else { odd };
        let offset = (mixed >> 32) % HUNDRED;
        (factor * (number % HUNDRED) + offset) % HUNDRED
    }
}

fn value_of(id: u64) -> Value {
    Value::Int(i64::try_from(id).expect("nobody makes nine quintillion operations"))
}

#[cfg(test)]
mod tests;
