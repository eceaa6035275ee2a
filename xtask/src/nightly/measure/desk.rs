//! A folder, the program under test, and processes that do not outlive what started them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::step::command_line;

/// How long anything that is waited for may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Where a job works.
pub(super) struct Desk {
    dateline: PathBuf,
    pub(super) folder: PathBuf,
}

impl Desk {
    /// An empty folder of this name.
    pub(super) fn new(dateline: &Path, base: &Path, name: &str) -> anyhow::Result<Self> {
        let folder = base.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("could not empty {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("could not make {}", folder.display()))?;
        let dateline = dateline.to_owned();
        Ok(Self { dateline, folder })
    }

    /// The program under test with these words, here.
    pub(super) fn dateline(&self, line: &str) -> Command {
        let mut command = Command::new(&self.dateline);
        command
            .args(line.split_whitespace())
            .current_dir(&self.folder)
            .env("NO_COLOR", "1");
        command
    }

    /// Starts it in the background.
    pub(super) fn start(&self, line: &str) -> anyhow::Result<Background> {
        Background::start(self.dateline(line))
    }

    /// A bare server, and where it listens.
    pub(super) fn echo(&self) -> anyhow::Result<(Background, String)> {
        let mut echo = self.start("load echo")?;
        let url = echo.line()?;
        Ok((echo, url))
    }

    /// Runs a load with these words to its end and reads its summary. Goals are judged by the job, so its exit code only tells whether it ran.
    pub(super) fn load(&self, line: &str) -> anyhow::Result<Summary> {
        let mut command = self.dateline(line);
        let line = command_line(&command);
        println!("nightly:   $ {line}");
        let output = command
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("could not start `{line}`"))?;
        if !matches!(output.status.code(), Some(0..=2)) {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{}: {line}\n{said}", output.status);
        }
        let summary = self.newest()?;
        for warning in summary.warnings() {
            println!("nightly:   warning: {warning}");
        }
        Ok(summary)
    }

    /// The summary of the newest run.
    pub(super) fn newest(&self) -> anyhow::Result<Summary> {
        let path = self.folder.join("dateline-runs/latest/summary.json");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} is not there", path.display()))?;
        Ok(Summary(serde_json::from_str(&text)?))
    }
}

/// A process that is killed when it is dropped.
pub(super) struct Background {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Background {
    pub(super) fn start(mut command: Command) -> anyhow::Result<Self> {
        let line = command_line(&command);
        println!("nightly:   $ {line} &");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start `{line}`"))?;
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Ok(Self { child, lines })
    }

    /// The next line that it says.
    pub(super) fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        ensure!(!line.is_empty(), "it ended without a word");
        Ok(line.trim().to_owned())
    }

    /// Tells it a line, and waits for its answer.
    pub(super) fn ask(&mut self, line: &str) -> anyhow::Result<String> {
        let input = self.child.stdin.as_mut().expect("it is piped");
        writeln!(input, "{line}")?;
        self.line()
    }

    /// Everything that it still says, to its end.
    pub(super) fn rest(mut self) -> anyhow::Result<String> {
        let mut text = String::new();
        self.lines.read_to_string(&mut text)?;
        self.child.wait()?;
        Ok(text)
    }

    /// Stops it for so long; gives how long that was.
    pub(super) fn stall(&self, length: Duration) -> anyhow::Result<Duration> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, Signal::SIGSTOP)?;
        let begun = Instant::now();
        std::thread::sleep(length);
        kill(pid, Signal::SIGCONT)?;
        Ok(begun.elapsed())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Fails iff it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A load's `summary.json`.
pub(super) struct Summary(pub(super) Value);

impl Summary {
    /// A percentile of the first row in milliseconds: `response` or `service`, `p99_ns` or the like.
    pub(super) fn ms(&self, what: &str, percentile: &str) -> anyhow::Result<f64> {
        let told = &self.0["rows"][0][what][percentile];
        let ns = told
            .as_f64()
            .with_context(|| format!("the summary has no {what} {percentile}"))?;
        Ok(ns / 1e6)
    }

    /// What may have spoiled its figures.
    fn warnings(&self) -> impl Iterator<Item = &str> {
        let warnings = self.0["warnings"].as_array();
        warnings.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The four percentiles of the response times of the first row.
    pub(super) fn percentiles(&self) -> anyhow::Result<[f64; 4]> {
        let mut told = [0.0; 4];
        for (told, name) in told
            .iter_mut()
            .zip(["p50_ns", "p90_ns", "p99_ns", "p999_ns"])
        {
            *told = self.ms("response", name)?;
        }
        Ok(told)
    }

    /// What was scheduled in the first row, and how much of it was answered.
    pub(super) fn counts(&self) -> (u64, u64) {
        let row = &self.0["rows"][0];
        let count = |value: &Value| value.as_u64().unwrap_or(0);
        (count(&row["scheduled"]), count(&row["response"]["count"]))
    }
}

/// A free port on the loopback interface.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

/// Waits for a condition.
pub(super) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !is_so() {
        ensure!(
            begun.elapsed() < LIMIT,
            "waited {} s in vain until {what}",
            LIMIT.as_secs()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// By how much one number is off from another, in percent.
pub(super) fn off_percent(measured: f64, theory: f64) -> f64 {
    (measured / theory - 1.0) * 100.0
}
