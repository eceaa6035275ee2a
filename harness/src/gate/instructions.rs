//! Instructions of a command and all its children: by the processor's own counter, or, where there is none, by valgrind.
//!
//! They repeat far better than times. The kernel's counter (`perf stat`) costs nothing, but many virtual machines have none, and
//! `kernel.perf_event_paranoid` may forbid it. valgrind's callgrind needs no counter and repeats to one in a million, but a command takes thirty to fifty times
//! as long under it, one thread at a time: it is for commands that do a fixed amount of work, and is taken only when it is asked for by name.
//! Neither sees cache misses, waiting, or the kernel's own work (only instructions in user mode are counted). What forks without starting a
//! program begins, under valgrind, with the count of its parent so far.

use std::{fs, path::Path, process::Command};

const EVENT: &str = "instructions:u";

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    /// The processor, through `perf stat`.
    Processor,
    /// callgrind.
    Valgrind,
}

impl Counter {
    /// Who can count here, or why nobody does: valgrind only when it is asked for by name.
    pub(super) fn choose(is_named: impl FnOnce() -> bool) -> Result<Self, String> {
        let Err(why) = processor_counts() else {
            return Ok(Self::Processor);
        };
        let has_valgrind = Command::new("valgrind")
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
        match (has_valgrind, is_named()) {
            (true, true) => Ok(Self::Valgrind),
            (true, false) => Err(format!(
                "{why}; `--metric instructions` alone has valgrind count them"
            )),
            (false, _) => Err(format!("{why}; and there is no `valgrind`")),
        }
    }

    /// The words that count what `words` does into files of this run's folder.
    pub(super) fn counting(self, words: Vec<String>, folder: &Path) -> Vec<String> {
        let counting: Vec<String> = match self {
            Self::Processor => {
                let file = folder.join(PROCESSOR_FILE).to_string_lossy().into_owned();
                let perf = ["perf", "stat", "-x,", "-e", EVENT, "-o"].map(str::to_owned);
                perf.into_iter().chain([file, "--".to_owned()]).collect()
            }
            Self::Valgrind => {
                // One file for each process, by its number.
                let files = folder.join(format!("{VALGRIND_FILES}%p"));
                let fixed = ["valgrind", "-q", "--tool=callgrind", "--trace-children=yes"];
                let files = format!("--callgrind-out-file={}", files.display());
                let fixed = fixed.into_iter().map(str::to_owned);
                fixed.chain([files, "--".to_owned()]).collect()
            }
        };
        counting.into_iter().chain(words).collect()
    }

    /// What was counted in this run's folder.
    pub(super) fn read(self, folder: &Path) -> Result<f64, String> {
        match self {
            Self::Processor => {
                let file = folder.join(PROCESSOR_FILE);
                let text = fs::read_to_string(&file)
                    .map_err(|error| format!("{}: {error}", file.display()))?;
                counted(&text)
            }
            Self::Valgrind => totals(folder),
        }
    }

    /// What to know about the figures.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Processor => "instructions are those of the processor's counter, in user mode",
            Self::Valgrind => {
                "instructions were counted by valgrind, in user mode: it sees neither cache misses nor waiting nor what the kernel does"
            }
        }
    }
}

const PROCESSOR_FILE: &str = "instructions";
const VALGRIND_FILES: &str = "instructions.";

/// Whether the processor counts them here, or why not.
fn processor_counts() -> Result<(), String> {
    let arguments = ["stat", "-x,", "-e", EVENT, "--", "true"];
    let output = Command::new("perf")
        .args(arguments)
        .output()
        .map_err(|error| format!("`perf` cannot be started ({error})"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let line = told.lines().find(|line| !line.trim().is_empty());
        return Err(format!(
            "`perf stat` refused: {}",
            line.unwrap_or("no reason given").trim()
        ));
    }
    counted(&told).map(|_| ())
}

/// The count in what `perf stat -x,` writes: `123,,instructions:u,…`.
fn counted(text: &str) -> Result<f64, String> {
    let line = text
        .lines()
        .find(|line| line.contains(EVENT))
        .ok_or_else(|| "`perf stat` has not told the event".to_owned())?;
    let count = line.split(',').next().unwrap_or_default();
    count.parse().map_err(|_| {
        format!("this machine has no such counter, perf says {count:?} (usual in virtual machines)")
    })
}

/// The sum over the files that callgrind has left, one for each process.
fn totals(folder: &Path) -> Result<f64, String> {
    let told = |what: &dyn std::fmt::Display| format!("{}: {what}", folder.display());
    let mut sum = None;
    for entry in fs::read_dir(folder).map_err(|error| told(&error))? {
        let path = entry.map_err(|error| told(&error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(VALGRIND_FILES) {
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            *sum.get_or_insert(0.0) += total(&text)
                .ok_or_else(|| format!("{}: there is no total in it", path.display()))?;
        }
    }
    sum.ok_or_else(|| told(&"valgrind has left no count; the command must end by itself"))
}

/// `totals: 123`, the last line.
fn total(text: &str) -> Option<f64> {
    let line = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_and_a_refusal_is_told() {
        let text = "# started on Sat\n\n1234567,,instructions:u,100.00,100.00,,\n";
        assert_eq!(counted(text), Ok(1_234_567.0));
        let told = counted("<not supported>,,instructions:u,0,100.00,,\n");
        assert!(told.is_err_and(|told| told.contains("<not supported>")));
        assert!(counted("").is_err());
    }

    #[test]
    fn the_counts_of_all_processes_are_added() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let told = Counter::Valgrind.read(folder.path());
        assert!(told.is_err_and(|told| told.contains("has left no count")));
        for (process, count) in [(7, 100), (8, 23)] {
            let text =
                format!("events: Ir\nfn=(0)\n0 {count}\nsummary: {count}\ntotals: {count}\n");
            let file = folder.path().join(format!("instructions.{process}"));
            fs::write(file, text).expect("writable");
        }
        assert_eq!(Counter::Valgrind.read(folder.path()), Ok(123.0));
        fs::write(folder.path().join("instructions.9"), "events: Ir\n").expect("writable");
        let told = Counter::Valgrind.read(folder.path());
        assert!(told.is_err_and(|told| told.ends_with("there is no total in it")));
    }
}
