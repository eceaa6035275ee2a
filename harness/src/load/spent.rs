//! What the sending thread cost, and what it and the machine had to do without meanwhile.

use std::{fs::read_to_string, time::Instant};

use nix::sys::resource::UsageWho;

use crate::cpu::spent_us;

/// What this thread, which sends everything and does nothing else, has spent, and the machine has missed, until some instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    at: Instant,
    /// On a CPU.
    busy_us: Option<f64>,
    /// Ready to run, while others ran.
    waited_us: Option<f64>,
    machine: Option<Ticks>,
}

/// Shares of a time. What the system does not tell is not there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratios {
    /// Of the thread's time: on a CPU.
    pub(crate) busy: Option<f64>,
    /// Of the thread's time: waiting for a CPU.
    pub(crate) waited: Option<f64>,
    /// Of the time of all CPUs: what the host of a virtual machine gave to others.
    pub(crate) stolen: Option<f64>,
}

impl Spent {
    pub(super) fn now() -> Self {
        // Time on a CPU, time spent waiting for one, both in nanoseconds, and turns. Not every kernel keeps it.
        let schedule = read_to_string("/proc/thread-self/schedstat").ok();
        let waited_ns = schedule.and_then(|line| line.split(' ').nth(1)?.parse::<f64>().ok());
        Self {
            at: Instant::now(),
            busy_us: spent_us(UsageWho::RUSAGE_THREAD).map(|us| us as f64),
            waited_us: waited_ns.map(|ns| ns / 1e3),
            machine: read_to_string("/proc/stat")
                .ok()
                .and_then(|text| Ticks::parse(&text)),
        }
    }

    /// What became of the time since.
    pub(super) fn since(self) -> Ratios {
        let now = Self::now();
        let elapsed_us = (now.at - self.at).as_secs_f64() * 1e6;
        let share = |from: Option<f64>, to: Option<f64>| {
            Some((to? - from?) / elapsed_us).filter(|share| share.is_finite())
        };
        Ratios {
            busy: share(self.busy_us, now.busy_us),
            waited: share(self.waited_us, now.waited_us),
            stolen: self
                .machine
                .zip(now.machine)
                .and_then(|(from, to)| from.stolen_until(to)),
        }
    }
}

/// What all CPUs did since the machine was started, as `/proc/stat` counts it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ticks {
    all: f64,
    stolen: f64,
}

impl Ticks {
    fn parse(stat: &str) -> Option<Self> {
        let counts = stat.lines().next()?.strip_prefix("cpu ")?;
        // User, nice, system, idle, iowait, irq, softirq, steal; what follows is in user and nice already.
        let ticks: Vec<f64> = counts
            .split_whitespace()
            .take(8)
            .map_while(|count| count.parse().ok())
            .collect();
        let stolen = *ticks.get(7)?;
        Some(Self {
            all: ticks.iter().sum(),
            stolen,
        })
    }

    /// The share of the time in between. Kernels have been seen to take stolen time back.
    fn stolen_until(self, to: Self) -> Option<f64> {
        let share = (to.stolen - self.stolen) / (to.all - self.all);
        share.is_finite().then_some(share.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_the_eighth_count_and_guests_are_not_counted_twice() {
        let from = Ticks::parse("cpu  10 0 20 60 0 0 0 10 7 3\ncpu0 1 2 3").expect("it is one");
        let to = Ticks::parse("cpu  30 0 30 120 0 0 0 20 9 5\n").expect("it is one");
        assert_eq!(
            [from.all, from.stolen, to.all, to.stolen],
            [100.0, 10.0, 200.0, 20.0]
        );
        assert_eq!(from.stolen_until(to), Some(0.1));
        assert_eq!(from.stolen_until(from), None, "no time has passed");
        let back = Ticks { stolen: 9.0, ..to };
        assert_eq!(from.stolen_until(back), Some(0.0), "taken back");
        for other in ["", "cpu  1 2 3", "intr 1 2 3 4 5 6 7 8"] {
            assert_eq!(Ticks::parse(other), None, "{other:?}");
        }
    }
}
