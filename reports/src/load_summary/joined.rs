//! The seconds of several shares on one axis: how far apart their machines' clocks were, and what they measured in the same second.
//!
//! Each share knows, for some others, by how much its clock was ahead of theirs at most ([`super::ShareClock`]). Two such bounds, there and back, hold the
//! offset between them. Counts of the same second are added, percentiles come from the added histograms; nothing is averaged.

use std::collections::BTreeMap;

use super::{
    LoadSummary, Times,
    interval_log::tag,
    series::{Measured, Second},
};

/// Where a share's seconds are on the axis of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// So many seconds after the first share's zero its own zero is; the earliest share has 0.
    pub later_s: u64,
    /// By how many microseconds its clock is ahead of the first share's, give or take `within_us`; `None` where the shares never read each other's
    /// heartbeats, and their clocks are taken as equal.
    pub ahead_us: Option<i64>,
    /// How far `ahead_us` may be off.
    pub within_us: Option<i64>,
}

/// Where each share's seconds are, in the order given. The first is the reference.
#[must_use]
pub fn align(shares: &[LoadSummary]) -> Vec<Alignment> {
    let clock = |summary: &LoadSummary| summary.clock.clone().unwrap_or_default();
    let index = |summary: &LoadSummary| summary.share.map_or(0, |share| share.index);
    let Some(reference) = shares.first() else {
        return Vec::new();
    };
    let first = clock(reference);
    let offset = |share: &LoadSummary| -> Option<(i64, i64)> {
        if index(share) == index(reference) {
            return Some((0, 0));
        }
        // Ahead by at most `most`, and by at least the negative of what the other is ahead by at most.
        let most = *clock(share).ahead_us_max.get(&index(reference))?;
        let least = -*first.ahead_us_max.get(&index(share))?;
        (least <= most).then_some(((least + most) / 2, (most - least + 1) / 2))
    };
    let begun_us = |share: &LoadSummary| {
        let ahead_us = offset(share).map_or(0, |(ahead_us, _)| ahead_us);
        clock(share).began_us - ahead_us
    };
    let earliest = shares.iter().map(begun_us).min().unwrap_or(0);
    let alignment = |share: &LoadSummary| {
        let later_us = begun_us(share) - earliest;
        let offset = offset(share);
        Alignment {
            later_s: u64::try_from((later_us + 500_000) / 1_000_000).expect("the earliest is 0"),
            ahead_us: offset.map(|(ahead_us, _)| ahead_us),
            within_us: offset.map(|(_, within_us)| within_us),
        }
    };
    shares.iter().map(alignment).collect()
}

/// What a share wrote down of its seconds.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// `series.csv`.
    pub seconds: Vec<Second>,
    /// `latency.hdr`, by begin in milliseconds and tag.
    pub intervals: BTreeMap<(u64, String), Times>,
}

/// All shares' intervals on one axis, by second and tag.
///
/// # Panics
/// Never: all histograms of this harness are of one shape.
#[must_use]
pub fn intervals(parts: &[(Alignment, Part)]) -> BTreeMap<(u64, String), Times> {
    let mut all: BTreeMap<(u64, String), Times> = BTreeMap::new();
    for (alignment, part) in parts {
        for ((begin_ms, tag), times) in &part.intervals {
            let second = begin_ms / 1000 + alignment.later_s;
            let sum = all.entry((second, tag.clone())).or_default();
            sum.add(times).expect("all are of one shape");
        }
    }
    all
}

/// All shares' seconds on one axis; `intervals` is what [`intervals`] made of the same parts.
#[must_use]
pub fn seconds(
    parts: &[(Alignment, Part)],
    intervals: &BTreeMap<(u64, String), Times>,
) -> Vec<Second> {
    let mut all: BTreeMap<(u64, String, String, bool), Second> = BTreeMap::new();
    for (alignment, part) in parts {
        for second in &part.seconds {
            let second_s = second.second_s + alignment.later_s;
            let is_measured = second.measured == Measured::Yes;
            let key = (
                second_s,
                second.region.clone(),
                second.kind.clone(),
                is_measured,
            );
            let sum = all.entry(key).or_insert_with(|| Second {
                second_s,
                answered: 0,
                failed: 0,
                late: 0,
                never_sent: 0,
                response_ns: None,
                service_ns: None,
                ..second.clone()
            });
            sum.answered += second.answered;
            sum.failed += second.failed;
            sum.late += second.late;
            sum.never_sent += second.never_sent;
        }
    }
    for second in all.values_mut() {
        let prefix = match second.measured {
            Measured::Yes => "",
            Measured::WarmUp => "warm-up.",
        };
        let three = |what: &str| {
            let tag = format!("{prefix}{}", tag(&second.kind, &second.region, what));
            let told = intervals.get(&(second.second_s, tag))?.percentiles();
            Some([told.p50_ns, told.p99_ns, told.max_ns])
        };
        (second.response_ns, second.service_ns) = (three("response"), three("service"));
    }
    all.into_values().collect()
}

/// What is said of the shares' clocks, a sentence for each share but the first.
#[must_use]
pub fn told(shares: &[LoadSummary], alignments: &[Alignment]) -> Vec<String> {
    let name = |summary: &LoadSummary| summary.share.map_or(0, |share| share.index);
    let first = shares.first().map_or(0, name);
    let sentence = |(share, alignment): (&LoadSummary, &Alignment)| {
        let share = name(share);
        match (alignment.ahead_us, alignment.within_us) {
            (Some(ahead_us), Some(within_us)) => format!(
                "the clock of share {share} is {:+.1} ms from that of share {first}, give or take {:.1} ms",
                ahead_us as f64 / 1e3,
                within_us as f64 / 1e3
            ),
            (None, _) | (_, None) => format!(
                "shares {first} and {share} did not read each other's heartbeats, or a clock was set meanwhile: their seconds are joined by their own clocks"
            ),
        }
    };
    shares
        .iter()
        .zip(alignments)
        .skip(1)
        .map(sentence)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load_summary::{Share, ShareClock, tests::summary};

    fn share(index: u32, began_us: i64, ahead_us_max: &[(u32, i64)]) -> LoadSummary {
        LoadSummary {
            share: Some(Share { index, of: 2 }),
            clock: Some(ShareClock {
                began_us,
                recorded_from_us: None,
                ahead_us_max: ahead_us_max.iter().copied().collect(),
            }),
            ..summary()
        }
    }

    /// The second share's clock is 5 s ahead and it began 2 s later; each read took 1 ms to tell, less or more.
    #[test]
    fn offsets_are_held_by_bounds_from_both_sides() {
        let first = share(1, 100_000_000, &[(2, -4_999_000)]);
        let second = share(2, 107_000_000, &[(1, 5_003_000)]);
        let alignments = align(&[first.clone(), second.clone()]);
        assert_eq!(alignments[0].later_s, 0);
        assert_eq!(
            alignments[1],
            Alignment {
                later_s: 2,
                ahead_us: Some(5_001_000),
                within_us: Some(2_000)
            }
        );
        insta::assert_snapshot!(told(&[first.clone(), second], &alignments)[0], @"the clock of share 2 is +5001.0 ms from that of share 1, give or take 2.0 ms");
        // One that was never read: its own clock must do.
        let alone = share(2, 103_000_000, &[]);
        let alignments = align(&[first.clone(), alone]);
        assert_eq!((alignments[1].later_s, alignments[1].within_us), (3, None));
        // One that began earlier is the zero of the axis.
        let alignments = align(&[first, share(2, 99_000_000, &[])]);
        assert_eq!([alignments[0].later_s, alignments[1].later_s], [1, 0]);
    }

    #[test]
    fn counts_of_a_second_are_added_and_percentiles_taken_of_all() {
        let second = |second_s, answered| Second {
            second_s,
            measured: Measured::Yes,
            region: "a".into(),
            kind: "read".into(),
            answered,
            failed: 1,
            late: 0,
            never_sent: 0,
            response_ns: Some([1, 1, 1]),
            service_ns: None,
        };
        let part = |at: u64, value_ns: u64| {
            let mut times = Times::default();
            times.record(value_ns);
            Part {
                seconds: vec![second(at, 10)],
                intervals: [((at * 1000 + 3, "read.a.response".to_owned()), times)].into(),
            }
        };
        let at = |later_s| Alignment {
            later_s,
            ahead_us: None,
            within_us: None,
        };
        let parts = [(at(0), part(5, 1000)), (at(2), part(3, 9000))];
        let intervals = intervals(&parts);
        let joined = seconds(&parts, &intervals);
        assert_eq!(joined.len(), 1);
        assert_eq!(
            (joined[0].second_s, joined[0].answered, joined[0].failed),
            (5, 20, 2)
        );
        let [median, _, max] = joined[0].response_ns.expect("it was answered");
        assert!(
            (1000..1002).contains(&median) && (9000..9010).contains(&max),
            "{median} {max}"
        );
    }
}
