//! A region's disk that is slow or full.
//!
//! Both meet commits where our replica hands them to its store. A full disk is a commit that fails: the region is poisoned, as after any fault of its disk,
//! refuses everybody, and is started again when there is space. Absent: power loss, read errors and flipped bits, which take a file system between the region
//! and its disk (FUSE).

use std::ops::RangeInclusive;

use workloads::seed::Stream;

use super::{
    deed::Deed,
    hold::{Field, Outcome},
    package::{Drawn, Package},
};
use crate::target::{Ability, Action, Trouble};

/// Commits that take long.
pub(crate) struct SlowFsync;

/// Commits that fail.
pub(crate) struct DiskFull;

impl Package for SlowFsync {
    fn name(&self) -> &'static str {
        "slow-fsync"
    }

    fn about(&self) -> &'static str {
        "let each commit to a region's disk take 10 to 640 ms longer"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Disk]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        1_000..=6_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        // Each doubling is as likely as the next.
        let low = 10 << draws.below(6);
        let fsync_delay_ms = low + draws.below(low + 1);
        Some(Drawn::throughout(
            format!(
                "commits of {} take {fsync_delay_ms} ms more",
                regions[region]
            ),
            vec![region],
            Deed::SlowDisk {
                region,
                fsync_delay_ms,
            },
        ))
    }
}

impl Package for DiskFull {
    fn name(&self) -> &'static str {
        "disk-full"
    }

    fn about(&self) -> &'static str {
        "let commits to a region's disk fail, as if it were full, until there is space and the region is started again"
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::Disk, Ability::Kill]
    }

    fn lasts_ms(&self) -> RangeInclusive<u64> {
        300..=3_000
    }

    fn draw(&self, draws: &mut Stream, regions: &[String]) -> Option<Drawn> {
        let region = draws.index(regions.len());
        Some(Drawn::throughout(
            format!("the disk of {} is full", regions[region]),
            vec![region],
            Deed::FullDisk { region },
        ))
    }
}

impl Field {
    /// Fills a region's disk.
    pub(super) fn fill_disk(&self, region: usize) -> Outcome {
        let full = Trouble {
            is_full: true,
            ..Trouble::default()
        };
        self.act(region, &Action::Disk(full))
    }

    /// Makes space, and starts the region again if it was poisoned meanwhile.
    pub(super) fn free_disk(&self, region: usize) -> Outcome {
        let freed = self.act(region, &Action::Disk(Trouble::default()));
        if freed != Outcome::Installed {
            return freed;
        }
        if matches!(self.target.status(region), None | Some(Ok(_))) {
            return Outcome::InstalledBut("no commit met it".to_owned());
        }
        let started = self.act_all(region, &[Action::Kill, Action::Start]);
        if started != Outcome::Installed {
            return started;
        }
        Outcome::InstalledBut("the region was poisoned by it and started again".to_owned())
    }
}
