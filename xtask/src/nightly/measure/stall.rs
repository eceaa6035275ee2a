//! A server that is stopped for two seconds at 1,000 requests a second over 30: what we say of it, and what oha and wrk say of the same.
//!
//! In theory the request that was due *t* after the stop waits for the rest of it: of 30,000 requests 300 are worse than the p99, so that is the stall less
//! 300 ms, and the p99.9 the stall less 30 ms. How long the stall really was is measured.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::desk::{Background, Desk, off_percent};
use crate::step;

const RATE: &str = "1000";
const LENGTH: &str = "30s";

/// From the tool's start to the stop.
const BEFORE: Duration = Duration::from_secs(10);
const STALL: Duration = Duration::from_secs(2);

/// How far we may be off, in percent.
const OFF_MAX: f64 = 5.0;

/// What somebody says of the stall: p50, p99, p99.9 in milliseconds.
struct Told {
    who: String,
    stall_ms: f64,
    p50: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
}

impl Told {
    fn theory(&self) -> [f64; 2] {
        [self.stall_ms - 300.0, self.stall_ms - 30.0]
    }

    fn is_near(&self) -> bool {
        let is_near = |(measured, theory): (Option<f64>, f64)| {
            measured.is_some_and(|ms| off_percent(ms, theory).abs() <= OFF_MAX)
        };
        [self.p99, self.p999]
            .into_iter()
            .zip(self.theory())
            .all(is_near)
    }

    fn show(&self) {
        let cell = |ms: Option<f64>| ms.map_or("not told".to_owned(), |ms| format!("{ms:.1}"));
        let off = |(measured, theory): (Option<f64>, f64)| {
            measured.map_or(String::new(), |ms| {
                format!("{:+.1} %", off_percent(ms, theory))
            })
        };
        let [p99, p999] = self.theory();
        println!(
            "nightly:   | {} | {} | {} | {p99:.0} | {} | {} | {p999:.0} | {} |",
            self.who,
            cell(self.p50),
            cell(self.p99),
            off((self.p99, p99)),
            cell(self.p999),
            off((self.p999, p999)),
        );
    }
}

pub(super) fn measure(desk: &Desk) -> anyhow::Result<bool> {
    let mut all = Vec::new();
    let mut holds = true;
    for in_flight in [2500, 64] {
        let [response, service] = dateline(desk, in_flight)?;
        holds &= response.is_near();
        all.extend([response, service]);
    }
    all.extend(others(desk)?);
    println!("nightly:   | who | p50 ms | p99 ms | theory | off | p99.9 ms | theory | off |");
    all.iter().for_each(Told::show);
    Ok(holds)
}

/// Our own load with so many requests in flight: response times, then service times.
fn dateline(desk: &Desk, in_flight: u32) -> anyhow::Result<[Told; 2]> {
    let line = |url: &str| {
        desk.dateline(&format!(
            "load run reads --rate {RATE} --for {LENGTH} --warm-up 0s --in-flight {in_flight} --keys 100 --timeout 10s --seed 7 --output quiet --region a={url}"
        ))
    };
    let (stall_ms, _) = stalled(desk, line)?;
    let summary = desk.newest()?;
    let told = |what: &str| -> anyhow::Result<Told> {
        Ok(Told {
            who: format!("dateline, {in_flight} in flight, {what} time"),
            stall_ms,
            p50: Some(summary.ms(what, "p50_ns")?),
            p99: Some(summary.ms(what, "p99_ns")?),
            p999: Some(summary.ms(what, "p999_ns")?),
        })
    };
    Ok([told("response")?, told("service")?])
}

/// What the others say, each with ten connections.
fn others(desk: &Desk) -> anyhow::Result<Vec<Told>> {
    let oha = oha()?;
    let mut all = vec![
        with_oha(desk, &oha, &[])?,
        with_oha(desk, &oha, &["--latency-correction"])?,
    ];
    if on_path("wrk") {
        all.push(with_wrk(desk)?);
    } else {
        println!("nightly:   wrk is not installed and left out; on Debian: apt-get install wrk");
    }
    Ok(all)
}

fn with_oha(desk: &Desk, oha: &PathBuf, more: &[&str]) -> anyhow::Result<Told> {
    let arguments = ["-q", RATE, "-c", "10", "-z", LENGTH];
    let command = |url: &str| {
        let mut command = Command::new(oha);
        command
            .args(arguments)
            .args(["--no-tui", "--output-format", "json"])
            .args(more)
            .arg(url);
        command
    };
    let (stall_ms, said) = stalled(desk, command)?;
    let said: Value = serde_json::from_str(&said)?;
    let ms = |name: &str| said["latencyPercentiles"][name].as_f64().map(|s| s * 1e3);
    Ok(Told {
        who: [&["oha"], &arguments[..], more].concat().join(" "),
        stall_ms,
        p50: ms("p50"),
        p99: ms("p99"),
        p999: ms("p99.9"),
    })
}

fn with_wrk(desk: &Desk) -> anyhow::Result<Told> {
    let command = |url: &str| {
        let mut command = Command::new("wrk");
        command.args(["-t1", "-c10", &format!("-d{LENGTH}"), "--latency", url]);
        command
    };
    let (stall_ms, said) = stalled(desk, command)?;
    let ms = |percent: &str| {
        let line = said
            .lines()
            .find(|line| line.trim_start().starts_with(percent))?;
        milliseconds(line.split_whitespace().nth(1)?)
    };
    Ok(Told {
        who: "wrk -c10 (as fast as it can)".to_owned(),
        stall_ms,
        p50: ms("50%"),
        p99: ms("99%"),
        p999: None,
    })
}

/// `1.25ms` as wrk writes it.
fn milliseconds(text: &str) -> Option<f64> {
    let at = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let factor = match &text[at..] {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        _ => return None,
    };
    Some(text[..at].parse::<f64>().ok()? * factor)
}

/// Runs a tool against a bare server that is stopped in the middle; gives how long, in milliseconds, and what the tool said.
fn stalled(desk: &Desk, tool: impl Fn(&str) -> Command) -> anyhow::Result<(f64, String)> {
    let (echo, url) = desk.echo()?;
    let tool = Background::start(tool(&url))?;
    std::thread::sleep(BEFORE);
    let stall = echo.stall(STALL)?;
    let said = tool.rest()?;
    Ok((stall.as_secs_f64() * 1e3, said))
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

/// The program oha; installed below `target` when it is not there.
fn oha() -> anyhow::Result<PathBuf> {
    if on_path("oha") {
        return Ok("oha".into());
    }
    let root = step::root().join("target/tools");
    let program = root.join("bin/oha");
    if !program.exists() {
        let root = root.to_string_lossy().into_owned();
        let features = "--no-default-features";
        step::run_cargo(&["install", "oha", "--locked", features, "--root", &root])?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::{Told, milliseconds};

    #[test]
    fn what_wrk_writes_is_read() {
        assert_eq!(milliseconds("1.25ms"), Some(1.25));
        assert_eq!(milliseconds("2.00s"), Some(2000.0));
        assert_eq!(milliseconds("500.00us"), Some(0.5));
        assert_eq!(milliseconds("500"), None);
    }

    #[test]
    fn who_hides_the_stall_is_not_near() {
        let told = |p99, p999| Told {
            who: String::new(),
            stall_ms: 2000.0,
            p50: None,
            p99,
            p999,
        };
        assert!(told(Some(1710.0), Some(1960.0)).is_near());
        assert!(!told(Some(0.5), Some(1960.0)).is_near());
        assert!(!told(Some(1710.0), None).is_near());
    }
}
