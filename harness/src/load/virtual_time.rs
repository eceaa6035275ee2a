//! The load generator's rules without a clock: what a given server would look like, to the nanosecond.
//!
//! The same rules as the engine's: operations start at their intended time, or as soon as one of `in_flight` slots is free, first come first served;
//! nothing is skipped. It serves as the oracle of the meter (a stalled server has a known answer) and shows what an in-flight limit hides.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Ending, Sample};

/// What becomes of every scheduled operation up to `end_ns` when the server answers as `done_at` says: from the moment an operation starts to
/// the moment its answer is complete.
pub(crate) fn play(
    schedule: impl IntoIterator<Item = u64>,
    in_flight: usize,
    end_ns: u64,
    mut done_at: impl FnMut(u64) -> u64,
) -> Vec<Sample> {
    assert!(in_flight > 0, "nothing can be sent without a slot");
    let mut free: BinaryHeap<Reverse<u64>> = (0..in_flight).map(|_| Reverse(0)).collect();
    let mut samples = Vec::new();
    for intended_ns in schedule
        .into_iter()
        .take_while(|&intended| intended < end_ns)
    {
        let Reverse(slot_free) = free.pop().expect("there is a slot for each pop");
        let started = intended_ns.max(slot_free);
        if started >= end_ns {
            free.push(Reverse(slot_free));
            let ending = Ending::NeverSent;
            samples.push(Sample {
                intended_ns,
                started_ns: None,
                ended_ns: end_ns,
                ending,
            });
            continue;
        }
        let done = done_at(started);
        free.push(Reverse(done));
        let (ended_ns, ending) = if done <= end_ns {
            (done, Ending::Ok)
        } else {
            (end_ns, Ending::Open)
        };
        samples.push(Sample {
            intended_ns,
            started_ns: Some(started),
            ended_ns,
            ending,
        });
    }
    samples
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use workloads::seed::Seed;

    use super::*;
    use crate::load::meter::Meter;

    const MS: u64 = 1_000_000;

    /// A server that takes 1 ms, and nothing at all from 10 s to 12 s.
    fn stalling(started: u64) -> u64 {
        let (from, to) = (10_000 * MS, 12_000 * MS);
        let done = started + MS;
        if done > from && started < to {
            to + MS
        } else {
            done
        }
    }

    fn even(rate: u64) -> impl Iterator<Item = u64> {
        (0..).map(move |number| number * 1_000 * MS / rate)
    }

    /// The value that this many of a thousand do not exceed.
    fn quantile(mut values: Vec<u64>, per_thousand: usize) -> u64 {
        values.sort_unstable();
        values[(values.len() * per_thousand).div_ceil(1000).max(1) - 1]
    }

    #[test]
    fn a_stall_of_two_seconds_shows_as_theory_says() {
        let samples = play(even(1000), 4096, 20_000 * MS, stalling);
        assert_eq!(samples.len(), 20_000);
        assert!(samples.iter().all(|sample| sample.ending == Ending::Ok));
        let responses: Vec<u64> = samples.iter().map(Sample::response_ns).collect();
        // The operation meant for 10 s + n ms is answered at 12.001 s: it waits 2.001 s - n ms. 200 of 20,000 are worse than the p99, 20 than the p99.9.
        assert_eq!(quantile(responses.clone(), 500), MS);
        assert_eq!(quantile(responses.clone(), 990), 1_801 * MS);
        assert_eq!(quantile(responses, 999), 1_981 * MS);
    }

    /// The case that other tools are shown beside: 1,000/s for 30 s, a stall of 2 s. In nanoseconds, whatever the in-flight limit is.
    #[test]
    fn a_stall_in_thirty_seconds_is_exact_at_every_rank() {
        for in_flight in [1024, 4096] {
            let samples = play(even(1000), in_flight, 30_000 * MS, stalling);
            assert_eq!(samples.len(), 30_000);
            let mut responses: Vec<u64> = samples.iter().map(Sample::response_ns).collect();
            responses.sort_unstable();
            responses.reverse();
            // Answered in order after the stall, in_flight at a time, a millisecond each: all that wait do so 2.001 s less their delay at first.
            let waves = |place: u64| place / in_flight as u64;
            let theory = |place: u64| 2_001 * MS - place * MS + waves(place) * MS;
            for place in 0..2_000 {
                let measured = responses[usize::try_from(place).expect("small")];
                assert_eq!(measured, theory(place).max(MS), "{in_flight}: rank {place}");
            }
            assert_eq!(responses[300], 1_701 * MS, "p99");
            assert_eq!(responses[30], 1_971 * MS, "p99.9");
        }
    }

    /// What the proxy's `tail` injects, drawn as it draws, comes out of the meter: at every rank to the nanosecond, at the percentiles to the three
    /// digits of the histograms, and near theory as the number of draws allows.
    #[test]
    fn a_known_distribution_comes_out_as_it_went_in() {
        let mean = Duration::from_millis(200);
        let mut draws = Seed(7).stream("link/a/Forward/0").beside(1);
        let mut injected = Vec::new();
        let schedule = even(2000).take(400_000);
        let samples = play(schedule, 4096, 3_600_000 * MS, |started| {
            let held = mean.mul_f64(draws.exponential());
            let held_ns = u64::try_from(held.as_nanos()).expect("some seconds");
            injected.push(held_ns);
            started + held_ns
        });
        let mut responses: Vec<u64> = samples.iter().map(Sample::response_ns).collect();
        responses.sort_unstable();
        injected.sort_unstable();
        assert_eq!(responses, injected);
        let mut meter = Meter::new();
        samples.iter().for_each(|sample| meter.count(sample));
        for (per_thousand, of_mean) in [
            (500_u16, 0.5_f64.ln()),
            (900, 0.1_f64.ln()),
            (990, 0.01_f64.ln()),
            (999, 0.001_f64.ln()),
        ] {
            let measured = meter
                .response
                .value_at_quantile(f64::from(per_thousand) / 1000.0);
            let at_rank = quantile(injected.clone(), per_thousand.into()) as f64;
            let theory = -of_mean * mean.as_nanos() as f64;
            let off = |from: f64| (measured as f64 / from - 1.0).abs();
            assert!(
                off(at_rank) < 0.001,
                "{per_thousand}: {measured}, {at_rank}"
            );
            assert!(off(theory) < 0.02, "{per_thousand}: {measured}, {theory}");
        }
    }

    #[test]
    fn a_small_in_flight_limit_hides_the_stall_from_service_time_alone() {
        let samples = play(even(1000), 10, 20_000 * MS, stalling);
        let service: Vec<u64> = samples.iter().filter_map(Sample::service_ns).collect();
        let response: Vec<u64> = samples.iter().map(Sample::response_ns).collect();
        assert_eq!(
            quantile(service, 990),
            MS,
            "ten operations of 20,000 saw the stall"
        );
        assert!(
            quantile(response, 990) > 1_700 * MS,
            "what users waited is still told"
        );
    }

    #[test]
    fn what_is_never_sent_and_what_is_open_is_counted() {
        let never_answers = |started: u64| started + 3_600_000 * MS;
        let samples = play(even(100), 3, 1_000 * MS, never_answers);
        let count = |ending: Ending| samples.iter().filter(|one| one.ending == ending).count();
        assert_eq!((count(Ending::Open), count(Ending::NeverSent)), (3, 97));
        assert_eq!(samples[0].response_ns(), 1_000 * MS, "its age at the end");
        assert_eq!(samples[50].late_ns(), 500 * MS);
    }
}
