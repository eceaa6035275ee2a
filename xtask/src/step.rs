//! Runs one command of somebody else's, says so, and tells how to repeat it when it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .parent()
        .expect("the crate is a folder of the workspace")
        .to_path_buf()
}

/// The cargo that runs us, so that a nested call uses the same toolchain.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Runs `cargo` with these arguments, its output on our terminal.
pub(crate) fn run_cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = cargo();
    command.args(arguments);
    run(&mut command)
}

/// Runs a command with its output on our terminal; an exit code other than 0 is an error that names the command.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = command_line(command);
    println!("xtask: {line}");
    let begun = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("could not start `{line}`"))?;
    if !status.success() {
        bail!("{status}; to repeat: {line}");
    }
    println!("xtask: done in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// The command as a person would type it: variables that were set, program, arguments.
pub(crate) fn command_line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy();
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value)))
    });
    let words = variables.chain([program_and_arguments(command)]);
    words.collect::<Vec<_>>().join(" ")
}

/// The same without variables.
pub(crate) fn program_and_arguments(command: &Command) -> String {
    let program = Path::new(command.get_program());
    // The toolchain's own path says nothing to a reader; every other path is what must be typed.
    let program = match program.file_name() {
        Some(name) if name == "cargo" => "cargo".to_owned(),
        Some(_) | None => quoted(&program.to_string_lossy()),
    };
    let arguments = command.get_args().map(|one| quoted(&one.to_string_lossy()));
    [program]
        .into_iter()
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The word as a POSIX shell needs it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{command_line, quoted, run};

    #[test]
    fn a_command_line_can_be_pasted() {
        let mut command = Command::new("aws");
        command
            .args(["put-item", "--item", r#"{"a b": "it's"}"#])
            .env("AWS_REGION", "us-east-1");
        assert_eq!(
            command_line(&command),
            r#"AWS_REGION=us-east-1 aws put-item --item '{"a b": "it'\''s"}'"#
        );
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_failure_names_the_command() {
        let error = run(&mut Command::new("false")).expect_err("false fails");
        assert!(error.to_string().ends_with("to repeat: false"), "{error}");
        let error = run(&mut Command::new("no-such-program")).expect_err("it does not exist");
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }
}
