//! Everything that must hold before a change lands. Writes nothing but build artefacts; `fix` is the one that writes.

use crate::step::{self, cargo, run_cargo};
use crate::tidy;

/// The documentation is read by those who change the code, private items included: links to them are welcome.
const DOC_FLAGS: &str = "-D warnings -A rustdoc::private_intra_doc_links";

/// Runs every check and stops at the first that fails; cheap ones come first.
pub(crate) fn run() -> anyhow::Result<()> {
    run_cargo(&["fmt", "--all", "--check"])?;
    tidy::run()?;
    run_cargo(&clippy(&["--workspace"]))?;
    // The workspace is built with planted defects; what a production build leaves out must not be missed either.
    run_cargo(&clippy(&[
        "--package",
        "replica",
        "--package",
        "harness",
        "--no-default-features",
    ]))?;
    let mut documentation = cargo();
    documentation
        .args([
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ])
        .env("RUSTDOCFLAGS", DOC_FLAGS);
    step::run(&mut documentation)
}

/// The arguments that refuse every warning in the given packages.
fn clippy<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["clippy"];
    arguments.extend(packages);
    arguments.extend(["--all-targets", "--", "-D", "warnings"]);
    arguments
}
