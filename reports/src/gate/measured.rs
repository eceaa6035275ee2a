//! What a run folder offers a gate and its history: figures by name, unit last.
//!
//! Percentiles of tests are those of the worst region or pair (`…_max`), because percentiles of several regions cannot be put together; those of loads are over
//! all regions, because their histograms can. Counts that are zero in a good run are left out: nothing can be a multiple of zero.

use std::collections::BTreeMap;

use crate::{
    figures::Percentiles,
    load_summary::{LoadSummary, Times},
    results::Results,
    run_folder::{FolderError, RunFolder},
};

/// The figures of a run of either kind; none if it was not judged.
///
/// # Errors
/// A file is unreadable, malformed or of another version.
pub fn of_folder(folder: &RunFolder) -> Result<BTreeMap<String, f64>, FolderError> {
    if let Some(summary) = folder.load_summary()? {
        return Ok(of_load(&summary));
    }
    Ok(folder
        .results()?
        .as_ref()
        .map(of_results)
        .unwrap_or_default())
}

/// The figures of a test.
#[must_use]
pub fn of_results(results: &Results) -> BTreeMap<String, f64> {
    let mut measured = BTreeMap::new();
    let rows = &results.figures.operations;
    let operations: u64 = rows
        .iter()
        .filter(|row| row.kind.is_workload())
        .map(|row| row.ok + row.fail + row.info)
        .sum();
    let overhead = &results.overhead;
    let per_million = (operations > 0).then(|| 1e6 / count(operations));
    let checking = overhead.check_ms.zip(per_million);
    let costs = [
        (
            "regions_cpu_us_per_operation",
            overhead.regions_cpu_us_per_operation,
        ),
        (
            "harness_cpu_us_per_operation",
            overhead.harness_cpu_us_per_operation,
        ),
        (
            "proxies_cpu_us_per_operation",
            overhead.proxies_cpu_us_per_operation,
        ),
        ("harness_memory_mib_max", overhead.harness_memory_mib_max),
        (
            "check_s_per_million_operations",
            checking.map(|(ms, per_million)| ms / 1000.0 * per_million),
        ),
    ];
    for (name, value) in costs {
        measured.extend(value.map(|value| (name.to_owned(), value)));
    }
    for row in rows.iter().filter(|row| row.kind.is_workload()) {
        worst(&mut measured, row.kind.name(), &row.latency);
    }
    for lag in &results.figures.lag {
        worst(&mut measured, "lag", &lag.upper);
    }
    measured
}

/// The figures of a load.
#[must_use]
pub fn of_load(summary: &LoadSummary) -> BTreeMap<String, f64> {
    let mut measured = BTreeMap::new();
    let achieved: f64 = summary.rows.iter().map(|row| row.achieved_per_s).sum();
    measured.insert("operations_per_s".to_owned(), achieved);
    let mut sums: BTreeMap<String, Times> = BTreeMap::new();
    let mut add = |name: String, times: &Times| {
        // Histograms of one file have one shape: they can be added.
        let added = sums.entry(name).or_default().add(times);
        assert!(added.is_ok(), "one version of Dateline wrote one shape");
    };
    for row in &summary.rows {
        add(format!("{}_response", row.kind), &row.response);
        add(format!("{}_service", row.kind), &row.service);
    }
    for lag in &summary.lag {
        add("lag".to_owned(), &lag.upper);
    }
    for (name, times) in sums {
        for (which, ms) in in_ms(&times.percentiles()) {
            measured.insert(format!("{name}_{which}_ms"), ms);
        }
    }
    measured
}

/// Keeps the greatest of each percentile.
fn worst(measured: &mut BTreeMap<String, f64>, name: &str, told: &Percentiles) {
    for (which, ms) in in_ms(told) {
        let greatest = measured
            .entry(format!("{}_{which}_ms_max", name.replace([' ', '-'], "_")))
            .or_default();
        *greatest = greatest.max(ms);
    }
}

fn in_ms(told: &Percentiles) -> Vec<(&'static str, f64)> {
    if told.count == 0 {
        return Vec::new();
    }
    let pairs = [("p50", told.p50_ns), ("p99", told.p99_ns)];
    pairs.map(|(which, ns)| (which, count(ns) / 1e6)).into()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts are compared with few digits"
)]
fn count(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_has_figures_over_all_regions() {
        let measured = of_load(&crate::load_summary::tests::summary());
        let named: Vec<&str> = measured.keys().map(String::as_str).collect();
        assert_eq!(
            named,
            [
                "lag_p50_ms",
                "lag_p99_ms",
                "operations_per_s",
                "read_response_p50_ms",
                "read_response_p99_ms",
                "read_service_p50_ms",
                "read_service_p99_ms",
                "write_response_p50_ms",
                "write_response_p99_ms",
                "write_service_p50_ms",
                "write_service_p99_ms",
            ]
        );
        assert!(
            (measured["operations_per_s"] - 400.0).abs() < 1.0,
            "{measured:?}"
        );
        // 15 of 1,000 take 15 ms in one region and 18 ms in the other: of both together the slowest hundredth begins among the former.
        let p99_ms = measured["read_response_p99_ms"];
        assert!((14.9..15.1).contains(&p99_ms), "{measured:?}");
    }
}
