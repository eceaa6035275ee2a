//! The command line: what can be asked for, and nothing else. Every command lives in a file of its own.

mod check;
mod compare;
mod conformance;
mod convert;
mod disk;
mod exec;
mod gate;
mod list;
mod load;
mod measure;
mod merge;
mod proxy;
mod replica;
mod report;
mod selftest;
mod shrink;
mod suite;
mod test;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::exit;

pub(crate) use load::{LoadFlags, LoadOutput, load_settings};
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
  dateline load run mixed --rate 1k --goal 'read.p99<20ms'
                                               open-loop load on three regions, exit 1 if the goal is missed
  dateline check dateline-runs/latest          judge a saved run or history file again
  dateline suite examples/nightly.toml         a night's matrix; one summary, the worst decides
  dateline gate old/dateline new/dateline -- test register --faults none --out {folder}
                                               is the new build slower? pass, fail or cannot tell
  dateline selftest --quick                    plant every defect and see that the checks catch it
  dateline list faults                         what can be made to go wrong

Exit codes: 0 valid, 1 invalid, 2 unknown, 3 harness failure, 64 bad usage.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep a multi-region cluster running on fixed ports, for the aws CLI, SDKs and people
    Up(up::UpCommand),
    /// Run a workload under faults, judge its history, report
    Test(Box<test::TestCommand>),
    /// Load regions at a given rate and measure: response and service times, replication lag, goals
    Load(load::LoadCommand),
    /// Plant every defect, see which checks catch it, and that clean runs stay valid
    Selftest(selftest::SelftestCommand),
    /// Find the fewest faults under which a failed run still fails
    Shrink(shrink::ShrinkCommand),
    /// Judge saved histories: files, or run folders
    Check(check::CheckCommand),
    /// Ask regions what AWS's documentation says that they answer
    Conformance(conformance::ConformanceCommand),
    /// Write a history in another form: lines of JSON, or compact; losslessly both ways
    Convert(convert::ConvertCommand),
    /// Put runs side by side: what was asked differently first, then every figure
    Compare(compare::CompareCommand),
    /// Decide whether a build is slower than another: pass, fail or cannot tell; or find changes over many nights
    Gate(Box<gate::GateCommand>),
    /// Run a nightly matrix of tests, loads and gates within a time budget; one summary, the worst decides
    Suite(suite::SuiteCommand),
    /// Join the shares of one load that ran on many machines
    Merge(merge::MergeCommand),
    /// Run a command and say what it cost
    #[command(hide = true)]
    Measure(measure::MeasureCommand),
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
    /// Serve a file system that can lose its power
    #[command(hide = true)]
    Disk(disk::DiskCommand),
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
        Command::Load(command) => exit::code(command.run()),
        Command::Selftest(command) => exit::code(command.run()),
        Command::Shrink(command) => exit::code(command.run()),
        Command::Check(command) => exit::code(command.run()),
        Command::Conformance(command) => exit::code(command.run()),
        Command::Convert(command) => exit::code(command.run()),
        Command::Compare(command) => exit::code(command.run()),
        Command::Gate(command) => exit::code(command.run()),
        Command::Suite(command) => exit::code(command.run()),
        Command::Merge(command) => exit::code(command.run()),
        Command::Measure(command) => exit::code(command.run()),
        Command::Report(command) => exit::code(command.run()),
        Command::List(command) => exit::code(command.run()),
        Command::Proxy(command) => exit::code(command.run()),
        Command::Exec(command) => exit::code(command.run()),
        Command::Disk(command) => exit::code(command.run()),
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
