//! Repairs what a tool can repair by itself: layout, and the lints that carry their own remedy.

use crate::step::run_cargo;

/// Applies clippy's suggestions, then formats.
pub(crate) fn run() -> anyhow::Result<()> {
    run_cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--fix",
        "--allow-dirty",
        "--allow-staged",
    ])?;
    run_cargo(&["fmt", "--all"])
}
