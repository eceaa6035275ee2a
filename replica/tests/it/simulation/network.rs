//! The virtual network: which messages arrive, when, and how often.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

const MS: u64 = 1_000_000;

/// Draws that mean the same next year: plain remainders of one stream.
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    pub(super) fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("below the bound")
    }

    pub(super) fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// Links between regions, by (from, to).
pub(super) struct Network {
    cut: Vec<Vec<bool>>,
    pub(super) is_lossy: bool,
}

impl Network {
    pub(super) fn new(regions: usize) -> Self {
        Self {
            cut: vec![vec![false; regions]; regions],
            is_lossy: false,
        }
    }

    pub(super) fn cut(&mut self, from: usize, to: usize) {
        self.cut[from][to] = true;
    }

    pub(super) fn heal(&mut self) {
        self.cut.iter_mut().flatten().for_each(|cut| *cut = false);
    }

    /// After how many nanoseconds each copy of a message arrives; none when it is lost.
    pub(super) fn arrivals(&self, from: usize, to: usize, draws: &mut Draws) -> Vec<u64> {
        let mut arrivals = vec![(1 + draws.below(40)) * MS];
        if !self.is_lossy {
            return arrivals;
        }
        if draws.one_in(10) {
            // A copy that was stuck in a dead connection.
            arrivals.push((1 + draws.below(2_000)) * MS);
        }
        if self.cut[from][to] || draws.one_in(12) {
            arrivals.remove(0);
        }
        if self.cut[from][to] {
            arrivals.clear();
        }
        arrivals
    }
}
