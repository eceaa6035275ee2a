//! `dateline check`: the verdict of saved histories.

use std::path::{Path, PathBuf};

use checker::{history::ndjson::ReadError, verdict};
use clap::Args;
use reports::run_folder::RunFolder;

use crate::{
    exit::{Ending, Failure},
    run,
};

/// `dateline check FILE…`.
#[derive(Debug, Args)]
#[command(after_help = "\
A history that cannot be read is a harness failure (3), one that holds nothing to judge is unknown (2).
Of several, the worst counts; a violation outweighs everything.

Examples:
  dateline check dateline-runs/latest
  dateline check history.jsonl other.jsonl.gz --only convergence,lost-write")]
pub(super) struct CheckCommand {
    /// History files, or run folders
    #[arg(required = true, value_name = "FILE|RUN")]
    histories: Vec<PathBuf>,

    /// Only these checks: names of `dateline list checks` [default: all that can say something]
    #[arg(long, value_name = "CHECKS", value_delimiter = ',')]
    only: Option<Vec<String>>,

    /// Print the verdict as JSON, one line each
    #[arg(long)]
    json: bool,
}

impl CheckCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let only: Option<Vec<&str>> = self
            .only
            .as_ref()
            .map(|names| names.iter().map(String::as_str).collect());
        let known: Vec<_> = checker::registry().iter().map(|info| info.id).collect();
        if let Some(name) = only.iter().flatten().find(|name| !known.contains(name)) {
            let known = known.join(", ");
            return Err(Failure::Usage(format!(
                "--only {name}: there is no such check; there are {known}"
            )));
        }
        let endings = self
            .histories
            .iter()
            .map(|path| self.judge(path, only.as_deref()));
        Ok(endings.max().unwrap_or(Ending::Unknown))
    }

    fn judge(&self, path: &Path, only: Option<&[&str]>) -> Ending {
        let file = if path.is_dir() {
            RunFolder::at(path).history_path()
        } else {
            path.to_owned()
        };
        let (history, verdict) = match run::judge(&file, only) {
            Ok(judged) => judged,
            Err(error) => return unreadable(&file, &error),
        };
        if self.json {
            println!(
                "{}",
                serde_json::to_string(&verdict).expect("a verdict is plain data")
            );
        } else {
            println!("{}", file.display());
            print!("{}", verdict::text(&verdict, &history.header));
        }
        match verdict.outcome {
            verdict::Outcome::Valid => Ending::Valid,
            verdict::Outcome::Unknown => Ending::Unknown,
            verdict::Outcome::Invalid => Ending::Invalid,
        }
    }
}

/// A history that cannot be read is nobody's violation; an empty file simply says nothing.
fn unreadable(file: &Path, error: &ReadError) -> Ending {
    let is_empty = std::fs::metadata(file).is_ok_and(|data| data.is_file() && data.len() == 0);
    if is_empty {
        eprintln!(
            "{}: the file is empty: nothing was asked, so nothing can be judged",
            file.display()
        );
        return Ending::Unknown;
    }
    eprintln!("harness failure: {}: {error}", file.display());
    Ending::HarnessFailure
}
