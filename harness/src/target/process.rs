//! One region's process: started, stopped, continued, killed, and never left behind.

use std::{
    fs::OpenOptions,
    io::{self, Read, Seek, SeekFrom},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};

use super::{faketime, health, spawner::Spawner};

/// How long a region may take to answer after its start, recovery included.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long a region may take to stop when told to.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How long the kernel may take to report a stopped process.
const PAUSE_LIMIT: Duration = Duration::from_secs(2);

/// How often to look.
const POLL: Duration = Duration::from_millis(5);

/// How much of a log a message quotes.
const LOG_TAIL_BYTES: u64 = 600;

/// What one region is started with.
#[derive(Clone, Debug)]
pub(super) struct ProcessSpec {
    pub(super) region: String,
    pub(super) executable: PathBuf,
    pub(super) arguments: Vec<String>,
    /// Added to the harness's own.
    pub(super) environment: Vec<(String, String)>,
    pub(super) address: SocketAddr,
    pub(super) readiness: Readiness,
    /// What asks it to stop.
    pub(super) stop_signal: Signal,
    pub(super) data_dir: PathBuf,
    pub(super) log: PathBuf,
}

/// When a process that was started can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// When `GET /health` says so: our replicas.
    Health,
    /// When it accepts a connection.
    Port,
    /// When GET of this path is answered below 500.
    Answer(String),
}

impl Readiness {
    /// Asks once, for the process of this number.
    fn ask(&self, address: SocketAddr, process: Option<u32>) -> Result<(), Unready> {
        let not_yet = |error: io::Error| Unready::Yet(error.to_string());
        match self {
            Self::Health => match health::ask(address).map_err(not_yet)? {
                health if Some(health.pid) != process => Err(Unready::Never(format!(
                    "another process ({}) answers at {address}, its port; run again",
                    health.pid
                ))),
                health if health.status == "ok" => Ok(()),
                health => Err(Unready::Yet(health.status)),
            },
            Self::Port => health::connect(address).map(|_stream| ()).map_err(not_yet),
            Self::Answer(path) => match health::get(address, path).map_err(not_yet)? {
                (status, _) if status < 500 => Ok(()),
                (status, _) => Err(Unready::Yet(format!("GET {path} answered {status}"))),
            },
        }
    }
}

/// Why a process cannot be used.
enum Unready {
    /// It may be, later.
    Yet(String),
    /// It will not be.
    Never(String),
}

/// A region's process, running or not.
pub(super) struct Process {
    spec: ProcessSpec,
    child: Option<Child>,
}

impl Process {
    pub(super) fn new(spec: ProcessSpec) -> Self {
        Self { spec, child: None }
    }

    pub(super) fn spec(&self) -> &ProcessSpec {
        &self.spec
    }

    /// Starts it; it may take a while until it answers.
    pub(super) fn spawn(&mut self, spawner: &Spawner) -> Result<(), String> {
        if self.child.is_some() {
            return Err(format!("{} is running already", self.spec.region));
        }
        self.try_spawn(spawner)
            .map_err(|error| format!("{} could not be started: {error}", self.spec.region))
    }

    fn try_spawn(&mut self, spawner: &Spawner) -> io::Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.spec.log)?;
        let mut command = Command::new(&self.spec.executable);
        command
            .args(&self.spec.arguments)
            .envs(
                self.spec
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Its own group: Ctrl-C at the terminal is for the harness, which decides what becomes of the regions.
            .process_group(0);
        self.child = Some(spawner.spawn(command)?);
        Ok(())
    }

    /// Waits until it answers, or says why it does not.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.exited() {
                return Err(format!(
                    "{} ended while starting ({status}); its last words in {}: {}",
                    self.spec.region,
                    self.spec.log.display(),
                    self.last_words()
                ));
            }
            let process = self.child.as_ref().map(Child::id);
            match self.spec.readiness.ask(self.spec.address, process) {
                Ok(()) => return Ok(()),
                Err(Unready::Never(why)) => return Err(format!("{}: {why}", self.spec.region)),
                Err(Unready::Yet(_)) if begun.elapsed() < START_LIMIT => {
                    std::thread::sleep(POLL);
                }
                Err(Unready::Yet(why)) => return Err(self.not_ready(&why)),
            }
        }
    }

    fn not_ready(&self, why: &str) -> String {
        format!(
            "{} was not ready after {} s: {why}; see {}",
            self.spec.region,
            START_LIMIT.as_secs(),
            self.spec.log.display()
        )
    }

    /// How it ended, if it ended by itself. It is then no longer there.
    pub(super) fn exited(&mut self) -> Option<ExitStatus> {
        let child = self.child.as_mut()?;
        let status = child.try_wait().ok().flatten()?;
        faketime::clean_up(child.id());
        self.child = None;
        Some(status)
    }

    pub(super) fn kill(&mut self) -> Result<(), String> {
        let mut child = self.child.take().ok_or_else(|| self.not_running())?;
        child
            .kill()
            .and_then(|()| child.wait())
            .map_err(|error| format!("{} could not be killed: {error}", self.spec.region))?;
        faketime::clean_up(child.id());
        Ok(())
    }

    /// `SIGSTOP`; returns when the kernel says that it is stopped.
    pub(super) fn pause(&self) -> Result<(), String> {
        let pid = self.signal(Signal::SIGSTOP)?;
        let begun = Instant::now();
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG;
        while begun.elapsed() < PAUSE_LIMIT {
            match waitid(Id::Pid(pid), flags) {
                Ok(WaitStatus::Stopped(..)) => return Ok(()),
                Ok(_) => std::thread::sleep(POLL),
                Err(error) => return Err(format!("{}: waitid: {error}", self.spec.region)),
            }
        }
        Err(format!(
            "the kernel has not reported that {} is stopped",
            self.spec.region
        ))
    }

    /// Sends a signal to a process that is there.
    pub(super) fn signal(&self, signal: Signal) -> Result<Pid, String> {
        let child = self.child.as_ref().ok_or_else(|| self.not_running())?;
        let id = i32::try_from(child.id()).map_err(|_| "its number is none".to_owned())?;
        let pid = Pid::from_raw(id);
        // The child has not been waited for, so its number is still its own.
        kill(pid, signal).map_err(|error| format!("{}: {signal}: {error}", self.spec.region))?;
        Ok(pid)
    }

    fn not_running(&self) -> String {
        format!("{} is not running", self.spec.region)
    }

    /// Asks it to stop, waits, and kills it if it does not. It is gone afterwards, however it went.
    ///
    /// # Errors
    /// When it had to be killed, or was not there.
    pub(super) fn stop(&mut self) -> Result<(), String> {
        if self.child.is_none() {
            return Err(self.not_running());
        }
        // A stopped process would hear nothing. If it is gone already, both signals find nobody, which is what we want.
        let _ = self.signal(Signal::SIGCONT);
        let _ = self.signal(self.spec.stop_signal);
        let begun = Instant::now();
        while self.child.is_some() && begun.elapsed() < STOP_LIMIT {
            if self.exited().is_none() {
                std::thread::sleep(POLL);
            }
        }
        if self.child.is_some() {
            let _ = self.kill();
            return Err(format!(
                "{} had not stopped {} s after {}, so it was killed",
                self.spec.region,
                STOP_LIMIT.as_secs(),
                self.spec.stop_signal
            ));
        }
        Ok(())
    }

    /// The end of its log, in one line.
    pub(super) fn last_words(&self) -> String {
        let tail = || -> io::Result<String> {
            let mut file = std::fs::File::open(&self.spec.log)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).trim().replace('\n', " | "))
        };
        tail().unwrap_or_else(|error| format!("(unreadable: {error})"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.is_some() {
            let _ = self.kill();
        }
    }
}
