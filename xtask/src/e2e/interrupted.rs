//! A run that is interrupted keeps its evidence and leaves no process: by Ctrl-C, and by a kill that it cannot notice.

use std::fs;
use std::time::Duration;

use anyhow::ensure;
use nix::sys::signal::Signal;

use super::prompt::{Running, wait_until};
use super::verdict::newest_run;
use super::{Desk, processes};

/// How long a run may take until it has recorded something, and to end after Ctrl-C.
const LIMIT: Duration = Duration::from_secs(60);

/// Lines of the history after which the run is interrupted: it is in the middle of its work.
const LINES: usize = 500;

/// Interrupts two runs and looks at what is left of each.
pub(super) fn run(desk: &Desk) -> anyhow::Result<()> {
    for (folder, signal) in [("ctrl-c", Signal::SIGINT), ("kill-9", Signal::SIGKILL)] {
        println!("e2e: a run that {signal} ends in the middle");
        let prompt = desk.prompt(folder)?;
        let arguments = ["test", "register", "--seed", "8"];
        let mut running = Running::start(prompt.command(&desk.dateline, &arguments))?;
        wait_until("recorded operations", LIMIT, || {
            ensure!(
                running.is_running(),
                "the run has ended before it was interrupted"
            );
            let history = newest_run(&prompt.folder).map(|run| run.join("history.jsonl"));
            let text = history.ok().and_then(|path| fs::read(path).ok());
            let count = |bytes: Vec<u8>| bytes.iter().filter(|&&byte| byte == b'\n').count();
            Ok(text.is_some_and(|bytes| count(bytes) > LINES))
        })?;
        running.signal(signal)?;
        let answer = running.wait(LIMIT)?;
        if signal == Signal::SIGINT {
            let is_told = matches!(answer.code(), Some(0..=3));
            ensure!(
                is_told,
                answer.report("expected one of the four exit codes")
            );
        }
        processes::none_left(&prompt.folder)?;

        // Whatever it shows, it can be judged: what was in flight is open, and a line cut short is told as such.
        let history = newest_run(&prompt.folder)?.join("history.jsonl");
        let history = history.to_string_lossy();
        let answer = prompt.run(&desk.dateline, &["check", &history], LIMIT)?;
        let is_readable =
            matches!(answer.code(), Some(0 | 2)) || answer.says("half-written").is_ok();
        ensure!(
            is_readable,
            answer.report("expected a readable history without a violation")
        );
    }
    Ok(())
}
