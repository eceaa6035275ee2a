//! The workloads that there are: `dateline list workloads` prints this, and `dateline test` makes its workload from it.

use crate::{
    big_items, conditional, counter, delete_churn, home, list_append,
    needs::Needs,
    options::Options,
    register::{self, Register},
    scan, session, set, streams, ttl,
    workload::Workload,
    ycsb::{self, CORE},
};

/// A workload's name, its purpose, and how to make it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does and what it can prove, in one line.
    pub about: &'static str,
    /// The checks that judge its histories, by their ids.
    pub checks: &'static [&'static str],
    /// What it needs of a target.
    pub needs: Needs,
    make: fn(&Options) -> Box<dyn Workload>,
}

impl Entry {
    /// The workload with these options.
    #[must_use]
    pub fn make(&self, options: &Options) -> Box<dyn Workload> {
        (self.make)(options)
    }
}

/// Registers, and somewhere else to read them.
const SEVERAL_REGIONS: Needs = Needs {
    regions_at_least: 2,
    ..Needs::REGISTERS
};

/// Every workload, in the order in which they are listed.
pub const WORKLOADS: &[Entry] = &[
    Entry {
        name: register::NAME,
        about: "reads, writes, conditional writes and deletes of single items, contended within and between regions; \
                each key ends in a duel of all regions",
        checks: register::CHECKS,
        needs: Needs::REGISTERS,
        make: |options| Box::new(Register::new(options)),
    },
    Entry {
        name: conditional::NAME,
        about: "leases taken, renewed, taken over and given back by conditional writes; proves that within a region nobody \
                comes between a condition and its write",
        checks: conditional::CHECKS,
        needs: Needs::REGISTERS,
        make: conditional::workload,
    },
    Entry {
        name: delete_churn::NAME,
        about: "items put, deleted and put again by everybody; proves that what was deleted does not come back",
        checks: delete_churn::CHECKS,
        needs: Needs::REGISTERS,
        make: delete_churn::workload,
    },
    Entry {
        name: set::NAME,
        about: "elements as items of their own and as members of sets; proves that every element reaches every region, and that \
                additions of one region do not undo each other",
        checks: set::CHECKS,
        needs: Needs {
            sets: true,
            ..Needs::LITTLE
        },
        make: set::workload,
    },
    Entry {
        name: counter::NAME,
        about: "increments within one region and from all regions; proves that no increment of one region undoes another, and \
                counts what last-writer-wins costs between regions",
        checks: counter::CHECKS,
        needs: Needs {
            numbers: true,
            ..Needs::LITTLE
        },
        make: counter::workload,
    },
    Entry {
        name: list_append::NAME,
        about: "appends to lists within one region and from all regions; proves the order of all writes to an item in its region",
        checks: list_append::CHECKS,
        needs: Needs {
            lists: true,
            ..Needs::LITTLE
        },
        make: list_append::workload,
    },
    Entry {
        name: session::NAME,
        about: "clients that stay in a region and clients that move; proves read-your-writes and monotonic reads within a region",
        checks: session::CHECKS,
        needs: SEVERAL_REGIONS,
        make: session::workload,
    },
    Entry {
        name: home::SINGLE_WRITER_REGION,
        about: "one region writes, all read; proves that without conflicts nothing is lost and conditions are exact",
        checks: home::CHECKS,
        needs: SEVERAL_REGIONS,
        make: home::single_writer_region,
    },
    Entry {
        name: home::HOME_REGION_PER_ITEM,
        about: "each item is written in its home region and read in all; proves the same while all regions write",
        checks: home::CHECKS,
        needs: SEVERAL_REGIONS,
        make: home::home_region_per_item,
    },
    Entry {
        name: big_items::NAME,
        about: "registers of up to 350 KB; proves that items arrive whole",
        checks: big_items::CHECKS,
        needs: Needs {
            item_bytes: 350_000,
            ..Needs::REGISTERS
        },
        make: big_items::workload,
    },
    Entry {
        name: scan::NAME,
        about: "copies of the whole table against reads of single items; proves that scans show versions that existed",
        checks: scan::CHECKS,
        needs: Needs {
            scans: true,
            ..Needs::REGISTERS
        },
        make: scan::workload,
    },
    Entry {
        name: streams::NAME,
        about: "items that come and go while a consumer in every region reads its stream; proves that every change is in it, once and in order",
        checks: streams::CHECKS,
        needs: Needs {
            streams: true,
            ..Needs::REGISTERS
        },
        make: streams::workload,
    },
    Entry {
        name: ttl::NAME,
        about: "items that expire, some of them renewed in time; proves that nothing goes that has not expired, that all that expired goes everywhere, and \
                that no renewal is lost",
        checks: ttl::CHECKS,
        needs: Needs {
            conditions: true,
            time_to_live: true,
            ..Needs::LITTLE
        },
        make: ttl::workload,
    },
    ycsb_entry(
        "ycsb-a",
        "YCSB A, a session store: 50 % reads, 50 % updates, zipfian; every value names its write",
        |options| ycsb::workload(&CORE[0], options),
    ),
    ycsb_entry(
        "ycsb-b",
        "YCSB B, tags of photos: 95 % reads, 5 % updates, zipfian; every value names its write",
        |options| ycsb::workload(&CORE[1], options),
    ),
    ycsb_entry(
        "ycsb-c",
        "YCSB C, a cache of profiles: reads only, zipfian; every value names its write",
        |options| ycsb::workload(&CORE[2], options),
    ),
    ycsb_entry(
        "ycsb-d",
        "YCSB D, status updates: 95 % reads of the latest, 5 % inserts; every value names its write",
        |options| ycsb::workload(&CORE[3], options),
    ),
    Entry {
        needs: Needs {
            scans: true,
            ..Needs::LITTLE
        },
        ..ycsb_entry(
            "ycsb-e",
            "YCSB E, threads of conversations: 95 % scans, 5 % inserts; every value names its write",
            |options| ycsb::workload(&CORE[4], options),
        )
    },
    ycsb_entry(
        "ycsb-f",
        "YCSB F, a database of users: 50 % reads, 50 % reads with a write after them, zipfian; every value names its write",
        |options| ycsb::workload(&CORE[5], options),
    ),
];

const fn ycsb_entry(
    name: &'static str,
    about: &'static str,
    make: fn(&Options) -> Box<dyn Workload>,
) -> Entry {
    Entry {
        name,
        about,
        checks: ycsb::CHECKS,
        needs: Needs::LITTLE,
        make,
    }
}

/// The entry of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Entry> {
    WORKLOADS.iter().find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests;
