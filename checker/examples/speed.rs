//! How fast the checker is, and how much memory it takes, on simulated three-region histories.
//!
//! ```text
//! cargo run --release -p checker --example speed -- 1000000 10000000      judges files of these sizes, each in a process of its own
//! cargo run --release -p checker --example speed -- checks 1000000        each check by itself, in memory
//! ```
//!
//! Beside each figure stands the reference of the same run: reading the bytes of the file and nothing else. Wall time depends on what
//! else the machine does, processor time (of all threads, of user and system) much less.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use checker::history::{EventKind, History, MicroReply, Observed, Pairing, Reply, binary, ndjson};
use checker::verdict::Outcome;
use checker::{Memory, Options, Resources, judge_file};

use big::{FAULTLESS, FAULTS, Fault, simulate, simulate_into};

#[path = "../tests/it/big.rs"]
mod big;

/// Of so many operations the evidence of a planted fault may be at most.
const MOST_EVIDENCE: usize = 6;

type Done = Result<(), Box<dyn Error>>;

/// One measured judgement.
struct Trial<'t> {
    what: &'t str,
    count: usize,
    keys: usize,
    fault: &'t str,
    /// `visible` or `hidden`.
    stamps: &'t str,
    /// `compact` or `lines`.
    form: &'t str,
    threads: usize,
    memory_bytes: Option<u64>,
    /// The one check that is asked for; `all` of last-writer-wins tables otherwise.
    check: &'t str,
}

fn main() -> Done {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["checks", count] => each_check(count.parse()?),
        ["write", path, form, stamps, fault, count, keys] => write(
            Path::new(path),
            form,
            stamps,
            fault,
            (count.parse()?, keys.parse()?),
        ),
        ["judge", path, threads, memory, check] => judge(Path::new(path), threads, memory, check),
        [] => sizes(&[1_000_000]),
        ref sizes_given => {
            let counts: Result<Vec<usize>, _> = sizes_given.iter().map(|n| n.parse()).collect();
            sizes(&counts?)
        }
    }
}

/// Everything about histories of these sizes.
fn sizes(counts: &[usize]) -> Done {
    println!(
        "{:<88}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>15}",
        "", "wall ms", "cpu ms", "ns/op", "cpu/op", "peak MB", "evidence", "bytes read"
    );
    for count in counts.iter().copied() {
        let keys = (count / 1000).clamp(1, 10_000);
        let size = (count, keys);
        run(&clean(size, "stamps visible, compact", "compact", 2))?;
        run(&clean(
            size,
            "stamps visible, compact, one thread",
            "compact",
            1,
        ))?;
        let bounded = Trial {
            memory_bytes: Some(500_000_000),
            ..clean(size, "stamps visible, compact, 500 MB", "compact", 2)
        };
        run(&bounded)?;
        let hidden = Trial {
            stamps: "hidden",
            ..clean(size, "stamps hidden, compact", "compact", 2)
        };
        let sweep = |what: &'static str, form: &'static str| Trial {
            check: "stamp-order",
            ..clean(size, what, form, 2)
        };
        run(&sweep(
            "stamps visible, compact, their sweep alone",
            "compact",
        ))?;
        if count <= 20_000_000 {
            run(&sweep("stamps visible, lines, their sweep alone", "lines"))?;
            run(&clean(size, "stamps visible, lines", "lines", 2))?;
            run(&hidden)?;
        }
        if count <= 1_000_000 {
            let one_key = |stamps: &'static str, what: &'static str| Trial {
                what,
                keys: 1,
                stamps,
                ..clean(size, "", "compact", 2)
            };
            run(&one_key("visible", "stamps visible, one key"))?;
            run(&one_key("hidden", "stamps hidden, one key"))?;
        }
        if count <= 20_000_000 {
            for fault in FAULTS.into_iter().chain([Fault::NoTornTransaction]) {
                let fault = format!("{fault:?}");
                let what = if fault == "NoTornTransaction" {
                    "stamps visible, compact, with transactions".to_owned()
                } else {
                    format!("stamps visible, compact, {fault} planted")
                };
                let planted = Trial {
                    fault: &fault,
                    ..clean(size, &what, "compact", 2)
                };
                run(&planted)?;
            }
        }
    }
    Ok(())
}

/// A history of a correct store that shows its stamps.
fn clean<'t>(size: (usize, usize), what: &'t str, form: &'t str, threads: usize) -> Trial<'t> {
    Trial {
        what,
        count: size.0,
        keys: size.1,
        fault: "None",
        stamps: "visible",
        form,
        threads,
        memory_bytes: None,
        check: "all",
    }
}

/// Makes a history and judges it, each in a process of its own.
fn run(trial: &Trial<'_>) -> Done {
    let folder = tempfile::tempdir_in(".")?;
    let path = folder.path().join("history");
    let place = path.to_str().ok_or("a path in UTF-8")?;
    let own = std::env::current_exe()?;
    let (count, keys) = (trial.count.to_string(), trial.keys.to_string());
    let args = [
        "write",
        place,
        trial.form,
        trial.stamps,
        trial.fault,
        &count,
        &keys,
    ];
    let written = Command::new(&own).args(args).output()?;
    let operations: usize = String::from_utf8(written.stdout)?.trim().parse()?;
    let since = Instant::now();
    let bytes = read_bytes(&path)?;
    let read_ms = since.elapsed().as_millis();
    let memory = trial.memory_bytes.unwrap_or(0).to_string();
    let threads = trial.threads.to_string();
    let args = ["judge", place, &threads, &memory, trial.check];
    let judged = Command::new(&own).args(args).output()?;
    let text = String::from_utf8(judged.stdout)?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let [wall_ms, cpu_ms, peak_mb, outcome, evidence] = words[..] else {
        return Err(format!("{text}{}", String::from_utf8_lossy(&judged.stderr)).into());
    };
    let is_faultless = FAULTLESS.iter().any(|f| format!("{f:?}") == trial.fault);
    let expected = if is_faultless { "Valid" } else { "Invalid" };
    if outcome != expected {
        return Err(format!("{}: {outcome}, not {expected}", trial.what).into());
    }
    if evidence.parse::<usize>()? > MOST_EVIDENCE {
        return Err(format!("{}: {evidence} operations of evidence", trial.what).into());
    }
    let each = |ms: &str| ms.parse::<usize>().map(|ms| ms * 1_000_000 / operations);
    println!(
        "{:<88}{wall_ms:>9}{cpu_ms:>9}{:>9}{:>9}{peak_mb:>9}{evidence:>9}{:>12} ms",
        format!("{operations} operations on {keys} keys: {}", trial.what),
        each(wall_ms)?,
        each(cpu_ms)?,
        format!("{} MB, {read_ms}", bytes / 1_000_000),
    );
    std::io::stdout().flush()?;
    Ok(())
}

/// The reference: how long it takes to read a file and do nothing with it.
fn read_bytes(path: &Path) -> Result<usize, Box<dyn Error>> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 18];
    let mut total = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(total),
            count => total += count,
        }
    }
}

fn hide(event: &mut EventKind) {
    let hide = |seen: &mut Observed| seen.stamp = None;
    match event {
        EventKind::Ok(Reply::Read(seen) | Reply::Done { old: Some(seen) }) => hide(seen),
        EventKind::Ok(Reply::Transact(replies)) => {
            for reply in replies {
                if let MicroReply::Read(seen) = reply {
                    hide(seen);
                }
            }
        }
        EventKind::Invoke(_) | EventKind::Ok(_) => {}
        EventKind::Fail { .. } | EventKind::Info { .. } => {}
    }
}

/// Writes a history; prints how many operations it has.
fn write(path: &Path, form: &str, stamps: &str, fault: &str, size: (usize, usize)) -> Done {
    let mut header = big::header();
    header.stamps_visible = stamps == "visible";
    let faults = FAULTS.into_iter().chain(FAULTLESS);
    let fault = faults.into_iter().find(|f| format!("{f:?}") == fault);
    let fault = fault.ok_or("there is no such fault")?;
    let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let (mut lines, mut compact) = match form {
        "lines" => (Some(ndjson::Writer::new(file, &header)?), None),
        _ => (None, Some(binary::Writer::new(file, &header)?)),
    };
    let mut count = 0;
    let mut trouble = Ok(());
    simulate_into(size.0, size.1, fault, |mut event| {
        if !header.stamps_visible {
            hide(&mut event.kind);
        }
        count += usize::from(matches!(event.kind, EventKind::Invoke(_)));
        let written = match (&mut lines, &mut compact) {
            (Some(lines), _) => lines.write(&event),
            (None, Some(compact)) => compact.write(&event),
            (None, None) => Ok(()),
        };
        if trouble.is_ok() {
            trouble = written;
        }
    });
    trouble?;
    if let Some(lines) = lines {
        lines.into_inner().flush()?;
    }
    if let Some(compact) = compact {
        compact.finish()?;
    }
    println!("{count}");
    Ok(())
}

/// Judges a file; prints wall and processor time in milliseconds, the greatest memory in megabytes, the outcome, and of how many operations the
/// longest evidence of a violation is.
fn judge(path: &Path, threads: &str, memory: &str, check: &str) -> Done {
    let since = Instant::now();
    let folder = path.parent().ok_or("a file lies in a folder")?;
    let memory = match memory.parse()? {
        0 => None,
        limit_bytes => Some(Memory {
            limit_bytes,
            spill: tempfile::tempfile_in(folder)?,
        }),
    };
    let resources = Resources {
        threads: threads.parse::<NonZeroUsize>()?,
        memory,
    };
    let options = Options {
        expectations: Some(check)
            .filter(|check| *check != "all")
            .into_iter()
            .collect(),
        ..Options::default()
    };
    let (_, judgement) = judge_file(path, None, &options, resources)?;
    let wall_ms = since.elapsed().as_millis();
    let outcome = match judgement.verdict.outcome {
        // Only what must end in quiescent reads cannot be told.
        Outcome::Unknown | Outcome::Valid => Outcome::Valid,
        Outcome::Invalid => Outcome::Invalid,
    };
    let violations = judgement.verdict.checks.iter().flat_map(|c| &c.violations);
    let evidence = violations.map(|v| v.operations.len()).max().unwrap_or(0);
    println!(
        "{wall_ms} {} {} {outcome:?} {evidence}",
        cpu_ms(),
        peak_mb()
    );
    Ok(())
}

/// Processor time of all threads of this process so far, where the system tells it.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or("");
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|t| t.parse::<u64>().ok()).sum();
    ticks * 10
}

/// The most memory that this process ever had, where the system tells it.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kb.unwrap_or(0) / 1024
}

/// Each check by itself, on a history in memory.
fn each_check(count: usize) -> Done {
    let mut pairing = Pairing::default();
    for (line, event) in (2..).zip(simulate(count, 1_000, Fault::None)) {
        pairing.push(line, event)?;
    }
    let history = pairing.finish(big::header());
    let count = history.operations.len() as u64;
    let time = |what: &str, history: &History, checks: &[&str]| {
        let since = cpu_ms();
        let verdict = checker::check(history, checks);
        let ms = cpu_ms() - since;
        let (each, outcome) = (ms * 1_000_000 / count.max(1), verdict.outcome);
        println!("{what:<32}{ms:>8} ms{each:>8} ns an operation   {outcome:?}");
    };
    time("sort by key and measure", &history, &[]);
    for info in checker::registry() {
        time(info.id, &history, &[info.id]);
    }
    let all = checker::applicable_checks(&history);
    time("all of last writer wins", &history, &all);
    Ok(())
}
