//! YCSB's zipfian distribution, over any number of items, in constant time and memory.
//!
//! The method is that of J. Gray et al., *Quickly Generating Billion-Record Synthetic Databases* (SIGMOD 1994), as YCSB uses it (B. Cooper et al.,
//! *Benchmarking Cloud Serving Systems with YCSB*, SoCC 2010). YCSB draws a rank among ten billion items and hashes it into the table,
//! so that the skew hardly depends on the table's size and hot keys lie anywhere; two ranks may meet in one key.

use super::power::power;
use crate::seed::Stream;

/// YCSB's exponent.
const THETA: f64 = 0.99;

/// How many items the ranks lie among, whatever the size of the table.
const YCSB_ITEMS: u64 = 10_000_000_000;

/// The sum of `1 / i^0.99` over that many items, as YCSB has it.
const YCSB_ZETA: f64 = 26.469_028_201_783_02;

/// Draws ranks; rank 0 is the most frequent.
#[derive(Clone, Debug)]
pub(super) struct Zipfian {
    items: f64,
    zeta: f64,
    eta: f64,
    alpha: f64,
    /// `1 + 1/2^theta`: below it, a scaled draw means rank 0 or 1.
    second: f64,
}

impl Zipfian {
    /// Ranks among ten billion, as YCSB draws them before it hashes.
    pub(super) fn of_ycsb() -> Self {
        Self::with_zeta(YCSB_ITEMS, YCSB_ZETA)
    }

    /// Ranks among so many items.
    pub(super) fn new(items: u64) -> Self {
        Self::with_zeta(items, zeta(items))
    }

    fn with_zeta(items: u64, zeta: f64) -> Self {
        assert!(items > 0, "there must be an item");
        let items = float(items);
        let second = 1.0 + power(0.5, THETA);
        // Of one or two items the first tests below decide alone, and eta is not needed.
        let eta = if items > 2.0 {
            (1.0 - power(2.0 / items, 1.0 - THETA)) / (1.0 - second / zeta)
        } else {
            0.0
        };
        Self {
            items,
            zeta,
            eta,
            alpha: 1.0 / (1.0 - THETA),
            second,
        }
    }

    /// The next rank.
    pub(super) fn draw(&self, stream: &mut Stream) -> u64 {
        // 53 random bits in [0, 1).
        let uniform = float(stream.bits() >> 11) / float(1 << 53);
        let scaled = uniform * self.zeta;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < self.second {
            return 1;
        }
        let rank = self.items * power(self.eta * uniform - self.eta + 1.0, self.alpha);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of items"
        )]
        let rank = rank.min(self.items - 1.0) as u64;
        rank
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the callers' numbers are below 2^53"
)]
fn float(number: u64) -> f64 {
    assert!(number <= 1 << 53);
    number as f64
}

/// The sum of `1 / i^theta` for `i` from 1 to `items`: the first terms one by one, the others by the formula of Euler and Maclaurin.
fn zeta(items: u64) -> f64 {
    const SUMMED: u64 = 1000;
    let term = |i: u64| power(float(i), -THETA);
    let head: f64 = (1..=items.min(SUMMED)).rev().map(term).sum();
    if items <= SUMMED {
        return head;
    }
    let (from, to) = (float(SUMMED), float(items));
    let integral = (power(to, 1.0 - THETA) - power(from, 1.0 - THETA)) / (1.0 - THETA);
    let ends = (term(items) - term(SUMMED)) / 2.0;
    let slopes = THETA / 12.0 * (term(SUMMED) / from - term(items) / to);
    head + integral + ends + slopes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn zeta_of_ten_billion_is_ycsb_s() {
        let computed = zeta(YCSB_ITEMS);
        assert!((computed - YCSB_ZETA).abs() < 1e-8, "{computed}");
        let summed: f64 = (1..=5000).rev().map(|i| power(f64::from(i), -THETA)).sum();
        assert!((zeta(5000) - summed).abs() < 1e-12);
    }

    #[test]
    fn the_first_ranks_are_as_frequent_as_the_formula_says() {
        let zipfian = Zipfian::new(1000);
        let mut stream = Seed(5).stream("zipfian");
        let draws = 200_000;
        let mut counts = vec![0u32; 1000];
        for _ in 0..draws {
            counts[usize::try_from(zipfian.draw(&mut stream)).expect("below 1000")] += 1;
        }
        let sum = zeta(1000);
        // Gray's method is exact for two ranks and within some per cent for the others: judge them in groups.
        for (from, to, slack) in [
            (0, 1, 0.02),
            (1, 2, 0.03),
            (2, 10, 0.1),
            (10, 100, 0.05),
            (100, 1000, 0.05),
        ] {
            let drawn: u32 = counts[from..to].iter().sum();
            let share: f64 = (from..to)
                .map(|rank| power(rank as f64 + 1.0, -THETA) / sum)
                .sum();
            let ratio = f64::from(drawn) / (f64::from(draws) * share);
            assert!(
                (ratio - 1.0).abs() < slack,
                "ranks {from} to {to}: {ratio} of what is expected"
            );
        }
    }

    #[test]
    fn few_items_are_possible() {
        let mut stream = Seed(5).stream("zipfian");
        for items in 1..5 {
            let zipfian = Zipfian::new(items);
            assert!((0..1000).all(|_| zipfian.draw(&mut stream) < items));
        }
    }
}
