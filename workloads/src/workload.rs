//! What a workload is: who the clients are, what each does next and when, and which checks judge the outcome.

use checker::history::{EventKind, Key, Op, RegionId};

use crate::demand::Demand;

/// A generator of operations. Pure: what it does next depends on its options, its seed, the time it is told and what it observed.
pub trait Workload: Send {
    /// The clients that it wants, in slot order. Each has at most one operation in flight.
    fn slots(&self) -> &[Slot];

    /// What this slot does next, or `None` if it has nothing left to do. `now_ns` is the time since the run began.
    fn next(&mut self, slot: usize, now_ns: u64) -> Option<Step>;

    /// Tells how an operation of this slot ended.
    fn observe(&mut self, slot: usize, op: &Op, outcome: &EventKind);

    /// Does more than usual, or on other keys, until told otherwise; returns how many slots follow.
    fn demand(&mut self, demand: Demand) -> usize {
        let _ = demand;
        0
    }

    /// Every key to be read in every region after healing and settling.
    fn final_reads(&self) -> Vec<Key>;

    /// What this slot does once more after healing and settling, beside final reads.
    fn last(&self, slot: usize) -> Option<Op> {
        let _ = slot;
        None
    }

    /// The checks that judge its histories, by their ids.
    fn checks(&self) -> &'static [&'static str];

    /// How many bytes the client adds to this item whenever it writes it, beside what the operation says. The same for every write of a key;
    /// [`padding`](crate::values::padding) says which bytes.
    fn padding_bytes(&self, key: Key) -> usize {
        let _ = key;
        0
    }

    /// After how many seconds a version of this write id expires; `None` if it says nothing of it. The same whenever it is asked.
    fn lifetime_s(&self, key: Key, id: i64) -> Option<u64> {
        let _ = (key, id);
        None
    }

    /// Whether nobody asks for this: the store does it by itself, at any time from now on. It is recorded, and not sent.
    fn foretells(&self, op: &Op) -> bool {
        let _ = op;
        false
    }

    /// Until when the store does things by itself, as far as was asked for: nanoseconds since the run began.
    fn rests_ns(&self) -> u64 {
        0
    }

    /// What the store has done by itself in this region once it has come to rest.
    fn promised(&self, region: RegionId) -> Vec<Op> {
        let _ = region;
        Vec::new()
    }
}

/// One client: a place that always has at most one operation in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The region that it talks to.
    pub region: RegionId,
    /// What it is for, for logs and progress: `mix`, `duel`, `beat`, `watch`.
    pub role: &'static str,
}

/// An operation and the moment at which it is meant to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Not before this moment, nanoseconds since the run began. Past moments mean at once.
    pub at_ns: u64,
    /// What to do.
    pub op: Op,
}
