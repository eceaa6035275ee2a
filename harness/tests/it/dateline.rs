//! Starts the binary in a temporary folder of its own, and looks for what it leaves behind.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// No wait in these tests is longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A folder in which to run the binary.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("temporary folder"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The newest run.
    pub(crate) fn latest(&self) -> PathBuf {
        self.path().join("dateline-runs/latest")
    }

    /// The faults of the last run's timeline: name, action, result, why.
    pub(crate) fn faults(&self) -> Vec<[String; 4]> {
        let timeline = fs::read_to_string(self.latest().join("timeline.jsonl")).expect("readable");
        let moments = timeline.lines().map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON")
        });
        let texts = |moment: serde_json::Value| {
            ["fault", "action", "result", "why"]
                .map(|name| moment[name].as_str().unwrap_or_default().to_owned())
        };
        let faults = moments.filter(|moment| moment["fault"].is_string());
        faults.map(texts).collect()
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command
            .args(line.split_whitespace())
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            // Whoever runs the tests may have credentials, and a machine that would hand out some.
            .env("HOME", self.path())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_PROFILE",
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_CONFIG_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CA_BUNDLE",
        ] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, line: &str) -> Ended {
        Ended::of(self.command(line).output().expect("the binary starts"))
    }

    /// Runs it to its end with more variables in its environment.
    pub(crate) fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(line);
        command.envs(variables.iter().copied());
        Ended::of(command.output().expect("the binary starts"))
    }

    /// Starts it. It does not outlive the test, however that ends.
    pub(crate) fn start(&self, line: &str) -> Running {
        let child = self
            .command(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        Running(Some(child))
    }

    /// Waits until the run that was started has recorded so many lines.
    pub(crate) fn wait_for_history(&self, lines: usize) {
        let history = self.latest().join("history.jsonl");
        wait_until("the history grows", || {
            fs::read_to_string(&history).is_ok_and(|text| text.lines().count() >= lines)
        });
    }

    /// Processes whose command line names this folder: regions that were left behind.
    pub(crate) fn orphans(&self) -> Vec<String> {
        let here = self.path().to_string_lossy().into_owned();
        let own = std::process::id().to_string();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("Linux").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if name != own && line.contains(&here) {
                found.push(format!("{name}: {line}"));
            }
        }
        found
    }
}

/// A process that is killed when nobody looks at it any more.
pub(crate) struct Running(Option<Child>);

impl Running {
    /// Waits for its end, and brings what it said.
    pub(crate) fn wait_with_output(mut self) -> std::io::Result<Output> {
        let child = self.0.take().expect("it is taken once");
        child.wait_with_output()
    }
}

impl std::ops::Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().expect("it is there until it is taken")
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().expect("it is there until it is taken")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // Fails iff it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Waits for a condition, with a limit.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < LIMIT,
            "waited {} s in vain until {what}",
            LIMIT.as_secs()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Of what [`Place::faults`] tells the starts, without what was seen of them.
pub(crate) fn starts(told: Vec<[String; 4]>) -> Vec<[String; 3]> {
    let starts = told.into_iter().filter(|it| it[1] == "start");
    let without = |[fault, action, result, _]: [String; 4]| [fault, action, result];
    starts.map(without).collect()
}
