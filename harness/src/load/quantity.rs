//! Counts and durations as people write them: `5k`, `1.5M`, `30s`, `500ms`, `5m`; rates that run: `1k..20k`, `1k..20k/1k`.

use std::time::Duration;

use workloads::arrival::{Arrival, BadShape, Shape, Share};

/// Longest duration that is understood: a month.
const LONGEST_S: f64 = 31.0 * 86_400.0;

/// What could not be read, and what to write.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum QuantityError {
    #[error(
        "`{0}` is not a count; write a number with k or M behind it if you like, such as 500, 5k or 1.5M"
    )]
    Count(String),
    #[error(
        "`{0}` is not a duration; write a number with its unit ms, s, m or h, such as 500ms, 30s or 5m"
    )]
    Duration(String),
    #[error("`{given}` is not a whole number of {wanted}")]
    Whole { given: String, wanted: &'static str },
    #[error("`{given}` is not a rate for {arrival} arrivals; write {wanted}")]
    Rate {
        given: String,
        arrival: &'static str,
        wanted: &'static str,
    },
    #[error("`{0}` is not a share; write which one of how many, from 1, such as 3/16")]
    Share(String),
    #[error(transparent)]
    Shape(#[from] BadShape),
}

/// `5k` is 5,000; `1.5M` is 1,500,000.
pub(crate) fn count(text: &str) -> Result<f64, QuantityError> {
    let bad = || QuantityError::Count(text.to_owned());
    let (digits, scale) = match text.trim().char_indices().last() {
        Some((at, 'k' | 'K')) => (&text.trim()[..at], 1e3),
        Some((at, 'm' | 'M')) => (&text.trim()[..at], 1e6),
        Some(_) => (text.trim(), 1.0),
        None => return Err(bad()),
    };
    let plain = |letter: char| letter.is_ascii_digit() || letter == '.';
    match digits.parse::<f64>() {
        Ok(number) if digits.chars().all(plain) => Ok(number * scale),
        Ok(_) | Err(_) => Err(bad()),
    }
}

/// A whole count of at least one.
pub(crate) fn whole(text: &str) -> Result<u64, QuantityError> {
    let number = count(text)?;
    if number.fract() != 0.0 || !(1.0..=1e12).contains(&number) {
        return Err(QuantityError::Count(text.to_owned()));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and in range"
    )]
    Ok(number as u64)
}

/// A whole count, perhaps 0.
pub(crate) fn size(text: &str) -> Result<u64, QuantityError> {
    if text == "0" { Ok(0) } else { whole(text) }
}

/// `500ms`, `30s`, `5m`, `2h`.
pub(crate) fn duration(text: &str) -> Result<Duration, QuantityError> {
    let bad = || QuantityError::Duration(text.to_owned());
    let at = text
        .find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))
        .ok_or_else(bad)?;
    let scale_s = match text[at..].trim() {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _unknown => return Err(bad()),
    };
    let number: f64 = text[..at].parse().map_err(|_| bad())?;
    if number * scale_s > LONGEST_S {
        return Err(bad());
    }
    Ok(Duration::from_secs_f64(number * scale_s))
}

/// Whole seconds, with their unit or bare: `90`, `90s`, `1.5m`.
pub(crate) fn seconds(text: &str) -> Result<u64, QuantityError> {
    whole_units(text, 1000, "seconds, such as 90, 90s or 2m")
}

/// Whole milliseconds, with their unit or bare: `2000`, `800ms`, `2s`.
pub(crate) fn milliseconds(text: &str) -> Result<u64, QuantityError> {
    whole_units(text, 1, "milliseconds, such as 2000, 800ms or 2s")
}

fn whole_units(text: &str, unit_ms: u128, wanted: &'static str) -> Result<u64, QuantityError> {
    if let Ok(bare) = text.parse() {
        return Ok(bare);
    }
    let given = duration(text).map(|duration| duration.as_millis());
    let whole = given.ok().filter(|ms| ms.is_multiple_of(unit_ms));
    let units = whole.and_then(|ms| u64::try_from(ms / unit_ms).ok());
    units.ok_or_else(|| QuantityError::Whole {
        given: text.to_owned(),
        wanted,
    })
}

/// As [`duration`] reads it.
pub(crate) fn written(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms.is_multiple_of(1000) {
        format!("{}s", ms / 1000)
    } else {
        format!("{ms}ms")
    }
}

/// `3/16`.
pub(crate) fn share(text: &str) -> Result<(u32, u32, Share), QuantityError> {
    let bad = || QuantityError::Share(text.to_owned());
    let (index, of) = text.split_once('/').ok_or_else(bad)?;
    let (index, of) = (index.parse::<u32>(), of.parse::<u32>());
    let (Ok(index), Ok(of)) = (index, of) else {
        return Err(bad());
    };
    let share = Share::new(u64::from(index), u64::from(of)).ok_or_else(bad)?;
    Ok((index, of, share))
}

/// How operations arrive, as named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Arrivals {
    /// Evenly, at one rate
    Constant,
    /// At one rate, independent of each other: gaps are exponential
    Poisson,
    /// Around the rate, half of it up and down, three times in the run
    Sine,
    /// From one rate to another in a straight line: --rate 1k..20k
    Ramp,
    /// One rate after the other, for equal times: --rate 1k..20k/1k
    Steps,
}

impl Arrivals {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
            Self::Sine => "sine",
            Self::Ramp => "ramp",
            Self::Steps => "steps",
        }
    }

    pub(crate) fn arrival(self) -> Arrival {
        match self {
            Self::Poisson => Arrival::Poisson,
            Self::Constant | Self::Sine | Self::Ramp | Self::Steps => Arrival::Even,
        }
    }

    /// The shape of a rate over this time.
    pub(crate) fn shape(self, rate: &str, over: Duration) -> Result<Shape, QuantityError> {
        let over_s = over.as_secs_f64();
        let bad = |wanted| QuantityError::Rate {
            given: rate.to_owned(),
            arrival: self.name(),
            wanted,
        };
        const ONE: &str = "one rate, such as 5k";
        const RAMP: &str = "where it begins and ends, such as 1k..20k";
        let is_one = !rate.contains("..");
        let shape = match self {
            Self::Constant | Self::Poisson if is_one => Shape::Constant { rate: count(rate)? },
            Self::Sine if is_one => Shape::Sine {
                rate: count(rate)?,
                amplitude: 0.5,
                period_s: over_s / 3.0,
            },
            Self::Constant | Self::Poisson | Self::Sine => return Err(bad(ONE)),
            Self::Ramp => {
                let (from, to) = rate.split_once("..").ok_or_else(|| bad(RAMP))?;
                let (from, to) = (count(from)?, count(to)?);
                Shape::Ramp { from, to, over_s }
            }
            Self::Steps => {
                let rates = rates(rate)?;
                let each_s = over_s / rates.len() as f64;
                Shape::Steps { rates, each_s }
            }
        };
        Ok(shape.checked()?)
    }
}

/// `1k..20k/1k`: the rates of steps, each one that can be asked for.
pub(crate) fn rates(text: &str) -> Result<Vec<f64>, QuantityError> {
    let bad = || QuantityError::Rate {
        given: text.to_owned(),
        arrival: Arrivals::Steps.name(),
        wanted: "first, last and distance, such as 1k..20k/1k; at most a thousand steps",
    };
    let (from, rest) = text.split_once("..").ok_or_else(bad)?;
    let (to, by) = rest.split_once('/').ok_or_else(bad)?;
    let rates = steps(count(from)?, count(to)?, count(by)?).ok_or_else(bad)?;
    for rate in &rates {
        Shape::Constant { rate: *rate }.checked()?;
    }
    Ok(rates)
}

/// The rates from one to another, both included, at most a thousand.
fn steps(from: f64, to: f64, by: f64) -> Option<Vec<f64>> {
    let distance = to - from;
    if by <= 0.0 || distance.abs() / by > 1000.0 {
        return None;
    }
    let rates = (0..=1000).map(|step| from + distance.signum() * by * f64::from(step));
    Some(
        rates
            .take_while(|rate| (rate - from).abs() <= distance.abs() + by * 1e-9)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_durations_are_read_as_people_write_them() {
        assert_eq!(count("5k"), Ok(5e3));
        assert_eq!(count("1.5M"), Ok(1.5e6));
        assert_eq!(whole("64"), Ok(64));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        for bad in ["", "k", "fast", "-5", "1e9", "5kk", "inf"] {
            assert!(count(bad).is_err(), "{bad}");
        }
        for bad in ["30", "s", "", "30 parsecs", "-3s", "1.2.3s", "999999h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert!(whole("0").is_err() && whole("1.5").is_err());
        assert_eq!(
            [seconds("90"), seconds("90s"), seconds("1.5m")],
            [90; 3].map(Ok)
        );
        assert_eq!(
            [milliseconds("800"), milliseconds("0.8s")],
            [800; 2].map(Ok)
        );
        insta::assert_snapshot!(seconds("500ms").unwrap_err(), @"`500ms` is not a whole number of seconds, such as 90, 90s or 2m");
        insta::assert_snapshot!(milliseconds("-1").unwrap_err(), @"`-1` is not a whole number of milliseconds, such as 2000, 800ms or 2s");
    }

    #[test]
    fn rates_fit_their_arrivals() {
        let over = Duration::from_secs(30);
        let steps = Arrivals::Steps
            .shape("1k..3k/1k", over)
            .expect("well formed");
        let rates = vec![1e3, 2e3, 3e3];
        assert_eq!(
            steps,
            Shape::Steps {
                rates,
                each_s: 10.0
            }
        );
        assert!(Arrivals::Ramp.shape("1k..2k", over).is_ok());
        let told =
            |arrivals: Arrivals, rate| arrivals.shape(rate, over).expect_err("refused").to_string();
        insta::assert_snapshot!(told(Arrivals::Constant, "1k..2k"), @"`1k..2k` is not a rate for constant arrivals; write one rate, such as 5k");
        insta::assert_snapshot!(told(Arrivals::Ramp, "5k"), @"`5k` is not a rate for ramp arrivals; write where it begins and ends, such as 1k..20k");
        insta::assert_snapshot!(told(Arrivals::Poisson, "0"), @"rate 0: must be a number above 0 and at most 10 million operations per second");
    }

    #[test]
    fn shares_count_from_one() {
        assert!(share("3/16").is_ok_and(|share| (share.0, share.1) == (3, 16)));
        for bad in ["0/4", "5/4", "3", "a/b", "1/0"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
