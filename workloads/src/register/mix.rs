//! The `mix` slots: reads, writes, conditional writes and deletes of the keys that are alive.

use std::collections::BTreeMap;

use checker::history::{Condition, Key, Op, RegionId, Strength, Value};

use crate::{
    demand::Demand, keys::Ranks, options::Options, pace::Pace, seed::Stream, values::WriteIds,
    workload::Step,
};

/// Parts per thousand of what remains after the deletes. The rest are strong reads.
const WRITES: u64 = 250;
const CONDITIONAL_WRITES: u64 = 250;
const EVENTUAL_READS: u64 = 100;

/// One in so many reads goes to the key that died last: the duel's outcome must not change any more.
const READS_OF_THE_DEAD: u64 = 8;

/// One slot.
#[derive(Debug)]
pub(super) struct Mix {
    stream: Stream,
    ranks: Ranks,
    ids: WriteIds,
    pace: Pace,
}

impl Mix {
    /// `number` counts the slots of one region.
    pub(super) fn new(options: &Options, slot: usize, number: usize) -> Self {
        Self {
            stream: options.seed.stream(&format!("register/mix/{slot}")),
            ranks: Ranks::new(options.distribution, options.keys),
            ids: WriteIds::of_slot(slot),
            pace: Pace::new(options.regions, options.concurrency, options.rate, number),
        }
    }

    /// Does more than usual, or on other keys.
    pub(super) fn demand(&mut self, demand: Demand) {
        self.pace.hurry(demand.rate_times);
        self.ranks.focus(demand.keys);
    }

    pub(super) fn next(
        &mut self,
        options: &Options,
        known: &BTreeMap<(Key, RegionId), Value>,
        region: RegionId,
        now_ns: u64,
    ) -> Step {
        let at_ns = self.pace.start(now_ns, &mut self.stream);
        let first_alive = at_ns / options.spacing_ns;
        let key = Key(first_alive + self.ranks.draw(&mut self.stream));
        Step {
            at_ns,
            op: self.draw(options, known.get(&(key, region)), key),
        }
    }

    fn draw(&mut self, options: &Options, known: Option<&Value>, key: Key) -> Op {
        if self.stream.chance(options.deletes_per_thousand) {
            return self.delete(known, key);
        }
        let drawn = self.stream.below(1000);
        if drawn < WRITES {
            Op::Write {
                key,
                value: self.ids.issue(),
            }
        } else if drawn < WRITES + CONDITIONAL_WRITES {
            // Of a key that nobody here has seen, the likeliest state is that it does not exist.
            let condition = Condition::Equals(known.cloned().unwrap_or(Value::Absent));
            Op::Cas {
                key,
                condition,
                value: self.ids.issue(),
            }
        } else if drawn < WRITES + CONDITIONAL_WRITES + EVENTUAL_READS {
            Op::Read {
                key,
                strength: Strength::Eventual,
            }
        } else {
            Op::Read {
                key: self.or_the_dead(key, options),
                strength: Strength::Strong,
            }
        }
    }

    /// Conditional and unconditional deletes in turn, by chance.
    fn delete(&mut self, known: Option<&Value>, key: Key) -> Op {
        match known {
            Some(Value::Int(seen)) if self.stream.chance(500) => Op::Cas {
                key,
                condition: Condition::Equals(Value::Int(*seen)),
                value: Value::Absent,
            },
            Some(Value::Int(_) | Value::Absent | Value::List(_)) | None => Op::Delete { key },
        }
    }

    fn or_the_dead(&mut self, key: Key, options: &Options) -> Key {
        let first_alive = self.pace.due_ns() / options.spacing_ns;
        if first_alive > 0 && self.stream.below(READS_OF_THE_DEAD) == 0 {
            Key(first_alive - 1)
        } else {
            key
        }
    }
}
