//! How the rate runs over time: constant, ramp, sine, steps.

use std::f64::consts::TAU;

/// The rate of operations per second as a function of the time since the start.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// The same rate throughout.
    Constant {
        /// Operations per second.
        rate: f64,
    },
    /// From one rate to another in a straight line, then the latter.
    Ramp {
        /// Operations per second at the start.
        from: f64,
        /// Operations per second after `over_s`.
        to: f64,
        /// How long the ramp takes, seconds.
        over_s: f64,
    },
    /// `rate * (1 + amplitude * sin(2 pi t / period))`.
    Sine {
        /// Mean operations per second.
        rate: f64,
        /// Share of the mean by which the rate swings, 0 to 1.
        amplitude: f64,
        /// Seconds from crest to crest.
        period_s: f64,
    },
    /// Each rate for the same time, one after the other; the last one stays.
    Steps {
        /// Operations per second of each step.
        rates: Vec<f64>,
        /// How long each step takes, seconds.
        each_s: f64,
    },
}

/// Why a shape is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadShape {
    /// A rate that nobody can keep.
    #[error("rate {0}: must be a number above 0 and at most 10 million operations per second")]
    Rate(f64),
    /// An amplitude that would make the rate negative.
    #[error("amplitude {0}: must lie between 0 and 1, as a share of the mean rate")]
    Amplitude(f64),
    /// A time that is not one.
    #[error("{name} {seconds} s: must be above 0")]
    Time {
        /// Which option.
        name: &'static str,
        /// What was given.
        seconds: f64,
    },
    /// No step at all.
    #[error("steps: name at least one rate, for example 1k..20k/1k")]
    NoSteps,
}

impl Shape {
    /// Checks rates and times.
    ///
    /// # Errors
    /// The first number that makes no sense.
    pub fn checked(self) -> Result<Self, BadShape> {
        match &self {
            Self::Constant { rate } => good_rate(*rate)?,
            Self::Ramp { from, to, over_s } => {
                good_rate(*from)?;
                good_rate(*to)?;
                good_time("ramp time", *over_s)?;
            }
            Self::Sine {
                rate,
                amplitude,
                period_s,
            } => {
                good_rate(*rate)?;
                if !(0.0..=1.0).contains(amplitude) {
                    return Err(BadShape::Amplitude(*amplitude));
                }
                good_time("sine period", *period_s)?;
            }
            Self::Steps { rates, each_s } => {
                if rates.is_empty() {
                    return Err(BadShape::NoSteps);
                }
                rates.iter().try_for_each(|&rate| good_rate(rate))?;
                good_time("step time", *each_s)?;
            }
        }
        Ok(self)
    }

    /// How many operations are due in the first `t` seconds: the integral of the rate.
    #[must_use]
    pub fn due(&self, t: f64) -> f64 {
        match self {
            Self::Constant { rate } => rate * t,
            Self::Ramp { from, to, over_s } => {
                let inside = t.min(*over_s);
                let slope = (to - from) / over_s;
                from * inside + slope * inside * inside / 2.0 + to * (t - inside)
            }
            Self::Sine {
                rate,
                amplitude,
                period_s,
            } => {
                let swing = amplitude * period_s / TAU * (1.0 - (TAU * t / period_s).cos());
                rate * (t + swing)
            }
            Self::Steps { rates, each_s } => {
                let last = rates.len() - 1;
                let mut left = t;
                let mut due = 0.0;
                for rate in &rates[..last] {
                    let inside = left.min(*each_s);
                    due += rate * inside;
                    left -= inside;
                }
                due + rates[last] * left
            }
        }
    }

    /// The time in seconds by which `count` operations are due: the inverse of [`Shape::due`], to a nanosecond.
    #[must_use]
    pub fn when(&self, count: f64) -> f64 {
        if let Self::Constant { rate } = self {
            return count / rate;
        }
        let mut high = 1.0;
        while self.due(high) < count {
            high *= 2.0;
        }
        let mut low = 0.0;
        // `due` rises, so halving finds the time; 64 halvings reach the last bit of an f64.
        for _ in 0..64 {
            let middle = f64::midpoint(low, high);
            if self.due(middle) < count {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}

fn good_rate(rate: f64) -> Result<(), BadShape> {
    if rate > 0.0 && rate <= 1e7 {
        Ok(())
    } else {
        Err(BadShape::Rate(rate))
    }
}

fn good_time(name: &'static str, seconds: f64) -> Result<(), BadShape> {
    if seconds > 0.0 && seconds.is_finite() {
        Ok(())
    } else {
        Err(BadShape::Time { name, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> [Shape; 4] {
        [
            Shape::Constant { rate: 250.0 },
            Shape::Ramp {
                from: 10.0,
                to: 1000.0,
                over_s: 20.0,
            },
            Shape::Sine {
                rate: 300.0,
                amplitude: 1.0,
                period_s: 7.0,
            },
            Shape::Steps {
                rates: vec![100.0, 900.0, 50.0],
                each_s: 5.0,
            },
        ]
    }

    #[test]
    fn when_is_the_inverse_of_due() {
        for shape in shapes() {
            for count in [1.0, 17.0, 1234.0, 40_000.0] {
                let back = shape.due(shape.when(count));
                assert!(
                    (back - count).abs() < 1e-6,
                    "{shape:?}: {count} came back as {back}"
                );
            }
        }
    }

    #[test]
    fn due_is_the_integral_of_the_rate() {
        let ramp = Shape::Ramp {
            from: 0.5,
            to: 100.5,
            over_s: 10.0,
        };
        assert!((ramp.due(10.0) - 505.0).abs() < 1e-9);
        assert!((ramp.due(12.0) - 706.0).abs() < 1e-9);
        let steps = Shape::Steps {
            rates: vec![100.0, 900.0],
            each_s: 5.0,
        };
        assert!((steps.due(6.0) - 1400.0).abs() < 1e-9);
        let sine = Shape::Sine {
            rate: 300.0,
            amplitude: 0.5,
            period_s: 4.0,
        };
        assert!(
            (sine.due(4.0) - 1200.0).abs() < 1e-9,
            "a whole period has the mean rate"
        );
    }

    #[test]
    fn bad_numbers_are_named() {
        let bad = Shape::Constant { rate: 0.0 }
            .checked()
            .expect_err("no rate");
        assert_eq!(
            bad.to_string(),
            "rate 0: must be a number above 0 and at most 10 million operations per second"
        );
        let bad = Shape::Sine {
            rate: 5.0,
            amplitude: 1.5,
            period_s: 1.0,
        }
        .checked();
        assert_eq!(bad, Err(BadShape::Amplitude(1.5)));
        assert_eq!(
            Shape::Steps {
                rates: vec![],
                each_s: 1.0
            }
            .checked(),
            Err(BadShape::NoSteps)
        );
        assert!(Shape::Constant { rate: f64::NAN }.checked().is_err());
    }
}
