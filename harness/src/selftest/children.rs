//! Runs trials as processes of this same binary, a few at a time, and leaves none behind.
//!
//! Each is in a process group of its own, so a Ctrl-C at the terminal reaches the selftest alone, which passes it on: the runs then
//! heal, stop their regions and end. A selftest that is killed takes its runs with it (`dateline exec`).

use std::{
    fs::File,
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reports::run_folder::RunFolder;

use super::{Found, Row, Trial, show};
use crate::{stop::Stop, target::Spawner};

/// How often to look whether a run has ended.
const POLL: Duration = Duration::from_millis(50);

/// No run takes longer, set-up, settling and judging included.
const LIMIT: Duration = Duration::from_secs(600);

/// What all trials share.
pub(crate) struct Job {
    /// How many run at a time.
    pub(crate) at_a_time: usize,
    /// One folder in here for each.
    pub(crate) out: PathBuf,
    /// The wish to stop.
    pub(crate) stop: Stop,
}

/// Runs all of them and says what each found, in the order given. What is not begun when the user wants to stop counts as not run.
pub(crate) fn run_all(trials: Vec<Trial>, job: &Job) -> io::Result<Vec<Row>> {
    let spawner = Spawner::start()?;
    let executable = std::env::current_exe()?;
    let total = trials.len();
    let queue = Mutex::new(trials.into_iter().enumerate());
    let done: Mutex<Vec<(usize, Row)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..job.at_a_time {
            let (spawner, executable, queue, done) = (spawner.clone(), &executable, &queue, &done);
            scope.spawn(move || {
                loop {
                    let next = queue.lock().expect("no holder panics").next();
                    let Some((number, trial)) = next else { return };
                    let row = run(trial, job, executable, &spawner);
                    let mut done = done.lock().expect("no holder panics");
                    eprintln!("{}/{total} {}", done.len() + 1, show::in_words(&row));
                    done.push((number, row));
                }
            });
        }
    });
    let mut rows = done.into_inner().expect("no holder panics");
    rows.sort_by_key(|(number, _)| *number);
    assert_eq!(rows.len(), total, "every trial has its row");
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn run(trial: Trial, job: &Job, executable: &Path, spawner: &Spawner) -> Row {
    let folder = job.out.join(trial.folder_name());
    let found = match job.stop.reason() {
        Some(why) => Found::Failed {
            why: why.to_owned(),
        },
        None => find(&trial, &folder, job, executable, spawner)
            .unwrap_or_else(|why| Found::Failed { why }),
    };
    Row {
        reproduce: trial.reproduce(),
        folder: folder.display().to_string(),
        found,
        trial,
    }
}

fn find(
    trial: &Trial,
    folder: &Path,
    job: &Job,
    executable: &Path,
    spawner: &Spawner,
) -> Result<Found, String> {
    let log = folder.join("output.log");
    let child = start(trial, folder, &log, executable, spawner)
        .map_err(|error| format!("{}: it could not be started: {error}", folder.display()))?;
    wait(child, &job.stop)?;
    // What was cut short proves neither that a check is blind nor that it is not.
    if let Some(why) = job.stop.reason() {
        return Err(why.to_owned());
    }
    let results = RunFolder::at(folder.join("latest"))
        .results()
        .map_err(|error| format!("{error}; see {}", log.display()))?;
    let results = results.ok_or_else(|| format!("it left no results; see {}", log.display()))?;
    Ok(Found::of(&results))
}

fn start(
    trial: &Trial,
    folder: &Path,
    log: &Path,
    executable: &Path,
    spawner: &Spawner,
) -> io::Result<Child> {
    std::fs::create_dir_all(folder)?;
    let log = File::create(log)?;
    let mut command = Command::new(executable);
    command
        .arg("exec")
        .arg(format!("--die-with-parent={}", std::process::id()))
        .arg("--")
        .arg(executable)
        .args(&trial.arguments)
        .arg("--out")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    spawner.spawn(command)
}

/// Waits for its end; passes each wish to stop on.
fn wait(mut child: Child, stop: &Stop) -> Result<(), String> {
    let begun = Instant::now();
    let pid = i32::try_from(child.id()).map(Pid::from_raw);
    let pid = pid.map_err(|_| "its number is none".to_owned())?;
    let mut passed_on = 0;
    loop {
        match child.try_wait() {
            Ok(Some(_status)) => return Ok(()),
            Ok(None) => {}
            Err(error) => return Err(format!("it cannot be waited for: {error}")),
        }
        let wishes = i32::from(stop.is_set()) + i32::from(stop.is_forced());
        if passed_on < wishes {
            passed_on += 1;
            // It has not been waited for, so the number is still its own; one that has ended needs no signal.
            let _ = kill(pid, Signal::SIGINT);
        }
        if begun.elapsed() > LIMIT {
            let _ = child.kill().and_then(|()| child.wait());
            return Err(format!("it had not ended after {} s", LIMIT.as_secs()));
        }
        std::thread::sleep(POLL);
    }
}
