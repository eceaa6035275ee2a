//! One replica process, killed at the latest when its value is dropped.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::client::Client;

/// No condition that a test waits for takes longer, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// Waits for a condition.
pub(super) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < LIMIT, "waited {LIMIT:?} for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A data directory and how its replica is started.
pub(super) struct Home {
    directory: Arc<tempfile::TempDir>,
    arguments: Vec<String>,
}

/// A running replica.
pub(super) struct Process {
    child: Child,
    pub(super) address: SocketAddr,
    log: PathBuf,
    _directory: Arc<tempfile::TempDir>,
}

impl Home {
    /// A fresh directory for eu-west-1 with these options; words are split at spaces.
    pub(super) fn new(options: &str) -> Self {
        Self::of("eu-west-1", options)
    }

    pub(super) fn of(region: &str, options: &str) -> Self {
        let mut home = Self {
            directory: Arc::new(tempfile::tempdir().expect("temporary directory")),
            arguments: Vec::new(),
        };
        home.set_options(region, options);
        home
    }

    /// From the next start on.
    pub(super) fn set_options(&mut self, region: &str, options: &str) {
        self.arguments = vec!["--region".to_owned(), region.to_owned()];
        self.arguments
            .extend(options.split_whitespace().map(str::to_owned));
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Its command, whose output goes to this file beside the data. Two processes that run at once must not share one:
    /// each writes from its start, over what the other said.
    pub(super) fn command(&self, log: &str) -> Command {
        let log = File::create(self.log(log)).expect("writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_replica"));
        command
            .args(&self.arguments)
            .arg(format!("--data-dir={}", self.path().display()))
            .arg(format!("--die-with-parent={}", std::process::id()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command
    }

    /// Starts it and waits until it serves.
    pub(super) fn start(&self) -> Process {
        // What a process before this one left behind.
        let address = self.path().join("address");
        let _ = std::fs::remove_file(&address);
        let mut child = self.command("log").spawn().expect("the binary runs");
        let address = wait_for("the address file", || {
            if let Some(status) = child.try_wait().expect("our child") {
                panic!(
                    "the replica ended with {status}: {}",
                    read(&self.log("log"))
                );
            }
            std::fs::read_to_string(&address).ok()?.trim().parse().ok()
        });
        Process {
            child,
            address,
            log: self.log("log"),
            _directory: Arc::clone(&self.directory),
        }
    }

    /// Runs it to its end: exit code and log.
    pub(super) fn fails(&self) -> (Option<i32>, String) {
        let log = "log-of-refusal";
        let mut child = self.command(log).spawn().expect("the binary runs");
        let status = wait(&mut child);
        (status.code(), read(&self.log(log)))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Process {
    pub(super) fn client(&self) -> Client {
        Client::connect(self.address).expect("it listens")
    }

    pub(super) fn health(&self) -> Value {
        self.client().get("/health").expect("it answers").ok()
    }

    pub(super) fn log(&self) -> String {
        read(&self.log)
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("process numbers are small");
        kill(Pid::from_raw(pid), signal).expect("our child");
    }

    /// As `kill -9`: returns when it is gone.
    pub(super) fn kill(mut self) {
        self.child.kill().expect("our child");
        self.child.wait().expect("our child");
    }

    /// `SIGTERM`, and its exit code.
    pub(super) fn stop(mut self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        wait(&mut self.child).code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("log of the replica at {}:\n{}", self.address, self.log());
        }
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    wait_for("the replica's end", || child.try_wait().expect("our child"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
