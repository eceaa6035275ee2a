//! What the generator itself can do, against a bare server: how late it starts operations, and how many it sends per second of CPU.
//!
//! Wall rates on a busy machine say little; CPU time does. The sending thread's own CPU time is in the summary.

use super::desk::Desk;

/// Operations per second of the sending thread's CPU, at least.
const PER_CPU_S_MIN: f64 = 40_000.0;

/// The 99th percentile of the schedule error at half that rate, at most.
const ERROR_MS_MAX: f64 = 1.0;

pub(super) fn measure(desk: &Desk) -> anyhow::Result<bool> {
    let (_echo, url) = desk.echo()?;
    let mut holds = true;
    for (rate, is_promised) in [("5k", false), ("20k", true)] {
        let summary = desk.load(&format!(
            "load run reads --rate {rate} --for 20s --warm-up 3s --in-flight 64 --keys 100 --timeout 10s --seed 7 --output quiet --region a={url}"
        ))?;
        let (_, answered) = summary.counts();
        let per_s = answered as f64 / 20.0;
        let busy = summary.0["client"]["cpu_busy_ratio"].as_f64();
        let per_cpu_s = busy.map_or(f64::NAN, |busy| per_s / busy);
        let error_ms = summary.ms("schedule_error", "p99_ns")?;
        let response_ms = summary.ms("response", "p99_ns")?;
        let warnings = &summary.0["warnings"];
        println!(
            "nightly:   {rate}/s asked, {per_s:.0}/s answered; {per_cpu_s:.0} per second of the sending thread's CPU; schedule error p99 {error_ms:.3} ms, response p99 {response_ms:.2} ms; warnings: {warnings}",
        );
        if is_promised {
            holds = per_cpu_s >= PER_CPU_S_MIN && error_ms <= ERROR_MS_MAX;
        }
    }
    Ok(holds)
}
