//! The random tests of the checker, for longer than `cargo test` has time: tiny histories against brute force, and damaged files.

use crate::step;

/// What the job is called.
pub(super) const NAME: &str = "fuzz";
/// What must hold.
pub(super) const WHAT: &str = "so many times more random histories agree with brute force, and damaged files are read or refused (--count)";

/// Runs them, their output on our terminal.
///
/// # Errors
/// When a test fails; it tells the seed.
pub(super) fn hold(count: u32) -> anyhow::Result<()> {
    let mut command = step::cargo();
    command
        .args(["test", "--release", "--package", "checker", "--test", "it"])
        .args(["--", "--nocapture", "fuzz::", "transactions::", "damage::"])
        .env("DATELINE_FUZZ_COUNT", count.to_string());
    step::run(&mut command)
}
