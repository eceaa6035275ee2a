//! Heartbeats: each region writes one key of its own, the others read it. Values ascend, so each read tells the lag of its pair.

use checker::history::{Key, Op, RegionId, Strength};

use crate::{actor::Actor, options::regions, values::WriteIds, workload::Step};

/// A region beats this often.
const BEAT_EVERY_NS: u64 = 100_000_000;

/// A watcher reads each other region's heartbeat this often, while there are few regions …
const WATCH_PAIR_EVERY_NS: u64 = 50_000_000;

/// … and never more often than this altogether.
const WATCH_AT_MOST_EVERY_NS: u64 = 15_000_000;

/// How many writes and reads of heartbeats all regions together make in a second, at most.
#[must_use]
pub fn operations_per_s(region_count: u64) -> (u64, u64) {
    const SECOND_NS: u64 = 1_000_000_000;
    let others = region_count.saturating_sub(1);
    let watched = others * (SECOND_NS / WATCH_PAIR_EVERY_NS);
    let reads = watched.min(SECOND_NS.div_ceil(WATCH_AT_MOST_EVERY_NS));
    (
        region_count * (SECOND_NS / BEAT_EVERY_NS),
        region_count * reads,
    )
}

/// The heartbeat key of a region.
pub(crate) fn key(region: RegionId) -> Key {
    Key(Key::FIRST_HEARTBEAT.0 + u64::from(region.0))
}

/// Writes the heartbeat of one region.
#[derive(Debug)]
pub(crate) struct Beat {
    key: Key,
    ids: WriteIds,
    due_ns: u64,
}

impl Beat {
    pub(crate) fn new(slot: usize, region: RegionId) -> Self {
        Self {
            key: key(region),
            ids: WriteIds::of_slot(slot),
            due_ns: 0,
        }
    }
}

impl Actor for Beat {
    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.due_ns.max(now_ns);
        self.due_ns = at_ns + BEAT_EVERY_NS;
        Step {
            at_ns,
            op: Op::Write {
                key: self.key,
                value: self.ids.issue(),
            },
        }
    }
}

/// Reads the heartbeats of all other regions in turn.
#[derive(Debug)]
pub(crate) struct Watch {
    keys: Vec<Key>,
    next: usize,
    due_ns: u64,
    interval_ns: u64,
}

impl Watch {
    /// There must be another region to watch.
    pub(crate) fn new(region_count: u8, region: RegionId) -> Self {
        assert!(region_count > 1, "a region alone has nobody to watch");
        let keys: Vec<Key> = regions(region_count)
            .filter(|&other| other != region)
            .map(key)
            .collect();
        let interval_ns = (WATCH_PAIR_EVERY_NS / keys.len() as u64).max(WATCH_AT_MOST_EVERY_NS);
        Self {
            keys,
            next: 0,
            due_ns: 0,
            interval_ns,
        }
    }
}

impl Actor for Watch {
    fn next(&mut self, now_ns: u64) -> Step {
        let at_ns = self.due_ns.max(now_ns);
        self.due_ns = at_ns + self.interval_ns;
        let key = self.keys[self.next % self.keys.len()];
        self.next += 1;
        Step {
            at_ns,
            op: Op::Read {
                key,
                strength: Strength::Strong,
            },
        }
    }
}
