//! A command of the user's that does to a region what only whoever runs it can do (`--fault-hook`).
//!
//! It goes to a shell with two arguments more, `begin` or `end` and the region's name, and has done it when it ends with 0. `DATELINE_PID` tells runs
//! apart. What it prints is in the run's `logs/harness.log`. Absent: knowing what it does.

use std::{process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::process::Command;

/// How long it may take. A provider may have to start something, and the command to wait until that runs.
const LIMIT: Duration = Duration::from_secs(120);

/// How much of what it complains about is shown.
const COMPLAINT_CHARACTERS: usize = 300;

/// The command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hook(String);

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Break it.
    Begin,
    /// Heal it. Said again where it is not known to have been done.
    End,
}

impl Hook {
    pub(crate) fn new(line: &str) -> Self {
        Self(line.to_owned())
    }

    /// Runs it to its end. Blocks.
    ///
    /// # Errors
    /// It could not be started, took too long, or ended with something else than 0.
    pub(super) fn call(&self, phase: Phase, region: &str) -> Result<(), String> {
        self.call_within(LIMIT, phase, region)
    }

    fn call_within(&self, limit: Duration, phase: Phase, region: &str) -> Result<(), String> {
        let phase = match phase {
            Phase::Begin => "begin",
            Phase::End => "end",
        };
        let told = |why: String| format!("--fault-hook {} {phase} {region}: {why}", self.0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| told(error.to_string()))?;
        runtime
            .block_on(self.ended(limit, phase, region))
            .map_err(told)
    }

    async fn ended(&self, limit: Duration, phase: &str, region: &str) -> Result<(), String> {
        let line = format!("{} \"$@\"", self.0);
        // A group of its own: Ctrl-C is for the run, which then has this heal what it broke.
        let child = Command::new("sh")
            .args(["-c", &line, "sh", phase, region])
            .env("DATELINE_PID", std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("it cannot be started: {error}"))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        let Ok(ended) = tokio::time::timeout(limit, child.wait_with_output()).await else {
            // Fails iff all of it has ended since.
            let _ = group.map(|group| killpg(Pid::from_raw(group), Signal::SIGKILL));
            return Err(format!("no end within {} s", limit.as_secs()));
        };
        let ended = ended.map_err(|error| error.to_string())?;
        let (out, complaint) = (text(&ended.stdout), text(&ended.stderr));
        tracing::info!(phase, region, status = %ended.status, out, complaint, "fault hook");
        if ended.status.success() {
            return Ok(());
        }
        let shown: String = complaint.chars().take(COMPLAINT_CHARACTERS).collect();
        Err(format!("it ended with {}: {shown}", ended.status))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_what_to_do_and_where_and_says_how_it_went() {
        let home = tempfile::tempdir().expect("temporary folder");
        let notes = home.path().join("notes");
        let hook = Hook::new(&format!("echo >>{} seen", notes.display()));
        assert_eq!(hook.call(Phase::Begin, "us-east-1"), Ok(()));
        assert_eq!(hook.call(Phase::End, "us-east-1"), Ok(()));
        let noted = std::fs::read_to_string(notes).expect("it was run");
        assert_eq!(noted, "seen begin us-east-1\nseen end us-east-1\n");

        let refused = Hook::new("echo >&2 no such experiment; exit 4;").call(Phase::Begin, "a");
        let refused = refused.expect_err("it ended with 4");
        for part in ["begin a: ", "exit status: 4", "no such experiment"] {
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn one_that_does_not_end_is_ended() {
        let hook = Hook::new("sleep 600;");
        let ended = hook.call_within(Duration::from_millis(200), Phase::Begin, "a");
        assert!(ended.expect_err("too long").contains("no end within"));
    }
}
