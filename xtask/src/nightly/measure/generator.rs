//! What the generator itself can do, against a bare server: how late it starts operations at half its promised rate, and whether it keeps that rate.
//!
//! On a machine that does other things these figures are of the other things: run `chrt --fifo 10 cargo xtask nightly generator` there, whose children then go before
//! everything else.

use super::desk::Desk;

/// What one core must send, with 64 in flight.
const RATE: u32 = 40_000;

/// How long it is measured. Short, as nothing else may run on that core.
const LENGTH_S: u32 = 5;

/// The 99th percentile of the schedule error at half that rate, at most.
const ERROR_MS_MAX: f64 = 1.0;

/// Of what was asked so much must be answered.
const ANSWERED_MIN: f64 = 0.99;

pub(super) fn measure(desk: &Desk) -> anyhow::Result<bool> {
    let (_echo, url) = desk.echo()?;
    let mut holds = true;
    for rate in [RATE / 2, RATE] {
        let summary = desk.load(&format!(
            "load run reads --rate {rate} --for {LENGTH_S}s --warm-up 1s --in-flight 64 --keys 100 --timeout 10s --seed 7 --output quiet --region a={url}"
        ))?;
        let (_, answered) = summary.counts();
        let per_s = answered as f64 / f64::from(LENGTH_S);
        let busy = summary.0["client"]["cpu_busy_ratio"].as_f64();
        let error_ms = summary.ms("schedule_error", "p99_ns")?;
        println!(
            "nightly:   {rate}/s asked, {per_s:.0}/s answered, {:.0} % of one CPU; schedule error p99 {error_ms:.3} ms, response p99 {:.3} ms",
            busy.unwrap_or(f64::NAN) * 100.0,
            summary.ms("response", "p99_ns")?,
        );
        holds &= per_s >= ANSWERED_MIN * f64::from(rate);
        holds &= rate == RATE || error_ms <= ERROR_MS_MAX;
    }
    Ok(holds)
}
