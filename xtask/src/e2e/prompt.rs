//! Types commands as a person would, in one folder and one environment, and looks at what they answer.
//!
//! Each command is a process group of its own with a limit on its time, so that nothing outlives a run that fails. Every command is
//! printed with its outcome; an expectation that fails tells the command, what it printed, and where.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::step::program_and_arguments;

/// The variables that everybody has; they need not be set to repeat a command.
const ORDINARY: [&str; 3] = ["PATH", "HOME", "LANG"];

/// How often a process is asked whether it has ended.
const LOOK_MS: u64 = 20;

/// How long the kernel may take to end a process that was killed.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// Where commands are typed.
#[derive(Clone)]
pub(super) struct Prompt {
    /// The working directory.
    pub(super) folder: PathBuf,
    /// The whole environment of what is typed; nothing else is inherited.
    pub(super) variables: Vec<(String, String)>,
}

impl Prompt {
    /// A prompt in this folder, which is also the home: no configuration of this machine's user is found there.
    pub(super) fn new(folder: &Path, path: &str) -> Self {
        let home = folder.to_string_lossy().into_owned();
        let variables = [("PATH", path), ("HOME", &home), ("LANG", "C.UTF-8")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            folder: folder.to_path_buf(),
            variables: variables.to_vec(),
        }
    }

    /// The same prompt with one variable more.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A command that would be typed here.
    pub(super) fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Types a command and waits for its end.
    pub(super) fn run(
        &self,
        program: impl AsRef<Path>,
        arguments: &[&str],
        limit: Duration,
    ) -> anyhow::Result<Answer> {
        Running::start(self.command(program, arguments))?.wait(limit)
    }

    /// Types a line into bash, as it stands.
    pub(super) fn bash(&self, line: &str, limit: Duration) -> anyhow::Result<Answer> {
        self.run("bash", &["-c", line.trim()], limit)
    }
}

/// A command that has been started. Its whole process group is killed when this is dropped.
pub(super) struct Running {
    group: Group,
    /// What is shown while it runs.
    shown: String,
    /// What repeats it.
    line: String,
    begun: Instant,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// Starts a command in a process group of its own.
    pub(super) fn start(mut command: Command) -> anyhow::Result<Self> {
        let line = repeatable(&command);
        command
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("could not start `{line}`"))?;
        let stdout = child.stdout.take().expect("it was asked to be a pipe");
        let stderr = child.stderr.take().expect("it was asked to be a pipe");
        Ok(Self {
            group: Group(child),
            shown: shortened(&command),
            line,
            begun: Instant::now(),
            stdout: collect(stdout),
            stderr: collect(stderr),
        })
    }

    /// Whether it has not ended yet.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.group.0.try_wait(), Ok(None))
    }

    /// Sends a signal to the one process, as `kill` would.
    pub(super) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.group.0.id())?);
        nix::sys::signal::kill(pid, signal)
            .with_context(|| format!("could not send {signal} to `{}`", self.line))
    }

    /// Kills it at once and returns what it had printed.
    pub(super) fn killed(self) -> anyhow::Result<Answer> {
        self.signal(Signal::SIGKILL)?;
        self.wait(KILL_LIMIT)
    }

    /// Waits for its end; what takes longer than the limit from now is killed and is an error.
    pub(super) fn wait(mut self, limit: Duration) -> anyhow::Result<Answer> {
        let waiting = Instant::now();
        let status = loop {
            if let Some(status) = self.group.0.try_wait()? {
                break status;
            }
            ensure!(
                waiting.elapsed() <= limit,
                "no end after {} s: {}",
                limit.as_secs(),
                self.line
            );
            std::thread::sleep(Duration::from_millis(LOOK_MS));
        };
        // What it started and left behind would hold the pipes open for ever.
        drop(self.group);
        let answer = Answer {
            line: self.line,
            status,
            stdout: self.stdout.join().unwrap_or_default(),
            stderr: self.stderr.join().unwrap_or_default(),
        };
        let took = self.begun.elapsed().as_secs_f64();
        println!(
            "e2e:   $ {} -> {} in {took:.1} s",
            self.shown,
            answer.outcome()
        );
        Ok(answer)
    }
}

/// The process group that a child leads; killed when this is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.0.id()) {
            // An error means that nothing of the group is left, which is what is wanted.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        // It was killed, so this returns; an error means that it was waited for before.
        let _ = self.0.wait();
    }
}

/// Reads a pipe to its end on a thread of its own, so that a full pipe stops nobody.
fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends the output; what was read until then is what there is.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What repeats a command in any shell: its folder, the variables that are not everybody's, the words.
fn repeatable(command: &Command) -> String {
    let folder = command.get_current_dir().unwrap_or(Path::new("."));
    let mut line = format!("cd {} && ", folder.display());
    for (name, value) in command.get_envs() {
        let (name, value) = (name.to_string_lossy(), value.unwrap_or_default());
        if !ORDINARY.contains(&&*name) {
            line.push_str(&format!("{name}={} ", value.to_string_lossy()));
        }
    }
    line + &program_and_arguments(command)
}

/// A command as it is shown: the program by its name, our folder as `.`, blanks made one, cut to what a terminal holds.
fn shortened(command: &Command) -> String {
    const SHOWN: usize = 150;
    let mut line = program_and_arguments(command);
    let program = Path::new(command.get_program());
    if let (Some(folder), Some(name)) = (program.parent(), program.file_name()) {
        let name = name.to_string_lossy();
        line = line.replacen(&*folder.join(&*name).to_string_lossy(), &name, 1);
    }
    if let Some(folder) = command.get_current_dir() {
        line = line.replace(&*folder.to_string_lossy(), ".");
    }
    let words: Vec<&str> = line
        .split_whitespace()
        .filter(|word| *word != "\\")
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

/// What a command answered.
pub(super) struct Answer {
    /// The command, to be repeated.
    line: String,
    status: ExitStatus,
    /// What it printed.
    pub(super) stdout: String,
    /// What it complained about.
    pub(super) stderr: String,
}

impl Answer {
    /// Its exit code; `None` when a signal ended it.
    pub(super) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Fails unless it exited so.
    pub(super) fn exits(&self, code: i32) -> anyhow::Result<&Self> {
        let as_expected = self.status.code() == Some(code);
        ensure!(as_expected, self.report(&format!("expected exit {code}")));
        Ok(self)
    }

    /// Fails unless it printed this, wherever.
    pub(super) fn says(&self, words: &str) -> anyhow::Result<&Self> {
        let is_said = self.stdout.contains(words) || self.stderr.contains(words);
        ensure!(
            is_said,
            self.report(&format!("expected the words `{words}`"))
        );
        Ok(self)
    }

    /// What it printed, as JSON.
    pub(super) fn json(&self) -> anyhow::Result<serde_json::Value> {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.with_context(|| self.report("expected JSON on standard output"))
    }

    /// Everything there is to know about an answer that was not expected.
    pub(super) fn report(&self, expectation: &str) -> String {
        format!(
            "{expectation}, got {}; to repeat: {}\n--- standard output\n{}\n--- standard error\n{}",
            self.outcome(),
            self.line,
            tail(&self.stdout),
            tail(&self.stderr)
        )
    }

    fn outcome(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no exit code".to_owned(),
        }
    }
}

/// The last lines of a text, where the reason of a failure stands.
fn tail(text: &str) -> String {
    const LINES: usize = 60;
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Looks at a condition until it holds or the limit has passed.
pub(super) fn wait_until(
    what: &str,
    limit: Duration,
    mut holds: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !holds()? {
        ensure!(
            begun.elapsed() < limit,
            "no {what} within {} s",
            limit.as_secs()
        );
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Prompt, repeatable, shortened};

    const LIMIT: Duration = Duration::from_secs(20);

    fn prompt() -> Prompt {
        Prompt::new(std::env::temp_dir().as_path(), "/usr/bin:/bin")
    }

    #[test]
    fn an_answer_is_what_was_printed_and_how_it_ended() {
        let answer = prompt()
            .with("A", "b c")
            .bash("echo $A; echo d >&2; exit 3", LIMIT);
        let answer = answer.expect("bash runs");
        assert_eq!(
            (answer.stdout.as_str(), answer.stderr.as_str()),
            ("b c\n", "d\n")
        );
        let error = answer.exits(0).err().expect("3 is not 0").to_string();
        assert!(
            error.starts_with("expected exit 0, got exit 3; to repeat: "),
            "{error}"
        );
        assert!(answer.exits(3).and_then(|answer| answer.says("d")).is_ok());
    }

    #[test]
    fn what_does_not_end_is_killed_with_all_that_it_started() {
        let answer = prompt().bash("sleep 600 & sleep 600", Duration::from_millis(100));
        let error = answer.err().expect("it does not end by itself").to_string();
        assert!(error.starts_with("no end after 0 s: "), "{error}");
        // Ends though its child would hold the pipe for ten minutes.
        assert!(prompt().bash("sleep 600 &", LIMIT).is_ok());
    }

    #[test]
    fn a_command_is_shown_short_and_repeated_in_full() {
        let prompt = Prompt::new(Path::new("/tmp/x"), "/bin").with("AWS_REGION", "a");
        let command = prompt.command("/opt/dateline", &["check", "/tmp/x/history.jsonl"]);
        assert_eq!(shortened(&command), "dateline check ./history.jsonl");
        assert_eq!(
            repeatable(&command),
            "cd /tmp/x && AWS_REGION=a /opt/dateline check /tmp/x/history.jsonl"
        );
        let command = prompt.command("bash", &["-c", "a \\\n    b"]);
        assert_eq!(shortened(&command), "bash -c 'a b'");
        let long = shortened(&prompt.command("é", &[&"é".repeat(200)]));
        assert!(long.ends_with("é …"), "{long}");
    }
}
