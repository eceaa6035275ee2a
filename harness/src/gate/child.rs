//! Starts a command through `dateline measure`, waits for it, and reads what it cost.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::Command;

use super::measure::{Cost, Ended};
use crate::stop::Stop;

/// How much of a log's end is shown.
const LOG_TAIL_BYTES: u64 = 600;

/// What is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// A folder of its own, which is there: its output goes to `log` in it.
    pub(crate) folder: PathBuf,
    /// What is added to the environment.
    pub(crate) environment: Vec<(String, String)>,
    /// After how long it is stopped.
    pub(crate) limit: Duration,
    /// The processor that it keeps to; `None`: whichever there is.
    pub(crate) processor: Option<usize>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// What it cost and how it ended.
    pub(crate) cost: Cost,
    /// Where its output is.
    pub(crate) log: PathBuf,
}

impl Done {
    /// Why it did not do what it should, if it did not: anything but exit code 0.
    pub(crate) fn trouble(&self) -> Option<String> {
        let how = match (self.cost.ended, self.cost.exit_code, self.cost.signal) {
            (Ended::Stopped, _, _) => "was stopped".to_owned(),
            (Ended::TimedOut, _, _) => format!(
                "was stopped after {:.0} s, the longest it may take",
                self.cost.wall_ms / 1000.0
            ),
            (Ended::ByItself, Some(0), _) => return None,
            (Ended::ByItself, Some(code), _) => format!("ended with exit code {code}"),
            (Ended::ByItself, None, Some(signal)) => format!("was ended by signal {signal}"),
            (Ended::ByItself, None, None) => "ended, nobody knows how".to_owned(),
        };
        let words = last_words(&self.log);
        Some(format!("{how}; see {}: {words}", self.log.display()))
    }
}

/// Runs it to its end, or until somebody wants everything to stop.
pub(crate) async fn run(own: &Path, order: &Order, stop: &Stop) -> io::Result<Done> {
    let log = order.folder.join("log");
    let to = order.folder.join("cost.json");
    let output = File::create(&log)?;
    let mut command = Command::new(own);
    command
        .arg("measure")
        .args(["--parent", &std::process::id().to_string()])
        .args(["--limit-ms", &order.limit.as_millis().to_string()])
        .args(
            order
                .processor
                .map(|processor| format!("--processor={processor}")),
        )
        .arg("--to")
        .arg(&to)
        .arg("--")
        .args(&order.words)
        .envs(order.environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        // Ctrl-C at the terminal is for us; we pass it on.
        .process_group(0);
    let mut child = command.spawn()?;
    let pid = child.id();
    let passed_on = async {
        stop.wait().await;
        tell(pid);
        stop.wait_forced().await;
        tell(pid);
        std::future::pending::<()>().await;
    };
    let status = tokio::select! {
        status = child.wait() => status?,
        () = passed_on => unreachable!("it waits for ever"),
    };
    let text = fs::read_to_string(&to).map_err(|error| not_measured(status, &log, &error))?;
    let cost = serde_json::from_str(&text).map_err(io::Error::other)?;
    Ok(Done { cost, log })
}

/// The child has not been waited for, so its number is still its own.
fn tell(pid: Option<u32>) {
    if let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
}

fn not_measured(status: ExitStatus, log: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!(
        "nothing was measured ({error}; {status}); see {}: {}",
        log.display(),
        last_words(log)
    ))
}

/// The end of a log, in one line.
pub(crate) fn last_words(log: &Path) -> String {
    let tail = || -> io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Ok(lines
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(" | "))
    };
    match tail() {
        Ok(text) if text.is_empty() => "it said nothing".to_owned(),
        Ok(text) => text,
        Err(error) => format!("(unreadable: {error})"),
    }
}
