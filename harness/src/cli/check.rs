//! `dateline check`: the verdict of saved histories.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use checker::{
    Judgement, Options,
    history::{
        Delivery, Format, History,
        ndjson::{self, ReadError},
        read_history, read_history_as,
    },
    known::{KnownAnomalies, KnownState},
    verdict,
};
use clap::Args;
use reports::run_folder::{FaultAction, Moment, RunFolder};

use crate::exit::{Ending, Failure};

/// `dateline check FILE…`.
#[derive(Debug, Args)]
#[command(after_help = "\
A history that cannot be read is a harness failure (3), one that holds nothing to judge is unknown (2).
Of several, the worst counts; a violation outweighs everything.

Examples:
  dateline check dateline-runs/latest
  dateline check history.jsonl other.jsonl.gz --only convergence,lost-write
  dateline check history.jsonl --expect mrsc
  dateline check dateline-runs/latest --delivery-bound 5s
  dateline check history.jsonl --shrink smallest
  dateline check jepsen/history.edn --expect single-region")]
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

    /// Every write arrives everywhere within this time while all links are healthy, such as 5s or 800ms: judged by the check `delivery`. Of a
    /// run folder, the time in which faults were installed does not count
    #[arg(long, value_name = "DURATION", value_parser = duration_ns)]
    delivery_bound: Option<u64>,

    /// Write to this folder, for each check that is violated, the smallest part of the history that it still finds invalid:
    /// CHECK.jsonl. Of several files, that of the last one stays
    #[arg(long, value_name = "FOLDER")]
    shrink: Option<PathBuf>,

    /// A TOML file of known anomalies, which do not count until their date: `[[known]]` tables with check, reason, expires, and perhaps key and
    /// contains
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,

    /// Print the verdict as JSON, one line each
    #[arg(long)]
    json: bool,
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
        let mut expectations: Vec<&str> = expectations.map(String::as_str).collect();
        // Of all of last writer wins it is one already.
        if self.delivery_bound.is_some() && !expectations.is_empty() {
            expectations.push("delivery");
        }
        let options = Options { expectations };
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
        let read = match self.format {
            Some(format) => read_history_as(&file, format),
            None => read_history(&file),
        };
        let mut history = match read {
            Ok(history) => history,
            Err(error) => return unreadable(&file, &error),
        };
        if let Some(bound_ns) = self.delivery_bound {
            let faults_ns = match faults(path) {
                Ok(faults_ns) => faults_ns,
                Err(error) => {
                    eprintln!("harness failure: {error}");
                    return Ending::HarnessFailure;
                }
            };
            history.header.delivery = Some(Delivery {
                bound_ns,
                faults_ns,
            });
        }
        let judgement = checker::judge(&history, options);
        let mut judgement = judgement.expect("the expectations were looked up before");
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
        let ending = self.show(&file, &history, &judgement);
        match self.shrink(&history, &judgement) {
            Ok(()) => ending,
            Err(error) => {
                eprintln!("harness failure: {error}");
                Ending::HarnessFailure
            }
        }
    }

    /// Writes the smallest invalid part for each check that is violated.
    fn shrink(&self, history: &History, judgement: &Judgement) -> Result<(), String> {
        let Some(folder) = &self.shrink else {
            return Ok(());
        };
        let failed = |path: &Path, error: std::io::Error| {
            format!("cannot write {}: {error}", path.display())
        };
        let checks = judgement.verdict.checks.iter();
        for check in checks.filter(|check| check.violation_count > 0) {
            let Some(least) = checker::shrink::shrink(history, &check.check) else {
                continue;
            };
            std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
            let path = folder.join(format!("{}.jsonl", check.check));
            let write = || -> std::io::Result<()> {
                let file = BufWriter::new(File::create(&path)?);
                let mut writer = ndjson::Writer::new(file, &least.header)?;
                for event in least.events() {
                    writer.write(&event)?;
                }
                writer.into_inner().flush()
            };
            write().map_err(|error| failed(&path, error))?;
            eprintln!(
                "smallest part that violates {}: {} operations of {}; again: dateline check {} --only {}",
                check.check,
                least.operations.len(),
                history.operations.len(),
                path.display(),
                check.check
            );
        }
        Ok(())
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
        if self.json {
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

/// When faults were installed, if this is the folder of a run. One that never ended lasts for ever.
fn faults(path: &Path) -> Result<Vec<(u64, u64)>, String> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let timeline = RunFolder::at(path).timeline();
    let timeline = timeline.map_err(|error| error.to_string())?;
    let mut faults: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for moment in &timeline.moments {
        match moment {
            Moment::Phase { .. } => {}
            Moment::Fault {
                t,
                begun,
                id,
                action,
                ..
            } => match action {
                FaultAction::Start => {
                    faults.entry(*id).or_insert((*begun, u64::MAX));
                }
                FaultAction::Stop => {
                    faults.entry(*id).or_insert((*begun, *t)).1 = *t;
                }
            },
        }
    }
    Ok(faults.into_values().collect())
}

/// A time such as 5s, 800ms or 2m, in nanoseconds.
fn duration_ns(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        _ => return Err("it needs a whole number and a unit: 800ms, 5s or 2m".to_owned()),
    };
    let number: Option<u64> = number.parse().ok().filter(|number| *number > 0);
    let bound_ns = number.and_then(|number| number.checked_mul(scale));
    bound_ns.ok_or_else(|| "it must be above 0, such as 800ms, 5s or 2m".to_owned())
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
