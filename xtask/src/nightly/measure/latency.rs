//! Delays of a known distribution, injected by `dateline proxy` before a bare server, as `dateline load` tells them.
//!
//! Uniform between 20 and 180 ms, and exponential with a mean of 200 ms: of 600,000 draws the 99.9th percentile is off by 0.6 % (one standard
//! deviation) by itself.

use super::desk::{Desk, Summary, off_percent};

/// How far a percentile may be off, in percent.
const OFF_MAX: f64 = 2.0;

pub(super) fn measure(desk: &Desk) -> anyhow::Result<bool> {
    let (_echo, url) = desk.echo()?;
    let upstream = url.trim_start_matches("http://").to_owned();
    let mut proxy = desk.start(&format!("proxy --seed 7 --link a=127.0.0.1:0->{upstream}"))?;
    let line = proxy.line()?;
    let address = line
        .split_whitespace()
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let load = |rate: &str, length: &str, in_flight: &str| {
        desk.load(&format!(
            "load run reads --rate {rate} --for {length} --warm-up 3s --in-flight {in_flight} --keys 100 --timeout 20s --seed 7 --output quiet --region a=http://{address}"
        ))
    };

    proxy.ask("a latency forward 100 80")?;
    let uniform = load("1k", "60s", "400")?;
    let theory = [0.5, 0.9, 0.99, 0.999].map(|quantile| 20.0 + 160.0 * quantile);
    let is_uniform = tell("uniform, 20 to 180 ms", &uniform, theory)?;

    proxy.ask("a heal")?;
    proxy.ask("a tail forward 200")?;
    let exponential = load("4k", "150s", "4000")?;
    let theory = [0.5, 0.1, 0.01, 0.001].map(|rest: f64| -200.0 * rest.ln());
    let is_exponential = tell("exponential, mean 200 ms", &exponential, theory)?;
    Ok(is_uniform && is_exponential)
}

/// Prints the percentiles beside theory and says whether they are near.
fn tell(what: &str, summary: &Summary, theory: [f64; 4]) -> anyhow::Result<bool> {
    let (asked, answered) = summary.counts();
    println!("nightly:   {what}: {answered} of {asked} were answered before the end");
    let measured = summary.percentiles()?;
    let mut is_near = true;
    for ((name, measured), theory) in ["p50", "p90", "p99", "p99.9"]
        .into_iter()
        .zip(measured)
        .zip(theory)
    {
        let off = off_percent(measured, theory);
        println!("nightly:   | {name} | {measured:.2} ms | {theory:.2} ms | {off:+.2} % |");
        is_near &= off.abs() <= OFF_MAX;
    }
    Ok(is_near)
}
