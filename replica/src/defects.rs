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
    ClockAlone,
    OlderWins,
    DropWrite,
    DeleteUnreplicated,
    WeakDelete,
    EagerCollect,
    StampAtArrival,
    TornApply,
    WrongOrigin,
    SkipCondition,
    FailButWrite,
    SkipFeed,
    LoseBatch,
    SkipTombstoned,
    CrossedRead,
    StallLink,
    RestartForgets,
    SkipRecord,
    RepeatRecord,
    HastyExpiry,
    KeptExpired,
    LeakyRemoval,
    AckBeforeFsync,
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
    row(Defect::AckBeforeWrite, "ack-before-write", "a write is acknowledged and shown up to 500 ms before it is durable", "region-linearizable", "a kill within 500 ms of a write"),
    row(Defect::ForgetPending, "forget-pending", "what was written while a peer was unreachable is skipped at reconnect", "convergence", "a partition between regions that are written to"),
    row(Defect::ClockAlone, "clock-alone", "the clock alone stamps a write, also below the version that it overwrites", "convergence", "a clock that is stepped back between writes of one key"),
    row(Defect::OlderWins, "older-wins", "of two versions of an item the older one stays where a remote one arrives", "convergence", "writes of one key in two regions"),
    row(Defect::DropWrite, "drop-write", "every 50th write is acknowledged and never stored", "lost-write", "50 writes in a region"),
    row(Defect::DeleteUnreplicated, "delete-unreplicated", "deletes are not told to the peers", "convergence", "deletes of items that other regions hold"),
    row(Defect::WeakDelete, "weak-delete", "a delete keeps the stamp of the version that it deletes, so it wins nowhere else", "convergence", "deletes of items that other regions hold"),
    row(Defect::EagerCollect, "eager-collect", "tombstones are forgotten at once, before every peer has seen them", "resurrection", "deletes under slow or broken links, with writes of the same key elsewhere"),
    row(Defect::StampAtArrival, "stamp-at-arrival", "a remote version is stamped again with the clock of the region where it arrives", "convergence", "writes in two regions"),
    row(Defect::TornApply, "torn-apply", "a remote version is stored under the stamp of the version that it replaces", "convergence", "overwrites of items that other regions hold"),
    row(Defect::WrongOrigin, "wrong-origin", "a remote version is stored as if this region had written it", "convergence", "writes in two regions"),
    row(Defect::SkipCondition, "skip-condition", "every 10th write ignores its condition", "conditional-writes", "conditional writes, some of which must fail"),
    row(Defect::FailButWrite, "fail-but-write", "every 20th write is answered with a throttling error and carried out all the same", "phantom", "reads of keys that are written"),
    row(Defect::SkipFeed, "skip-feed", "every 50th write is not told to the peers", "convergence", "50 writes in a region, the 50th of which is not overwritten"),
    row(Defect::LoseBatch, "lose-batch", "every 20th batch of a peer is acknowledged and not applied", "convergence", "some minutes, or many small batches"),
    row(Defect::SkipTombstoned, "skip-tombstoned", "a remote version of an item that was deleted here is ignored", "convergence", "deletes, and later writes of the same key in another region"),
    row(Defect::CrossedRead, "crossed-read", "every 50th read answers what the read before it was answered", "phantom", "reads of several keys"),
    row(Defect::StallLink, "stall-link", "nothing more is sent after 40 versions, until the region is started again", "convergence", "more than 40 writes in a region"),
    row(Defect::RestartForgets, "restart-forgets", "what a peer had not acknowledged is forgotten at a restart", "convergence", "a kill of a region that is being written to"),
    row(Defect::SkipRecord, "skip-record", "what changes at every 50th write is not in the region's stream", "streams", "50 writes in a region, and a consumer of its stream"),
    row(Defect::RepeatRecord, "repeat-record", "what changes at every 50th write is in the region's stream twice", "streams", "50 writes in a region, and a consumer of its stream"),
    row(Defect::HastyExpiry, "hasty-expiry", "of the items that are to expire, every tenth goes before its time", "convergence", "items that expire some day"),
    row(Defect::KeptExpired, "kept-expired", "of the items that have expired, every third stays for ever", "region-linearizable", "items that expire within the run"),
    row(Defect::LeakyRemoval, "leaky-removal", "a region that was removed from a table is still told what is written to it, and still believed", "phantom", "a region that leaves a table and keeps its own, and writes after that"),
    row(Defect::AckBeforeFsync, "ack-before-fsync", "commits are written and answered at once, and fsynced every 2 s at most: the kernel has them, the disk has not", "region-linearizable", "a power loss within 2 s of a write; no kill shows it"),
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
            Defect::ClockAlone,
            Defect::OlderWins,
            Defect::DropWrite,
            Defect::DeleteUnreplicated,
            Defect::WeakDelete,
            Defect::EagerCollect,
            Defect::StampAtArrival,
            Defect::TornApply,
            Defect::WrongOrigin,
            Defect::SkipCondition,
            Defect::FailButWrite,
            Defect::SkipFeed,
            Defect::LoseBatch,
            Defect::SkipTombstoned,
            Defect::CrossedRead,
            Defect::StallLink,
            Defect::RestartForgets,
            Defect::SkipRecord,
            Defect::RepeatRecord,
            Defect::HastyExpiry,
            Defect::KeptExpired,
            Defect::LeakyRemoval,
            Defect::AckBeforeFsync,
        ];
        assert_eq!(DEFECTS.len(), all.len());
        for defect in all {
            assert_eq!(Defect::by_name(defect.description().name), Some(defect));
        }
    }
}
