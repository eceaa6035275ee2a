//! One seed per run, and named streams of draws forked from it.
//!
//! A stream depends on the seed and its name alone, so a draw added in one place shifts no other stream. The raw numbers
//! are ChaCha8 (the same in every release of its crate that we measured); ranges, shuffles and coins are our own, because library
//! versions have changed theirs. A seed printed today means the same next year: the tests below pin the values.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// The number that decides every draw of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of this name. The same seed and name give the same draws, whatever else was drawn.
    #[must_use]
    pub fn stream(self, name: &str) -> Stream {
        let mut key = [0; 32];
        key[0..8].copy_from_slice(&self.0.to_le_bytes());
        key[8..16].copy_from_slice(&fnv1a(name, 0xcbf2_9ce4_8422_2325).to_le_bytes());
        key[16..24].copy_from_slice(&fnv1a(name, 0x9e37_79b9_7f4a_7c15).to_le_bytes());
        Stream(ChaCha8Rng::from_seed(key))
    }
}

/// FNV-1a from a given basis: short, stable and good enough to tell stream names apart.
fn fnv1a(name: &str, basis: u64) -> u64 {
    name.bytes().fold(basis, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A short name for a long text, for tests that pin what a generator drew.
#[cfg(test)]
pub(crate) fn digest(text: &str) -> String {
    format!("{:016x}", fnv1a(text, 0xcbf2_9ce4_8422_2325))
}

/// A sequence of draws.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The `number`-th stream beside this one, from its start: operation `number` of a load draws from it without anybody having
    /// drawn the operations before it.
    #[must_use]
    pub fn beside(&self, number: u64) -> Self {
        let mut raw = self.0.clone();
        raw.set_stream(number);
        raw.set_word_pos(0);
        Self(raw)
    }

    /// 64 raw bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`, each equally likely.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a draw needs at least one possible outcome");
        // Lemire's multiplication; the rejected zone keeps it exactly uniform.
        let zone = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            let bytes = product.to_le_bytes();
            let low = u64::from_le_bytes(bytes[0..8].try_into().expect("eight bytes"));
            if low >= zone {
                return u64::from_le_bytes(bytes[8..16].try_into().expect("eight bytes"));
            }
        }
    }

    /// An index into a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        let drawn = self.below(u64::try_from(length).expect("a length fits 64 bits"));
        usize::try_from(drawn).expect("it is below a usize")
    }

    /// A time from the exponential distribution of mean 1: half of all draws are below 0.69, one in a thousand is above 6.9.
    pub fn exponential(&mut self) -> f64 {
        // 53 bits are all that a float between 0 and 1 holds; the logarithm is never that of 0.
        let uniform = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        -(1.0 - uniform).ln()
    }

    /// True with this probability, in parts per thousand.
    pub fn chance(&mut self, per_thousand: u64) -> bool {
        self.below(1000) < per_thousand
    }

    /// One element of a list that is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.index(list.len())]
    }

    /// Puts the list into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.index(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_pinned() {
        let mut stream = Seed(7).stream("pinned");
        let bits: Vec<u64> = (0..2).map(|_| stream.bits()).collect();
        let small: Vec<u64> = (0..8).map(|_| stream.below(10)).collect();
        let mut list = [0, 1, 2, 3, 4, 5, 6, 7];
        stream.shuffle(&mut list);
        let coins: Vec<bool> = (0..6).map(|_| stream.chance(500)).collect();
        insta::assert_snapshot!(format!("{bits:?} {small:?} {list:?} {coins:?}"), @"[3475163275812199333, 8709921922269359712] [0, 0, 1, 8, 5, 6, 6, 7] [7, 5, 6, 1, 3, 4, 2, 0] [true, true, true, true, false, false]");
    }

    #[test]
    fn a_stream_depends_on_seed_and_name_alone() {
        let mut other = Seed(7).stream("other");
        other.bits();
        assert_eq!(Seed(7).stream("a").bits(), Seed(7).stream("a").bits());
        assert_ne!(Seed(7).stream("a").bits(), Seed(7).stream("b").bits());
        assert_ne!(Seed(7).stream("a").bits(), Seed(8).stream("a").bits());
    }

    #[test]
    fn streams_beside_each_other_need_no_order() {
        let stream = Seed(7).stream("beside");
        let mut drawn_from = stream.clone();
        drawn_from.bits();
        let bits = [0, 1, u64::MAX].map(|number| stream.beside(number).bits());
        assert_eq!(
            bits,
            [0, 1, u64::MAX].map(|number| drawn_from.beside(number).bits())
        );
        insta::assert_snapshot!(format!("{bits:?}"), @"[12992116202061784500, 12254776074127671504, 14768126965272458173]");
    }

    #[test]
    fn every_outcome_of_a_small_range_is_about_equally_likely() {
        let mut stream = Seed(1).stream("uniform");
        let mut counts = [0u32; 6];
        for _ in 0..6000 {
            counts[stream.index(6)] += 1;
        }
        assert!(
            counts.iter().all(|&count| (850..1150).contains(&count)),
            "{counts:?}"
        );
    }
}
