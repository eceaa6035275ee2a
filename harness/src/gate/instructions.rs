//! Instructions of a command and all its children, counted by the kernel through `perf stat`, where there is one and it is allowed.
//!
//! They repeat far better than times, but many virtual machines have no counter, and `kernel.perf_event_paranoid` may forbid it. Then the gate does without
//! and says why. Only instructions in user mode are counted: those of the kernel need more rights, and depend on interrupts.

use std::{fs, path::Path, process::Command};

const EVENT: &str = "instructions:u";

/// Whether they can be counted here, or why not.
pub(super) fn available() -> Result<(), String> {
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

/// The words that count what `words` does into a file.
pub(super) fn counting(words: Vec<String>, file: &Path) -> Vec<String> {
    let perf = ["perf", "stat", "-x,", "-e", EVENT, "-o"].map(str::to_owned);
    let file = [file.to_string_lossy().into_owned(), "--".to_owned()];
    perf.into_iter().chain(file).chain(words).collect()
}

/// What was counted into the file.
pub(super) fn read(file: &Path) -> Result<f64, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    counted(&text)
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
}
