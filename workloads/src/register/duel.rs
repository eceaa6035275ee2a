//! Duels: the last writes of a key, one from each region.
//!
//! Key `j` dies at `(j + 1) * spacing`. Two duels in three are meant for the very same instant everywhere: stamps then tie to the
//! millisecond often enough to see whether every region breaks ties the same way. In the others each region is a few
//! milliseconds apart: less than the replication lag, so that arrival order and stamp order differ between regions.
//! Each region reads the key back at once: writes do not return their stamps, and a write whose stamp nobody saw cannot be missed later.
//! Where deletes are wanted, one region of some duels deletes instead of writing.

use checker::history::{Key, Op, RegionId, Strength};

use crate::{options::Options, values::WriteIds, workload::Step};

/// The widest gap between the writes of a staggered duel.
const STAGGER_NS: u64 = 20_000_000;

/// Three in so many duels are staggered.
const STAGGERED_IN: u64 = 3;

/// One in so many duels has a delete in it, where deletes are wanted.
const DELETE_IN: u64 = 4;

/// The duel slot of one region.
#[derive(Debug)]
pub(super) struct Duelist {
    ids: WriteIds,
    /// The next duel not fought yet.
    next: u64,
    /// The key just fought over, not read back yet.
    fought: Option<Key>,
}

impl Duelist {
    pub(super) fn new(slot: usize) -> Self {
        Self {
            ids: WriteIds::of_slot(slot),
            next: 0,
            fought: None,
        }
    }

    /// The next duel that is still to come: one that was missed because its region hung stays missed, or it would be no duel.
    pub(super) fn next(&mut self, options: &Options, region: RegionId, now_ns: u64) -> Step {
        if let Some(key) = self.fought.take() {
            return Step {
                at_ns: now_ns,
                op: Op::Read {
                    key,
                    strength: Strength::Strong,
                },
            };
        }
        self.next = self.next.max(now_ns / options.spacing_ns);
        let number = self.next;
        self.next += 1;
        let key = Key(number);
        self.fought = Some(key);
        // A stream per duel: all regions draw the same, whoever comes first.
        let mut stream = options.seed.stream(&format!("register/duel/{number}"));
        let instant_ns = (number + 1) * options.spacing_ns;
        let staggered = stream.below(STAGGERED_IN) == 0;
        let deletes = options.deletes_per_thousand > 0 && stream.below(DELETE_IN) == 0;
        let deleter = RegionId(
            u8::try_from(stream.below(u64::from(options.regions))).expect("regions are few"),
        );
        let mut delays_ns: Vec<u64> = (0..options.regions)
            .map(|_| stream.below(STAGGER_NS))
            .collect();
        if !staggered {
            delays_ns.fill(0);
        }
        let op = if deletes && deleter == region {
            Op::Delete { key }
        } else {
            Op::Write {
                key,
                value: self.ids.issue(),
            }
        };
        Step {
            at_ns: instant_ns + delays_ns[usize::from(region.0)],
            op,
        }
    }
}
