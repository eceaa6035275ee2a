//! Deliberate faults for judging the judges: each breaks one promise, and names the check that must notice.
//!
//! A replica honours them only when it is built with the feature `defects`; a production build leaves them out.

use serde::{Deserialize, Serialize};

/// A planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the table below describes each")]
pub enum Defect {
    StaleStrongRead,
    LwwByArrival,
    TieDivergence,
    AckBeforeWrite,
    ForgetPending,
}

/// What people are told about a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Which.
    pub defect: Defect,
    /// Its name on the command line.
    pub name: &'static str,
    /// What it breaks.
    pub breaks: &'static str,
    /// The check meant to catch it.
    pub check: &'static str,
    /// What a run needs for it to show.
    pub needs: &'static str,
}

const fn row(
    defect: Defect,
    name: &'static str,
    breaks: &'static str,
    check: &'static str,
    needs: &'static str,
) -> Description {
    Description {
        defect,
        name,
        breaks,
        check,
        needs,
    }
}

/// Every defect, one line each.
#[rustfmt::skip]
pub const DEFECTS: &[Description] = &[
    row(Defect::StaleStrongRead, "stale-strong-read", "every 20th strongly consistent read of an overwritten item answers the version before", "read-your-writes", "strong reads of keys that are overwritten"),
    row(Defect::LwwByArrival, "lww-by-arrival", "remote versions are applied in the order they arrive, whatever their stamp", "convergence", "writes of one key in two regions"),
    row(Defect::TieDivergence, "tie-divergence", "equal update times keep the local version; the region's name decides nothing", "convergence", "writes of one key in two regions in the same millisecond"),
    row(Defect::AckBeforeWrite, "ack-before-write", "a write is acknowledged and shown up to 500 ms before it is durable", "lost-write", "a kill within 500 ms of a write"),
    row(Defect::ForgetPending, "forget-pending", "what was written while a peer was unreachable is skipped at reconnect", "convergence", "a partition between regions that are written to"),
];

impl Defect {
    /// What people are told about it.
    #[must_use]
    pub fn description(self) -> &'static Description {
        DEFECTS
            .iter()
            .find(|row| row.defect == self)
            .expect("every defect has its line: a unit test looks")
    }

    /// The defect of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        DEFECTS
            .iter()
            .find(|row| row.name == name)
            .map(|row| row.defect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_is_described_once_and_found_by_its_name() {
        let all = [
            Defect::StaleStrongRead,
            Defect::LwwByArrival,
            Defect::TieDivergence,
            Defect::AckBeforeWrite,
            Defect::ForgetPending,
        ];
        assert_eq!(DEFECTS.len(), all.len());
        for defect in all {
            assert_eq!(Defect::by_name(defect.description().name), Some(defect));
        }
    }
}
