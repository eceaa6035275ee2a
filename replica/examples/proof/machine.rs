//! What the machine itself can do, to stand beside what a replica does on it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::server::cpu_s;

/// As large as it must be for the process table's clock, which counts hundredths of a second.
const NEW_FILE_BYTES: usize = 512 << 20;
const WRITE_BYTES: usize = 64 << 10;
const MB: f64 = 1e6;

/// How many small appends a second `fdatasync` makes durable in a directory, one after the other.
///
/// # Errors
/// When the disk fails.
pub(crate) fn fdatasync_rate(directory: &Path) -> anyhow::Result<f64> {
    let mut file = File::create(directory.join("fdatasync"))?;
    let started = Instant::now();
    let mut count = 0_u32;
    while started.elapsed() < Duration::from_secs(1) {
        file.write_all(&[1; 340])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}

/// How many megabytes of a new file one second of CPU writes in a directory, without a sync: what a store's writing costs at the least.
///
/// # Errors
/// When the disk fails.
pub(crate) fn new_file_mb_per_cpu_s(directory: &Path) -> anyhow::Result<f64> {
    let path = directory.join("new-file");
    let before_s = cpu_s(std::process::id())?;
    let mut file = File::create(&path)?;
    let block = vec![1; WRITE_BYTES];
    for _ in 0..NEW_FILE_BYTES / WRITE_BYTES {
        file.write_all(&block)?;
    }
    let took_s = cpu_s(std::process::id())? - before_s;
    std::fs::remove_file(path)?;
    #[expect(clippy::cast_precision_loss, reason = "a round number")]
    let bytes = NEW_FILE_BYTES as f64;
    Ok(bytes / MB / took_s)
}
