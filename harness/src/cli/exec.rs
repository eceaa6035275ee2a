//! `dateline exec`: becomes another program that does not outlive who started it. For servers that know nothing of us.

use std::{ffi::OsString, os::unix::process::CommandExt as _, process::Command};

use clap::Args;
use nix::{
    sys::{prctl, signal::Signal},
    unistd::{Pid, getppid},
};

use crate::exit::{Ending, Failure};

/// `dateline exec --die-with-parent=PID -- PROGRAM ARGUMENTS`.
#[derive(Debug, Args)]
pub(super) struct ExecCommand {
    /// The process that starts this one; when it ends, however it ends, the program is killed
    #[arg(long, value_name = "PID")]
    die_with_parent: i32,

    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
}

impl ExecCommand {
    /// Returns only when the program cannot be started.
    pub(super) fn run(self) -> Result<Ending, Failure> {
        // The wish survives `exec`, but not a program with the set-user-id bit, nor a child that the program forks.
        prctl::set_pdeathsig(Some(Signal::SIGKILL)).map_err(|error| {
            Failure::Harness(format!(
                "the kernel refuses a signal for the death of the parent: {error}"
            ))
        })?;
        // A parent that died before the kernel was asked sends no signal any more.
        if getppid() != Pid::from_raw(self.die_with_parent) {
            return Err(Failure::Harness(format!(
                "process {} that was to start this one is gone",
                self.die_with_parent
            )));
        }
        let (program, arguments) = self.command.split_first().expect("clap requires one");
        let error = Command::new(program).args(arguments).exec();
        Err(Failure::Harness(format!(
            "{} cannot be started: {error}; is it installed, and on the PATH?",
            program.display()
        )))
    }
}
