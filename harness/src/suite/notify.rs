//! Tells somebody how the suite ended, by a command of the user's choice.
//!
//! The line is given to `sh -c` with the Markdown summary on standard input and a few facts in the environment. A command that fails is told: somebody counts on being told.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use reports::suite::{SuiteResult, markdown};

use super::{Plan, form::When};

/// Runs the command, if there is one and it is time for it.
pub(super) fn notify(plan: &Plan, folder: &Path, suite: &SuiteResult) -> Result<(), String> {
    let Some(line) = &plan.notify else {
        return Ok(());
    };
    if plan.notify_when == When::Trouble && suite.worst().is_good() {
        return Ok(());
    }
    let failed = |error: &dyn std::fmt::Display| {
        format!("`notify` {line:?}: {error}; nobody was told how the suite ended")
    };
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(line)
        .env("DATELINE_SUITE_NAME", &plan.name)
        .env("DATELINE_SUITE_WORD", suite.word())
        .env("DATELINE_SUITE_TALLY", suite.tally())
        .env("DATELINE_SUITE_EXIT_CODE", suite.exit_code().to_string())
        .env("DATELINE_SUITE_FOLDER", folder)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    let text = markdown::markdown(suite, None);
    let writer = child.stdin.take().map(|mut input| {
        // A command need not read what it is given: a closed pipe is no failure. A thread, so that its own output cannot block both.
        thread::spawn(move || drop(input.write_all(text.as_bytes())))
    });
    let status = child.wait().map_err(|error| failed(&error))?;
    if let Some(writer) = writer {
        writer.join().map_err(|_| failed(&"its input broke"))?;
    }
    if status.success() {
        Ok(())
    } else {
        Err(failed(&status))
    }
}
