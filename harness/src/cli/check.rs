//! `dateline check`: the verdict of saved histories.

mod part;
mod remote;
mod size;

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use checker::{
    Gathering, JudgeError, Judgement, Memory, Options, Resources, Scope,
    history::{Delivery, Format, Header, History, ndjson, read_history, read_history_as},
    known::{KnownAnomalies, KnownState},
    verdict,
};
use clap::Args;
use reports::{load_summary::Share, run_folder::RunFolder, verdict_shares::VerdictShare};

use self::{part::Part, size::bytes};
use crate::{
    exit::{Ending, Failure},
    follow::Followed,
    load::quantity::{self, duration},
    run,
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
  dateline check dateline-runs/latest --delivery-bound 5s
  dateline check history.jsonl --shrink smallest
  dateline check jepsen/history.edn --expect single-region
  dateline check big.jsonl --memory 500MB --spill /var/tmp
  dateline check dateline-runs/latest --follow
  dateline check history.jsonl --share 3/16 --json > part-3.json     one part of the keys; `dateline merge` joins them
  dateline check s3://bucket/history.dlh --share 3/16 --json         from a store that speaks S3: AWS_ENDPOINT_URL, AWS_REGION, …")]
pub(super) struct CheckCommand {
    /// History files, run folders, or s3://BUCKET/KEY
    #[arg(required = true, value_name = "FILE|RUN|S3")]
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
    #[arg(long, value_name = "DURATION", value_parser = run::delivery::bound_ns, conflicts_with_all = ["follow", "share", "memory"])]
    delivery_bound: Option<u64>,

    /// Write to this folder, for each check that is violated, the smallest part of the history that it still finds invalid:
    /// CHECK.jsonl. Of several files, that of the last one stays
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["follow", "share", "memory"])]
    shrink: Option<PathBuf>,

    /// A TOML file of known anomalies, which do not count until their date: `[[known]]` tables with check, reason, expires, and perhaps key and
    /// contains
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,

    /// Print the verdict as JSON, one line each
    #[arg(long)]
    json: bool,

    /// How many threads judge; the verdict is the same for any number [default: one for each processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// About how much memory to use (500MB, 2GB): what does not fit is spilled to disk. An item whose operations do not fit by themselves is
    /// unknown, and so are transactions when not all operations fit. Histories of other tools are read as a whole and refused: convert them
    /// first [default: as much as it takes]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory: Option<u64>,

    /// Where to spill; nothing stays there [default: beside the history]
    #[arg(long, value_name = "DIR", requires = "memory")]
    spill: Option<PathBuf>,

    /// Judge while the history is still being written: ends at the first violation, when the run ends, or when nothing came for --idle
    #[arg(long)]
    follow: bool,

    /// How long a followed history may stand still before it is taken to have ended
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration, requires = "follow")]
    idle: Duration,

    /// Judge one part of the items, the others are judged elsewhere: those whose number leaves I - 1 when divided by N
    #[arg(long, value_name = "I/N", value_parser = quantity::share, conflicts_with = "follow")]
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
        let mut expectations: Vec<&str> = expectations.map(String::as_str).collect();
        // Of all of last writer wins it is one already.
        if self.delivery_bound.is_some() && !expectations.is_empty() {
            expectations.push("delivery");
        }
        let scope = match self.share {
            None => Scope::Whole,
            Some(_) => Scope::Part,
        };
        let options = Options {
            expectations,
            scope,
        };
        checker::expected_checks(&options.expectations)
            .map_err(|error| Failure::Usage(format!("--expect {error}")))?;
        let known = self.known_anomalies()?;
        let is_remote = |history: &PathBuf| remote::address(history).is_some();
        if self.follow && self.histories.iter().any(is_remote) {
            return Err(Failure::Usage(
                "--follow: an object in a store does not grow; name a file or a run folder"
                    .to_owned(),
            ));
        }
        let endings = self.histories.iter();
        let endings = endings.map(|path| self.judge(path, &options, &known));
        Ok(endings.max().unwrap_or(Ending::Unknown))
    }

    fn judge(&self, path: &Path, options: &Options<'_>, known: &KnownAnomalies) -> Ending {
        let fetched = match remote::address(path).map(remote::fetch).transpose() {
            Ok(fetched) => fetched,
            Err(error) => {
                eprintln!("harness failure: {}: {error}", path.display());
                return Ending::HarnessFailure;
            }
        };
        let file = match &fetched {
            Some(fetched) => fetched.path().to_owned(),
            None if path.is_dir() => RunFolder::at(path).history_path(),
            None => path.to_owned(),
        };
        // What came from elsewhere is told by its address.
        let named = fetched.as_ref().map_or(file.as_path(), |_| path);
        let part = match self.part(&file) {
            Ok(part) => part,
            Err(error) => {
                eprintln!("harness failure: {}: {error}", named.display());
                return Ending::HarnessFailure;
            }
        };
        if self.is_read_whole() {
            return self.judge_whole(path, &file, options, known);
        }
        let judged = self.resources(&file).and_then(|resources| {
            if self.follow {
                let closes = path.is_dir().then(|| RunFolder::at(path));
                return self.follow(&file, closes, options, resources);
            }
            let whole_or_part = part.as_ref().map_or(file.as_path(), Part::path);
            checker::judge_file(whole_or_part, self.format, options, resources)
        });
        let (header, mut judgement) = match judged {
            Ok(judged) => judged,
            Err(error) => return unreadable(named, &error),
        };
        if let Some(part) = &part {
            part.renumber(&mut judgement.verdict);
        }
        apply_known(known, &mut judgement);
        self.show(named, &header, &judgement)
    }

    /// Whether the history must be in memory as a whole.
    fn is_read_whole(&self) -> bool {
        self.delivery_bound.is_some() || self.shrink.is_some()
    }

    /// Judges a history that is read as a whole.
    fn judge_whole(
        &self,
        path: &Path,
        file: &Path,
        options: &Options<'_>,
        known: &KnownAnomalies,
    ) -> Ending {
        let read = match self.format {
            Some(format) => read_history_as(file, format),
            None => read_history(file),
        };
        let mut history = match read {
            Ok(history) => history,
            Err(error) => return unreadable(file, &error.into()),
        };
        if let Some(bound_ns) = self.delivery_bound {
            let delivery = match path.is_dir() {
                true => run::delivery::within(bound_ns, &RunFolder::at(path)),
                false => Ok(Delivery {
                    bound_ns,
                    faults_ns: Vec::new(),
                }),
            };
            match delivery {
                Ok(delivery) => history.header.delivery = Some(delivery),
                Err(error) => {
                    eprintln!("harness failure: {error}");
                    return Ending::HarnessFailure;
                }
            }
        }
        let judgement = checker::judge(&history, options);
        let mut judgement = judgement.expect("the expectations were looked up before");
        apply_known(known, &mut judgement);
        let ending = self.show(file, &history.header, &judgement);
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

    /// What may be used to judge one history.
    fn resources(&self, history: &Path) -> Result<Resources, JudgeError> {
        let beside = history.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = self.spill.as_deref().or(beside).unwrap_or(Path::new("."));
        let memory = |limit_bytes| {
            // It has no name, so nothing of it stays, however this process ends.
            let spill = tempfile::tempfile_in(folder)?;
            Ok::<Memory, JudgeError>(Memory { limit_bytes, spill })
        };
        let everything = run::all_processors();
        Ok(Resources {
            threads: self.threads.unwrap_or(everything.threads),
            memory: self.memory.map(memory).transpose()?,
        })
    }

    /// Judges a history while it is being written, until a violation or its end; `closes` is the run that says when it has ended.
    fn follow(
        &self,
        file: &Path,
        closes: Option<RunFolder>,
        options: &Options<'_>,
        resources: Resources,
    ) -> Result<(Header, Judgement), JudgeError> {
        let mut followed = Followed::new(file, resources);
        let mut last_grown = Instant::now();
        loop {
            // Asked before reading: what was written before the end is read before it is believed.
            let has_results = |run: &RunFolder| matches!(run.results(), Ok(Some(_)));
            let is_closed = closes.as_ref().is_some_and(has_results);
            let began = Instant::now();
            if followed.read()? > 0 {
                last_grown = Instant::now();
                let judge = |g: &mut Gathering| Ok(g.judge_grown(options)?.verdict.outcome);
                if followed.is_violated(judge)? {
                    let gathering = followed.so_far().expect("it has a violation");
                    eprintln!(
                        "{}: stopped following at the first violation",
                        file.display()
                    );
                    return Ok((gathering.header().clone(), gathering.judge(options)?));
                }
            } else if is_closed || last_grown.elapsed() >= self.idle {
                let gathering = followed.finish()?;
                return Ok((gathering.header().clone(), gathering.judge(options)?));
            }
            // Judging takes no more than a tenth of the time, so that it does not slow what it follows.
            std::thread::sleep(LOOK_EVERY.max(began.elapsed() * 10));
        }
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
        let input = std::io::BufReader::new(File::open(file)?);
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

    fn show(&self, file: &Path, header: &Header, judgement: &Judgement) -> Ending {
        let verdict = &judgement.verdict;
        let text = if let (true, Some((index, of, _))) = (self.json, self.share) {
            let share = VerdictShare::new(Share { index, of }, header, judgement.clone());
            serde_json::to_string(&share).expect("a verdict is plain data") + "\n"
        } else if self.json {
            serde_json::to_string(verdict).expect("a verdict is plain data") + "\n"
        } else {
            let left_out = judgement.left_out.iter();
            let left_out = left_out.map(|l| format!("left out: {} ({})\n", l.check, l.reason));
            let verdict = verdict::text(verdict, header);
            format!(
                "{}\n{verdict}{}",
                file.display(),
                left_out.collect::<String>()
            )
        };
        if let Err(error) = print(&text) {
            eprintln!("harness failure: the verdict cannot be printed: {error}");
            return Ending::HarnessFailure;
        }
        match verdict.outcome {
            verdict::Outcome::Valid => Ending::Valid,
            verdict::Outcome::Unknown => Ending::Unknown,
            verdict::Outcome::Invalid => Ending::Invalid,
        }
    }
}

/// Prints to standard output. Whoever stops reading (`| head`) has read enough, and still gets the exit code.
fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match printed {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Sets aside what is known, and says so.
fn apply_known(known: &KnownAnomalies, judgement: &mut Judgement) {
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
}

/// The form of this name.
pub(super) fn format(name: &str) -> Result<Format, String> {
    let known = Format::NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, format)| *format).ok_or_else(|| {
        let names: Vec<_> = Format::NAMES.iter().map(|(name, _)| *name).collect();
        format!("there is no such format; there are {}", names.join(", "))
    })
}

/// How often a followed history is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A history that cannot be read is nobody's violation; an empty file simply says nothing.
fn unreadable(file: &Path, error: &JudgeError) -> Ending {
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
