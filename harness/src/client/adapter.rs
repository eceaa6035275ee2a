//! Any store at all: a program of somebody else's that reads operations as JSON lines and answers each with a line (`docs/adapter.md`).
//!
//! One process for each client. After any doubt - no answer in time, an end, a line that makes no sense - the process is killed, and the next
//! operation starts another, so that nothing of the old one can reach a later attempt. [`words`] translates, this file talks.

mod words;

use std::{fs::OpenOptions, io, path::PathBuf, process::Stdio, time::Duration};

use checker::history::{EventKind, Op};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{errors, outcome_of};

pub(crate) use words::{Hello, missing};

/// How long an adapter may take to say hello: interpreters and libraries take their time.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// What an adapter is started with.
#[derive(Clone, Debug)]
pub(crate) struct AdapterSpec {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Added to the harness's own.
    pub(crate) environment: Vec<(String, String)>,
    /// The region that it talks to.
    pub(crate) region: String,
    /// All of them, in the order of the history's header: stamps name regions.
    pub(crate) regions: Vec<String>,
    /// Where its standard error goes.
    pub(crate) log: PathBuf,
    /// How long an operation may take.
    pub(crate) timeout: Duration,
}

/// One client's adapter.
pub(crate) struct Adapter {
    spec: AdapterSpec,
    running: Option<Running>,
    /// Of the last request.
    id: u64,
}

struct Running {
    /// Killed when it is dropped.
    _child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Adapter {
    pub(crate) fn new(spec: AdapterSpec) -> Self {
        Self {
            spec,
            running: None,
            id: 0,
        }
    }

    /// Starts it, if it is not running, and asks what it can do.
    ///
    /// # Errors
    /// What went wrong, where its last words are.
    pub(crate) async fn hello(&mut self) -> Result<Hello, String> {
        let told = self.try_hello().await;
        told.map_err(|wrong| {
            self.running = None;
            format!(
                "the adapter {} for {}: {wrong}; its standard error is in {}",
                self.spec.command.join(" "),
                self.spec.region,
                self.spec.log.display()
            )
        })
    }

    async fn try_hello(&mut self) -> Result<Hello, String> {
        self.running =
            Some(start(&self.spec).map_err(|error| format!("cannot be started: {error}"))?);
        self.id += 1;
        let line = words::hello(self.id, &self.spec.region);
        let answer = match self.exchange(line, HELLO_LIMIT).await {
            Ok(answer) => answer,
            Err(errors::TIMEOUT) => {
                return Err(format!(
                    "it said nothing within {} s of being greeted; does it flush each line?",
                    HELLO_LIMIT.as_secs()
                ));
            }
            Err(_) => return Err("it ended instead of answering the greeting".to_owned()),
        };
        words::greeted(self.id, &answer)
    }

    /// Does one operation, once.
    pub(super) async fn attempt(&mut self, op: &Op) -> EventKind {
        if self.running.is_none()
            && let Err(why) = self.hello().await
        {
            tracing::warn!("{why}");
            return outcome_of(errors::CONNECT_FAILED);
        }
        self.id += 1;
        let line = words::request(self.id, op);
        let outcome = match self.exchange(line, self.spec.timeout).await {
            Ok(answer) => words::outcome(self.id, op, &answer, &self.spec.regions),
            Err(code) => outcome_of(code),
        };
        let is_orderly = match &outcome {
            EventKind::Info { error } => error == errors::ADAPTER_UNSURE,
            EventKind::Ok(_) | EventKind::Fail { .. } | EventKind::Invoke(_) => true,
        };
        if !is_orderly {
            self.running = None;
        }
        outcome
    }

    /// Sends a line and reads one; the code of what kept it from coming.
    async fn exchange(&mut self, line: String, limit: Duration) -> Result<String, &'static str> {
        let running = self.running.as_mut().expect("it was started before");
        let talk = async {
            let sent = running.requests.write_all(line.as_bytes()).await;
            sent.map_err(|_| errors::CONNECTION_CLOSED)?;
            running
                .requests
                .flush()
                .await
                .map_err(|_| errors::CONNECTION_CLOSED)?;
            match running.answers.next_line().await {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) | Err(_) => Err(errors::CONNECTION_CLOSED),
            }
        };
        timeout(limit, talk).await.unwrap_or(Err(errors::TIMEOUT))
    }
}

/// Starts the program through `dateline exec`, so that it does not outlive us. The runtime's only thread forks, and lives as long as the run.
fn start(spec: &AdapterSpec) -> io::Result<Running> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&spec.log)?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("exec")
        .arg(format!("--die-with-parent={}", std::process::id()))
        .arg("--")
        .args(&spec.command)
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        // Ctrl-C at the terminal is for the harness.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let requests = child.stdin.take().expect("its standard input is a pipe");
    let answers = child.stdout.take().expect("its standard output is a pipe");
    Ok(Running {
        _child: child,
        requests,
        answers: BufReader::new(answers).lines(),
    })
}
