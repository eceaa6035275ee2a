//! `dateline check`: the verdict of saved histories.

mod part;

use std::path::{Path, PathBuf};

use checker::{
    Judgement, Options,
    history::{Format, History, ndjson::ReadError, read_history, read_history_as},
    known::{KnownAnomalies, KnownState},
    verdict,
};
use clap::Args;
use reports::{load_summary::Share, run_folder::RunFolder, verdict_shares::VerdictShare};

use self::part::Part;
use crate::{
    exit::{Ending, Failure},
    load::quantity,
};

/// `dateline check FILE…`.
#[derive(Debug, Args)]
#[command(after_help = "\
A history that cannot be read is a harness failure (3), one that holds nothing to judge is unknown (2).
Of several, the worst counts; a violation outweighs everything.

Examples:
  dateline check dateline-runs/latest
  dateline check history.jsonl other.jsonl.gz --only convergence,lost-write
  dateline check history.jsonl --expect mrsc
  dateline check jepsen/history.edn --expect single-region
  dateline check history.jsonl --share 3/16 --json > part-3.json     one part of the keys; `dateline merge` joins them")]
pub(super) struct CheckCommand {
    /// History files, or run folders
    #[arg(required = true, value_name = "FILE|RUN")]
    histories: Vec<PathBuf>,

    /// Only these checks: names of `dateline list checks` [default: all that can say something]
    #[arg(long, value_name = "CHECKS", value_delimiter = ',')]
    only: Option<Vec<String>>,

    /// What the store promises: sets (v1, mrec, mrsc, eventual, single-region) and checks, as `dateline list checks` shows them; what the
    /// history cannot show is left out of a set [default: all of last writer wins]
    #[arg(
        long,
        value_name = "MODELS|CHECKS",
        value_delimiter = ',',
        conflicts_with = "only"
    )]
    expect: Option<Vec<String>>,

    /// The form of the files: dateline, compact, operations, jepsen-edn, jepsen-log [default: by their first bytes]
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,

    /// A TOML file of known anomalies, which do not count until their date: `[[known]]` tables with check, reason, expires, and perhaps key and
    /// contains
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,

    /// Print the verdict as JSON, one line each
    #[arg(long)]
    json: bool,

    /// Judge one part of the items, the others are judged elsewhere: those whose number leaves I - 1 when divided by N
    #[arg(long, value_name = "I/N", value_parser = quantity::share)]
    share: Option<(u32, u32, workloads::arrival::Share)>,

    /// The input is such a part already: each line has its number in the whole history and a tab before it, the header first. FILE may be `-`
    #[arg(long, requires = "share", requires = "json")]
    numbered: bool,
}

impl CheckCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let known: Vec<_> = checker::registry().iter().map(|info| info.id).collect();
        let only = self.only.iter().flatten();
        if let Some(name) = only.map(String::as_str).find(|name| !known.contains(name)) {
            let known = known.join(", ");
            return Err(Failure::Usage(format!(
                "--only {name}: there is no such check; there are {known}"
            )));
        }
        let expectations = self.only.iter().chain(&self.expect).flatten();
        let options = Options {
            expectations: expectations.map(String::as_str).collect(),
        };
        checker::expected_checks(&options.expectations)
            .map_err(|error| Failure::Usage(format!("--expect {error}")))?;
        let known = self.known_anomalies()?;
        let endings = self.histories.iter();
        let endings = endings.map(|path| self.judge(path, &options, &known));
        Ok(endings.max().unwrap_or(Ending::Unknown))
    }

    fn judge(&self, path: &Path, options: &Options<'_>, known: &KnownAnomalies) -> Ending {
        let file = if path.is_dir() {
            RunFolder::at(path).history_path()
        } else {
            path.to_owned()
        };
        let part = match self.part(&file) {
            Ok(part) => part,
            Err(error) => {
                eprintln!("harness failure: {}: {error}", file.display());
                return Ending::HarnessFailure;
            }
        };
        let judged = part.as_ref().map_or(file.as_path(), Part::path);
        let read = match self.format {
            Some(format) => read_history_as(judged, format),
            None => read_history(judged),
        };
        let history = match read {
            Ok(history) => history,
            Err(error) => return unreadable(&file, &error),
        };
        let judgement = checker::judge(&history, options);
        let mut judgement = judgement.expect("the expectations were looked up before");
        if let Some(part) = &part {
            part.renumber(&mut judgement.verdict);
        }
        let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        for entry in known.apply(&mut judgement.verdict, &today) {
            let anomaly = &entry.anomaly;
            let what = match entry.state {
                KnownState::Used(count) => format!("{count} violations do not count"),
                KnownState::Unused => "nothing matches it; delete it unless it is rare".to_owned(),
                KnownState::Expired => "it has expired; what it matches counts".to_owned(),
            };
            eprintln!(
                "known anomaly of {} until {} ({}): {what}",
                anomaly.check, anomaly.expires, anomaly.reason
            );
        }
        self.show(&file, &history, &judgement)
    }

    /// The part of the history that is asked for; `None`: all of it.
    fn part(&self, file: &Path) -> Result<Option<Part>, part::PartError> {
        let Some((index, of, _)) = self.share else {
            return Ok(None);
        };
        if !self.numbered {
            return Part::of_file(file, (index, of)).map(Some);
        }
        if file == Path::new("-") {
            return Part::numbered(std::io::stdin().lock()).map(Some);
        }
        let input = std::io::BufReader::new(std::fs::File::open(file)?);
        Part::numbered(input).map(Some)
    }

    fn known_anomalies(&self) -> Result<KnownAnomalies, Failure> {
        let Some(path) = &self.known else {
            return Ok(KnownAnomalies::default());
        };
        let wrong = |what: String| Failure::Usage(format!("--known {}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let known: KnownAnomalies =
            toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        known.validate().map_err(|error| wrong(error.to_string()))?;
        Ok(known)
    }

    fn show(&self, file: &Path, history: &History, judgement: &Judgement) -> Ending {
        let verdict = &judgement.verdict;
        if let (true, Some((index, of, _))) = (self.json, self.share) {
            let share = VerdictShare {
                schema: VerdictShare::SCHEMA.to_owned(),
                share: Share { index, of },
                regions: history.header.regions.clone(),
                seed: history.header.seed,
                verdict: verdict.clone(),
            };
            let line = serde_json::to_string(&share).expect("a verdict is plain data");
            println!("{line}");
        } else if self.json {
            println!(
                "{}",
                serde_json::to_string(verdict).expect("a verdict is plain data")
            );
        } else {
            println!("{}", file.display());
            print!("{}", verdict::text(verdict, &history.header));
            for left_out in &judgement.left_out {
                println!("left out: {} ({})", left_out.check, left_out.reason);
            }
        }
        match verdict.outcome {
            verdict::Outcome::Valid => Ending::Valid,
            verdict::Outcome::Unknown => Ending::Unknown,
            verdict::Outcome::Invalid => Ending::Invalid,
        }
    }
}

/// The form of this name.
pub(super) fn format(name: &str) -> Result<Format, String> {
    let known = Format::NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, format)| *format).ok_or_else(|| {
        let names: Vec<_> = Format::NAMES.iter().map(|(name, _)| *name).collect();
        format!("there is no such format; there are {}", names.join(", "))
    })
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
