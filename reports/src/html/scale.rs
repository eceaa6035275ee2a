//! From numbers to places on a drawing, and which numbers to write beside an axis.

use crate::words;

/// A place on a drawing, with the precision that a screen can show.
pub(super) fn place(position: f64) -> String {
    let rounded = (position * 10.0).round() / 10.0;
    if rounded.fract() == 0.0 {
        format!("{rounded:.0}")
    } else {
        format!("{rounded:.1}")
    }
}

/// Time from left to right, the whole run.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeScale {
    pub(super) end_ns: u64,
    pub(super) left: f64,
    pub(super) right: f64,
}

impl TimeScale {
    pub(super) fn x(self, time_ns: u64) -> f64 {
        let share = time_ns as f64 / self.end_ns.max(1) as f64;
        self.left + share.min(1.0) * (self.right - self.left)
    }

    /// About one mark per 90 units of width, at round times.
    pub(super) fn marks(self) -> Vec<(f64, String)> {
        const STEPS_S: [u64; 17] = [
            1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200,
            86_400,
        ];
        let seconds = self.end_ns as f64 / 1e9;
        let wanted = ((self.right - self.left) / 90.0).max(1.0);
        if seconds / wanted < 0.5 {
            // Shorter than a few seconds: quarters are exact enough.
            let quarter = |n: u64| {
                (
                    self.x(self.end_ns / 4 * n),
                    words::duration(self.end_ns / 4 * n),
                )
            };
            return (0..=4).map(quarter).collect();
        }
        let fits = STEPS_S
            .into_iter()
            .find(|step| seconds / *step as f64 <= wanted);
        let step = fits.unwrap_or(604_800) * 1_000_000_000;
        (0..=self.end_ns / step)
            .map(|n| (self.x(n * step), time_label(n * step, step)))
            .collect()
    }
}

fn time_label(time_ns: u64, step_ns: u64) -> String {
    let seconds = time_ns / 1_000_000_000;
    match step_ns / 1_000_000_000 {
        _ if seconds == 0 => "0".to_owned(),
        0..=59 if seconds < 120 => format!("{seconds} s"),
        0..=59 => format!("{}:{:02}", seconds / 60, seconds % 60),
        60..=3_599 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// Durations from bottom to top, each decade of the same height.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogScale {
    /// The lowest and the highest decade, as powers of ten of nanoseconds.
    decades: (u32, u32),
    top: f64,
    bottom: f64,
}

impl LogScale {
    /// Spans the values that are not 0, by whole decades.
    pub(super) fn spanning(values_ns: impl Iterator<Item = u64>, top: f64, bottom: f64) -> Self {
        let positive = values_ns.filter(|value| *value > 0);
        let (low, high) = positive.fold((u64::MAX, 0), |(low, high), v| (low.min(v), high.max(v)));
        let decades = if high == 0 {
            (6, 7)
        } else {
            (low.ilog10(), (high - 1).max(1).ilog10() + 1)
        };
        Self {
            decades: (decades.0, decades.1.max(decades.0 + 1)),
            top,
            bottom,
        }
    }

    /// The same values at another place.
    pub(super) fn moved(self, top: f64, bottom: f64) -> Self {
        Self {
            top,
            bottom,
            ..self
        }
    }

    pub(super) fn y(self, value_ns: u64) -> f64 {
        let (low, high) = self.decades;
        let exponent = (value_ns.max(1) as f64)
            .log10()
            .clamp(f64::from(low), f64::from(high));
        let share = (exponent - f64::from(low)) / f64::from(high - low);
        self.bottom - share * (self.bottom - self.top)
    }

    /// One mark per decade, fewer where decades are many.
    pub(super) fn marks(self) -> Vec<(f64, String)> {
        let (low, high) = self.decades;
        let step = ((high - low) / 4).max(1);
        (low..=high)
            .step_by(usize::try_from(step).unwrap_or(1))
            .map(|exponent| (self.y(10_u64.pow(exponent)), decade_label(exponent)))
            .collect()
    }
}

/// `10 ms`, without digits after a point.
fn decade_label(exponent: u32) -> String {
    let unit = ["ns", "µs", "ms", "s"][usize::try_from(exponent / 3).unwrap_or(3).min(3)];
    let number = 10_u64.pow(exponent - (exponent / 3).min(3) * 3);
    format!("{number} {unit}")
}

/// Numbers from 0 upwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinearScale {
    max: f64,
    step: f64,
    top: f64,
    bottom: f64,
}

impl LinearScale {
    /// From 0 to a round number that is at least `max`, in two to four steps.
    pub(super) fn up_to(max: f64, top: f64, bottom: f64) -> Self {
        let rough = (max / 3.0).max(1e-9);
        let magnitude = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|n| n * magnitude)
            .into_iter()
            .find(|n| *n >= rough);
        let step = step.unwrap_or(10.0 * magnitude);
        Self {
            max: (max / step).ceil().max(1.0) * step,
            step,
            top,
            bottom,
        }
    }

    pub(super) fn moved(self, top: f64, bottom: f64) -> Self {
        Self {
            top,
            bottom,
            ..self
        }
    }

    pub(super) fn y(self, value: f64) -> f64 {
        self.bottom - (value / self.max).min(1.0) * (self.bottom - self.top)
    }

    pub(super) fn marks(self) -> Vec<(f64, String)> {
        let mut marks = Vec::new();
        let mut value = 0.0;
        while value <= self.max * 1.001 {
            marks.push((self.y(value), words::plain(value)));
            value += self.step;
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        let labels = |marks: Vec<(f64, String)>| {
            marks
                .into_iter()
                .map(|(_, label)| label)
                .collect::<Vec<_>>()
                .join(" | ")
        };
        let time = |seconds: u64| TimeScale {
            end_ns: seconds * 1_000_000_000,
            left: 0.0,
            right: 900.0,
        };
        assert_eq!(
            labels(time(60).marks()),
            "0 | 10 s | 20 s | 30 s | 40 s | 50 s | 60 s"
        );
        assert_eq!(
            labels(time(7_200).marks()),
            "0 | 15 min | 30 min | 45 min | 60 min | 75 min | 90 min | 105 min | 120 min"
        );
        let log = LogScale::spanning([0, 400_000, 2_000_000_000].into_iter(), 0.0, 100.0);
        assert_eq!(
            labels(log.marks()),
            "100 µs | 1 ms | 10 ms | 100 ms | 1 s | 10 s"
        );
        assert_eq!((log.y(0), log.y(10_000_000_000)), (100.0, 0.0));
        assert_eq!(
            labels(LinearScale::up_to(130.0, 0.0, 100.0).marks()),
            "0 | 50 | 100 | 150"
        );
        assert_eq!(
            labels(LinearScale::up_to(0.0, 0.0, 100.0).marks())
                .split(" | ")
                .count(),
            2
        );
    }
}
