//! Skews the clock of a server that is not ours, by `libfaketime`: a library that stands between a program and the system's clock.
//!
//! The library reads an offset from a file each time that the program asks for the time, so a skew takes hold at once and needs no restart.
//! It knows constant offsets only as we need them; for a drift or a strobe a thread writes the file again and again. Monotonic clocks
//! are left alone: it is the time of day that is wrong, as when nobody keeps it. A program that exports a function `read_config_file`, as
//! slapd does, cannot live with the file: give it a constant skew by `FAKETIME` in the template's `regional`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::Skew;

/// Where distributions put the library.
const PLACES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
];

/// How often a drift or a strobe is written anew.
const TICK: Duration = Duration::from_millis(5);

/// How far a reading may be from what was set, beside the time that reading took.
const TOLERANCE_MS: i64 = 2;

/// The clock of one region's server.
pub(super) struct Faketime {
    library: PathBuf,
    file: PathBuf,
    /// Who writes the file again and again, if anybody does.
    writer: Mutex<Option<Writer>>,
}

struct Writer {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Faketime {
    /// The library that a template's `clock` names; `None` for the clock of the machine.
    pub(super) fn library(clock: &str) -> Result<Option<PathBuf>, String> {
        match clock {
            "machine" => Ok(None),
            "libfaketime" => PLACES
                .iter()
                .map(PathBuf::from)
                .find(|place| place.is_file())
                .map(Some)
                .ok_or_else(|| {
                    "libfaketime is not where distributions put it; install it (Debian: apt-get install faketime), \
                     give its path instead of its name, or leave `clock` out"
                        .to_owned()
                }),
            path if !path.contains('/') => Err(format!(
                "{path:?} is neither machine, libfaketime, nor a path of that library"
            )),
            path if Path::new(path).is_file() => Ok(Some(path.into())),
            path => Err(format!("there is no library {path}")),
        }
    }

    /// A clock that is right, whose offset will stand in this file.
    pub(super) fn new(library: PathBuf, file: PathBuf) -> io::Result<Self> {
        write(&file, 0)?;
        Ok(Self {
            library,
            file,
            writer: Mutex::new(None),
        })
    }

    /// What a program needs in its environment to live by this clock.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library.to_string_lossy().into_owned()),
            (
                "FAKETIME_TIMESTAMP_FILE",
                self.file.to_string_lossy().into_owned(),
            ),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Sets it, and returns when a program that lives by it has read what was set.
    pub(super) fn set(&self, skew: Skew) -> Result<(), String> {
        self.stop_writing();
        let failed = |error: io::Error| format!("{}: {error}", self.file.display());
        write(&self.file, skew.offset_ms).map_err(failed)?;
        self.verify(skew.offset_ms)?;
        if skew.drift_ppm != 0 || skew.strobe_period_ms != 0 {
            self.keep_writing(skew).map_err(failed)?;
        }
        Ok(())
    }

    /// Asks `date`, under the same library and file, what time it is.
    fn verify(&self, offset_ms: i64) -> Result<(), String> {
        let before = now_ms();
        let output = Command::new("date")
            .arg("+%s%3N")
            .envs(self.environment())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("date, which would read the clock, cannot be run: {error}"))?;
        let after = now_ms();
        let text = String::from_utf8_lossy(&output.stdout);
        let read: i64 = text
            .trim()
            .parse()
            .map_err(|_| format!("date, asked for the skewed time, says {text:?}"))?;
        let range = before + offset_ms - TOLERANCE_MS..=after + offset_ms + TOLERANCE_MS;
        if range.contains(&read) {
            return Ok(());
        }
        Err(format!(
            "a program under libfaketime is off by {} ms, not by {offset_ms} ms",
            read - after
        ))
    }

    fn keep_writing(&self, skew: Skew) -> io::Result<()> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, file, begun) = (is_over.clone(), self.file.clone(), Instant::now());
        let thread = std::thread::Builder::new()
            .name("clock".into())
            .spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    if let Err(error) = write(&file, offset_ms(skew, begun.elapsed())) {
                        tracing::warn!(%error, file = %file.display(), "a clock keeps its last skew");
                    }
                    std::thread::sleep(TICK);
                }
            })?;
        *self.writer() = Some(Writer { is_over, thread });
        Ok(())
    }

    fn stop_writing(&self) {
        if let Some(writer) = self.writer().take() {
            writer.is_over.store(true, Ordering::Relaxed);
            assert!(
                writer.thread.join().is_ok(),
                "the thread of a clock does not panic"
            );
        }
    }

    fn writer(&self) -> std::sync::MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Faketime {
    fn drop(&mut self) {
        self.stop_writing();
    }
}

/// What the library leaves of a process that was killed; whoever gets its number later would stumble over it.
const LEFT_BEHIND: [&str; 2] = ["/dev/shm/faketime_shm_", "/dev/shm/sem.faketime_sem_"];

/// Removes what the library leaves of a process that is gone, if it lived by such a clock.
pub(super) fn clean_up(process: u32) {
    for path in LEFT_BEHIND {
        // Almost always there is none.
        let _ = fs::remove_file(format!("{path}{process}"));
    }
}

/// How wrong the clock is so long after the skew was set.
fn offset_ms(skew: Skew, since: Duration) -> i64 {
    let since_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    let period_ms = i64::try_from(skew.strobe_period_ms).unwrap_or(i64::MAX);
    if period_ms > 0 && since_ms % period_ms >= period_ms.div_euclid(2) {
        return 0;
    }
    skew.offset_ms + since_ms.saturating_mul(skew.drift_ppm) / 1_000_000
}

/// Replaces the file at once, so that nobody reads half of it.
fn write(file: &Path, offset_ms: i64) -> io::Result<()> {
    let new = file.with_extension("new");
    let (sign, size) = (
        if offset_ms < 0 { '-' } else { '+' },
        offset_ms.unsigned_abs(),
    );
    fs::write(&new, format!("{sign}{}.{:03}\n", size / 1000, size % 1000))?;
    fs::rename(&new, file)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_is_an_offset_that_may_move() {
        let at = |skew, ms| offset_ms(skew, Duration::from_millis(ms));
        let drift = Skew {
            offset_ms: 100,
            drift_ppm: -50_000,
            ..Skew::default()
        };
        assert_eq!((at(drift, 0), at(drift, 2000)), (100, 0));
        let strobe = Skew {
            offset_ms: 70,
            strobe_period_ms: 20,
            ..Skew::default()
        };
        assert_eq!([at(strobe, 9), at(strobe, 10), at(strobe, 20)], [70, 0, 70]);
    }

    #[test]
    fn a_program_lives_by_the_clock_that_was_set() {
        let Ok(Some(library)) = Faketime::library("libfaketime") else {
            eprintln!("libfaketime is not installed; nothing was tested");
            return;
        };
        let folder = tempfile::tempdir().expect("temporary folder");
        let clock = Faketime::new(library, folder.path().join("clock")).expect("writable");
        for offset_ms in [-86_400_000, -37, 0, 5000] {
            let skew = Skew {
                offset_ms,
                ..Skew::default()
            };
            assert_eq!(clock.set(skew), Ok(()), "{offset_ms}");
        }
        fs::write(folder.path().join("clock"), "+9.000\n").expect("writable");
        let wrong = clock.verify(0).expect_err("it is nine seconds off");
        assert!(wrong.contains("not by 0 ms"), "{wrong}");
        let drifting = Skew {
            drift_ppm: 200_000,
            ..Skew::default()
        };
        assert_eq!(clock.set(drifting), Ok(()));
        assert_eq!(clock.set(Skew::default()), Ok(()), "healed");
    }
}
