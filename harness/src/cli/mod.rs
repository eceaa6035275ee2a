//! The command line: what can be asked for, and nothing else. Every command lives in a file of its own.

mod check;
mod exec;
mod list;
mod proxy;
mod replica;
mod report;
mod selftest;
mod test;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::exit;

pub(crate) use test::TestFlags;

/// Tells whether a multi-region, last-writer-wins table keeps its promises, and how fast it keeps them.
#[derive(Debug, Parser)]
#[command(name = "dateline", version = crate::VERSION, max_term_width = 100, after_help = EXAMPLES)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  dateline up                                  three regions on ports 8000-8003 until Ctrl-C
  dateline test register                       run, judge and report, with all faults, within a minute
  dateline test register --faults partition,kill --time-limit 60 --seed 7
  dateline check dateline-runs/latest          judge a saved run or history file again
  dateline selftest --quick                    plant every defect and see that the checks catch it
  dateline list faults                         what can be made to go wrong

Exit codes: 0 valid, 1 invalid, 2 unknown, 3 harness failure, 64 bad usage.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep a multi-region cluster running on fixed ports, for the aws CLI, SDKs and people
    Up(up::UpCommand),
    /// Run a workload under faults, judge its history, report
    Test(Box<test::TestCommand>),
    /// Plant every defect, see which checks catch it, and that clean runs stay valid
    Selftest(selftest::SelftestCommand),
    /// Judge saved histories: files, or run folders
    Check(check::CheckCommand),
    /// Write the report of a saved run again
    Report(report::ReportCommand),
    /// List what there is: workloads, targets, checks, faults, defects, errors, runs
    List(list::ListCommand),
    /// Run the fault proxy alone, between any TCP client and server
    Proxy(proxy::ProxyCommand),
    /// Run one reference replica: one region of a global table
    Replica(Box<::replica::server::Options>),
    /// Become another program that does not outlive who started it
    #[command(hide = true)]
    Exec(exec::ExecCommand),
}

/// Parses and does it.
pub(crate) fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let _ = error.print();
            let was_asked_for = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            return if was_asked_for {
                ExitCode::SUCCESS
            } else {
                exit::usage()
            };
        }
    };
    match line.command {
        Command::Up(command) => exit::code(command.run()),
        Command::Test(command) => exit::code(command.run()),
        Command::Selftest(command) => exit::code(command.run()),
        Command::Check(command) => exit::code(command.run()),
        Command::Report(command) => exit::code(command.run()),
        Command::List(command) => exit::code(command.run()),
        Command::Proxy(command) => exit::code(command.run()),
        Command::Exec(command) => exit::code(command.run()),
        Command::Replica(options) => replica::run(*options),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        CommandLine::command().debug_assert();
    }
}
