//! One command in a process of our own, and what it cost.
//!
//! `dateline measure` stands between a gate or a suite and what it runs, for two reasons. The kernel adds up CPU time and peak memory of all children that a process
//! has waited for: a process with one child knows what that child and all of *its* children cost. And when the gate dies, however it dies, the kernel tells this process, which
//! stops the command's whole process group: nothing is left behind.
//! The peak memory is not told below that of this process itself (some MiB), because a process begins as a copy of its parent.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sched::{CpuSet, sched_setaffinity},
    sys::{
        prctl,
        resource::{UsageWho, getrusage},
        signal::{Signal, killpg},
        time::TimeValLike as _,
    },
    unistd::{Pid, getppid},
};
use reports::run_folder::write_atomically;
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use crate::{exit::Failure, stop::Stop};

/// How long a command that was told to stop may take. A run heals, settles and judges first.
const GRACE: Duration = Duration::from_secs(90);

/// What one run of a command cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// How it ended.
    pub(crate) ended: Ended,
    /// The exit code; `None` when a signal ended it.
    pub(crate) exit_code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// How long it took, milliseconds.
    pub(crate) wall_ms: f64,
    /// CPU time, user and system, of it and of all its children that it waited for, microseconds.
    pub(crate) cpu_us: f64,
    /// The greatest resident memory of one of these processes, MiB.
    pub(crate) memory_mib: f64,
}

/// Why a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ended {
    /// It was done.
    ByItself,
    /// It had taken longer than it may.
    TimedOut,
    /// Somebody wanted everything to stop.
    Stopped,
}

/// What is to be measured.
#[derive(Clone, Debug)]
pub(crate) struct Measure {
    /// Who started this process; if that is gone already, nothing is run.
    pub(crate) parent: i32,
    /// Where to write the [`Cost`].
    pub(crate) to: PathBuf,
    /// After how long the command is stopped.
    pub(crate) limit: Duration,
    /// The processor that it and all its children keep to; `None`: whichever there is.
    pub(crate) processor: Option<usize>,
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
}

/// Runs it, waits, writes what it cost.
pub(crate) fn measure(what: &Measure) -> Result<(), Failure> {
    prctl::set_pdeathsig(Some(Signal::SIGTERM)).map_err(Failure::harness)?;
    if getppid() != Pid::from_raw(what.parent) {
        return Err(Failure::Harness(format!(
            "process {} that asked for this is gone",
            what.parent
        )));
    }
    if let Some(processor) = what.processor {
        let mut only = CpuSet::new();
        only.set(processor).map_err(Failure::harness)?;
        // Children inherit it.
        sched_setaffinity(Pid::from_raw(0), &only).map_err(Failure::harness)?;
    }
    // Children are forked by this thread, which lives to the end.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::harness)?;
    let cost = runtime.block_on(run(what))?;
    write(&what.to, &cost)
}

async fn run(what: &Measure) -> Result<Cost, Failure> {
    let stop = Stop::new();
    stop.listen().map_err(Failure::harness)?;
    let (program, arguments) = what.words.split_first().ok_or_else(|| {
        Failure::Usage("nothing to measure; give a program and its arguments".to_owned())
    })?;
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        // Its own group, so that it can be told to stop with all that it has started.
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::Harness(format!("{program} cannot be started: {error}")))?;
    let (status, ended) = tokio::select! {
        status = child.wait() => (status, Ended::ByItself),
        () = stop.wait() => (end(&mut child, &stop).await, Ended::Stopped),
        () = tokio::time::sleep(what.limit) => (end(&mut child, &stop).await, Ended::TimedOut),
    };
    let status = status.map_err(Failure::harness)?;
    let wall_ms = begun.elapsed().as_secs_f64() * 1000.0;
    cost(status, ended, wall_ms)
}

/// Tells the group to stop, and kills it when it does not, or when somebody insists.
async fn end(child: &mut Child, stop: &Stop) -> std::io::Result<ExitStatus> {
    signal_group(child, Signal::SIGTERM);
    let waited = tokio::select! {
        status = child.wait() => Some(status),
        () = tokio::time::sleep(GRACE) => None,
        () = stop.wait_forced() => None,
    };
    match waited {
        Some(status) => status,
        None => {
            signal_group(child, Signal::SIGKILL);
            child.wait().await
        }
    }
}

/// The leader has not been waited for, so the group's number is still its own.
fn signal_group(child: &Child, signal: Signal) {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(id) = id {
        // If the group is gone already, that is what we want.
        let _ = killpg(Pid::from_raw(id), signal);
    }
}

fn cost(status: ExitStatus, ended: Ended, wall_ms: f64) -> Result<Cost, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(Failure::harness)?;
    let cpu_us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Cost {
        ended,
        exit_code: status.code(),
        signal: status.signal(),
        wall_ms,
        cpu_us: cpu_us as f64,
        // Linux counts it in KiB.
        memory_mib: usage.max_rss() as f64 / 1024.0,
    })
}

fn write(path: &Path, cost: &Cost) -> Result<(), Failure> {
    let text = serde_json::to_string(cost).expect("a cost is plain data");
    write_atomically(path, text.as_bytes()).map_err(Failure::harness)
}
