//! When the operations of one slot start.

use crate::seed::Stream;

/// Starts between half and one and a half intervals apart, so that slots do not march in step. A slot that was held up does not catch up.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    due_ns: u64,
    interval_ns: u64,
    usual_ns: u64,
}

impl Pace {
    /// The pace of the slot with this number among the `concurrency` slots of its region, when all slots together make `rate` operations
    /// per second.
    pub(crate) fn new(regions: u8, concurrency: usize, rate: u64, number: usize) -> Self {
        let slots = concurrency as u64 * u64::from(regions);
        let interval_ns = slots * 1_000_000_000 / rate;
        Self {
            due_ns: interval_ns * number as u64 / concurrency as u64,
            interval_ns,
            usual_ns: interval_ns,
        }
    }

    /// So many times as many operations as usual, from the one after the next on.
    pub(crate) fn hurry(&mut self, times: u64) {
        assert!(times > 0, "no operations at all would be another fault");
        self.interval_ns = self.usual_ns / times;
    }

    /// When the next operation starts.
    pub(crate) fn start(&mut self, now_ns: u64, stream: &mut Stream) -> u64 {
        let at_ns = self.due_ns.max(now_ns);
        self.due_ns = at_ns + self.interval_ns / 2 + stream.below(self.interval_ns.max(1));
        at_ns
    }

    /// When the operation after the next starts at the earliest.
    pub(crate) fn due_ns(&self) -> u64 {
        self.due_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn the_rate_is_kept_and_a_pause_is_not_made_up_for() {
        let mut stream = Seed(1).stream("pace");
        let mut pace = Pace::new(2, 5, 100, 0);
        let starts: Vec<u64> = (0..1000).map(|_| pace.start(0, &mut stream)).collect();
        let mean_ns = starts[999] / 999;
        assert!((97_000_000..103_000_000).contains(&mean_ns), "{mean_ns}");
        let late_ns = starts[999] + 60_000_000_000;
        assert_eq!(pace.start(late_ns, &mut stream), late_ns);
        let next_ns = pace.start(late_ns, &mut stream);
        assert!(next_ns >= late_ns + 50_000_000);
        pace.hurry(4);
        let hurried: Vec<u64> = (0..1001).map(|_| pace.start(0, &mut stream)).collect();
        let mean_ns = (hurried[1000] - hurried[1]) / 999;
        assert!((24_000_000..26_000_000).contains(&mean_ns), "{mean_ns}");
        pace.hurry(1);
        assert_eq!(pace.interval_ns, 100_000_000);
    }
}
