//! CPU time, of a thread or of a process, as the system counts it.

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

/// Microseconds that it has spent so far, its own and the kernel's for it.
pub(crate) fn spent_us(who: UsageWho) -> Option<i64> {
    let usage = getrusage(who).ok()?;
    Some(usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
}
