//! What a store is expected to promise: named sets of checks.
//!
//! A set holds what its consistency model promises and nothing more; what the model allows is measured beside the checks.

use crate::check::{CheckInfo, registry};

/// A consistency model, as the checks that judge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Its name on the command line.
    pub name: &'static str,
    /// Which stores promise it, and what.
    pub about: &'static str,
    /// What it lets a store do: that is measured, never flagged.
    pub allows: &'static str,
    /// The ids of its checks, in the order of the registry.
    pub checks: &'static [&'static str],
}

/// All named sets.
#[must_use]
pub fn expectations() -> &'static [Expectation] {
    EXPECTATIONS
}

/// What last writer wins lets regions do.
const REGIONS_DIFFER: &str = "stale reads across regions, concurrent writes that lose, conditions that two regions both pass, torn remote transactions";

/// What regions with last writer wins promise, stamps or not.
const LAST_WRITER_WINS: &[&str] = &[
    "convergence",
    "winner",
    "lost-write",
    "phantom",
    "resurrection",
    "read-your-writes",
    "monotonic-reads",
    "monotonic-writes",
    "writes-follow-reads",
    "stamps",
    "origin-first",
    "conditional-writes",
    "region-linearizable",
    "stamp-order",
    "common-order",
    "delivery",
    "set",
    "counter",
    "list-append",
    "transactions",
    "streams",
];

const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        name: "v1",
        about: "global tables version 2017.11.29: last writer wins by stamps that items show (aws:rep:updatetime, aws:rep:updateregion)",
        allows: REGIONS_DIFFER,
        checks: LAST_WRITER_WINS,
    },
    Expectation {
        name: "mrec",
        about: "global tables version 2019.11.21, multi-region eventual consistency: last writer wins, strong reads within a region",
        allows: REGIONS_DIFFER,
        checks: LAST_WRITER_WINS,
    },
    Expectation {
        name: "mrsc",
        about: "global tables, multi-region strong consistency: strong reads anywhere see every acknowledged write",
        allows: "stale eventually consistent reads",
        checks: &[
            "convergence",
            "phantom",
            "conditional-writes",
            "linearizable",
            "set",
            "counter",
            "list-append",
            "streams",
        ],
    },
    Expectation {
        name: "eventual",
        about: "eventually consistent replicas: they end up equal, and hold what somebody wrote",
        allows: "stale reads of every kind, lost updates, conditions that two clients both pass",
        checks: &["convergence", "phantom"],
    },
    Expectation {
        name: "single-region",
        about: "one region with strong reads and conditional writes",
        allows: "stale eventually consistent reads",
        checks: &[
            "phantom",
            "conditional-writes",
            "linearizable",
            "set",
            "counter",
            "list-append",
            "transactions",
            "streams",
        ],
    },
];

/// Neither a named set nor a check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: there is no such expectation; there are the sets {sets} and the checks {checks}")]
pub struct UnknownExpectation {
    /// What was asked for.
    pub name: String,
    /// The sets that there are.
    pub sets: String,
    /// The checks that there are.
    pub checks: String,
}

/// The checks behind names of sets and of checks, each once, in the order of the registry.
///
/// # Errors
/// The first name that is neither.
pub fn expected_checks(names: &[&str]) -> Result<Vec<&'static str>, UnknownExpectation> {
    let mut asked: Vec<&str> = Vec::new();
    for name in names {
        let set = expectations().iter().find(|e| e.name == *name);
        let is_check = registry().iter().any(|info| info.id == *name);
        match set {
            Some(set) => asked.extend(set.checks),
            None if is_check => asked.push(name),
            None => {
                let sets: Vec<_> = expectations().iter().map(|e| e.name).collect();
                let checks: Vec<_> = registry().iter().map(|info| info.id).collect();
                return Err(UnknownExpectation {
                    name: (*name).to_owned(),
                    sets: sets.join(", "),
                    checks: checks.join(", "),
                });
            }
        }
    }
    let is_asked = |info: &&CheckInfo| asked.contains(&info.id);
    Ok(registry()
        .iter()
        .filter(is_asked)
        .map(|info| info.id)
        .collect())
}

/// What is expected of a history when nobody says: last writer wins.
pub(crate) fn is_usual(info: &CheckInfo) -> bool {
    LAST_WRITER_WINS.contains(&info.id)
}

#[cfg(test)]
mod tests {
    use super::{expectations, expected_checks};

    #[test]
    fn every_set_names_checks_that_exist() {
        for set in expectations() {
            let checks = expected_checks(set.checks).expect("they are checks");
            assert_eq!(
                checks, set.checks,
                "{}: in the order of the registry",
                set.name
            );
        }
    }

    #[test]
    fn sets_and_checks_mix_and_unknown_names_are_refused() {
        assert_eq!(
            expected_checks(&["phantom", "eventual"]),
            Ok(vec!["convergence", "phantom"])
        );
        let error = expected_checks(&["mrec", "serialisable"]).expect_err("no such thing");
        assert!(
            error
                .to_string()
                .starts_with("serialisable: there is no such expectation")
        );
    }
}
