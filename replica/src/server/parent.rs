//! `--die-with-parent`: no replica outlives the harness that started it, however that ended.

use std::io;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

use super::ServerError;

/// Asks the kernel to kill this process when its parent dies.
///
/// The parent may have died before the kernel was asked, and no signal would come then. Who is told the parent's number notices that for
/// certain; who is not can only see a parent that changes meanwhile.
///
/// The signal follows the *thread* that forked: start replicas from a thread that lives as long as they shall.
pub(crate) fn die_with_parent(expected: Option<u32>) -> Result<(), ServerError> {
    let expected =
        match expected {
            Some(pid) => Pid::from_raw(i32::try_from(pid).map_err(|_| {
                ServerError::Usage(format!("--die-with-parent: {pid} is no process"))
            })?),
            None => getppid(),
        };
    let refused = ServerError::system("ask the kernel for a signal when the parent dies");
    prctl::set_pdeathsig(Some(Signal::SIGKILL)).map_err(|error| refused(error.into()))?;
    if getppid() != expected {
        return Err(ServerError::System {
            what: "run without the parent that started it",
            source: io::Error::other(format!("process {expected} is gone")),
        });
    }
    Ok(())
}
