//! Each figure side by side.

use super::{ComparedFigure, Noise, Subject, Unit, subject::Measured};
use crate::{stats::effective_sample, words};

/// The confidence of the interval of within-run noise.
const CONFIDENCE: f64 = 0.95;

/// Differences below this are told as none: histograms keep three digits.
const SAME: f64 = 0.002;

/// Every figure that at least one run has, in the order of the first run that has it.
pub(super) fn figures(subjects: &[Subject]) -> Vec<ComparedFigure> {
    let mut order: Vec<&Measured> = Vec::new();
    for measured in subjects.iter().flat_map(|subject| &subject.figures) {
        if order.iter().all(|known| known.name != measured.name) {
            order.push(measured);
        }
    }
    let figures = order.into_iter().map(|measured| {
        let all: Vec<Option<&Measured>> = subjects
            .iter()
            .map(|subject| subject.figures.iter().find(|one| one.name == measured.name))
            .collect();
        figure(measured, &all, subjects)
    });
    figures.collect()
}

fn figure(named: &Measured, all: &[Option<&Measured>], subjects: &[Subject]) -> ComparedFigure {
    let values: Vec<Option<f64>> = all.iter().map(|one| one.map(|one| one.value)).collect();
    let (mut ratio, mut noise) = (None, None);
    if let [Some(a), Some(b)] = all {
        if a.value > 0.0 && b.value > 0.0 {
            ratio = Some(b.value / a.value);
        }
        let interval = effective_sample::log_ratio(&a.series, &b.series, CONFIDENCE);
        noise = interval.map(|interval| Noise {
            low: interval.low.exp(),
            high: interval.high.exp(),
        });
    }
    let sentence = if subjects.len() == 2 {
        of_two(named, &values, noise, subjects)
    } else {
        of_many(named, &values, subjects)
    };
    ComparedFigure {
        name: named.name.clone(),
        unit: named.unit,
        values,
        ratio,
        within_run_noise: noise,
        sentence,
    }
}

fn of_two(
    named: &Measured,
    values: &[Option<f64>],
    noise: Option<Noise>,
    subjects: &[Subject],
) -> String {
    let (name, shown) = (&named.name, |value| shown(named.unit, value));
    let (a, b) = match (values[0], values[1]) {
        (Some(a), Some(b)) => (a, b),
        (Some(a), None) => {
            return format!(
                "{name}: {}, measured in {} only",
                shown(a),
                subjects[0].label
            );
        }
        (None, Some(b)) => {
            return format!(
                "{name}: {}, measured in {} only",
                shown(b),
                subjects[1].label
            );
        }
        (None, None) => return format!("{name}: not measured"),
    };
    if a == b {
        return format!("{name}: {} in both", shown(a));
    }
    let change = if a > 0.0 && b > 0.0 {
        Some(b / a - 1.0)
    } else {
        None
    };
    let told = match change {
        Some(change) if change.abs() < SAME => {
            "the same within the precision of the histograms".to_owned()
        }
        Some(change) => {
            format!(
                "{} {}",
                percent(change.abs()),
                direction(named.unit, change)
            )
        }
        None => "no ratio, one of them is zero".to_owned(),
    };
    let noise = noise.map_or_else(String::new, |noise| {
        format!(
            "; noise within the runs leaves {} to {}",
            signed(noise.low - 1.0),
            signed(noise.high - 1.0)
        )
    });
    format!(
        "{name}: {} instead of {}, {told}{noise}",
        shown(b),
        shown(a)
    )
}

fn of_many(named: &Measured, values: &[Option<f64>], subjects: &[Subject]) -> String {
    let mut known: Vec<(f64, &str)> = values
        .iter()
        .zip(subjects)
        .filter_map(|(value, subject)| value.map(|value| (value, subject.label.as_str())))
        .collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    match (known.first(), known.last()) {
        (Some((least, at_least)), Some((most, at_most))) if least != most => format!(
            "{}: from {} ({at_least}) to {} ({at_most})",
            named.name,
            shown(named.unit, *least),
            shown(named.unit, *most)
        ),
        (Some((value, _)), Some(_)) => {
            format!("{}: {} in all", named.name, shown(named.unit, *value))
        }
        (None, _) | (_, None) => format!("{}: not measured", named.name),
    }
}

/// A value with its unit.
pub(crate) fn shown(unit: Unit, value: f64) -> String {
    match unit {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "durations are positive and far below 2^63"
        )]
        Unit::Ns => words::duration(value.round() as u64),
        Unit::PerS => format!("{}/s", words::plain(round(value))),
        Unit::Ratio => format!("{} %", words::plain(value * 100.0)),
        Unit::Count => words::plain(value),
        Unit::CpuUs => format!("{} µs", words::plain(value)),
        Unit::Mib => format!("{} MiB", words::plain(value)),
    }
}

/// Rates of hundreds and more are read as whole numbers.
fn round(value: f64) -> f64 {
    if value >= 100.0 { value.round() } else { value }
}

/// A ratio for a table: `×1.05`.
pub(crate) fn ratio(value: f64) -> String {
    if value < 10.0 {
        format!("×{value:.2}")
    } else {
        format!("×{}", words::plain(value))
    }
}

/// The interval of within-run noise for a table.
pub(crate) fn noise(noise: Noise) -> String {
    format!("×{:.3} … ×{:.3}", noise.low, noise.high)
}

fn percent(share: f64) -> String {
    if share < 0.1 {
        format!("{:.1} %", share * 100.0)
    } else {
        format!("{:.0} %", share * 100.0)
    }
}

fn signed(change: f64) -> String {
    format!("{:+.1} %", change * 100.0)
}

fn direction(unit: Unit, change: f64) -> &'static str {
    match (unit, change > 0.0) {
        (Unit::Ns, true) => "longer",
        (Unit::Ns, false) => "shorter",
        (Unit::PerS | Unit::Ratio | Unit::Count | Unit::CpuUs | Unit::Mib, true) => "more",
        (Unit::PerS | Unit::Ratio | Unit::Count | Unit::CpuUs | Unit::Mib, false) => "less",
    }
}
