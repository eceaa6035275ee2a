//! What each planted defect needs in order to show, and which checks are meant to catch it.
//!
//! A defect breaks one promise, but a promise can have several checks that stand for it: a region that forgets a delete shows the item again
//! where it was seen gone (`resurrection`), or for ever (`convergence`), depending on who looks when. Any of the named ones counts.

/// Where a defect shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occasion {
    /// Its name.
    pub(crate) defect: &'static str,
    /// The workload that gives it a chance.
    pub(crate) workload: &'static str,
    /// The faults that do.
    pub(crate) faults: &'static [&'static str],
    /// The checks that are meant to catch it; one of them must, in every run.
    pub(crate) meant: &'static [&'static str],
}

const fn occasion(
    defect: &'static str,
    workload: &'static str,
    faults: &'static [&'static str],
    meant: &'static [&'static str],
) -> Occasion {
    Occasion {
        defect,
        workload,
        faults,
        meant,
    }
}

const CALM: &[&str] = &["none"];
const APART: &[&str] = &["partition", "flapping"];
const SLOW: &[&str] = &["slow-links"];

/// One for each defect.
#[rustfmt::skip]
pub(crate) const OCCASIONS: &[Occasion] = &[
    occasion("stale-strong-read", "register", CALM, &["read-your-writes", "region-linearizable"]),
    occasion("lww-by-arrival", "register", CALM, &["convergence", "winner"]),
    occasion("tie-divergence", "register", CALM, &["convergence", "winner"]),
    occasion("ack-before-write", "register", &["kill"], &["region-linearizable", "read-your-writes", "lost-write"]),
    occasion("forget-pending", "register", APART, &["convergence", "lost-write"]),
    // Within its region the newer write is the smaller version: a read shows less than was acknowledged before it. For that the clock must go back by more than
    // lies between two writes of a key, which `clock` alone does not do in every run.
    occasion("clock-alone", "register", &["clock", "clock-extremes"], &["read-your-writes", "conditional-writes", "convergence"]),
    occasion("older-wins", "register", CALM, &["convergence", "winner"]),
    occasion("drop-write", "register", CALM, &["lost-write", "read-your-writes"]),
    occasion("delete-unreplicated", "delete-churn", CALM, &["convergence"]),
    occasion("weak-delete", "delete-churn", CALM, &["convergence"]),
    occasion("eager-collect", "delete-churn", SLOW, &["resurrection", "convergence"]),
    occasion("stamp-at-arrival", "register", CALM, &["convergence", "stamps"]),
    occasion("torn-apply", "register", CALM, &["convergence", "stamps"]),
    occasion("wrong-origin", "register", CALM, &["stamps", "convergence"]),
    occasion("skip-condition", "conditional", CALM, &["conditional-writes"]),
    occasion("fail-but-write", "register", CALM, &["phantom"]),
    occasion("skip-feed", "home-region-per-item", CALM, &["convergence", "lost-write"]),
    occasion("lose-batch", "register", CALM, &["convergence", "lost-write"]),
    occasion("skip-tombstoned", "delete-churn", CALM, &["convergence"]),
    occasion("crossed-read", "register", CALM, &["phantom"]),
    occasion("stall-link", "register", CALM, &["convergence", "settling"]),
    occasion("restart-forgets", "register", &["partition", "kill", "rolling-restart"], &["convergence", "lost-write"]),
    occasion("skip-record", "streams", CALM, &["streams"]),
    occasion("repeat-record", "streams", CALM, &["streams"]),
    occasion("hasty-expiry", "ttl", CALM, &["convergence", "lost-write", "read-your-writes", "region-linearizable"]),
    occasion("kept-expired", "ttl", CALM, &["region-linearizable", "read-your-writes"]),
    occasion("leaky-removal", "lifecycle", CALM, &["phantom"]),
    occasion("ack-before-fsync", "register", &["power-loss"], &["region-linearizable", "read-your-writes", "lost-write"]),
];

/// Whether a defect shows only on a disk that forgets.
pub(crate) fn needs_disk(defect: &str) -> bool {
    Occasion::of(defect).faults.contains(&"power-loss")
}

impl Occasion {
    /// The one of this defect.
    pub(crate) fn of(defect: &str) -> &'static Self {
        let found = OCCASIONS.iter().find(|occasion| occasion.defect == defect);
        found.expect("there is one for each defect, which a test sees to")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_defect_has_one_and_what_it_names_exists() {
        let named: Vec<&str> = OCCASIONS.iter().map(|occasion| occasion.defect).collect();
        let planted = replica::defects::DEFECTS.iter().map(|row| row.name);
        assert_eq!(named, planted.collect::<Vec<_>>());
        for occasion in OCCASIONS {
            let faults: Vec<String> = occasion.faults.iter().map(ToString::to_string).collect();
            crate::nemesis::by_names(&faults).expect("there are these faults");
            let workload = workloads::catalogue::named(occasion.workload).expect("there is one");
            let meant = occasion.meant.iter().filter(|check| **check != "settling");
            for check in meant {
                assert!(
                    workload.checks.contains(check),
                    "{}: {check}",
                    occasion.defect
                );
            }
        }
    }

    #[test]
    fn the_check_that_a_defect_names_itself_is_among_the_meant() {
        for row in replica::defects::DEFECTS {
            let meant = Occasion::of(row.name).meant;
            assert!(meant.contains(&row.check), "{}: {}", row.name, row.check);
        }
    }
}
