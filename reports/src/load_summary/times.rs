//! A distribution of durations that survives being written down: JSON keeps the percentiles for people and the whole histogram for `merge`.

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer, V2DeflateSerializer},
};
use serde::{Deserialize, Serialize};

use crate::figures::Percentiles;

/// The longest time that is told apart, one hour; longer ones count as that.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// A distribution of durations in nanoseconds, to three digits.
///
/// As JSON: `count`, `p50_ns`, `p90_ns`, `p99_ns`, `p999_ns`, `max_ns`, and `histogram`, the whole of it as `HdrHistogram` V2, deflated, in base64, which
/// HdrHistogram's own tools read. Reading takes the histogram and refuses percentiles that do not belong to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Times(Histogram<u64>);

/// Why a distribution could not be read or added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimesError {
    /// Not base64, or not a histogram.
    #[error(
        "field `histogram` is not an HdrHistogram V2 in base64: {0}; the file is damaged, run again"
    )]
    Malformed(String),
    /// Percentiles and histogram tell different things.
    #[error(
        "fields `p50_ns` … `max_ns` do not belong to the histogram beside them; the file was edited or is damaged, run again"
    )]
    Contradiction,
    /// Histograms of different ranges.
    #[error(
        "histograms of different ranges cannot be added without loss: {0}; use summaries that one version of Dateline wrote"
    )]
    Shape(String),
}

impl Default for Times {
    fn default() -> Self {
        Self(
            Histogram::new_with_bounds(1, LONGEST_NS, 3)
                .expect("bounds and digits are constants that hold"),
        )
    }
}

impl From<Histogram<u64>> for Times {
    fn from(histogram: Histogram<u64>) -> Self {
        Self(histogram)
    }
}

impl Times {
    /// The histogram.
    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    /// How many values.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one value; more than an hour counts as an hour.
    pub fn record(&mut self, value_ns: u64) {
        self.0.saturating_record(value_ns);
    }

    /// Adds another distribution, without loss.
    ///
    /// # Errors
    /// The other one has values beyond what this one can hold.
    pub fn add(&mut self, other: &Self) -> Result<(), TimesError> {
        self.0
            .add(&other.0)
            .map_err(|error| TimesError::Shape(error.to_string()))
    }

    /// The usual percentiles.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        Percentiles::of(&self.0)
    }

    /// `HdrHistogram` V2, deflated, in base64: as in interval logs.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.0, &mut bytes)
            .expect("a histogram of fixed bounds fits into memory");
        STANDARD.encode(bytes)
    }

    /// Reads what [`Times::encoded`] has written.
    ///
    /// # Errors
    /// It is not base64, or not a histogram.
    pub fn decoded(text: &str) -> Result<Self, TimesError> {
        let bytes = STANDARD
            .decode(text)
            .map_err(|error| TimesError::Malformed(error.to_string()))?;
        Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map(Self)
            .map_err(|error| TimesError::Malformed(error.to_string()))
    }
}

/// The JSON form.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(flatten)]
    percentiles: Percentiles,
    histogram: String,
}

impl From<Times> for Written {
    fn from(times: Times) -> Self {
        Self {
            percentiles: times.percentiles(),
            histogram: times.encoded(),
        }
    }
}

impl TryFrom<Written> for Times {
    type Error = TimesError;

    fn try_from(written: Written) -> Result<Self, TimesError> {
        let times = Self::decoded(&written.histogram)?;
        if times.percentiles() == written.percentiles {
            Ok(times)
        } else {
            Err(TimesError::Contradiction)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Times {
        let mut times = Times::default();
        (1..=1000).for_each(|value| times.record(value * 1_000_003));
        times
    }

    #[test]
    fn json_keeps_all_of_it() {
        let text = serde_json::to_string(&some()).expect("it is plain data");
        let read: Times = serde_json::from_str(&text).expect("it was just written");
        assert_eq!(read, some());
        let empty = serde_json::to_string(&Times::default()).expect("it is plain data");
        let read: Times = serde_json::from_str(&empty).expect("it was just written");
        assert!(read.is_empty());
    }

    #[test]
    fn damage_is_told() {
        let mut json = serde_json::to_value(some()).expect("it is plain data");
        json["p99_ns"] = 1.into();
        let told = serde_json::from_value::<Times>(json.clone()).expect_err("it was edited");
        assert!(told.to_string().contains("do not belong"), "{told}");
        json["histogram"] = "AAAA".into();
        let told = serde_json::from_value::<Times>(json).expect_err("it is no histogram");
        assert!(told.to_string().contains("`histogram`"), "{told}");
    }

    #[test]
    fn a_histogram_read_back_adds_like_the_one_written() {
        let mut twice = Times::decoded(&some().encoded()).expect("it was just written");
        twice.add(&some()).expect("one shape");
        assert_eq!(twice.len(), 2000);
        assert_eq!(twice.percentiles().p50_ns, some().percentiles().p50_ns);
    }
}
