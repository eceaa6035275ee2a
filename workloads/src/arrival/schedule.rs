//! The moments of all operations, one after the other.

use super::Shape;
use crate::seed::Stream;

/// How the moments lie around the shape's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Evenly: operation `n` when exactly `n` operations are due.
    Even,
    /// As independent arrivals (a Poisson process with the shape's rate): gaps are exponential.
    Poisson,
}

/// One part of a schedule that several generators share: numbers `index`, `index + of`, `index + 2 of`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    index: u64,
    of: u64,
}

impl Share {
    /// The whole schedule.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Share `index` (from 1) of `of`, as in `--share 3/16`.
    #[must_use]
    pub fn new(index: u64, of: u64) -> Option<Self> {
        (1..=of).contains(&index).then(|| Self {
            index: index - 1,
            of,
        })
    }

    fn has(self, number: u64) -> bool {
        number % self.of == self.index
    }
}

/// The intended start of every operation of one share, in order.
#[derive(Clone, Debug)]
pub struct Schedule {
    shape: Shape,
    arrival: Arrival,
    stream: Stream,
    share: Share,
    number: u64,
    due: f64,
}

impl Schedule {
    /// A schedule from its start. `stream` is drawn from by Poisson arrivals only; all shares of a schedule must be given the same stream.
    #[must_use]
    pub fn new(shape: Shape, arrival: Arrival, stream: Stream, share: Share) -> Self {
        Self {
            shape,
            arrival,
            stream,
            share,
            number: 0,
            due: 0.0,
        }
    }

    /// The gap to the next operation, in operations due.
    fn gap(&mut self) -> f64 {
        match self.arrival {
            Arrival::Even => 1.0,
            Arrival::Poisson => {
                // 53 random bits in (0, 1]: never the logarithm of zero.
                #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
                let uniform = ((self.stream.bits() >> 11) + 1) as f64 / (1u64 << 53) as f64;
                -uniform.ln()
            }
        }
    }
}

impl Iterator for Schedule {
    /// The operation's number in the whole schedule, and its intended start in nanoseconds since the start.
    type Item = (u64, u64);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let number = self.number;
            if self.arrival == Arrival::Poisson {
                self.due += self.gap();
            }
            let due = self.due;
            if self.arrival == Arrival::Even {
                self.due += self.gap();
            }
            self.number += 1;
            if self.share.has(number) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a time above 0 and far below 584 years"
                )]
                let start_ns = (self.shape.when(due) * 1e9).round() as u64;
                return Some((number, start_ns));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn schedule(shape: Shape, arrival: Arrival, share: Share) -> Schedule {
        Schedule::new(shape, arrival, Seed(7).stream("arrivals"), share)
    }

    #[test]
    fn even_arrivals_lie_on_the_grid() {
        let starts: Vec<u64> = schedule(
            Shape::Constant { rate: 1000.0 },
            Arrival::Even,
            Share::WHOLE,
        )
        .take(4)
        .map(|(_, start)| start)
        .collect();
        assert_eq!(starts, [0, 1_000_000, 2_000_000, 3_000_000]);
    }

    #[test]
    fn shares_partition_the_schedule() {
        for arrival in [Arrival::Even, Arrival::Poisson] {
            let shape = Shape::Ramp {
                from: 10.0,
                to: 500.0,
                over_s: 3.0,
            };
            let whole: Vec<_> = schedule(shape.clone(), arrival, Share::WHOLE)
                .take(300)
                .collect();
            let mut joined: Vec<_> = (1..=3)
                .flat_map(|index| {
                    let share = Share::new(index, 3).expect("1, 2 and 3 are shares of 3");
                    schedule(shape.clone(), arrival, share).take(100)
                })
                .collect();
            joined.sort_unstable();
            assert_eq!(joined, whole);
        }
    }

    #[test]
    fn poisson_arrivals_keep_the_rate_and_scatter() {
        let count = 20_000;
        let starts: Vec<u64> = schedule(
            Shape::Constant { rate: 1000.0 },
            Arrival::Poisson,
            Share::WHOLE,
        )
        .take(count)
        .map(|(_, start)| start)
        .collect();
        let seconds = starts[count - 1] as f64 / 1e9;
        assert!(
            (19.4..20.6).contains(&seconds),
            "20,000 operations at 1,000/s took {seconds} s"
        );
        let short = starts
            .windows(2)
            .filter(|pair| pair[1] - pair[0] < 500_000)
            .count();
        let share = short as f64 / count as f64;
        assert!(
            (0.37..0.42).contains(&share),
            "1 - exp(-1/2) = 39.3 % of gaps are short, not {share}"
        );
    }

    #[test]
    fn no_share_outside_its_whole() {
        assert_eq!(Share::new(0, 4), None);
        assert_eq!(Share::new(5, 4), None);
        assert_eq!(Share::new(1, 1), Some(Share::WHOLE));
    }
}
