//! The operations that the timeline draws: all of them in a short run, an even share of a long one.
//!
//! Each region keeps so many of each ending. When a share overflows, every second one is dropped and from then on only every second one
//! is taken: deterministic, in time order, bounded. What was left out is known and said.

use super::{Ending, Kind};

/// One operation, to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampledOperation {
    /// Who asked.
    pub process: u32,
    /// What.
    pub kind: Kind,
    /// The item, if it was about one.
    pub key: Option<u64>,
    /// When it was asked, nanoseconds since the run began.
    pub call_ns: u64,
    /// When it ended, or the client gave up; `None` if it was still open when the history ended.
    pub return_ns: Option<u64>,
    /// How it ended.
    pub ending: Ending,
    /// The error code, if it failed.
    pub error: Option<String>,
}

/// What is drawn of one region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegionSample {
    /// The operations, by the time at which they were asked.
    pub operations: Vec<SampledOperation>,
    /// How many there were for each one kept, by ending: ok, fail, info. 1: all are here.
    pub one_in: [u64; 3],
    /// How many there were altogether.
    pub of: u64,
}

/// What is drawn of a run, by region in the order of the run's regions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// One entry per region.
    pub regions: Vec<RegionSample>,
}

/// How many of each ending are drawn in one lane. Beyond that, marks would lie on each other anyway.
const KEPT_MAX: [usize; 3] = [3_000, 400, 400];

#[derive(Default)]
struct Share {
    kept: Vec<SampledOperation>,
    seen: u64,
    one_in: u64,
}

/// Collects the sample of one region.
#[derive(Default)]
pub(super) struct Sampler {
    shares: [Share; 3],
}

fn index(ending: Ending) -> usize {
    match ending {
        Ending::Ok => 0,
        Ending::Fail => 1,
        Ending::Info => 2,
    }
}

impl Sampler {
    pub(super) fn add(&mut self, ending: Ending, operation: impl FnOnce() -> SampledOperation) {
        let kept_max = KEPT_MAX[index(ending)];
        let share = &mut self.shares[index(ending)];
        share.one_in = share.one_in.max(1);
        if share.seen.is_multiple_of(share.one_in) {
            share.kept.push(operation());
        }
        share.seen += 1;
        if share.kept.len() > kept_max {
            let mut position = 0_usize;
            share.kept.retain(|_| {
                position += 1;
                position % 2 == 1
            });
            share.one_in *= 2;
        }
    }

    pub(super) fn finish(self) -> RegionSample {
        let one_in = [0, 1, 2].map(|ending: usize| self.shares[ending].one_in.max(1));
        let of = self.shares.iter().map(|share| share.seen).sum();
        let mut operations: Vec<_> = self
            .shares
            .into_iter()
            .flat_map(|share| share.kept)
            .collect();
        operations.sort_by_key(|operation| (operation.call_ns, operation.process));
        RegionSample {
            operations,
            one_in,
            of,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_share_is_kept_and_the_cut_is_known() {
        let mut sampler = Sampler::default();
        for call_ns in 0..100_000 {
            sampler.add(Ending::Ok, || SampledOperation {
                process: 0,
                kind: Kind::Read,
                key: None,
                call_ns,
                return_ns: Some(call_ns + 1),
                ending: Ending::Ok,
                error: None,
            });
        }
        let sample = sampler.finish();
        assert_eq!((sample.of, sample.one_in), (100_000, [64, 1, 1]));
        assert!(
            sample
                .operations
                .windows(2)
                .all(|pair| pair[1].call_ns - pair[0].call_ns == 64)
        );
        assert_eq!(sample.operations.len(), 1_563);
    }
}
