//! `dateline compare`: run folders side by side.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use reports::{
    compare::{Incomparable, Subject, compare, markdown},
    run_folder::RunFolder,
    text,
};

use crate::{
    exit::{Ending, Failure},
    run,
};

/// `dateline compare A B…`.
#[derive(Debug, Args)]
#[command(after_help = "\
What was asked differently comes first, then every figure with its ratio. Two single runs are never said to
differ significantly: that takes many runs in turns (dateline gate).

Examples:
  dateline compare dateline-runs/register/20261120T020000Z-seed7 dateline-runs/latest
  dateline compare A B C --output markdown")]
pub(super) struct CompareCommand {
    /// Run folders of `dateline test` or `dateline load`; the first is what the others are compared with
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// Show runs side by side whose rate, warm-up, in-flight limit, workload or faults differ
    #[arg(long)]
    force: bool,

    /// How to print it
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// How something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Markdown,
}

impl CompareCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let subjects: Result<Vec<Subject>, Failure> =
            self.runs.iter().map(|path| subject(path)).collect();
        let incomparable = match self.force {
            true => Incomparable::Show,
            false => Incomparable::Refuse,
        };
        let compared = compare(&subjects?, incomparable).map_err(Failure::usage)?;
        match self.output {
            Form::Text => print!("{}", text::compare::comparison(&compared, run::style())),
            Form::Markdown => print!("{}", markdown::markdown(&compared)),
            Form::Json => println!(
                "{}",
                serde_json::to_string_pretty(&compared).expect("a comparison is plain data")
            ),
        }
        Ok(Ending::Valid)
    }
}

fn subject(path: &Path) -> Result<Subject, Failure> {
    Subject::of_folder(&path.display().to_string(), &RunFolder::at(path)).map_err(Failure::usage)
}
