//! Numbers as people read them: counts with k and M, durations with units. Every face of the report uses these.

/// `9,876`, `12.3k`, `4.56M`.
#[must_use]
pub fn count(number: u64) -> String {
    match number {
        0..=999 => number.to_string(),
        1_000..=9_999 => format!("{},{:03}", number / 1_000, number % 1_000),
        10_000..=999_949 => format!("{}k", three_digits(number as f64 / 1e3)),
        999_950..=999_949_999 => format!("{}M", three_digits(number as f64 / 1e6)),
        999_950_000.. => format!("{}G", three_digits(number as f64 / 1e9)),
    }
}

/// `1 read`, `2 reads`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// `850 ns`, `12.3 µs`, `4.56 ms`, `1.23 s`, `2 min 05 s`, `1 h 03 min`.
#[must_use]
pub fn duration(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    match nanoseconds {
        0 => "0".to_owned(),
        1..=999 => format!("{nanoseconds} ns"),
        1_000..=999_499 => format!("{} µs", three_digits(nanoseconds as f64 / 1e3)),
        999_500..=999_499_999 => format!("{} ms", three_digits(nanoseconds as f64 / 1e6)),
        999_500_000..=119_999_999_999 => format!("{} s", three_digits(nanoseconds as f64 / 1e9)),
        120_000_000_000..=3_599_999_999_999 => {
            format!("{} min {:02} s", seconds / 60, seconds % 60)
        }
        3_600_000_000_000.. => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// A place in the run: `12.345 s`.
#[must_use]
pub fn moment(nanoseconds: u64) -> String {
    let milliseconds = nanoseconds / 1_000_000;
    format!("{}.{:03} s", milliseconds / 1_000, milliseconds % 1_000)
}

/// A latency, or a dash where nothing was measured.
#[must_use]
pub fn latency(measured: u64, nanoseconds: u64) -> String {
    if measured == 0 {
        "–".to_owned()
    } else {
        duration(nanoseconds)
    }
}

/// A measurement of the checker, by its name with the unit last: `("staleness_ms_max", 12.5)` is `("staleness, max", "12.5 ms")`.
#[must_use]
pub fn measurement(name: &str, value: f64) -> (String, String) {
    let tokens: Vec<&str> = name.split('_').collect();
    let unit = tokens
        .iter()
        .rposition(|token| nanoseconds_per(token).is_some() || is_plain(token));
    let (label, unit) = match unit.filter(|at| *at > 0 && at + 2 >= tokens.len()) {
        Some(at) => {
            let mut label = tokens[..at].join(" ");
            for statistic in &tokens[at + 1..] {
                label = format!("{label}, {statistic}");
            }
            (label, tokens[at])
        }
        None => (tokens.join(" "), ""),
    };
    let text = match nanoseconds_per(unit) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`as` saturates, which is what a picture of it needs"
        )]
        #[expect(clippy::cast_sign_loss, reason = "negative durations are shown as 0")]
        Some(scale) => duration((value * scale).round() as u64),
        None => match unit {
            "percent" => format!("{} %", plain(value)),
            "ratio" => format!("{} %", plain(value * 100.0)),
            "bytes" => format!("{} B", plain(value)),
            _ => plain(value),
        },
    };
    (label, text)
}

fn nanoseconds_per(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1.0),
        "us" => Some(1e3),
        "ms" => Some(1e6),
        "s" => Some(1e9),
        _ => None,
    }
}

fn is_plain(unit: &str) -> bool {
    matches!(unit, "count" | "percent" | "ratio" | "bytes")
}

/// A number of any size: whole numbers as counts, others with three digits.
#[must_use]
pub fn plain(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the condition keeps it whole and in range"
    )]
    #[expect(clippy::cast_sign_loss, reason = "the condition keeps it positive")]
    if value >= 0.0 && value.fract() == 0.0 && value < 9e15 {
        count(value as u64)
    } else {
        three_digits(value)
    }
}

fn three_digits(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.0995 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_durations_change_their_unit_without_a_jump() {
        let counts = [
            0, 999, 1_000, 9_999, 10_000, 99_949, 999_949, 999_950, 12_345_678,
        ];
        let shown: Vec<String> = counts.into_iter().map(count).collect();
        insta::assert_snapshot!(shown.join("  "), @"0  999  1,000  9,999  10.0k  99.9k  1000k  1.00M  12.3M");
        let durations = [
            0,
            999,
            1_000,
            999_499,
            999_500,
            4_560_000,
            999_500_000,
            61_000_000_000,
            125_000_000_000,
            3_780_000_000_000,
        ];
        let shown: Vec<String> = durations.into_iter().map(duration).collect();
        insta::assert_snapshot!(shown.join("  "), @"0  999 ns  1.00 µs  999 µs  1.00 ms  4.56 ms  1.00 s  61.0 s  2 min 05 s  1 h 03 min");
        assert_eq!(moment(12_345_678_900), "12.345 s");
        assert_eq!(counted(1, "read"), "1 read");
        assert_eq!(counted(1_200, "read"), "1,200 reads");
    }

    #[test]
    fn measurements_say_their_unit() {
        let shown = [
            ("staleness_ms_max", 12.5),
            ("stale_reads_count", 123.0),
            ("lost_writes", 4.0),
            ("stale_reads_ratio", 0.125),
            ("s", 3.0),
        ]
        .map(|(name, value)| measurement(name, value));
        insta::assert_debug_snapshot!(shown.map(|(label, value)| format!("{label}: {value}")), @r#"
        [
            "staleness, max: 12.5 ms",
            "stale reads: 123",
            "lost writes: 4",
            "stale reads: 12.5 %",
            "s: 3",
        ]
        "#);
    }
}
