//! `latency.hdr`: an `HdrHistogram` interval log, written as the run goes, that HdrHistogram's own tools open.
//!
//! One line per interval and tag: `Tag=read.us-east-1.response,START,LENGTH,MAX,HISTOGRAM`, seconds since the base time, the maximum in milliseconds, the
//! histogram of nanoseconds as V2, deflated, in base64. Tags are `KIND.REGION.response`, `KIND.REGION.service`, `KIND.REGION.error` and
//! `lag.FROM:TO.upper`. Each line is written whole; a run that was killed leaves a log that can be read up to its last line.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use super::{Times, TimesError};

/// Writes one log.
#[derive(Debug)]
pub struct IntervalLog<W: Write> {
    out: W,
}

impl<W: Write> IntervalLog<W> {
    /// Begins a log; `started_ms` is when the run began, milliseconds since 1970.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn begin(mut out: W, started_ms: u64) -> io::Result<Self> {
        let started = format!("{}.{:03}", started_ms / 1000, started_ms % 1000);
        write!(
            out,
            "#[Histogram log format version 1.3]\n#[StartTime: {started} (seconds since epoch)]\n#[BaseTime: {started} (seconds since epoch)]\n\
             #[MaxValueDivisor: 1000000.000]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
        )?;
        Ok(Self { out })
    }

    /// Writes one interval of one tag. An empty one is left out.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn write(
        &mut self,
        tag: &str,
        begin_ns: u64,
        length_ns: u64,
        times: &Times,
    ) -> io::Result<()> {
        assert!(
            !tag.contains([',', ' ', '\n', '\r']),
            "the log's format parts its fields by these"
        );
        if times.is_empty() {
            return Ok(());
        }
        let line = format!(
            "Tag={tag},{},{},{},{}\n",
            thousandths(begin_ns / 1_000_000),
            thousandths(length_ns / 1_000_000),
            thousandths(times.percentiles().max_ns / 1_000),
            times.encoded()
        );
        self.out.write_all(line.as_bytes())
    }

    /// Hands what was written on.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Gives the writer back.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// `1234` as `1.234`.
fn thousandths(number: u64) -> String {
    format!("{}.{:03}", number / 1000, number % 1000)
}

/// The tag of a kind's response times, service times or errors: `read.us-east-1.response`.
#[must_use]
pub fn tag(kind: &str, region: &str, what: &str) -> String {
    format!("{kind}.{region}.{what}")
}

/// Why a log could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A line that no interval log has.
    #[error(
        "line {line}: this is not a line of an interval log; a killed run may end in half a line: remove it"
    )]
    Line {
        /// From 1.
        line: usize,
    },
    /// A histogram that cannot be read.
    #[error("tag {tag} at {begin_ms} ms: {source}")]
    Times {
        /// Its tag.
        tag: String,
        /// Where.
        begin_ms: u64,
        /// Why.
        source: TimesError,
    },
}

/// All intervals of a log by begin (milliseconds since its base time) and tag. Several logs (the shares of one schedule) may be read into one
/// map: histograms of one tag and begin are added, each log on its own clock.
///
/// # Errors
/// A line is not what a log has.
pub fn read_into(
    intervals: &mut BTreeMap<(u64, String), Times>,
    log: &[u8],
) -> Result<(), LogError> {
    for entry in IntervalLogIterator::new(log) {
        let entry = entry.map_err(|error| {
            let hdrhistogram::serialization::interval_log::LogIteratorError::ParseError { offset } =
                error;
            LogError::Line {
                line: log[..offset].iter().filter(|byte| **byte == b'\n').count() + 1,
            }
        })?;
        let interval = match entry {
            LogEntry::Interval(interval) => interval,
            LogEntry::StartTime(_) | LogEntry::BaseTime(_) => continue,
        };
        let tag = interval.tag().map_or("", |tag| tag.as_str()).to_owned();
        let begin_ms = u64::try_from(interval.start_timestamp().as_millis())
            .expect("a log's seconds are far below 2^53");
        let failed = |source| LogError::Times {
            tag: tag.clone(),
            begin_ms,
            source,
        };
        let times = Times::decoded(interval.encoded_histogram()).map_err(failed)?;
        intervals
            .entry((begin_ms, tag.clone()))
            .or_default()
            .add(&times)
            .map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(values: &[u64]) -> Times {
        let mut times = Times::default();
        values.iter().for_each(|value| times.record(*value));
        times
    }

    fn log(values: &[u64]) -> Vec<u8> {
        let mut log = IntervalLog::begin(Vec::new(), 1_763_719_200_125).expect("memory takes all");
        for second in 0..2 {
            let begin_ns = second * 1_000_000_000;
            log.write(
                &tag("read", "us-east-1", "response"),
                begin_ns,
                1_000_000_000,
                &times(values),
            )
            .expect("memory takes all");
            log.write("lag.a:b.upper", begin_ns, 1_000_000_000, &times(&[]))
                .expect("memory takes all");
        }
        log.into_inner()
    }

    #[test]
    fn the_log_is_what_its_readers_expect() {
        let text = String::from_utf8(log(&[1_500_000])).expect("it is text");
        let histogram = times(&[1_500_000]).encoded();
        let told = text.replace(&histogram, "HISTOGRAM");
        assert!(histogram.starts_with("HISTFAAA"), "{histogram}");
        insta::assert_snapshot!(told, @r#"
        #[Histogram log format version 1.3]
        #[StartTime: 1763719200.125 (seconds since epoch)]
        #[BaseTime: 1763719200.125 (seconds since epoch)]
        #[MaxValueDivisor: 1000000.000]
        "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
        Tag=read.us-east-1.response,0.000,1.000,1.500,HISTOGRAM
        Tag=read.us-east-1.response,1.000,1.000,1.500,HISTOGRAM
        "#);
    }

    #[test]
    fn a_log_is_read_back_and_shares_add_up() {
        let mut intervals = BTreeMap::new();
        read_into(&mut intervals, &log(&[1_000, 2_000])).expect("it was just written");
        read_into(&mut intervals, &log(&[3_000])).expect("it was just written");
        assert_eq!(intervals.len(), 2);
        let second = &intervals[&(1000, "read.us-east-1.response".to_owned())];
        assert_eq!(second, &times(&[1_000, 2_000, 3_000]));
    }

    #[test]
    fn half_a_line_is_told_with_its_number() {
        let mut half = log(&[1_000]);
        half.truncate(half.len() - 10);
        let told = read_into(&mut BTreeMap::new(), &half).expect_err("it is cut");
        assert_eq!(told, LogError::Line { line: 7 });
        let told =
            read_into(&mut BTreeMap::new(), b"Tag=x,0.0,1.0,2.0,AAAA\n").expect_err("no histogram");
        assert!(told.to_string().starts_with("tag x at 0 ms"), "{told}");
    }
}
