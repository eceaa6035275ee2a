//! What measuring costs: processor time of the harness and of its regions, and the harness's memory.

use nix::sys::resource::{UsageWho, getrusage};
use reports::results::Overhead;

use crate::{cpu::spent_us, journal::Counts};

/// The state at the beginning.
#[derive(Debug)]
pub(super) struct Usage {
    own_us: Option<i64>,
    children_us: Option<i64>,
}

impl Usage {
    pub(super) fn start() -> Self {
        Self {
            own_us: spent_us(UsageWho::RUSAGE_SELF),
            children_us: spent_us(UsageWho::RUSAGE_CHILDREN),
        }
    }

    /// What was spent since, for each operation recorded. The regions count when they have been stopped and waited for; of its proxies, which
    /// have ended, the caller knows.
    pub(super) fn stop(self, counts: Counts, proxies_us: Option<i64>) -> Overhead {
        let share = |spent: i64| (counts.ended() > 0).then(|| float(spent) / counts.ended() as f64);
        let per_operation = |since: Option<i64>, who| share(spent_us(who)? - since?);
        let memory = getrusage(UsageWho::RUSAGE_SELF).ok();
        Overhead {
            harness_cpu_us_per_operation: per_operation(self.own_us, UsageWho::RUSAGE_SELF),
            proxies_cpu_us_per_operation: proxies_us.and_then(share),
            regions_cpu_us_per_operation: per_operation(
                self.children_us,
                UsageWho::RUSAGE_CHILDREN,
            ),
            // Linux counts it in KiB.
            harness_memory_mib_max: memory.map(|usage| float(usage.max_rss()) / 1024.0),
            check_ms: None,
        }
    }
}

fn float(count: i64) -> f64 {
    count as f64
}
